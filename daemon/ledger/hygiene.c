/* See hygiene.h. */
#include "config.h"

#include "daemon/ledger/hygiene.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400L

/* The rule that knows a gate's refusal again. Taken for evidence, it would make
 * one suppression the cause of the next: one of a stream that of all streams,
 * one of a month one for good. */
#define OWN_REFUSAL "suppressd-refusal"

/* All that a decision is made from. */
struct question {
    const struct verdict *verdict;
    const struct reason_info *reason;
    const struct hygiene_facts *facts;
    const struct policy_rule *rule;
    const struct policy_trial *trial;
    const struct hygiene_history *history;
};

static int decide(struct decision *decision, enum decision_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives 1: it is decided. */
static int decide(struct decision *decision, enum decision_kind kind, const char *format, ...)
{
    va_list ap;

    decision->kind = kind;
    va_start(ap, format);
    vsnprintf(decision->sentence, sizeof(decision->sentence), format, ap);
    va_end(ap);
    return 1;
}

/* A complaint is as final as a failure: the recipient has spoken. */
static int is_final(enum action action)
{
    return action == ACTION_FAILED || action == ACTION_COMPLAINT;
}

enum word hygiene_word(const char *origin, const char *reason)
{
    enum reason found;

    if (!strcmp(origin, "manual"))
        return WORD_MANUAL;
    return reason_from_name(reason, &found) && !strcmp(reason_info(found)->family, "feedback") ? WORD_COMPLAINT
                                                                                              : WORD_AUTOMATIC;
}

int hygiene_is_own_refusal(const char *rule)
{
    return !strcmp(rule, OWN_REFUSAL);
}

static int by_the_result(const struct question *q, struct decision *decision)
{
    if (q->facts->evidence == EVIDENCE_UNPROVEN)
        return decide(decision, DECISION_UNPROVEN,
                      "no proof that this answers a message sent from here: recorded, never acted on");
    if (!is_final(q->facts->action))
        return decide(decision, DECISION_NONE, "%s is not a final failure", action_name(q->facts->action));
    if (hygiene_is_own_refusal(q->verdict->rule))
        return decide(decision, DECISION_NONE, "refused by a suppressd: nothing new about the recipient");
    if (q->facts->made_final)
        return decide(decision, DECISION_NONE,
                      "the server's refusal was temporary (%d) and was made final here: no word of the recipient's",
                      q->verdict->code);
    if (!policy_blames_recipient(q->verdict->reason))
        return decide(decision, DECISION_NONE, "%s is not the recipient's fault (subject: %s)", q->reason->name,
                      q->reason->subject);
    if (q->rule->action == POLICY_NONE)
        return decide(decision, DECISION_NONE, "the policy does nothing about %s (%s)", q->reason->name, q->rule->where);
    return 0;
}

static int is_over(const struct question *q, const struct hygiene_standing *standing)
{
    return standing->until && standing->until <= q->facts->now;
}

static int is_on_trial(const struct question *q)
{
    const struct hygiene_standing *standing = &q->history->standing;

    return standing->exists && standing->trial && standing->state == STATE_ENFORCED && is_over(q, standing);
}

static int by_what_stands(const struct question *q, struct decision *decision)
{
    const struct hygiene_history *history = q->history;
    const struct hygiene_standing *standing = &history->standing;

    if (history->allowed)
        return decide(decision, DECISION_NONE, "%s, but the recipient is on the allow-list", q->reason->name);
    if (history->delivered > q->facts->time)
        return decide(decision, DECISION_COUNT, "%s, but a later message was delivered", q->reason->name);
    if (standing->exists && !is_over(q, standing) &&
        standing->state == STATE_ENFORCED && standing->word >= hygiene_word("automatic", q->reason->name))
        return decide(decision, DECISION_COUNT, "%s, and the recipient is suppressed already", q->reason->name);
    return 0;
}

int hygiene_domain_agrees(const struct policy_rule *rule, const struct hygiene_history *history, int64_t time)
{
    return history->recipients + 1 >= rule->recipients ||
           (history->domain_first && time - history->domain_first >= rule->after);
}

static int by_numbers(const struct question *q, struct decision *decision)
{
    const struct hygiene_history *history = q->history;
    const struct policy_rule *rule = q->rule;
    long failures = history->failures + 1;
    int64_t days = history->first ? (q->facts->time - history->first) / DAY : 0;

    if (rule->scope == POLICY_DOMAIN && !hygiene_domain_agrees(rule, history, q->facts->time))
        return decide(decision, DECISION_COUNT, "%s: %d of %ld recipients that must agree, or a failure again after %lld "
                      "days", q->reason->name, history->recipients + 1, rule->recipients, (long long)(rule->after / DAY));
    if (rule->action == POLICY_COUNT && (failures < rule->failures || days < rule->days))
        return decide(decision, DECISION_COUNT, "%s: failure %ld of %ld, over %lld of %ld days without a delivery",
                      q->reason->name, failures, rule->failures, (long long)days, rule->days);
    return 0;
}

/* How long: twice as long as the last time, up to the longest. */
static int64_t duration(const struct question *q, int level)
{
    int64_t longest = q->trial->longest, result = q->rule->duration;

    for (int i = 0; i < level && result < longest; i++)
        result = result > longest / 2 ? longest : result * 2;
    return result;
}

static void append(struct decision *decision, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(struct decision *decision, const char *format, ...)
{
    size_t length = strlen(decision->sentence);
    va_list ap;

    va_start(ap, format);
    vsnprintf(decision->sentence + length, sizeof(decision->sentence) - length, format, ap);
    va_end(ap);
}

static void explain(const struct question *q, struct decision *decision)
{
    const struct hygiene_history *history = q->history;

    if (is_on_trial(q))
        append(decision, "; failed again on trial (time %d)", decision->level + 1);
    else if (q->rule->scope == POLICY_DOMAIN && history->recipients + 1 >= q->rule->recipients)
        append(decision, "; %d recipients of the domain agree", history->recipients + 1);
    else if (q->rule->scope == POLICY_DOMAIN)
        append(decision, "; the domain still fails after %lld days",
               (long long)((q->facts->time - history->domain_first) / DAY));
    else if (q->rule->action == POLICY_COUNT)
        append(decision, "; failure %d over %lld days without a delivery", history->failures + 1,
               (long long)((q->facts->time - (history->first ? history->first : q->facts->time)) / DAY));
}

/* What would follow stands there already, or better. */
static int is_known(const struct question *q, enum decision_kind kind)
{
    const struct hygiene_standing *standing = &q->history->standing;

    if (!standing->exists || is_over(q, standing))
        return 0;
    if (standing->state == STATE_ENFORCED)
        return kind != DECISION_SUPPRESS;
    return standing->state == decision_state(kind) && standing->word >= hygiene_word("automatic", q->reason->name);
}

static void act(const struct question *q, struct decision *decision)
{
    int64_t length;

    decision->level = is_on_trial(q) ? q->history->standing.level + 1 : 0;
    length = duration(q, decision->level);
    if (length && q->facts->time + length <= q->facts->now) {
        decide(decision, DECISION_COUNT, "%s, but what would follow would be over by now", q->reason->name);
        return;
    }
    if (q->rule->streams == POLICY_ONE_STREAM && q->facts->no_stream) {
        decide(decision, DECISION_COUNT, "%s, but of which stream is not known", q->reason->name);
        return;
    }
    decision->scope = q->rule->scope;
    decision->streams = q->rule->streams;
    decision->until = length ? q->facts->now + length : 0;
    if (q->history->incident)
        decide(decision, DECISION_HOLD, "held: %s: %s", q->history->incident, q->reason->name);
    else if (q->rule->action == POLICY_HOLD)
        decide(decision, DECISION_HOLD, "held by policy (%s): %s", q->rule->where, q->reason->name);
    else if (q->rule->mode == POLICY_SHADOW)
        decide(decision, DECISION_SHADOW, "shadow mode (%s), would suppress: %s", q->rule->where, q->reason->name);
    else
        decide(decision, DECISION_SUPPRESS, "%s: %s", q->reason->name, q->reason->means);
    if (is_known(q, decision->kind))
        decide(decision, DECISION_COUNT, "%s, and that is on record already (%s)", q->reason->name,
               state_name(q->history->standing.state));
    else
        explain(q, decision);
}

int hygiene_needs_history(const struct verdict *verdict, const struct hygiene_facts *facts,
                          const struct policy_rule *rule)
{
    const struct question q = {
        .verdict = verdict, .reason = reason_info(verdict->reason), .facts = facts, .rule = rule};
    struct decision ignored;

    return !by_the_result(&q, &ignored);
}

void hygiene_decide(const struct verdict *verdict, const struct hygiene_facts *facts,
                    const struct policy_rule *rule, const struct policy_trial *trial,
                    const struct hygiene_history *history, struct decision *decision_r)
{
    const struct question q = {verdict, reason_info(verdict->reason), facts, rule, trial, history};

    *decision_r = (struct decision){.kind = DECISION_NONE};
    if (by_the_result(&q, decision_r) || by_what_stands(&q, decision_r) ||
        (!is_on_trial(&q) && by_numbers(&q, decision_r)))
        return;
    act(&q, decision_r);
}

const char *decision_name(enum decision_kind kind)
{
    static const char *const names[] = {
        [DECISION_NONE] = "none",
        [DECISION_COUNT] = "count",
        [DECISION_SUPPRESS] = "suppress",
        [DECISION_HOLD] = "hold",
        [DECISION_SHADOW] = "shadow",
        [DECISION_UNPROVEN] = "unproven",
    };

    return names[kind];
}

const char *state_name(enum suppression_state state)
{
    static const char *const names[] = {"enforced", "held", "shadow"};

    return names[state];
}

enum suppression_state decision_state(enum decision_kind kind)
{
    return kind == DECISION_HOLD ? STATE_HELD : kind == DECISION_SHADOW ? STATE_SHADOW : STATE_ENFORCED;
}
