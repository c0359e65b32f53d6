/* daemon/intake/collect and ingest: what a message becomes, and by what it is
 * known when it comes again. */
#include "config.h"

#include "daemon/intake/collect.h"

#include "daemon/budget.h"
#include "daemon/intake/ingest.h"
#include "daemon/report/message.h"
#include "daemon/ledger/pack.h"
#include "tests/run.h"

#include <string.h>

#define OWN "Received: by mx1.example.org (Postfix) id Q9; Mon\n"
#define DSN "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"                 \
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx1.example.org\n\n"       \
            "Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
#define DSN_OF(recipients) \
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"                 \
            "--b\nContent-Type: message/delivery-status\n\n" recipients "\n--b--\n"
#define BROKEN "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"              \
               "--b\nContent-Type: message/delivery-status\n\nnothing of use\n--b--\n"

static struct counters counters;

static void setup(void)
{
    memset(&counters, 0, sizeof(counters));
}

static struct record *record_of(const char *text, struct collect_origin origin)
{
    struct collect *collect = collect_new(&(const struct collect_limits){10000, MESSAGE_LIMITS_USUAL, NULL}, &counters);
    struct record *record;

    collect_append(collect, text, strlen(text));
    ck_assert_int_eq(collect_record(collect, &origin, 1000, &record), record ? COLLECTED_REPORT : COLLECTED_ORDINARY);
    collect_free(&collect);
    return record;
}

static const struct {
    const char *what, *message;
    struct collect_origin origin;
    const char *queue_id, *sender; /* NULL: none */
    enum evidence evidence;
} messages[] = {
    {"the MTA's queue id", "Message-ID: <m@x>\n" DSN, {.queue_id = "Q7", .sender = ""}, "Q7", "", EVIDENCE_UNPROVEN},
    {"its Message-ID", "Message-ID: <m@x>\n" DSN, {.sender = "a@x"}, "<m@x>", "a@x", EVIDENCE_UNPROVEN},
    {"its bytes", DSN, {0}, "83bdd59fdc3b8bb8", NULL, EVIDENCE_UNPROVEN},
    {"a null Return-Path", "Return-Path: <>\nMessage-ID: <m@x>\n" OWN DSN, {.own_host = "mx1.example.org"}, "<m@x>", "", EVIDENCE_LOCAL},
    {"nobody is believed", "Return-Path: <>\nMessage-ID: <m@x>\n" OWN DSN, {0}, "<m@x>", "", EVIDENCE_UNPROVEN},
    {"somebody's Return-Path", "Return-Path: <a@x>\nMessage-ID: <m@x>\n" OWN DSN, {.own_host = "mx1.example.org"}, "<m@x>", "a@x", EVIDENCE_UNPROVEN},
    {"no Return-Path", "Message-ID: <m@x>\n" OWN DSN, {.own_host = "mx1.example.org"}, "<m@x>", NULL, EVIDENCE_UNPROVEN},
    {"the envelope goes before it", "Return-Path: <>\nMessage-ID: <m@x>\n" OWN DSN, {.own_host = "mx1.example.org", .sender = "a@x"}, "<m@x>", "a@x", EVIDENCE_UNPROVEN},
    {"no field shows its way", "Message-ID: <m@x>\n" DSN, {.own_host = "mx1.example.org", .sender = ""}, "<m@x>", "", EVIDENCE_UNPROVEN},
    {"and none has to", "Message-ID: <m@x>\n" DSN, {.own_host = "mx1.example.org", .sender = "", .internal = 1}, "<m@x>", "", EVIDENCE_LOCAL},
};

START_TEST(each_message_becomes_its_record)
{
    struct record *record = record_of(messages[_i].message, messages[_i].origin);
    const char *what = messages[_i].what, *sender = messages[_i].sender;

    ck_assert_int_eq(record->kind, RECORD_REPORT);
    ck_assert_msg(!strcmp(record->queue_id, messages[_i].queue_id), "%s: %s", what, record->queue_id);
    ck_assert_msg(sender ? record->sender && !strcmp(record->sender, sender) : !record->sender, "%s", what);
    ck_assert_msg(record->evidence == messages[_i].evidence, "%s", what);
    record_free(&record);
}
END_TEST

