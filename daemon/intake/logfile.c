/* See logfile.h. */
#include "config.h"

#include "daemon/intake/logfile.h"

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/intake/rotated.h"
#include "daemon/report/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct logfile {
    char *path;
    struct lines *lines;
    int fd;                       /* -1: none open */
    struct log_position position; /* offset: where lines began to be fed */
    struct log_position before;   /* where the file before this one ended */
    uint64_t read_to;             /* offset of the next read */
    int leaving;                  /* renamed, and at its end when last visited */
    int problem;                  /* errno of the last attempt to open, 0 */
    unsigned gaps;
};

static uint64_t taken_to(const struct logfile *file)
{
    return file->position.offset + lines_taken(file->lines);
}

/* Takes fd and goes on at offset; in the middle of a line its rest is skipped.
 * From since on all has been taken. */
static void use(struct logfile *file, int fd_take, uint64_t offset, uint64_t since)
{
    struct stat status = {0};
    char before = '\n';

    if (file->position.head_length)
        (void)logfile_position(file, &file->before);
    if (file->fd >= 0)
        close(file->fd);
    (void)!fstat(fd_take, &status);
    if (offset && pread(fd_take, &before, 1, (off_t)offset - 1) != 1)
        before = '\n';
    file->fd = fd_take;
    file->leaving = 0;
    file->read_to = offset;
    file->position = (struct log_position){
        .device = (uint64_t)status.st_dev,
        .inode = (uint64_t)status.st_ino,
        .since = since,
        .offset = offset,
        .head_length = offset < ROTATED_HEAD_MAX ? offset : ROTATED_HEAD_MAX,
    };
    if (rotated_hash_head(fd_take, file->position.head_length, &file->position.head_hash))
        file->position.head_length = 0, file->position.head_hash = HASH_OF_NOTHING;
    lines_reset(file->lines, before != '\n');
}

static int open_path(struct logfile *file)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    file->problem = fd < 0 ? errno : 0;
    return fd;
}

/* Where to go on when the open file is done with: -1 for nowhere yet. A copy of
 * the file at the path, which is about to be truncated, would be read twice. */
static int next_file(struct logfile *file)
{
    struct stat old;
    int next, at_path;

    if (fstat(file->fd, &old))
        return -1;
    next = rotated_next(file->path, &old);
    at_path = open_path(file);
    if (next >= 0 && at_path >= 0 && rotated_is_copy(next, at_path)) {
        close(next);
        next = -1;
    }
    if (next >= 0 && at_path >= 0)
        close(at_path);
    return next >= 0 ? next : at_path;
}

/* What came of reading on; READ_OTHER: another file is open. */
enum reading { READ_NOTHING, READ_MORE, READ_OTHER };

/* The open file has been truncated: what was cut away stands in a copy. */
static enum reading find_copy(struct logfile *file)
{
    uint64_t offset = taken_to(file);
    int fd = rotated_find(file->path, &file->position, offset);

    if (fd >= 0) {
        use(file, fd, offset, file->position.since);
        return READ_MORE;
    }
    if ((fd = open_path(file)) < 0)
        return READ_NOTHING;
    file->gaps++;
    use(file, fd, 0, 0);
    return READ_OTHER;
}

/* 1: *line_r is the unfinished last line; 0: not until the next visit, which may be of another file. */
static int at_end(struct logfile *file, struct span *line_r)
{
    struct stat open_file, at_path;
    int fd;

    if (fstat(file->fd, &open_file) || (!stat(file->path, &at_path) && open_file.st_ino == at_path.st_ino &&
                                        open_file.st_dev == at_path.st_dev))
        return 0;
    if (!file->leaving) {
        file->leaving = 1;
        return 0;
    }
    if ((fd = next_file(file)) < 0)
        return 0;
    if (lines_last(file->lines, line_r)) {
        close(fd);
        return 1;
    }
    use(file, fd, 0, 0);
    return 0;
}

/* The first bytes, as they are read: what stands there later may be another file's. */
static void learn_head(struct logfile *file, const char *bytes, size_t length)
{
    struct log_position *position = &file->position;

    if (position->head_length != file->read_to)
        return;
    if (length > ROTATED_HEAD_MAX - position->head_length)
        length = ROTATED_HEAD_MAX - position->head_length;
    position->head_hash = hash_bytes(position->head_hash, bytes, length);
    position->head_length += length;
}

/* A file of which nothing has been read may have been filled, copied and
 * truncated since: the copy stands between the file before and this one. */
