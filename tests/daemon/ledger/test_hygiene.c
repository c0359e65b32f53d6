/* daemon/ledger/hygiene: the decision table, line by line, and what must hold of any history. */
#include "config.h"

#include "daemon/ledger/hygiene.h"

#include "tests/run.h"

#include <stdlib.h>
#include <string.h>

#define DAY 86400
#define NOW (20000LL * DAY)
#define RUNS 100000
#define SEED 5

static const struct policy_trial trial = {.sends = 2, .quiet = 7 * DAY, .longest = 100 * DAY};

/* What differs from an ordinary failure: local, now, of an unknown stream, without a history. */
struct row {
    enum reason reason;
    const char *policy; /* "": the taxonomy's; else action and mode: "hold", "shadow" */
    enum action action;
    enum evidence evidence;
    struct hygiene_history history;
    int days_ago;
    enum decision_kind kind;
    int64_t until; /* days from now; 0: for good, or does not matter */
    const char *sentence;
};

#define FAILED ACTION_FAILED, EVIDENCE_LOCAL
#define STANDS(...) {.standing = {.exists = 1, __VA_ARGS__}}

static const struct row table[] = {
    /* by the result */
    {REASON_NO_SUCH_USER, "", FAILED, {0}, 0, DECISION_SUPPRESS, 0, "no-such-user: The receiving server knows no such mailbox"},
    {REASON_NO_SUCH_USER, "", ACTION_FAILED, EVIDENCE_PROVED, {0}, 0, DECISION_SUPPRESS, 0, "no-such-user: "},
    {REASON_NO_SUCH_USER, "", ACTION_FAILED, EVIDENCE_UNPROVEN, {0}, 0, DECISION_UNPROVEN, 0, "no proof"},
    {REASON_NO_SUCH_USER, "", ACTION_DELAYED, EVIDENCE_LOCAL, {0}, 0, DECISION_NONE, 0, "delayed is not a final failure"},
    {REASON_NO_SUCH_USER, "", ACTION_DELIVERED, EVIDENCE_LOCAL, {0}, 0, DECISION_NONE, 0, "delivered is not a final failure"},
    {REASON_NO_SUCH_USER, "", ACTION_RELAYED, EVIDENCE_LOCAL, {0}, 0, DECISION_NONE, 0, "relayed is not"},
    {REASON_NO_SUCH_USER, "", ACTION_EXPANDED, EVIDENCE_LOCAL, {0}, 0, DECISION_NONE, 0, "expanded is not"},
    {REASON_AUTO_REPLY, "", ACTION_AUTO_REPLY, EVIDENCE_LOCAL, {0}, 0, DECISION_NONE, 0, "is not a final failure"},
    {REASON_IP_BLOCKLISTED, "", FAILED, {0}, 0, DECISION_NONE, 0, "ip-blocklisted is not the recipient's fault (subject: sender-ip)"},
    {REASON_EXPIRED, "", FAILED, {0}, 0, DECISION_NONE, 0, "expired is not the recipient's fault (subject: network)"},
    {REASON_POLICY, "", FAILED, {0}, 0, DECISION_NONE, 0, "subject: sender-setup"},
    {REASON_UNCLASSIFIED, "", FAILED, {0}, 0, DECISION_NONE, 0, "subject: unknown"},
    {REASON_DELIVERED, "", FAILED, {0}, 0, DECISION_NONE, 0, "subject: none"},
    {REASON_IP_BLOCKLISTED, "suppress", FAILED, {0}, 0, DECISION_NONE, 0, "not the recipient's fault"},
    {REASON_NO_SUCH_USER, "none", FAILED, {0}, 0, DECISION_NONE, 0, "the policy does nothing about no-such-user (test.conf:3)"},
    {REASON_COMPLAINT, "", ACTION_COMPLAINT, EVIDENCE_PROVED, {0}, 0, DECISION_SUPPRESS, 0, "complaint: "},
    {REASON_COMPLAINT, "", ACTION_COMPLAINT, EVIDENCE_UNPROVEN, {0}, 0, DECISION_UNPROVEN, 0, "no proof"},
    /* by what stands */
    {REASON_NO_SUCH_USER, "", FAILED, {.allowed = 1}, 0, DECISION_NONE, 0, "on the allow-list"},
    {REASON_COMPLAINT, "", ACTION_COMPLAINT, EVIDENCE_PROVED, {.allowed = 1}, 0, DECISION_NONE, 0, "on the allow-list"},
    {REASON_NO_SUCH_USER, "", FAILED, {.delivered = NOW - DAY}, 2, DECISION_COUNT, 0, "a later message was delivered"},
    {REASON_NO_SUCH_USER, "", FAILED, {.delivered = NOW - 2 * DAY}, 1, DECISION_SUPPRESS, 0, "no-such-user: "},
    {REASON_NO_SUCH_USER, "", FAILED, STANDS(), 0, DECISION_COUNT, 0, "suppressed already"},
    {REASON_NO_SUCH_USER, "", FAILED, STANDS(.until = NOW + 1), 0, DECISION_COUNT, 0, "suppressed already"},
    {REASON_NO_SUCH_USER, "", FAILED, STANDS(.word = WORD_COMPLAINT), 0, DECISION_COUNT, 0, "suppressed already"},
    {REASON_COMPLAINT, "", ACTION_COMPLAINT, EVIDENCE_LOCAL, STANDS(), 0, DECISION_SUPPRESS, 0, "complaint: "},
    {REASON_COMPLAINT, "", ACTION_COMPLAINT, EVIDENCE_LOCAL, STANDS(.word = WORD_MANUAL), 0, DECISION_COUNT, 0, "suppressed already"},
    {REASON_COMPLAINT, "hold", ACTION_COMPLAINT, EVIDENCE_LOCAL, STANDS(), 0, DECISION_COUNT, 0, "on record already (enforced)"},
    {REASON_NO_SUCH_USER, "", FAILED, STANDS(.state = STATE_HELD), 0, DECISION_SUPPRESS, 0, "no-such-user: "},
    {REASON_NO_SUCH_USER, "", FAILED, STANDS(.state = STATE_SHADOW), 0, DECISION_SUPPRESS, 0, "no-such-user: "},
    {REASON_NO_SUCH_USER, "shadow", FAILED, STANDS(.state = STATE_SHADOW), 0, DECISION_COUNT, 0, "on record already (shadow)"},
    {REASON_NO_SUCH_USER, "", FAILED, STANDS(.word = WORD_MANUAL, .until = NOW), 0, DECISION_SUPPRESS, 0, "no-such-user: "},
    /* on trial after an expiry */
    {REASON_MAILBOX_FULL, "", FAILED, STANDS(.until = NOW, .trial = 1), 0, DECISION_SUPPRESS, 60, "failed again on trial (time 2)"},
    {REASON_MAILBOX_FULL, "", FAILED, STANDS(.until = NOW - DAY, .trial = 1, .level = 1), 0, DECISION_SUPPRESS, 100, "on trial (time 3)"},
    {REASON_MAILBOX_FULL, "", FAILED, STANDS(.until = NOW, .trial = 1, .level = 60), 0, DECISION_SUPPRESS, 100, "on trial (time 62)"},
    {REASON_NO_SUCH_USER, "", FAILED, STANDS(.until = NOW, .trial = 1), 0, DECISION_SUPPRESS, 0, "failed again on trial"},
    {REASON_MAILBOX_FULL, "", FAILED, STANDS(.until = NOW, .trial = 1, .state = STATE_HELD), 0, DECISION_COUNT, 0, "failure 1 of 5"},
    {REASON_IP_REPUTATION, "", FAILED, STANDS(.until = NOW, .trial = 1), 0, DECISION_NONE, 0, "not the recipient's fault"},
    /* by numbers */
    {REASON_MAILBOX_FULL, "", FAILED, {0}, 0, DECISION_COUNT, 0, "mailbox-full: failure 1 of 5, over 0 of 7 days"},
    {REASON_MAILBOX_FULL, "", FAILED, {.failures = 3, .first = NOW - 9 * DAY}, 0, DECISION_COUNT, 0, "failure 4 of 5, over 9 of 7 days"},
    {REASON_MAILBOX_FULL, "", FAILED, {.failures = 9, .first = NOW - 7 * DAY + 1}, 0, DECISION_COUNT, 0, "failure 10 of 5, over 6 of 7 days"},
    {REASON_MAILBOX_FULL, "", FAILED, {.failures = 4, .first = NOW - 7 * DAY}, 0, DECISION_SUPPRESS, 30, "failure 5 over 7 days without a delivery"},
    {REASON_MAILBOX_FULL, "", FAILED, {.failures = 4, .first = NOW - 60 * DAY}, 31, DECISION_COUNT, 0, "would be over by now"},
    {REASON_NO_SUCH_DOMAIN, "", FAILED, {0}, 0, DECISION_COUNT, 0, "1 of 3 recipients that must agree, or a failure again after 3 days"},
    {REASON_NO_SUCH_DOMAIN, "", FAILED, {.recipients = 1, .domain_first = NOW - DAY}, 0, DECISION_COUNT, 0, "2 of 3 recipients"},
    {REASON_NO_SUCH_DOMAIN, "", FAILED, {.recipients = 2, .domain_first = NOW}, 0, DECISION_SUPPRESS, 30, "3 recipients of the domain agree"},
    {REASON_NO_SUCH_DOMAIN, "", FAILED, {.domain_first = NOW - 3 * DAY}, 0, DECISION_SUPPRESS, 30, "the domain still fails after 3 days"},
    {REASON_NO_SUCH_USER, "one", FAILED, {0}, 0, DECISION_COUNT, 0, "of which stream is not known"},
    /* held, or tried out */
    {REASON_NO_SUCH_USER, "hold", FAILED, {0}, 0, DECISION_HOLD, 0, "held by policy (test.conf:3): no-such-user"},
    {REASON_NO_SUCH_USER, "", FAILED, {.incident = "incident 7 at google"}, 0, DECISION_HOLD, 0, "held: incident 7 at google: no-such-user"},
    {REASON_NO_SUCH_USER, "shadow", FAILED, {.incident = "incident 7"}, 0, DECISION_HOLD, 0, "held: incident 7"},
    {REASON_NO_SUCH_USER, "shadow", FAILED, {0}, 0, DECISION_SHADOW, 0, "shadow mode (test.conf:3), would suppress: no-such-user"},
    {REASON_MAILBOX_FULL, "shadow", FAILED, {0}, 0, DECISION_COUNT, 0, "failure 1 of 5"},
};

