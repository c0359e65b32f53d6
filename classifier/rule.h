/* rule: what a rule file holds, as the other files of this room pass it on.
 *
 * A rule file is read by libconfuse. Single-quoted strings keep their
 * backslashes, so patterns look as they are matched:
 *
 *     provider example {
 *         mx = {'mx.example.com'}        # host name suffixes of its servers
 *         domain = {'example.com'}       # recipient domains that it serves
 *         hint = {'EX[0-9]{4}$'}         # patterns that only its replies contain
 *     }
 *     rule example-full {
 *         provider = {'example'}         # only in this provider's replies
 *         code = {'452', '5'}            # only with these reply codes (prefixes)
 *         status = {'5.2'}               # only with these enhanced status codes (prefixes)
 *         stage = {'rcpt'}               # only at these places of the dialogue
 *         pattern = {'cupboard is full'} # any of these; caseless; see reply.h for the text
 *         reason = 'mailbox-full'
 *         examples = {'552 5.2.2 The cupboard is full'}
 *         not = {'552 5.3.4 The cupboard door is too small'}
 *         note = 'https://example.com/replies'
 *     }
 */
#ifndef SUPPRESSD_CLASSIFIER_RULE_H
#define SUPPRESSD_CLASSIFIER_RULE_H

#include "base/error.h"
#include "classifier/reason.h"

#include <stddef.h>
#include <stdint.h>

#define PROVIDER_MAX 64 /* a rule keeps its providers as bits of one word */

/* Strings that are owned together. */
struct strings {
    char **list;
    size_t count;
};

struct rule {
    char *id;
    char *file; /* as shown in errors */
    int line;
    int local;                 /* from the operator's folder: comes first */
    enum reason reason;
    struct strings providers;  /* names, until they are resolved */
    uint64_t provider_mask;    /* 0: any provider */
    struct strings codes;      /* prefixes of the reply code; none: any */
    struct strings statuses;   /* prefixes, at a dot, of the status; none: any */
    unsigned stage_mask;       /* 1 << enum stage; 0: any */
    struct strings patterns;
    struct strings examples;
    struct strings counters;   /* what this rule must not take */
    char *note;
};

struct provider {
    char *name;
    char *file;
    int line;
    struct strings mx, domains, hints;
};

/* All that the files hold, in the order read. */
struct rulebook {
    struct rule *rules;
    size_t rule_count;
    struct provider *providers;
    size_t provider_count;
};

/* Adds what text (one file, ended by a NUL) holds. -1 and "file:line: why" on
 * failure; the book is then to be freed. Main thread only: libconfuse's lexer
 * is not reentrant. */
int rulebook_read(struct rulebook *book, const char *file, const char *text, int local,
                  struct error *error) must_check;
void rulebook_free(struct rulebook *book);
void strings_free(struct strings *strings);

#endif
