/* Hygiene: what follows from one delivery result.
 *
 * Pure: the same verdict, facts, rule and history give the same decision. Any
 * thread. policy.h says which rule holds; the history is read from the database
 * by the one who asks.
 *
 * In this order, the first that holds decides:
 *   no proof                          -> unproven: recorded, never acted on
 *   not final, or a gate's own words  -> none
 *   not the recipient's fault         -> none, whatever the rule says
 *   action none                       -> none
 *   on the allow-list                 -> none
 *   delivered since                   -> count: the news is old
 *   suppressed already by this or a higher word, and enforced -> count
 *   on trial after an expiry          -> suppressed again for twice as long
 *   scope domain, too few agree       -> count
 *   action count, too few failures    -> count
 *   would be over by now              -> count
 *   for one stream, and it is unknown -> count
 *   action hold, or an open incident  -> hold: recorded, not enforced
 *   mode shadow                       -> shadow: likewise, for the report
 *   else                              -> suppress
 * and what stands there already, or would be weakened, is only counted.
 *
 * Of two words about the same key the higher stays: a person's above a
 * complaint's above an automatic one.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_HYGIENE_H
#define SUPPRESSD_DAEMON_LEDGER_HYGIENE_H

#include "classifier/classify.h"
#include "daemon/ledger/policy.h"
#include "daemon/report/delivery.h"

enum decision_kind {
    DECISION_NONE,     /* recorded, nothing follows */
    DECISION_COUNT,    /* a failure that counts against the recipient */
    DECISION_SUPPRESS, /* refused from now on */
    DECISION_HOLD,     /* would be, but is held */
    DECISION_SHADOW,   /* would be, but the rule is being tried out */
    DECISION_UNPROVEN, /* recorded only: anyone could have sent it */
    DECISION_KINDS
};

/* Of a row of the table suppression. */
enum suppression_state { STATE_ENFORCED, STATE_HELD, STATE_SHADOW };

enum word { WORD_AUTOMATIC, WORD_COMPLAINT, WORD_MANUAL };

struct decision {
    enum decision_kind kind;
    /* SUPPRESS, HOLD, SHADOW: */
    enum policy_scope scope;
    enum policy_streams streams;
    int64_t until;      /* Unix seconds; 0: for good */
    int level;          /* how often it has been suppressed again */
    char sentence[240]; /* explains it to a person */
};

/* What is known beside the verdict. Times are Unix seconds. */
struct hygiene_facts {
    enum action action;
    enum evidence evidence;
    int64_t time; /* of the failure */
    int64_t now;
    int no_stream; /* the stream of the message is not known */
    int made_final; /* the server's reply was temporary (4yz); the MTA that reports made it final (5.x.x) */
};

/* The suppression that stands for this recipient or its domain where the rule's would. */
struct hygiene_standing {
    int exists;
    enum suppression_state state;
    enum word word;
    int64_t until; /* 0: for good */
    int level;
    int trial;     /* after its end a trial begins */
};

/* What came before this result, which is not in it. */
struct hygiene_history {
    int allowed;            /* address or domain stands on the allow-list */
    const char *incident;   /* an open one that this failure belongs to: why to hold; NULL: none */
    int64_t delivered;      /* the newest delivery to the recipient; 0: not known */
    int failures;           /* of the rule's name, to this recipient, since then */
    int64_t first;          /* of these; 0: none */
    int recipients;         /* others of the domain that failed likewise and had no delivery since */
    int64_t domain_first;   /* the first such failure in the domain; 0: none */
    struct hygiene_standing standing;
};

void hygiene_decide(const struct verdict *verdict, const struct hygiene_facts *facts,
                    const struct policy_rule *rule, const struct policy_trial *trial,
                    const struct hygiene_history *history, struct decision *decision_r);

/* Will the history be asked? 0: the decision is made without it. */
int hygiene_needs_history(const struct verdict *verdict, const struct hygiene_facts *facts,
                          const struct policy_rule *rule);

/* Whose word a suppression is: origin "manual", or else by its reason. */
enum word hygiene_word(const char *origin, const char *reason);

/* Do enough recipients of the domain, or one for long enough, agree that it is gone? */
int hygiene_domain_agrees(const struct policy_rule *rule, const struct hygiene_history *history, int64_t time);

/* The rule that knows a gate's refusal again: such a result says nothing of the recipient. */
int hygiene_is_own_refusal(const char *rule);

const char *decision_name(enum decision_kind kind);       /* "none", "count", "suppress", "hold", ... */
const char *state_name(enum suppression_state state);     /* "enforced", "held", "shadow" */
enum suppression_state decision_state(enum decision_kind kind);

#endif
