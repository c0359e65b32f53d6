/* suppressctl's commands: one file a command, one row of the table in
 * suppressctl.c each.
 */
#ifndef SUPPRESSD_CTL_COMMAND_H
#define SUPPRESSD_CTL_COMMAND_H

#include "base/error.h"

struct ruleset;

/* What `suppressctl` returns to the shell. */
enum exit_code {
    EXIT_YES = 0,    /* done, or: the answer is yes (you may send) */
    EXIT_NO = 1,     /* done, and the answer is no (suppressed, not found, misses found) */
    EXIT_USAGE = 2,  /* the call or its input is wrong */
    EXIT_FAILED = 3, /* the environment failed: file, database, daemon */
};

/* The options that stand before or after any command. */
struct ctl {
    const char *config; /* -c FILE */
    int json;           /* --json: one JSON object a line */
};

struct command {
    const char *name;
    const char *synopsis; /* what follows the name: "[--json] ADDR..." */
    const char *summary;  /* one line */
    const char *help;     /* paragraphs for --help; may be NULL */
    /* argv[0] is the command's name; global options have been taken out. */
    int (*run)(struct ctl *ctl, int argc, char **argv);
};

/* manual.c: the lists of suppressctl(1) and suppressd-rules(5), in man(7) macros. */
void manual_commands(const struct command *commands); /* ended by a NULL name */
void manual_reasons(void);

/* The rule set that the daemon would use. NULL and error. The caller unrefs. */
struct ruleset *ctl_ruleset(struct ctl *ctl, struct error *error) must_check;

/* Says "suppressctl COMMAND: text" on stderr; returns code. */
int ctl_fail(const char *command, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int command_add(struct ctl *ctl, int argc, char **argv);
int command_allow(struct ctl *ctl, int argc, char **argv);
int command_aside(struct ctl *ctl, int argc, char **argv);
int command_check(struct ctl *ctl, int argc, char **argv);
int command_classify(struct ctl *ctl, int argc, char **argv);
int command_erase(struct ctl *ctl, int argc, char **argv);
int command_explain(struct ctl *ctl, int argc, char **argv);
int command_export(struct ctl *ctl, int argc, char **argv);
int command_hash(struct ctl *ctl, int argc, char **argv);
int command_import(struct ctl *ctl, int argc, char **argv);
int command_history(struct ctl *ctl, int argc, char **argv);
int command_incident(struct ctl *ctl, int argc, char **argv);
int command_ingest(struct ctl *ctl, int argc, char **argv);
int command_key(struct ctl *ctl, int argc, char **argv);
int command_list(struct ctl *ctl, int argc, char **argv);
int command_rules(struct ctl *ctl, int argc, char **argv);
int command_parse(struct ctl *ctl, int argc, char **argv);
int command_policy(struct ctl *ctl, int argc, char **argv);
int command_reclassify(struct ctl *ctl, int argc, char **argv);
int command_remove(struct ctl *ctl, int argc, char **argv);
int command_repair(struct ctl *ctl, int argc, char **argv);
int command_scrub(struct ctl *ctl, int argc, char **argv);
int command_setup(struct ctl *ctl, int argc, char **argv);

int command_show(struct ctl *ctl, int argc, char **argv);
int command_status(struct ctl *ctl, int argc, char **argv);
int command_undo(struct ctl *ctl, int argc, char **argv);
int command_unclassified(struct ctl *ctl, int argc, char **argv);

#endif
