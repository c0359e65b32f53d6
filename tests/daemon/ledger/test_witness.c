/* daemon/ledger/witness: whose words stand, and what is kept of the other. */
#include "config.h"

#include "daemon/ledger/witness.h"

#include "tests/run.h"

#define WHOLE "550-5.1.1 The email account that you tried to reach does not exist. 550 5.1.1 Please try again"

static const struct {
    struct telling news, known;
    int richer;
} cases[] = {
    {{"a-rule", "550 no"}, {"", "550 no such thing known here"}, 1},
    {{"a-rule", "550 no"}, {"status:5.1.1", "550 something else"}, 1},
    {{"status:5.1.1", "550 no"}, {"", "550 something else"}, 1},
    {{"", "550 something long that nobody knows"}, {"a-rule", "550 no"}, 0},
    {{"", "550 something long"}, {"code:530", "530"}, 0},
    {{"a-rule", WHOLE}, {"a-rule", "550-5.1.1 The email account"}, 1},
    {{"a-rule", "550-5.1.1 The email account"}, {"a-rule", WHOLE}, 0},
    {{"a-rule", WHOLE}, {"a-rule", WHOLE}, 0},
    /* What an MTA puts around says nothing more. */
    {{"a-rule", "host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown (in reply to RCPT TO command)"},
     {"a-rule", "smtp; 550 5.1.1 User unknown"}, 0},
    {{"a-rule", "550 5.1.1 User unknown here"},
     {"a-rule", "host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown (in reply to RCPT TO command)"}, 1},
    {{"", "550 no"}, {NULL, NULL}, 1},
    {{"", NULL}, {"", ""}, 0},
};

START_TEST(the_richer_text_is_found)
{
    ck_assert_int_eq(witness_is_richer(&cases[_i].news, &cases[_i].known), cases[_i].richer);
}
END_TEST

static const struct store_event log_line = {
    .reason = "unclassified", .rule = "", .reply = 1, .decision = "none", .reporting_mta = "mx1", .message_key = "Q1",
    .queue_id = "Q1", .sender = "", .message_id = "", .stream = "", .provider = "google", .remote_mta = "",
    .original_recipient = "", .source = "log", .evidence = "local", .trusted = 1, .status = "5.0.0", .stage = ""};
static const struct store_event elsewhere = {
    .reason = "no-such-user", .rule = "a-rule", .reply = 2, .decision = "suppress", .reporting_mta = "relay.example",
    .message_key = "R7", .queue_id = "R7", .sender = "news@us.example", .message_id = "m1@us.example",
    .stream = "us.example", .remote_mta = "mx.example.net", .original_recipient = "a@x", .source = "milter",
    .evidence = "proved", .trusted = 1, .status = "5.1.1"};

START_TEST(what_was_not_known_is_filled_in)
{
    struct store_event merged;

    witness_merge(&log_line, &elsewhere, WITNESS_FILLS, &merged);
    ck_assert_str_eq(merged.reason, "unclassified");
    ck_assert_int_eq(merged.reply, 1);
    ck_assert_str_eq(merged.sender, "news@us.example");
    ck_assert_str_eq(merged.message_id, "m1@us.example");
    ck_assert_str_eq(merged.stream, "us.example");
    ck_assert_str_eq(merged.remote_mta, "mx.example.net");
    ck_assert_str_eq(merged.message_key, "Q1");
    ck_assert_str_eq(merged.evidence, "local");
}
END_TEST

START_TEST(the_richer_words_bring_their_verdict)
{
    struct store_event merged;

    witness_merge(&log_line, &elsewhere, WITNESS_CORRECTS, &merged);
    ck_assert_str_eq(merged.reason, "no-such-user");
    ck_assert_str_eq(merged.decision, "suppress");
    ck_assert_int_eq(merged.reply, 2);
    ck_assert_str_eq(merged.provider, "google");
    ck_assert_str_eq(merged.reporting_mta, "mx1");
    ck_assert_str_eq(merged.source, "log");
}
END_TEST

START_TEST(the_better_evidence_names_the_message)
{
    struct store_event merged;

    witness_merge(&elsewhere, &log_line, WITNESS_FILLS, &merged);
    ck_assert_str_eq(merged.reason, "no-such-user");
    ck_assert_str_eq(merged.reporting_mta, "mx1");
    ck_assert_str_eq(merged.message_key, "Q1");
    ck_assert_str_eq(merged.evidence, "local");
    ck_assert_str_eq(merged.sender, "news@us.example");
}
END_TEST

START_TEST(of_what_anybody_could_have_written_nothing_stays)
{
    struct store_event forged = elsewhere, merged;

    forged.trusted = 0;
    forged.evidence = "unproven";
    witness_merge(&forged, &log_line, WITNESS_REPLACES, &merged);
    ck_assert_mem_eq(&merged, &log_line, sizeof(merged));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/witness");
    TCase *tc = tcase_create("witness");

    tcase_add_loop_test(tc, the_richer_text_is_found, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, what_was_not_known_is_filled_in);
    tcase_add_test(tc, the_richer_words_bring_their_verdict);
    tcase_add_test(tc, the_better_evidence_names_the_message);
    tcase_add_test(tc, of_what_anybody_could_have_written_nothing_stays);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