static struct policy_rule rule_of(enum reason reason, const char *text)
{
    struct policy *policy = policy_new();
    struct policy_rule rule;

    policy_find(policy, reason, "", "", &rule);
    policy_unref(&policy);
    if (*text)
        rule.where = "test.conf:3";
    if (!strcmp(text, "suppress"))
        rule.action = POLICY_SUPPRESS; /* policy_add would refuse some: hygiene does not rely on it */
    else if (!strcmp(text, "hold"))
        rule.action = POLICY_HOLD;
    else if (!strcmp(text, "none"))
        rule.action = POLICY_NONE;
    else if (!strcmp(text, "one"))
        rule.streams = POLICY_ONE_STREAM;
    else if (!strcmp(text, "shadow"))
        rule.mode = POLICY_SHADOW;
    return rule;
}

START_TEST(decides)
{
    const struct row *row = &table[_i];
    const struct verdict verdict = {.reason = row->reason};
    const struct policy_rule rule = rule_of(row->reason, row->policy);
    const struct hygiene_facts facts = {row->action, row->evidence, NOW - row->days_ago * DAY, NOW, 1, 0};
    struct decision decision;

    memset(&decision, 0xff, sizeof(decision));
    hygiene_decide(&verdict, &facts, &rule, &trial, &row->history, &decision);
    ck_assert_msg(decision.kind == row->kind, "%s: %s", decision_name(decision.kind), decision.sentence);
    ck_assert_msg(strstr(decision.sentence, row->sentence) != NULL, "%s", decision.sentence);
    ck_assert_int_eq(decision.until, row->until ? NOW + row->until * DAY : 0);
}
END_TEST

