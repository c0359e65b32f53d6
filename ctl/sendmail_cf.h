/* A Sendmail configuration as Sendmail reads it: the lines of a cf file.
 *
 * A .mc file becomes one by m4(1), which it wants itself; what m4 says on the
 * way is an error. A struct sendmail_cf is a snapshot. One thread.
 */
#ifndef SUPPRESSD_CTL_SENDMAIL_CF_H
#define SUPPRESSD_CTL_SENDMAIL_CF_H

#include "base/error.h"

#include <stddef.h>

struct sendmail_cf {
    char **lines; /* without comments, folded ones joined */
    size_t count;
};

/* ERROR_INPUT when the file is no Sendmail configuration. */
int sendmail_cf_load(const char *file, struct sendmail_cf *cf_r, struct error *error) must_check;
void sendmail_cf_parse(const char *text, struct sendmail_cf *cf_r);
void sendmail_cf_clear(struct sendmail_cf *cf);

/* What follows "O NAME=", of the last such line; NULL: not set. */
const char *sendmail_cf_option(const struct sendmail_cf *cf, const char *name);

/* The next line from *at_io on that begins with this, or NULL; *at_io then lies behind it. */
const char *sendmail_cf_next(const struct sendmail_cf *cf, const char *start, size_t *at_io);

/* A copy of "KEY=value" in "Name, KEY=value, ...", up to the comma; to be freed. NULL: not there. */
char *sendmail_cf_equate(const char *line, const char *key);

/* Whether the list "a, b" or "a;b" holds this word. */
int sendmail_cf_lists(const char *list, const char *word);

#endif
