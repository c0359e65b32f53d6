/* See rotated.h. */
#include "config.h"

#include "daemon/intake/rotated.h"

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/report/span.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int rotated_hash_head(int fd, size_t length, uint64_t *hash_r)
{
    unsigned char head[ROTATED_HEAD_MAX];

    if (length > ROTATED_HEAD_MAX || pread(fd, head, length, 0) != (ssize_t)length)
        return -1;
    *hash_r = hash_bytes(HASH_OF_NOTHING, head, length);
    return 0;
}

int rotated_is(int fd, const struct log_position *position, uint64_t size)
{
    struct stat status;
    uint64_t hash;

    return !fstat(fd, &status) && (uint64_t)status.st_size >= size &&
           !rotated_hash_head(fd, position->head_length, &hash) && hash == position->head_hash;
}

int rotated_is_copy(int copy, int file)
{
    struct stat status;
    uint64_t one, other;
    size_t length;

    if (fstat(copy, &status))
        return 0;
    length = status.st_size < ROTATED_HEAD_MAX ? (size_t)status.st_size : ROTATED_HEAD_MAX;
    return !rotated_hash_head(copy, length, &one) && !rotated_hash_head(file, length, &other) && one == other;
}

/* "PATH.1", "PATH-20261123", "PATH.20261123-2215". */
static int is_rotated_name(const char *name, const char *base)
{
    size_t length = strlen(base);

    if (strncmp(name, base, length) || !span_char(name[length], ".-"))
        return 0;
    name += length + 1;
    return *name && strspn(name, "0123456789-") == strlen(name);
}

int rotated_is_name(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - path) : 0;

    return !strncmp(path, name, folder) && is_rotated_name(name + folder, path + folder);
}

static int is_newer(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* What is looked for among the rotated files, and the best so far. */
struct search {
    const struct log_position *position; /* the file of this, at least size long; or ... */
    uint64_t size;
    const struct stat *after;            /* ... the oldest that is newer than this one, and not empty */
    int fd;
    struct stat status;
};

static void consider(struct search *search, int fd_take)
{
    struct stat status;
    int fits = !fstat(fd_take, &status) && S_ISREG(status.st_mode);

    if (fits && search->position)
        fits = (search->position->head_length || (uint64_t)status.st_ino == search->position->inode) &&
               rotated_is(fd_take, search->position, search->size) &&
               (search->fd < 0 || (uint64_t)status.st_ino == search->position->inode ||
                ((uint64_t)search->status.st_ino != search->position->inode &&
                 is_newer(&status, &search->status)));
    else if (fits)
        fits = status.st_size > 0 && is_newer(&status, search->after) && status.st_ino != search->after->st_ino &&
               (search->fd < 0 || is_newer(&search->status, &status));
    if (!fits) {
        close(fd_take);
        return;
    }
    if (search->fd >= 0)
        close(search->fd);
    search->fd = fd_take;
    search->status = status;
}

static void search_all(const char *path, struct search *search)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    DIR *dir = opendir(folder);
    struct dirent *entry;

    search->fd = -1;
    while (dir && (entry = readdir(dir)))
        if (is_rotated_name(entry->d_name, slash ? slash + 1 : path)) {
            int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

            if (fd >= 0)
                consider(search, fd);
        }
    if (dir)
        closedir(dir);
    free(folder);
}

int rotated_find(const char *path, const struct log_position *position, uint64_t size)
{
    struct search search = {.position = position, .size = size};

    search_all(path, &search);
    return search.fd;
}

int rotated_next(const char *path, const struct stat *after)
{
    struct search search = {.after = after};

    search_all(path, &search);
    return search.fd;
}