/* Whoever handed the mail in reports our refusal: no suppression comes of a suppression. */
START_TEST(own_refusals_lead_nowhere)
{
    const struct hygiene_facts facts = {ACTION_FAILED, EVIDENCE_LOCAL, NOW, NOW, 0, 0};
    struct verdict verdict = {.reason = REASON_RECIPIENT_SUPPRESSED, .rule = "suppressd-refusal"};
    const struct policy_rule rule = rule_of(verdict.reason, "");
    const struct hygiene_history history = {0};
    struct decision decision;

    hygiene_decide(&verdict, &facts, &rule, &trial, &history, &decision);
    ck_assert_int_eq(decision.kind, DECISION_NONE);
    verdict.rule[0] = '\0';
    hygiene_decide(&verdict, &facts, &rule, &trial, &history, &decision);
    ck_assert_int_eq(decision.kind, DECISION_SUPPRESS);
}
END_TEST

/* A 4yz reply that our own delivery status filter made final. */
START_TEST(our_own_impatience_suppresses_nobody)
{
    const struct hygiene_facts facts = {ACTION_FAILED, EVIDENCE_LOCAL, NOW, NOW, 0, 1};
    const struct verdict verdict = {.reason = REASON_NO_SUCH_USER, .code = 450};
    const struct policy_rule rule = rule_of(verdict.reason, "");
    const struct hygiene_history history = {0};
    struct decision decision;

    hygiene_decide(&verdict, &facts, &rule, &trial, &history, &decision);
    ck_assert_int_eq(decision.kind, DECISION_NONE);
    ck_assert_ptr_nonnull(strstr(decision.sentence, "450"));
}
END_TEST

/* A generator of our own: the same histories on every machine. */
static uint64_t random_state;

static int below(int limit)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (unsigned)limit);
}

static int64_t some_time(void)
{
    return below(3) ? NOW + (below(2000) - 1000) * (DAY / 10) : 0;
}

