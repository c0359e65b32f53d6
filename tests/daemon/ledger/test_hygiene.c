/* daemon/ledger/hygiene: the decision table, line by line. */
#include "config.h"

#include "daemon/ledger/hygiene.h"

#include "tests/run.h"

#include <string.h>

static const struct {
    enum reason reason;
    enum action action;
    enum evidence evidence;
    int suppressed;
    enum decision_kind kind;
} table[] = {
    {REASON_NO_SUCH_USER, ACTION_FAILED, EVIDENCE_LOCAL, 0, DECISION_SUPPRESS},
    {REASON_NO_SUCH_USER, ACTION_FAILED, EVIDENCE_PROVED, 0, DECISION_SUPPRESS},
    {REASON_NO_SUCH_USER, ACTION_FAILED, EVIDENCE_UNPROVEN, 0, DECISION_UNPROVEN},
    {REASON_NO_SUCH_USER, ACTION_FAILED, EVIDENCE_LOCAL, 1, DECISION_COUNT},
    {REASON_NO_SUCH_USER, ACTION_DELAYED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_NO_SUCH_USER, ACTION_DELIVERED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_NO_SUCH_USER, ACTION_RELAYED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_NO_SUCH_USER, ACTION_EXPANDED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_MAILBOX_FULL, ACTION_FAILED, EVIDENCE_LOCAL, 0, DECISION_COUNT},
    {REASON_EXPIRED, ACTION_FAILED, EVIDENCE_LOCAL, 0, DECISION_COUNT},
    {REASON_IP_BLOCKLISTED, ACTION_FAILED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_POLICY, ACTION_FAILED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_UNCLASSIFIED, ACTION_FAILED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_DELIVERED, ACTION_FAILED, EVIDENCE_LOCAL, 0, DECISION_NONE},
    {REASON_COMPLAINT, ACTION_COMPLAINT, EVIDENCE_PROVED, 0, DECISION_SUPPRESS},
    {REASON_COMPLAINT, ACTION_COMPLAINT, EVIDENCE_UNPROVEN, 0, DECISION_UNPROVEN},
    {REASON_AUTO_REPLY, ACTION_AUTO_REPLY, EVIDENCE_LOCAL, 0, DECISION_NONE},
};

static struct decision decide(enum reason reason, enum action action, enum evidence evidence, int suppressed)
{
    const struct hygiene_facts facts = {.action = action, .evidence = evidence, .suppressed = suppressed};
    const struct verdict verdict = {.reason = reason};
    struct decision decision;

    memset(&decision, 0xff, sizeof(decision));
    hygiene_decide(&verdict, &facts, &decision);
    return decision;
}

START_TEST(decides)
{
    struct decision decision =
        decide(table[_i].reason, table[_i].action, table[_i].evidence, table[_i].suppressed);

    ck_assert_str_eq(decision_name(decision.kind), decision_name(table[_i].kind));
    ck_assert_uint_gt(strnlen(decision.sentence, sizeof(decision.sentence)), 10);
}
END_TEST

/* Whoever handed the mail in reports our refusal: no suppression comes of a suppression. */
START_TEST(own_refusals_lead_nowhere)
{
    const struct hygiene_facts facts = {.action = ACTION_FAILED, .evidence = EVIDENCE_LOCAL};
    const struct verdict verdict = {.reason = REASON_RECIPIENT_SUPPRESSED, .rule = "suppressd-refusal"};
    struct decision decision;

    hygiene_decide(&verdict, &facts, &decision);
    ck_assert_int_eq(decision.kind, DECISION_NONE);
    ck_assert_int_eq(decide(REASON_RECIPIENT_SUPPRESSED, ACTION_FAILED, EVIDENCE_LOCAL, 0).kind, DECISION_SUPPRESS);
}
END_TEST

/* Over everything there is: what must never happen, and what must always. */
START_TEST(only_the_recipients_own_final_failures_suppress)
{
    for (int r = 0; r < REASON_COUNT; r++)
        for (int a = 0; a < ACTION_COUNT; a++)
            for (int e = 0; e < EVIDENCE_COUNT; e++) {
                const struct reason_info *info = reason_info((enum reason)r);
                struct decision decision = decide((enum reason)r, (enum action)a, (enum evidence)e, 0);
                int own = !strcmp(info->subject, "recipient") || !strcmp(info->subject, "recipient-domain");

                if (decision.kind != DECISION_SUPPRESS)
                    continue;
                ck_assert_msg(own, "%s", info->name);
                ck_assert_int_eq(info->hygiene, HYGIENE_SUPPRESS);
                ck_assert_int_ne(e, EVIDENCE_UNPROVEN);
                ck_assert(a == ACTION_FAILED || a == ACTION_COMPLAINT);
            }
}
END_TEST

START_TEST(every_suppressing_reason_suppresses_at_once)
{
    for (int r = 0; r < REASON_COUNT; r++)
        if (reason_info((enum reason)r)->hygiene == HYGIENE_SUPPRESS)
            ck_assert_int_eq(decide((enum reason)r, ACTION_FAILED, EVIDENCE_LOCAL, 0).kind, DECISION_SUPPRESS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/hygiene");
    TCase *tc = tcase_create("hygiene");

    tcase_add_test(tc, own_refusals_lead_nowhere);
    tcase_add_loop_test(tc, decides, 0, sizeof(table) / sizeof(table[0]));
    tcase_add_test(tc, only_the_recipients_own_final_failures_suppress);
    tcase_add_test(tc, every_suppressing_reason_suppresses_at_once);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
