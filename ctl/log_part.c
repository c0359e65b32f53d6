/* See log_part.h. */
#include "config.h"

#include "ctl/log_part.h"

#include "base/mem.h"
#include "ctl/ask.h"
#include "daemon/intake/journal.h"
#include "daemon/intake/rotated.h"
#include "daemon/ledger/lookup.h"
#include "daemon/settings.h"

#include <stdlib.h>
#include <string.h>

static void add(struct log_parts *parts, uint64_t since, uint64_t offset)
{
    parts->rows = xrealloc(parts->rows, (parts->count + 1) * sizeof(*parts->rows));
    parts->rows[parts->count++] = (struct log_position){.since = since, .offset = offset};
}

static int find_read(struct lookup *lookup, const struct log_reader *reader, struct log_parts *parts,
                     struct error *error)
{
    struct log_position *rows;
    size_t count;

    if (lookup_log_read(lookup, &rows, &count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (log_reader_is(reader, &rows[i]))
            add(parts, rows[i].since, rows[i].offset);
    free(rows);
    return 0;
}

/* What is at this path now. */
static int is_file_at(const char *path, const struct log_reader *reader)
{
    const struct stat *file = log_reader_file(reader);
    struct stat at_path;

    return !stat(path, &at_path) && at_path.st_ino == file->st_ino && at_path.st_dev == file->st_dev;
}

static int is_rotation(const char *log, const char *name)
{
    char *real_log = realpath(log, NULL), *real_name = realpath(name, NULL);
    int is = real_name && rotated_is_name(real_log ? real_log : log, real_name);

    free(real_log);
    free(real_name);
    return is;
}

/* Read by the daemon or to be read by it, from this offset on: 1. */
static int is_ahead(const char *log, const char *name, const struct log_reader *reader,
                    const struct log_position *followed, size_t known, uint64_t *since_r)
{
    *since_r = followed->since;
    if (log_reader_is(reader, followed))
        return 1;
    *since_r = 0;
    return is_file_at(log, reader) ||
           (!known && is_rotation(log, name) && log_reader_file(reader)->st_mtim.tv_sec > followed->time);
}

static int find_ahead(struct ctl *ctl, struct lookup *lookup, const char *name, const struct log_reader *reader,
                      struct log_parts *parts, struct error *error)
{
    const struct settings *settings = ask_settings(ctl, error);
    struct log_position followed;
    uint64_t since;
    int known;

    if (!settings)
        return -1;
    if (!*settings->mail_log || journal_is(settings->mail_log) || !log_reader_is_plain(reader))
        return 0;
    if ((known = lookup_position(lookup, settings->mail_log, &followed, error)) < 0)
        return -1;
    if (!known) {
        parts->follow = is_file_at(settings->mail_log, reader);
    } else if (is_ahead(settings->mail_log, name, reader, &followed, parts->count, &since)) {
        parts->ahead = 1;
        add(parts, since, UINT64_MAX);
    }
    return 0;
}

int log_parts_find(struct ctl *ctl, const char *name, const struct log_reader *reader, struct log_parts *parts_r,
                   struct error *error)
{
    struct lookup *lookup = ask_lookup(ctl, error);
    int failed;

    *parts_r = (struct log_parts){0};
    if (!lookup)
        return -1;
    failed = find_read(lookup, reader, parts_r, error) || find_ahead(ctl, lookup, name, reader, parts_r, error);
    lookup_close(&lookup);
    if (failed) {
        free(parts_r->rows);
        parts_r->rows = NULL;
    }
    return failed ? -1 : 0;
}

int log_parts_ahead(const struct log_parts *parts, uint64_t offset)
{
    return parts->ahead && offset >= parts->rows[parts->count - 1].since;
}

int log_parts_have(const struct log_parts *parts, uint64_t offset)
{
    for (size_t i = 0; i < parts->count; i++)
        if (offset >= parts->rows[i].since && offset < parts->rows[i].offset)
            return 1;
    return 0;
}