START_TEST(what_is_broken_is_kept_whole_and_never_believed)
{
    struct record *record = record_of(OWN BROKEN, (struct collect_origin){.own_host = "mx1.example.org", .sender = "", .internal = 1});
    struct error error;
    char *bytes;

    ck_assert_int_eq(record->kind, RECORD_ASIDE);
    ck_assert_int_eq(record->evidence, EVIDENCE_UNPROVEN);
    bytes = pack_restore(record->bytes, record->packed, (int64_t)record->size, &error);
    ck_assert(bytes && record->size == strlen(OWN BROKEN) && !strcmp(bytes, OWN BROKEN));
    free(bytes);
    record_free(&record);
}
END_TEST

START_TEST(what_reports_on_nothing_is_counted)
{
    ck_assert_ptr_null(record_of("Subject: x\n\nHello\n", (struct collect_origin){0}));
    ck_assert_ptr_null(record_of("", (struct collect_origin){0}));
    ck_assert_uint_eq(counters_get(&counters, COUNTER_ORDINARY), 2);
}
END_TEST

static const struct {
    struct message_limits limits;
    enum counter counter;
    int strikes;
    enum record_kind kind;
    int is_kept;
} limited[] = {
    {{1000, 10, 10, 1}, COUNTER_RECIPIENTS_CUT, 1, RECORD_REPORT, 1},
    {{1000, 1, 10, 9}, COUNTER_PARTS_CUT, 1, RECORD_REPORT, 0}, /* read out of the whole text */
    {{1000, 10, 0, 9}, COUNTER_DEPTH_CUT, 1, RECORD_REPORT, 0},
    {{30, 10, 1, 2}, COUNTER_HEADERS_CUT, 1, RECORD_ASIDE, 1},
    {{1000, 10, 1, 2}, COUNTER_HEADERS_CUT, 0, RECORD_REPORT, 0},
};

/* No limit costs a bounce: it is understood, kept aside, or both. */
START_TEST(a_limit_that_strikes_is_counted)
{
    static const char text[] = DSN_OF("Final-Recipient: rfc822; a@example.com\nAction: failed\n\n"
                                      "Final-Recipient: rfc822; b@example.com\nAction: failed\n");
    const struct collect_limits limits = {10000, limited[_i].limits, NULL};
    struct collect *collect = collect_new(&limits, &counters);
    struct collect_origin origin = {0};
    struct record *record;

    collect_append(collect, text, strlen(text));
    ck_assert_int_eq(collect_record(collect, &origin, 1000, &record), COLLECTED_REPORT);
    ck_assert_int_eq(record->kind, limited[_i].kind);
    ck_assert_int_eq(record->packed > 0, limited[_i].is_kept);
    for (int i = COUNTER_HEADERS_CUT; i <= COUNTER_RECIPIENTS_CUT; i++)
        ck_assert_uint_eq(counters_get(&counters, (enum counter)i), i == (int)limited[_i].counter && limited[_i].strikes);
    record_free(&record);
    collect_free(&collect);
}
END_TEST

START_TEST(the_head_is_kept)
{
    struct collect *collect = collect_new(&(const struct collect_limits){10, MESSAGE_LIMITS_USUAL, NULL}, &counters);

    collect_append(collect, "1234567", 7);
    ck_assert(!collect_is_full(collect));
    collect_append(collect, "890", 3);
    ck_assert(!collect_is_full(collect));
    collect_append(collect, "", 0);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_REPORTS_CUT), 0);
    collect_append(collect, "x", 1);
    collect_append(collect, "yz", 2);
    ck_assert(collect_is_full(collect) && span_is(collect_bytes(collect), "1234567890"));
    ck_assert_uint_eq(counters_get(&counters, COUNTER_REPORTS_CUT), 1);
    collect_free(&collect);
    collect = collect_new(&(const struct collect_limits){10, MESSAGE_LIMITS_USUAL, NULL}, &counters);
    collect_append(collect, "1234567", 7);
    collect_append(collect, "89012", 5);
    ck_assert(span_is(collect_bytes(collect), "1234567890"));
    collect_free(&collect);
}
END_TEST

static void fill(struct collect *collect, size_t length)
{
    static const char filler[1000] = {0};

    for (size_t done = 0; done < length; done += sizeof(filler))
        collect_append(collect, filler, sizeof(filler));
}

