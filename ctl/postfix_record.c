/* See postfix_record.h. */
#include "config.h"

#include "ctl/postfix_record.h"

#include "base/hash.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 4 << 20 }; /* bytes; a main.cf is some kilobytes */

static const struct {
    const char *name, *word; /* what its line of the record begins with */
} files[POSTFIX_FILES] = {
    [POSTFIX_MAIN] = {"main.cf", "after"},
    [POSTFIX_MASTER] = {"master.cf", "master"},
};

const char *postfix_file_name(enum postfix_file file)
{
    return files[file].name;
}

static char *file_path(const char *directory, enum postfix_file file)
{
    return xasprintf("%s/%s", directory, files[file].name);
}

static char *backup_path(const char *directory, enum postfix_file file)
{
    return xasprintf("%s/%s.before-suppressd", directory, files[file].name);
}

static char *record_path(const char *directory)
{
    return xasprintf("%s/main.cf.suppressd", directory);
}

/* 1 and the text, 0 if the file is absent, -1. */
static int file_read(const char *path, char **text_r, size_t *length_r, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t length;
    int failed;

    if (!file)
        return errno == ENOENT ? 0
                               : error_set(error, ERROR_ENVIRONMENT, "%s: %s", path,
                                           strerror(errno));
    text = xmalloc(FILE_MAX + 1);
    length = fread(text, 1, FILE_MAX, file);
    failed = ferror(file) || length == FILE_MAX;
    fclose(file);
    if (failed) {
        free(text);
        return error_set(error, ERROR_ENVIRONMENT, "%s: cannot be read or too big", path);
    }
    text[length] = '\0';
    *text_r = xrealloc(text, length + 1);
    *length_r = length;
    return 1;
}

static int write_all(int fd, const char *text, size_t length)
{
    ssize_t done;

    for (; length; text += done, length -= (size_t)done) {
        done = write(fd, text, length);
        if (done < 0 && errno == EINTR)
            done = 0;
        if (done < 0)
            return -1;
    }
    return fsync(fd);
}

/* fd gets the owner and mode of the model, if there is one. */
static int inherit(int fd, const char *model)
{
    struct stat old;

    if (!model)
        return 0;
    if (stat(model, &old))
        return -1;
    if (fchmod(fd, old.st_mode & 07777))
        return -1;
    return old.st_uid == geteuid() ? 0 : fchown(fd, old.st_uid, old.st_gid);
}

/* Replaces a file as a whole: nobody ever reads half of it. */
static int file_write(const char *path, const char *text, size_t length, const char *model,
                      struct error *error)
{
    char *beside = xasprintf("%s.new", path);
    int fd, result = 0;

    (void)unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || inherit(fd, model) || write_all(fd, text, length) || rename(beside, path)) {
        result = error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            (void)unlink(beside);
    }
    if (fd >= 0)
        close(fd);
    free(beside);
    return result;
}

void postfix_record_clear(struct postfix_record *record)
{
    int i;

    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        free(record->additions[i].item);
    *record = (struct postfix_record){0};
}

/* 1 if the line is a file's. */
static int take_file(struct postfix_record *record, const char *line)
{
    size_t length;
    int i;

    for (i = 0; i < POSTFIX_FILES; i++) {
        length = strlen(files[i].word);
        if (strncmp(line, files[i].word, length) != 0 || line[length] != ' ')
            continue;
        record->files[i].changed = 1;
        (void)sscanf(line + length, " %16[0-9a-f]", record->files[i].after);
        return 1;
    }
    return 0;
}

static void take_line(struct postfix_record *record, const char *line)
{
    char name[64], state[8], item[256];
    int i;

    if (*line == '#' || take_file(record, line) ||
        sscanf(line, "%63s %7s %255[^\n]", name, state, item) != 3)
        return;
    for (i = 0; i < POSTFIX_PARAMETERS; i++) {
        if (strcmp(postfix_parameter_name(i), name) != 0 || record->additions[i].added)
            continue;
        record->additions[i] =
            (struct postfix_addition){1, strcmp(state, "set") == 0, xstrdup(item)};
    }
}

int postfix_record_read(const char *directory, struct postfix_record *record_r,
                        struct error *error)
{
    char *path = record_path(directory);
    char *text, *rest, *line;
    size_t length;
    int found = file_read(path, &text, &length, error);

    free(path);
    *record_r = (struct postfix_record){0};
    if (found != 1)
        return found;
    for (rest = text; (line = strsep(&rest, "\n"));)
        take_line(record_r, line);
    free(text);
    return 1;
}

int postfix_record_write(const char *directory, const struct postfix_record *record,
                         struct error *error)
{
    char *path = record_path(directory);
    char *text = xstrdup("# Written by \"suppressctl setup postfix --apply\"; --remove reads "
                         "it.\n");
    char *longer;
    int i, result;

    for (i = 0; i < POSTFIX_FILES; i++) {
        const struct postfix_file_state *file = &record->files[i];
        if (!file->changed)
            continue;
        longer = xasprintf("%s%s %s\n", text, files[i].word, *file->after ? file->after : "-");
        free(text);
        text = longer;
    }
    for (i = 0; i < POSTFIX_PARAMETERS; i++) {
        if (!record->additions[i].added)
            continue;
        longer = xasprintf("%s%s %s %s\n", text, postfix_parameter_name(i),
                           record->additions[i].was_set ? "set" : "unset",
                           record->additions[i].item);
        free(text);
        text = longer;
    }
    result = file_write(path, text, strlen(text), NULL, error);
    free(text);
    free(path);
    return result;
}

int postfix_record_delete(const char *directory, struct error *error)
{
    char *path = record_path(directory);
    int result = 0;

    if (unlink(path) && errno != ENOENT)
        result = error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    free(path);
    return result;
}

static int read_existing(const char *path, char **text_r, size_t *length_r, struct error *error)
{
    int found = file_read(path, text_r, length_r, error);

    if (!found)
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(ENOENT));
    return found < 0 ? -1 : 0;
}

/* Tells an edited file from an untouched one, nothing more. */
int postfix_hash(const char *directory, enum postfix_file file, char hash[17],
                 struct error *error)
{
    char *path = file_path(directory, file);
    uint64_t sum;
    size_t length;
    char *text;
    int result = read_existing(path, &text, &length, error);

    free(path);
    if (result)
        return -1;
    sum = hash_bytes(HASH_OF_NOTHING, text, length);
    snprintf(hash, 17, "%016" PRIx64, sum);
    free(text);
    return 0;
}

static int copy(const char *from, const char *to, struct error *error)
{
    size_t length;
    char *text;
    int result;

    if (read_existing(from, &text, &length, error))
        return -1;
    result = file_write(to, text, length, from, error);
    free(text);
    return result;
}

int postfix_backup(const char *directory, enum postfix_file file, struct error *error)
{
    char *from = file_path(directory, file), *to = backup_path(directory, file);
    int result = copy(from, to, error);

    free(from);
    free(to);
    return result;
}

int postfix_restore(const char *directory, enum postfix_file file, struct error *error)
{
    char *from = backup_path(directory, file), *to = file_path(directory, file);
    int result = copy(from, to, error);

    if (!result)
        (void)unlink(from);
    free(from);
    free(to);
    return result;
}
