/* See rule_files.h. */
#include "config.h"

#include "classifier/rule_files.h"

#include "base/embed.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SIZE_MAX (4u << 20)

extern const struct embedded classifier_rules[];

static char *read_text(const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t length;

    if (!file) {
        error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
        return NULL;
    }
    text = xmalloc(FILE_SIZE_MAX + 1);
    length = fread(text, 1, FILE_SIZE_MAX + 1, file);
    fclose(file);
    if (length > FILE_SIZE_MAX) {
        free(text);
        error_set(error, ERROR_INPUT, "%s:1: larger than 4 MiB", path);
        return NULL;
    }
    text[length] = 0;
    return xrealloc(text, length + 1);
}

static int take_one(const char *path, int local, rule_file_taker *take, void *context,
                    struct error *error)
{
    char *text = read_text(path, error);
    struct rule_file file = {path, text, local};
    int result = text ? take(context, &file, error) : -1;

    free(text);
    return result;
}

static int is_rules_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 6 &&
           !strcmp(entry->d_name + length - 6, ".rules");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int take_folder(const char *folder, int local, rule_file_taker *take, void *context,
                       struct error *error)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_rules_file, by_bytes), i, result = 0;

    if (count < 0)
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", folder, strerror(errno));
    for (i = 0; i < count; i++) {
        char *path = xasprintf("%s/%s", folder, entries[i]->d_name);

        if (!result)
            result = take_one(path, local, take, context, error);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int take_embedded(rule_file_taker *take, void *context, struct error *error)
{
    const struct embedded *embedded;

    for (embedded = classifier_rules; embedded->name; embedded++) {
        struct rule_file file = {embedded->name, embedded->text, 0};

        if (take(context, &file, error) < 0)
            return -1;
    }
    return 0;
}

static int is_absent(const char *path)
{
    struct stat info;

    return stat(path, &info) < 0 && errno == ENOENT;
}

int rule_files_each(const char *shipped_dir, const char *local_dir, rule_file_taker *take,
                    void *context, struct error *error)
{
    if (local_dir && *local_dir && !is_absent(local_dir) &&
        take_folder(local_dir, 1, take, context, error) < 0)
        return -1;
    if (shipped_dir && *shipped_dir)
        return take_folder(shipped_dir, 0, take, context, error);
    return take_embedded(take, context, error);
}

int rule_files_at(const char *path, int local, rule_file_taker *take, void *context,
                  struct error *error)
{
    struct stat info;

    if (!stat(path, &info) && S_ISDIR(info.st_mode))
        return take_folder(path, local, take, context, error);
    return take_one(path, local, take, context, error);
}
