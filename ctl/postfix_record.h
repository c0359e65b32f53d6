/* What --apply did to a main.cf, kept beside it so that --remove can undo
 * exactly that.
 *
 * Two files in Postfix's configuration directory: the record
 * ("main.cf.suppressd") and the main.cf of before
 * ("main.cf.before-suppressd"). Record format, one line each:
 *
 *     # comment
 *     after HASH               main.cf as --apply left it; "-" while it is at work
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

struct postfix_record {
    char after[17]; /* "" while unknown */
    struct postfix_addition additions[POSTFIX_PARAMETERS];
};

void postfix_record_clear(struct postfix_record *record);

/* 1 and the record, 0 if there is none, -1 and error. */
int postfix_record_read(const char *directory, struct postfix_record *record_r,
                        struct error *error) must_check;
int postfix_record_write(const char *directory, const struct postfix_record *record,
                         struct error *error) must_check;
int postfix_record_delete(const char *directory, struct error *error) must_check;

/* The hash of main.cf as it is now, 16 hexadecimal digits. */
int postfix_main_hash(const char *directory, char hash[17], struct error *error) must_check;

/* Copies main.cf, with owner and mode, to the file of before; takes it back
 * from there, which also deletes that file. */
int postfix_backup(const char *directory, struct error *error) must_check;
int postfix_restore(const char *directory, struct error *error) must_check;

#endif
