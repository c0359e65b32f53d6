/* See database_file.h. */
#include "config.h"

#include "daemon/ledger/database_file.h"

#include "base/mem.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/own_file.h"
#include "daemon/ledger/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const char *what, struct error *error)
{
    return error_set(error, ERROR_ENVIRONMENT, "%s: %s", what, strerror(errno));
}

int database_file_lock(const char *path, struct error *error)
{
    char *name = xasprintf("%s.lock", path);
    int fd = own_file_open(name, O_NOFOLLOW);

    if (fd < 0) {
        (void)failed(name, error);
    } else if (flock(fd, LOCK_EX | LOCK_NB)) {
        (void)error_set(error, ERROR_ENVIRONMENT, "%s is held by another process: a suppressd is "
                        "running with this database", name);
        close(fd);
        fd = -1;
    }
    free(name);
    return fd;
}

/* What was renamed is there after a power failure, too. */
static int synchronise_folder(const char *path, struct error *error)
{
    char *copy = xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;

    if (fd < 0 || fsync(fd))
        result = failed(copy, error);
    if (fd >= 0)
        close(fd);
    free(copy);
    return result;
}

static int remove_both(const char *path, const char *other, struct error *error)
{
    if (unlink(path) && errno != ENOENT)
        return failed(path, error);
    return unlink(other) && errno != ENOENT ? failed(other, error) : 0;
}

static int make_at(const char *path, struct error *error)
{
    int fd = own_file_open(path, O_NOFOLLOW), result;
    sqlite3 *db = NULL;

    if (fd < 0)
        return failed(path, error);
    close(fd);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        result = sqlite_error(db, "open", error);
    else
        result = migrate(db, error);
    sqlite3_close(db);
    return result;
}

/* A start that is broken off leaves nothing at path. */
static int make(const char *path, struct error *error)
{
    char *fresh = xasprintf("%s.new", path), *journal = xasprintf("%s.new-journal", path);
    int result = remove_both(fresh, journal, error);

    if (!result && !(result = make_at(fresh, error)) && rename(fresh, path))
        result = failed(path, error);
    if (!result)
        result = synchronise_folder(path, error);
    else
        (void)unlink(fresh);
    free(fresh);
    free(journal);
    return result;
}

static int wal_without_file(const char *path)
{
    char *wal = xasprintf("%s-wal", path);
    struct stat status;
    int alone = !stat(wal, &status) && status.st_size > 0;

    free(wal);
    return alone;
}

int database_file_ready(const char *path, struct error *error)
{
    struct stat status;
    int damaged;

    if (stat(path, &status)) {
        if (errno != ENOENT || !lstat(path, &status))
            return error_set(error, ERROR_ENVIRONMENT, "%s", strerror(errno));
        if (wal_without_file(path))
            return error_set(error, ERROR_DAMAGED, "the file is gone, and its -wal is there: %s", MIGRATE_REMEDY);
        return make(path, error);
    }
    if (!status.st_size)
        return error_set(error, ERROR_DAMAGED, "the file is empty, as no suppressd leaves it; put a backup in its "
                         "place, or remove it to begin with nothing known");
    if (access(path, R_OK | W_OK))
        return error_set(error, ERROR_ENVIRONMENT, "%s", strerror(errno));
    if ((damaged = pages_wal_is_damaged(path, error)))
        return damaged < 0 ? -1 : error_set(error, ERROR_DAMAGED, "its -wal is damaged: %s", MIGRATE_REMEDY);
    return 0;
}

static int like(const char *path, const char *from, struct error *error)
{
    struct stat status;

    if (stat(path, &status))
        return errno == ENOENT ? 0 : failed(path, error); /* only its WAL was left */
    return chown(from, status.st_uid, status.st_gid) || chmod(from, status.st_mode & 07777) ? failed(from, error) : 0;
}

/* Two names for the same file; of one that is not there none. */
static int keep(const char *path, const char *aside, struct error *error)
{
    return link(path, aside) && errno != ENOENT ? failed(aside, error) : 0;
}

static int put(const char *from, const char *path, struct error *error)
{
    return rename(from, path) ? failed(path, error) : 0;
}

int database_file_replace(const char *path, const char *from, const char *aside, struct error *error)
{
    char *wal = xasprintf("%s-wal", path), *shm = xasprintf("%s-shm", path), *aside_wal = xasprintf("%s-wal", aside);
    int result = -1;

    if (!like(path, from, error) && !keep(path, aside, error) && !keep(wal, aside_wal, error) &&
        !remove_both(wal, shm, error) && !put(from, path, error))
        result = synchronise_folder(path, error);
    free(wal);
    free(shm);
    free(aside_wal);
    return result;
}
