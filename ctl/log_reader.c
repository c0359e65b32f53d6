/* See log_reader.h. */
#include "config.h"

#include "ctl/log_reader.h"

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/intake/rotated.h"
#include "daemon/report/lines.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536
#define QUIET 60 /* seconds after which nobody finishes a line any more */

struct log_reader {
    char *name;
    int fd;
    struct stat status;
    struct archive *archive;
    struct lines *lines;
    unsigned char head[ROTATED_HEAD_MAX];
    size_t head_length;
    int ended;
};

static int fail(const struct log_reader *reader, const char *why, struct error *error)
{
    return error_set(error, ERROR_ENVIRONMENT, "%s: %s", reader->name, why);
}

static int open_file(struct log_reader *reader, struct error *error)
{
    reader->fd = strcmp(reader->name, "-") ? open(reader->name, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
    if (reader->fd < 0 || fstat(reader->fd, &reader->status))
        return fail(reader, strerror(errno), error);
    if (S_ISDIR(reader->status.st_mode))
        return fail(reader, strerror(EISDIR), error);
    if (S_ISREG(reader->status.st_mode) && flock(reader->fd, LOCK_EX | LOCK_NB))
        return fail(reader, "another suppressctl is reading it", error);
    return 0;
}

static int open_archive(struct log_reader *reader, struct error *error)
{
    struct archive_entry *entry;
    int result;

    if (!(reader->archive = archive_read_new()) || archive_read_support_filter_all(reader->archive) < ARCHIVE_WARN ||
        archive_read_support_format_raw(reader->archive) < ARCHIVE_WARN ||
        archive_read_support_format_empty(reader->archive) < ARCHIVE_WARN ||
        archive_read_open_fd(reader->archive, reader->fd, CHUNK) < ARCHIVE_WARN)
        return fail(reader, reader->archive ? archive_error_string(reader->archive) : "no memory", error);
    result = archive_read_next_header(reader->archive, &entry);
    reader->ended = result == ARCHIVE_EOF;
    return result < ARCHIVE_WARN ? fail(reader, archive_error_string(reader->archive), error) : 0;
}

static void learn_head(struct log_reader *reader, const char *bytes, size_t length)
{
    size_t room = sizeof(reader->head) - reader->head_length;

    length = length < room ? length : room;
    memcpy(reader->head + reader->head_length, bytes, length);
    reader->head_length += length;
}

/* 0, or -1; at the end of the file ended is set. */
static int read_more(struct log_reader *reader, struct error *error)
{
    size_t room;
    char *space = lines_space(reader->lines, &room);
    ssize_t got;

    do
        got = archive_read_data(reader->archive, space, room);
    while (got == ARCHIVE_RETRY);
    if (got < 0) {
        const char *why = archive_error_string(reader->archive);

        return fail(reader, why ? why : "cannot be read", error);
    }
    learn_head(reader, space, (size_t)got);
    lines_added(reader->lines, (size_t)got);
    reader->ended = !got;
    return 0;
}

struct log_reader *log_reader_open(const char *name, struct error *error)
{
    struct log_reader *reader = xcalloc(1, sizeof(*reader));

    reader->name = xstrdup(name);
    reader->lines = lines_new();
    /* The head is wanted before the first line. */
    if (open_file(reader, error) || open_archive(reader, error) || (!reader->ended && read_more(reader, error)))
        log_reader_close(&reader);
    return reader;
}

void log_reader_close(struct log_reader **reader)
{
    struct log_reader *old = *reader;

    *reader = NULL;
    if (!old)
        return;
    archive_read_free(old->archive);
    lines_free(&old->lines);
    if (old->fd > STDIN_FILENO)
        close(old->fd);
    free(old->name);
    free(old);
}

static int is_finished(const struct log_reader *reader)
{
    return !log_reader_is_plain(reader) || !S_ISREG(reader->status.st_mode) ||
           reader->status.st_mtim.tv_sec + QUIET < time(NULL);
}

int log_reader_next(struct log_reader *reader, struct span *line_r, struct error *error)
{
    while (!lines_next(reader->lines, line_r)) {
        if (reader->ended)
            return is_finished(reader) && lines_last(reader->lines, line_r);
        if (read_more(reader, error))
            return -1;
    }
    return 1;
}

uint64_t log_reader_offset(const struct log_reader *reader)
{
    return lines_taken(reader->lines);
}

uint64_t log_reader_taken(const struct log_reader *reader)
{
    return (uint64_t)archive_filter_bytes(reader->archive, -1);
}

const struct stat *log_reader_file(const struct log_reader *reader)
{
    return &reader->status;
}

int log_reader_is_plain(const struct log_reader *reader)
{
    return archive_filter_count(reader->archive) <= 1;
}

int log_reader_is(const struct log_reader *reader, const struct log_position *position)
{
    return position->head_length && position->head_length <= reader->head_length &&
           hash_bytes(HASH_OF_NOTHING, reader->head, position->head_length) == position->head_hash;
}

void log_reader_position(const struct log_reader *reader, uint64_t since, struct log_position *position_r)
{
    *position_r = (struct log_position){
        .device = (uint64_t)reader->status.st_dev,
        .inode = (uint64_t)reader->status.st_ino,
        .since = since,
        .offset = log_reader_offset(reader),
        .head_length = reader->head_length,
        .head_hash = hash_bytes(HASH_OF_NOTHING, reader->head, reader->head_length),
    };
}