static void make_history(struct hygiene_history *history_r)
{
    *history_r = (struct hygiene_history){
        .allowed = !below(8),
        .incident = below(8) ? NULL : "an incident",
        .delivered = some_time(),
        .failures = below(12),
        .first = some_time(),
        .recipients = below(6),
        .domain_first = some_time(),
        .standing = {
            .exists = below(2),
            .state = (enum suppression_state)below(3),
            .word = (enum word)below(3),
            .until = some_time(),
            .level = below(70),
            .trial = below(2),
        },
    };
}

static void make_rule(struct policy_rule *rule_r)
{
    *rule_r = (struct policy_rule){
        .action = (enum policy_action)below(4),
        .failures = 1 + below(10),
        .days = below(30),
        .duration = (int64_t)below(4) * 20 * DAY,
        .scope = (enum policy_scope)below(2),
        .streams = (enum policy_streams)below(2),
        .mode = (enum policy_mode)below(2),
        .recipients = 1 + below(5),
        .after = (int64_t)below(10) * DAY,
        .name = "any",
        .where = "anywhere",
    };
}

static int would_act(enum decision_kind kind)
{
    return kind == DECISION_SUPPRESS || kind == DECISION_HOLD || kind == DECISION_SHADOW;
}

/* ck_assert writes a note of each success, which a million of them feel. */
#define must(holds)                  \
    do {                             \
        if (!(holds))                \
            ck_abort_msg("%s", #holds); \
    } while (0)

static void check_properties(const struct verdict *verdict, const struct hygiene_facts *facts,
                             const struct policy_rule *rule, const struct hygiene_history *history,
                             const struct decision *decision)
{
    const struct hygiene_standing *standing = &history->standing;
    int in_force = standing->exists && standing->state == STATE_ENFORCED && (!standing->until || standing->until > NOW);

    must(decision->kind < DECISION_KINDS);
    must(strlen(decision->sentence) > 10);
    if (!would_act(decision->kind))
        return;
    must(policy_blames_recipient(verdict->reason));
    must(facts->evidence != EVIDENCE_UNPROVEN);
    must(facts->action == ACTION_FAILED || facts->action == ACTION_COMPLAINT);
    must(!history->allowed);
    must(history->delivered <= facts->time);
    must(rule->action != POLICY_NONE);
    must(!(facts->no_stream && decision->streams == POLICY_ONE_STREAM));
    must(!(in_force && standing->word == WORD_MANUAL)); /* a person's word stays */
    must(!(in_force && decision->kind != DECISION_SUPPRESS)); /* nothing enforced is weakened */
    must(!(history->incident && decision->kind == DECISION_SUPPRESS));
    must(!(rule->mode == POLICY_SHADOW && decision->kind == DECISION_SUPPRESS));
    must(!decision->until || decision->until > NOW);
    must(!decision->until || decision->until <= NOW + (rule->duration > trial.longest ? rule->duration : trial.longest));
}

START_TEST(properties_hold_of_any_history)
{
    int kinds[DECISION_KINDS] = {0};

    random_state = SEED;
    for (int run = 0; run < RUNS; run++) {
        const struct verdict verdict = {.reason = (enum reason)below(REASON_COUNT)};
        const struct hygiene_facts facts = {
            below(3) ? ACTION_FAILED : (enum action)below(ACTION_COUNT), (enum evidence)below(EVIDENCE_COUNT),
            below(2) ? NOW : NOW - below(900) * (DAY / 10), NOW, below(2), below(9) == 0};
        struct decision decision, again;
        struct hygiene_history history;
        struct policy_rule rule;

        make_history(&history);
        make_rule(&rule);
        memset(&again, 0xff, sizeof(again));
        hygiene_decide(&verdict, &facts, &rule, &trial, &history, &decision);
        hygiene_decide(&verdict, &facts, &rule, &trial, &history, &again);
        must(decision.kind == again.kind);
        must(decision.until == again.until);
        must(decision.level == again.level);
        must(!strcmp(decision.sentence, again.sentence));
        if (!hygiene_needs_history(&verdict, &facts, &rule))
            must(!would_act(decision.kind));
        check_properties(&verdict, &facts, &rule, &history, &decision);
        kinds[decision.kind]++;
    }
    for (int kind = 0; kind < DECISION_KINDS; kind++) /* the histories reach every decision */
        ck_assert_msg(kinds[kind] > RUNS / 1000, "%s only %d times", decision_name((enum decision_kind)kind), kinds[kind]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/hygiene");
    TCase *tc = tcase_create("hygiene");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, decides, 0, sizeof(table) / sizeof(table[0]));
    tcase_add_test(tc, own_refusals_lead_nowhere);
    tcase_add_test(tc, our_own_impatience_suppresses_nobody);
    tcase_add_test(tc, properties_hold_of_any_history);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
