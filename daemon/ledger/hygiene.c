/* See hygiene.h. */
#include "config.h"

#include "daemon/ledger/hygiene.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The rule that knows a gate's refusal again. Taken for evidence, it would make
 * one suppression the cause of the next: one of a stream that of all streams,
 * one of a month one for good. */
#define OWN_REFUSAL "suppressd-refusal"

static void decide(struct decision *decision, enum decision_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void decide(struct decision *decision, enum decision_kind kind, const char *format, ...)
{
    va_list ap;

    decision->kind = kind;
    va_start(ap, format);
    vsnprintf(decision->sentence, sizeof(decision->sentence), format, ap);
    va_end(ap);
}

/* A complaint is as final as a failure: the recipient has spoken. */
static int is_final(enum action action)
{
    return action == ACTION_FAILED || action == ACTION_COMPLAINT;
}

void hygiene_decide(const struct verdict *verdict, const struct hygiene_facts *facts,
                    struct decision *decision_r)
{
    const struct reason_info *reason = reason_info(verdict->reason);

    if (facts->evidence == EVIDENCE_UNPROVEN)
        decide(decision_r, DECISION_UNPROVEN,
               "no proof that this answers a message sent from here: recorded, never acted on");
    else if (!is_final(facts->action))
        decide(decision_r, DECISION_NONE, "%s is not a final failure", action_name(facts->action));
    else if (!strcmp(verdict->rule, OWN_REFUSAL))
        decide(decision_r, DECISION_NONE, "refused by a suppressd: nothing new about the recipient");
    else if (reason->hygiene == HYGIENE_NONE)
        decide(decision_r, DECISION_NONE, "%s is not the recipient's fault (subject: %s)",
               reason->name, reason->subject);
    else if (reason->hygiene == HYGIENE_COUNT)
        decide(decision_r, DECISION_COUNT, "%s counts against the recipient and does not suppress by itself",
               reason->name);
    else if (facts->suppressed)
        decide(decision_r, DECISION_COUNT, "%s, and the recipient is suppressed already", reason->name);
    else
        decide(decision_r, DECISION_SUPPRESS, "%s: %s", reason->name, reason->means);
}

const char *decision_name(enum decision_kind kind)
{
    static const char *const names[] = {
        [DECISION_NONE] = "none",
        [DECISION_COUNT] = "count",
        [DECISION_SUPPRESS] = "suppress",
        [DECISION_UNPROVEN] = "unproven",
    };

    return names[kind];
}
