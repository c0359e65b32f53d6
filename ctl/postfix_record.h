/* What --apply did to main.cf and master.cf, kept beside them so that --remove
 * can undo exactly that.
 *
 * In Postfix's configuration directory there are the record
 * ("main.cf.suppressd") and, of each file that was changed, what it was before
 * ("main.cf.before-suppressd"). Record format, one line each:
 *
 *     # comment
 *     after HASH               main.cf as --apply left it; "-" while it is at work
 *     master HASH              the same of master.cf, if --apply changed it
 *     PARAMETER unset ITEM     main.cf did not set PARAMETER; ITEM was added
 *     PARAMETER set ITEM       it did
 *
 * ITEM is what list_has() finds an item by. One thread.
 */
#ifndef SUPPRESSD_CTL_POSTFIX_RECORD_H
#define SUPPRESSD_CTL_POSTFIX_RECORD_H

#include "base/error.h"
#include "ctl/postfix_conf.h"

struct postfix_addition {
    int added;   /* 0: this parameter was left alone */
    int was_set; /* main.cf had it before */
    char *item;
};

enum postfix_file {
    POSTFIX_MAIN,
    POSTFIX_MASTER, /* postfix_pickup.h knows what is added there */
    POSTFIX_FILES,  /* how many */
};

struct postfix_file_state {
    int changed;
    char after[17]; /* its hash; "" while unknown */
};

struct postfix_record {
    struct postfix_file_state files[POSTFIX_FILES];
    struct postfix_addition additions[POSTFIX_PARAMETERS];
};

/* "main.cf" */
const char *postfix_file_name(enum postfix_file file);

void postfix_record_clear(struct postfix_record *record);

/* 1 and the record, 0 if there is none, -1 and error. */
int postfix_record_read(const char *directory, struct postfix_record *record_r,
                        struct error *error) must_check;
int postfix_record_write(const char *directory, const struct postfix_record *record,
                         struct error *error) must_check;
int postfix_record_delete(const char *directory, struct error *error) must_check;

/* The hash of the file as it is now, 16 hexadecimal digits. */
int postfix_hash(const char *directory, enum postfix_file file, char hash[17],
                 struct error *error) must_check;

/* Copies the file, with owner and mode, beside it as what was before; takes it
 * back from there, which also deletes that copy. */
int postfix_backup(const char *directory, enum postfix_file file, struct error *error) must_check;
int postfix_restore(const char *directory, enum postfix_file file,
                    struct error *error) must_check;

#endif
