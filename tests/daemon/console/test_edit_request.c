/* daemon/console/edit_request: what comes over the socket is a record, or refused with its cause. */
#include "config.h"

#include "daemon/console/edit_request.h"

#include "daemon/ledger/plan.h"
#include "daemon/ledger/record.h"
#include "tests/run.h"

#include <string.h>

static struct error error;

static struct record *make(const char *text)
{
    json_t *request = json_loads(text, 0, NULL);
    struct record *record;

    ck_assert_msg(request != NULL, "%s", text);
    record = edit_request(request, "alice", 0, 1000, &error);
    json_decref(request);
    return record;
}

static const struct {
    const char *request, *why;
} refused[] = {
    {"{\"command\": \"stage\", \"token\": 5, \"items\": [{\"recipient\": \"a@x\", \"reason\": \"no-such-reason\"}]}", "item 0 of the plan is none"},
    {"{\"command\": \"stage\", \"token\": 5, \"items\": [{\"recipient\": \"\"}]}", "item 0 of the plan is none"},
    {"{\"command\": \"stage\", \"token\": 5, \"items\": [{\"recipient\": \"a@x\"}, 7]}", "item 1 of the plan is none"},
    {"{\"command\": \"erase\"}", "an address is erased, '' is none"},
    {"{\"command\": \"erase\", \"recipient\": \"@example.com\"}", "an address is erased, '@example.com' is none"},
    {"{\"command\": \"erase\", \"recipient\": \"joe\"}", "'joe'"},
};

START_TEST(bad_requests_are_refused)
{
    ck_assert_ptr_null(make(refused[_i].request));
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_msg(strstr(error.text, refused[_i].why) != NULL, "%s", error.text);
}
END_TEST

START_TEST(a_part_is_bounded)
{
    json_t *items = json_array();

    for (int i = 0; i <= PLAN_PART_MAX; i++)
        json_array_append_new(items, json_pack("{s:s, s:i}", "recipient", "a@x.example", "event", i));
    items = json_pack("{s:s, s:i, s:o}", "command", "stage", "token", 5, "items", items);
    ck_assert_ptr_null(edit_request(items, "alice", 0, 1000, &error));
    ck_assert_msg(strstr(error.text, "has more than 1000 items") != NULL, "%s", error.text);
    json_decref(items);
}
END_TEST

START_TEST(good_requests_are_records)
{
    struct record *record = make("{\"command\": \"stage\", \"token\": 5, \"items\":"
                                 " [{\"recipient\": \"a@x\", \"stream\": \"news\", \"event\": 7, \"note\": \"why\"},"
                                 " {\"recipient\": \"b@x\", \"reason\": \"moved\", \"until\": 8, \"trial\": 2}]}");

    ck_assert_int_eq(record->kind, RECORD_STAGE);
    ck_assert_int_eq(record->plan->token, 5);
    ck_assert_uint_eq(record->plan->count, 2);
    ck_assert_ptr_null(record->plan->items[0].reason);
    ck_assert_str_eq(record->plan->items[0].stream, "news");
    ck_assert_str_eq(record->plan->items[1].reason, "moved");
    ck_assert_int_eq(record->plan->items[1].until, 8);
    ck_assert_int_eq(record->plan->items[1].trial, 2);
    record_free(&record);
    record = make("{\"command\": \"undo\", \"set\": 9, \"who\": \"mallory\"}");
    ck_assert_int_eq(record->set, 9);
    ck_assert_str_eq(record->who, "alice");
    record_free(&record);
    record = make("{\"command\": \"erase\", \"recipient\": \"Joe@Example.COM\"}");
    ck_assert_str_eq(record->key, "joe@example.com");
    record_free(&record);
    ck_assert_int_eq(edit_request_is("apply"), 1);
    ck_assert_int_eq(edit_request_is("suppress"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/console/edit_request");
    TCase *tcase = tcase_create("edit_request");

    tcase_add_loop_test(tcase, bad_requests_are_refused, 0, (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tcase, a_part_is_bounded);
    tcase_add_test(tcase, good_requests_are_records);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