static void catch_up(struct logfile *file)
{
    struct stat old, now, then;
    int before, next = -1;

    if (file->read_to || !file->before.head_length ||
        (before = rotated_find(file->path, &file->before, file->before.offset)) < 0)
        return;
    if (!fstat(before, &old) && !fstat(file->fd, &now) && (next = rotated_next(file->path, &old)) >= 0) {
        if (!fstat(next, &then) && then.st_ino != now.st_ino && !rotated_is_copy(next, file->fd))
            use(file, next, 0, 0);
        else
            close(next);
    }
    close(before);
}

static enum reading read_more(struct logfile *file)
{
    size_t room;
    char *space = lines_space(file->lines, &room);
    ssize_t got;

    if (!rotated_is(file->fd, &file->position, file->read_to))
        return find_copy(file);
    got = pread(file->fd, space, room, (off_t)file->read_to);
    if (got <= 0)
        return READ_NOTHING;
    learn_head(file, space, (size_t)got);
    lines_added(file->lines, (size_t)got);
    file->read_to += (uint64_t)got;
    file->leaving = 0;
    return READ_MORE;
}

int logfile_next(struct logfile *file, struct span *line_r)
{
    enum reading reading;
    int fd;

    if (file->fd < 0) {
        if ((fd = open_path(file)) < 0)
            return 0;
        use(file, fd, 0, 0);
    }
    catch_up(file);
    while (!lines_next(file->lines, line_r))
        if ((reading = read_more(file)) != READ_MORE)
            return reading == READ_NOTHING && at_end(file, line_r);
    return 1;
}

/* A file of which nothing has been read could not be known again from a copy:
 * until then the position is the end of the one before. */
int logfile_position(const struct logfile *file, struct log_position *position_r)
{
    struct stat status;

    if (!file->position.head_length && file->before.head_length) {
        *position_r = file->before;
        return 1;
    }
    *position_r = file->position;
    position_r->offset = taken_to(file);
    if (file->fd >= 0 && !fstat(file->fd, &status))
        position_r->time = status.st_mtim.tv_sec;
    return position_r->inode != 0;
}

unsigned logfile_gaps(const struct logfile *file)
{
    return file->gaps;
}

const char *logfile_problem(const struct logfile *file)
{
    return file->problem ? strerror(file->problem) : NULL;
}

/* The position's file has gone: the next one is the oldest that was written to after
 * it. Not after the position was saved: who is behind has newer files to read yet. */
static void skip_gap(struct logfile *file, const struct log_position *from)
{
    const struct stat then = {.st_mtim = {.tv_sec = from->time, .tv_nsec = 999999999}};
    int fd = from->time ? rotated_next(file->path, &then) : -1;

    file->gaps += from->offset > 0;
    if (fd >= 0)
        use(file, fd, 0, 0);
}

/* Where the position points to now: the file at the path, else one that was rotated. */
static void take_up(struct logfile *file, const struct log_position *from)
{
    struct stat status;
    int fd = open_path(file), other;

    if (fd >= 0 && !fstat(fd, &status) && (uint64_t)status.st_ino == from->inode &&
        rotated_is(fd, from, from->offset)) {
        use(file, fd, from->offset, from->since);
    } else {
        if ((other = rotated_find(file->path, from, from->offset)) >= 0)
            use(file, other, from->offset, from->since);
        else if (fd >= 0 && from->head_length && rotated_is(fd, from, from->offset))
            use(file, dup(fd), from->offset, from->since); /* moved to another disk, say */
        else
            skip_gap(file, from);
        if (fd >= 0)
            close(fd);
    }
    if (file->fd < 0)
        file->position = *from;
    else if (file->read_to) {
        file->position.head_length = from->head_length;
        file->position.head_hash = from->head_hash;
    }
}

static void use_end(struct logfile *file, int fd_take)
{
    struct stat status;
    uint64_t end = fstat(fd_take, &status) ? 0 : (uint64_t)status.st_size;

    use(file, fd_take, end, end);
}

struct logfile *logfile_open(const char *path, const struct log_position *from)
{
    struct logfile *file = xcalloc(1, sizeof(*file));
    int fd;

    file->path = xstrdup(path);
    file->lines = lines_new();
    file->fd = -1;
    if (from)
        take_up(file, from);
    else if ((fd = open_path(file)) >= 0)
        use_end(file, fd);
    return file;
}

void logfile_close(struct logfile **file)
{
    struct logfile *old = *file;

    *file = NULL;
    if (!old)
        return;
    if (old->fd >= 0)
        close(old->fd);
    lines_free(&old->lines);
    free(old->path);
    free(old);
}
