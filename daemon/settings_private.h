/* The option table, for the files of settings alone: settings.c has the table and
 * what its rows mean, settings_file.c reads the file, settings_text.c prints.
 */
#ifndef SUPPRESSD_DAEMON_SETTINGS_PRIVATE_H
#define SUPPRESSD_DAEMON_SETTINGS_PRIVATE_H

#include "daemon/settings.h"

enum type { TYPE_TEXT, TYPE_REPLY, TYPE_NUMBER, TYPE_OCTAL, TYPE_SIZE, TYPE_TIME, TYPE_CHOICE, TYPE_NETWORKS };

struct choice {
    const char *name;
    long value;
};

struct option {
    const char *name;
    enum type type;
    size_t offset;
    const char *standard; /* default, as one writes it in the file */
    long min, max;
    const struct choice *choices;
    int reloadable;
    const char *means;
};

/* The row of that number; NULL when there are no more. */
const struct option *settings_option(size_t which);

/* Where the option's value stands. */
void *settings_value(const struct settings *settings, const struct option *option);

/* Checks a text and makes it the value; of a list of networks it is one more. */
int settings_set(struct settings *settings, const struct option *option, const char *text,
                 struct error *error) must_check;

/* What the policy takes from options, when all of them are set. */
void settings_fill_policy(struct settings *settings);

#endif
