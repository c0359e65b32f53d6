/* What a Postfix instance says of itself, asked through postconf(1).
 *
 * postconf knows the compiled-in defaults, the folding of lines and the
 * options in master.cf; reading the files ourselves would be a second, worse
 * opinion. A struct postfix is a snapshot. One thread.
 */
#ifndef SUPPRESSD_CTL_POSTFIX_CONF_H
#define SUPPRESSD_CTL_POSTFIX_CONF_H

#include "base/error.h"

#include <stddef.h>

/* The parameters that the set-up reads. */
enum postfix_parameter {
    POSTFIX_SMTPD_MILTERS,
    POSTFIX_NON_SMTPD_MILTERS,
    POSTFIX_INTERNAL_FILTER,
    POSTFIX_DEFAULT_ACTION,
    POSTFIX_MILTER_MAPS,
    POSTFIX_OVERRIDES,
    POSTFIX_CLEANUP,
    POSTFIX_QUEUE_DIRECTORY,
    POSTFIX_MAIL_OWNER,
    POSTFIX_VERSION,
    POSTFIX_COMPATIBILITY,
    POSTFIX_INSTANCES,
    POSTFIX_INSTANCE_NAME,
    POSTFIX_PARAMETERS, /* how many */
};

struct postfix_value {
    char *raw;      /* as written, folded lines joined; "" if empty */
    char *expanded; /* with every $name replaced */
    int set;        /* 1 if main.cf sets it, 0 if it is the default */
};

/* One line of master.cf. */
struct postfix_service {
    char *name;    /* "smtp/inet" */
    char *program; /* "smtpd" */
    int chrooted;
};

/* One "-o name=value" of master.cf. */
struct postfix_override {
    char *service;
    char *name;
    char *value;
};

struct postfix {
    char *directory; /* where main.cf is */
    struct postfix_value values[POSTFIX_PARAMETERS];
    struct postfix_service *services;
    size_t service_count;
    struct postfix_override *overrides;
    size_t override_count;
};

const char *postfix_parameter_name(enum postfix_parameter parameter);

/* Asks postconf about the instance in directory; NULL means the default one. */
int postfix_look(const char *directory, struct postfix **postfix_r, struct error *error) must_check;
void postfix_free(struct postfix **postfix);

/* What the options of a service of master.cf say of a parameter; NULL: nothing. */
const char *postfix_option(const struct postfix *postfix, const char *service, const char *name);

/* 1 if master.cf has that service, "smtp/inet". */
int postfix_has_service(const struct postfix *postfix, const char *service);

/* 1 if a service that runs program is chrooted. */
int postfix_chrooted(const struct postfix *postfix, const char *program);

/* 1 if the version is at least major.minor. */
int postfix_at_least(const struct postfix *postfix, int major, int minor);

/* What is to stand in main.cf; a value of NULL takes the setting out, name NULL does nothing. */
struct postfix_setting {
    const char *name, *value;
};

/* postconf -e for all that have a value, postconf -X for the others: main.cf is
 * replaced once for each kind, since Postfix's tools wait a second or two before
 * they read a file that has just been written. */
int postfix_edit(const char *directory, const struct postfix_setting settings[POSTFIX_PARAMETERS],
                 struct error *error) must_check;

/* The whole entry of a service, on one line, to be freed. */
int postfix_service_line(const char *directory, const char *service, char **line_r,
                         struct error *error) must_check;

/* An edit of master.cf as postconf(1) takes it. */
struct postfix_line {
    const char *flag; /* -M: a service; -P: an option of one; -MX, -PX: takes it out */
    char *name;       /* "smtp/inet", "smtp/inet/mynetworks" */
    char *value;      /* NULL with -MX, -PX */
};

int postfix_edit_line(const char *directory, const struct postfix_line *line,
                      struct error *error) must_check;

#endif