/* A flood of large messages leaves ordinary ones their share. */
START_TEST(messages_share_their_memory)
{
    struct budget memory = {.max = 1000000};
    const struct collect_limits limits = {400000, MESSAGE_LIMITS_USUAL, &memory};
    struct collect *large[3], *bounce = collect_new(&limits, &counters);
    struct record *record;

    for (int i = 0; i < 3; i++) {
        large[i] = collect_new(&limits, &counters);
        collect_append(large[i], BROKEN, strlen(BROKEN));
        fill(large[i], 390000);
        ck_assert_int_eq(collect_is_full(large[i]), i == 1 || i == 2);
        ck_assert_uint_le(budget_used(&memory), 1000000);
    }
    ck_assert_uint_eq(budget_used(&memory), 2 * (400000 - COLLECT_SHARE));
    ck_assert_uint_eq(counters_get(&counters, COUNTER_MESSAGES_CROWDED), 2);
    ck_assert_uint_eq(collect_bytes(large[1]).length, COLLECT_SHARE);
    collect_append(bounce, DSN, strlen(DSN));
    ck_assert_int_eq(collect_record(bounce, &(struct collect_origin){0}, 1, &record), COLLECTED_REPORT);
    record_free(&record);
    ck_assert_int_eq(collect_record(large[1], &(struct collect_origin){0}, 1, &record), COLLECTED_CROWDED);
    ck_assert_ptr_null(record);
    ck_assert_int_eq(collect_record(large[0], &(struct collect_origin){0}, 1, &record), COLLECTED_REPORT);
    ck_assert_uint_eq(budget_used(&memory), 0); /* it has been packed */
    record_free(&record);
    for (int i = 0; i < 3; i++)
        collect_free(&large[i]);
    collect_free(&bounce);
    ck_assert_uint_eq(budget_used(&memory), 0);
}
END_TEST

/* Nobody is told to bring mail again that says nothing of a delivery. */
START_TEST(ordinary_mail_is_never_crowded_out)
{
    struct budget memory = {.max = 1000};
    const struct collect_limits limits = {400000, MESSAGE_LIMITS_USUAL, &memory};
    struct collect *collect = collect_new(&limits, &counters);
    struct record *record;

    collect_append(collect, "Subject: x\n\n", 12);
    fill(collect, 300000);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_MESSAGES_CROWDED), 1);
    ck_assert_int_eq(collect_record(collect, &(struct collect_origin){0}, 1, &record), COLLECTED_ORDINARY);
    collect_free(&collect);
}
END_TEST

static const struct {
    const char *date;
    int64_t time; /* of the event */
} dates[] = {
    {"Date: Thu, 01 Jan 1970 00:10:00 +0000\n", 600},
    {"Date: Thu, 01 Jan 1970 02:10:00 +0000\n", 0}, /* still to come: the ledger takes its own */
    {"", 0},
};

START_TEST(an_ingested_event_has_the_time_of_its_message)
{
    struct collect *collect = collect_new(&(const struct collect_limits){10000, MESSAGE_LIMITS_USUAL, NULL}, &counters);
    struct record *record;

    collect_append(collect, dates[_i].date, strlen(dates[_i].date));
    collect_append(collect, DSN, strlen(DSN));
    record = ingest_record(collect, NULL, 1000);
    ck_assert_int_eq(record->source, SOURCE_INGEST);
    ck_assert_int_eq(record->report.deliveries[0].time, dates[_i].time);
    record_free(&record);
    collect_free(&collect);
}
END_TEST

START_TEST(results_have_names)
{
    enum ingested ingested;

    ck_assert_int_eq(ingest_result(RECORD_REPORT, 1), INGESTED_UNDERSTOOD);
    ck_assert_int_eq(ingest_result(RECORD_REPORT, 0), INGESTED_REPEATED);
    ck_assert_int_eq(ingest_result(RECORD_ASIDE, 0), INGESTED_ASIDE);
    for (int i = 0; i < INGESTED_COUNT; i++) {
        ck_assert(ingested_from_name(ingested_name((enum ingested)i), &ingested));
        ck_assert_int_eq(ingested, i);
    }
    ck_assert(!ingested_from_name("", &ingested) && !ingested_from_name(NULL, &ingested));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/intake/collect");
    TCase *tc = tcase_create("collect");

    message_init();
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, each_message_becomes_its_record, 0, sizeof(messages) / sizeof(messages[0]));
    tcase_add_test(tc, what_is_broken_is_kept_whole_and_never_believed);
    tcase_add_test(tc, what_reports_on_nothing_is_counted);
    tcase_add_loop_test(tc, a_limit_that_strikes_is_counted, 0, sizeof(limited) / sizeof(limited[0]));
    tcase_add_test(tc, the_head_is_kept);
    tcase_add_test(tc, messages_share_their_memory);
    tcase_add_test(tc, ordinary_mail_is_never_crowded_out);
    tcase_add_loop_test(tc, an_ingested_event_has_the_time_of_its_message, 0, sizeof(dates) / sizeof(dates[0]));
    tcase_add_test(tc, results_have_names);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
