/* Why was this recipient refused? Text in, verdict out.
 *
 * Pure: no socket, clock, database or global. The words of the reply decide,
 * in this order: provider rule, general rule, enhanced status, reply code,
 * unclassified. A bare code without words is unclassified.
 *
 * A struct ruleset (ruleset.h) is read-only once loaded and may be shared by
 * threads; it is counted, and each classifier holds a count of its own. A
 * struct classifier carries the matcher's scratch space and belongs to one
 * thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_CLASSIFY_H
#define SUPPRESSD_CLASSIFIER_CLASSIFY_H

#include "base/error.h"
#include "classifier/reason.h"

#include <stddef.h>

struct ruleset;
struct classifier;

/* All borrowed for the call; NULL where not known. */
struct classify_input {
    const char *text;   /* reply in any wrapping (SMTP dialogue, Diagnostic-Code,
                           log text); any bytes, NUL and broken UTF-8 included */
    size_t length;      /* bytes; what lies beyond REPLY_TEXT_MAX is not read */
    const char *status; /* enhanced status stated beside the text: "5.1.1" */
    const char *mta;    /* host name of the MTA that replied */
    const char *domain; /* the recipient's domain: a weaker hint at the provider */
};

/* Where in the dialogue the reply came; from "(in reply to RCPT TO command)" and the like. */
enum stage {
    STAGE_UNKNOWN,
    STAGE_CONNECT,
    STAGE_HELO,
    STAGE_AUTH,
    STAGE_TLS,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA, /* the DATA command itself */
    STAGE_EOM   /* the end of the message's data */
};

struct verdict {
    enum reason reason;
    enum persistence persistence; /* 4yz transient and 5yz permanent where stated */
    enum stage stage;
    int code;            /* SMTP reply code 200..599, 0 when there is none */
    char status[12];     /* "5.1.1" from the text, else as given; "" when there is none */
    char rule[64];       /* id of the rule that decided; "status:5.1.1" for a fallback; "" for none */
    char provider[32];   /* "google", "" when not recognised */
};

/* Takes a count of the rule set. NULL and error on failure (scratch space). */
struct classifier *classifier_open(struct ruleset *ruleset, struct error *error) must_check;
void classifier_close(struct classifier **classifier);

/* Hash over rules and taxonomy, 16 hexadecimal digits; lives as long as the classifier. */
const char *classifier_version(const struct classifier *classifier);

/* Always gives a verdict; what cannot be told is REASON_UNCLASSIFIED. */
void classify(struct classifier *classifier, const struct classify_input *input,
              struct verdict *verdict_r);

/* What two host names alone betray of who replied, in one number: inputs with
 * the same text and status, and the same number for mta and domain, get the same
 * verdict. For who remembers verdicts. */
int classifier_providers(const struct classifier *classifier, const char *mta, const char *domain);

const char *stage_name(enum stage stage); /* "rcpt", "" for STAGE_UNKNOWN */

#endif
