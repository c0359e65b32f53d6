/* The entries of a suppression list in any of the formats of list_format.h,
 * CSV or JSON, one at a time. One owner.
 */
#ifndef SUPPRESSD_CTL_LIST_READER_H
#define SUPPRESSD_CTL_LIST_READER_H

#include "ctl/list_format.h"
#include "ctl/window.h"

struct list_reader;

/* As it stands in the file; texts never NULL, "" where there is none. */
struct list_entry {
    uint64_t line;
    const char *recipient, *stream, *reason, *word, *origin, *reply, *status, *code, *time, *until, *note;
};

/* format NULL: found out from the first entry. column: of the addresses in a
 * CSV file, NULL: by its name. NULL and error. */
struct list_reader *list_reader_open(const char *name, const struct list_format *format, const char *column,
                                     struct error *error) must_check;
void list_reader_close(struct list_reader **reader);

/* 1 and an entry, valid until the next call; 0 at the end; -1 and ERROR_INPUT
 * ("FILE: line N: why"): the next call goes on; -1 and ERROR_ENVIRONMENT. */
int list_reader_next(struct list_reader *reader, struct list_entry *entry_r, struct error *error) must_check;

/* NULL before the first entry. */
const struct list_format *list_reader_format(const struct list_reader *reader);
int list_reader_guessed(const struct list_reader *reader);
const struct window *list_reader_window(const struct list_reader *reader);

#endif
