/* rule_files: the texts of rule files, from folders or from the program itself.
 *
 * What a folder gives are its files that end in .rules, in byte order of their
 * names. A file is bounded to 4 MiB. Any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_RULE_FILES_H
#define SUPPRESSD_CLASSIFIER_RULE_FILES_H

#include "base/error.h"

/* Borrowed for the call. */
struct rule_file {
    const char *name; /* as shown in errors */
    const char *text; /* ended by a NUL */
    int local;        /* the site's own */
};

/* -1 and error stop the reading. */
typedef int rule_file_taker(void *context, const struct rule_file *file, struct error *error);

/* The files of local_dir (NULL, empty or absent: none), then those of
 * shipped_dir (NULL or empty: the ones compiled in). */
int rule_files_each(const char *shipped_dir, const char *local_dir, rule_file_taker *take,
                    void *context, struct error *error) must_check;

/* One file of whatever name, or a folder, which must be there. */
int rule_files_at(const char *path, int local, rule_file_taker *take, void *context,
                  struct error *error) must_check;

#endif
