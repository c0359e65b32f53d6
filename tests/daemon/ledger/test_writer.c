/* daemon/ledger/writer: an acknowledgement means on disk; a bad record fails
 * alone; a full queue and a database in trouble are told to the caller. */
#include "config.h"

#include "daemon/ledger/writer.h"

#include "daemon/ledger/ledger.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#include <pthread.h>

#define THREADS 8
#define RECORDS 50 /* of each thread */

static struct writer *writer;
static struct counters counters;
static struct error error;

static void start(size_t queue_max)
{
    struct ledger_options ledger_options = {.counters = &counters};
    struct writer_options options = {.queue_max = queue_max, .queue_bytes_max = 1000000, .batch_max = 100,
                                     .counters = &counters};
    struct writer_limits limits = {.sent_keep = 1000000, .aside_bytes_max = 1000000};
    struct ledger *ledger;

    ledger_options.database = database_path;
    ledger = ledger_open(&ledger_options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
    writer = writer_start(ledger, &options, &limits, &error);
    ck_assert_ptr_nonnull(writer);
}

static void setup(void)
{
    database_make();
    start(1000);
}

static void teardown(void)
{
    writer_stop(&writer);
    database_remove();
}

static struct record *aside(const char *problem)
{
    struct record *record = record_new(RECORD_ASIDE, 1000);

    record->report.problem = xstrdup(problem);
    record->bytes = xstrdup(problem);
    record->size = strlen(problem);
    return record;
}

/* The database refuses it: a suppression must have a reason. */
static struct record *bad_record(void)
{
    struct record *record = record_new(RECORD_SUPPRESS, 1000);

    record->key = xstrdup("a@x");
    record->stream = xstrdup("");
    return record;
}

static void *submit_many(void *argument)
{
    struct error mine;

    for (int i = 0; i < RECORDS; i++) {
        char name[40];

        snprintf(name, sizeof(name), "%d-%d", *(int *)argument, i);
        ck_assert_int_eq(writer_record(writer, aside(name), 20, &mine), 0);
    }
    return NULL;
}

START_TEST(many_threads_are_acknowledged_after_the_commit)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, submit_many, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(database_number("SELECT count(DISTINCT problem) FROM aside"), THREADS * RECORDS);
    ck_assert_uint_le(counters_get(&counters, COUNTER_COMMITS), THREADS * RECORDS);
    ck_assert_uint_eq(writer_queued(writer), 0);
}
END_TEST

START_TEST(a_bad_record_fails_alone)
{
    ck_assert_int_eq(writer_submit(writer, aside("one"), &error), 0);
    ck_assert_int_eq(writer_submit(writer, bad_record(), &error), 0);
    ck_assert_int_eq(writer_record(writer, aside("two"), 20, &error), 0);
    ck_assert_int_eq(writer_record(writer, bad_record(), 20, &error), -1);
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "NOT NULL constraint failed"));
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 2);
}
END_TEST

START_TEST(what_is_queued_is_recorded_before_the_end)
{
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(writer_submit(writer, aside("queued"), &error), 0);
    writer_stop(&writer);
    ck_assert_int_eq(database_number("SELECT sum(count) FROM aside"), 500);
    start(1000);
}
END_TEST

static sqlite3 *lock_database(void)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

START_TEST(a_full_queue_refuses_at_once)
{
    sqlite3 *db;
    int taken = 0;

    writer_stop(&writer);
    start(10);
    db = lock_database(); /* the writer waits for the lock with what it has taken */
    for (struct record *record; taken < 1000; taken++) {
        record = aside("x");
        if (!writer_submit(writer, record, &error))
            continue;
        record_free(&record);
        break;
    }
    ck_assert_int_ge(taken, 10);
    ck_assert_int_le(taken, 10 + 100);
    ck_assert_str_eq(error.text, "the queue to the database is full");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_QUEUE_FULL), 1);
    ck_assert_int_eq(writer_record(writer, aside("y"), 1, &error), -1);
    sqlite3_close(db);
    writer_stop(&writer);
    ck_assert_int_eq(database_number("SELECT sum(count) FROM aside WHERE problem = 'x'"), taken);
    start(10);
}
END_TEST

static struct record *large(size_t size)
{
    struct record *record = aside("large");

    record->bytes = xrealloc(record->bytes, size);
    memset(record->bytes, 'x', size);
    record->packed = record->size = size;
    return record;
}

/* What is being written counts until it is acknowledged. */
START_TEST(the_queue_is_bounded_in_bytes)
{
    struct record *refused = large(600000);
    sqlite3 *db = lock_database();

    ck_assert_int_eq(writer_submit(writer, large(2000000), &error), 0); /* alone anything goes */
    ck_assert_int_eq(writer_submit(writer, refused, &error), -1);
    ck_assert_str_eq(error.text, "the queue to the database is full");
    sqlite3_close(db);
    for (int i = 0; i < 2000 && writer_submit(writer, refused, &error); i++)
        usleep(10000); /* until the large one has been written */
    ck_assert_int_eq(writer_record(writer, aside("small"), 20, &error), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 2); /* the first is larger than aside_bytes_max */
}
END_TEST

START_TEST(a_locked_database_is_told_and_recovers)
{
    sqlite3 *db = lock_database();

    ck_assert_int_eq(writer_record(writer, aside("late"), 1, &error), -1);
    ck_assert_str_eq(error.text, "not on disk within 1 seconds");
    ck_assert_int_eq(writer_record(writer, aside("lost"), 30, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "database is locked"));
    sqlite3_close(db);
    ck_assert_int_eq(writer_record(writer, aside("fine"), 30, &error), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside WHERE problem = 'fine'"), 1);
    ck_assert_uint_ge(counters_get(&counters, COUNTER_WRITE_FAILURES), 1);
}
END_TEST

START_TEST(submitted_messages_that_cannot_be_kept_are_counted)
{
    struct record *record = record_new(RECORD_SENT, 1000);

    ck_assert_int_eq(writer_submit(writer, record, &error), 0); /* no queue id, no sender */
    writer_stop(&writer);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_SENT_DROPPED), 1);
    start(10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/writer");
    TCase *tc = tcase_create("writer");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, many_threads_are_acknowledged_after_the_commit);
    tcase_add_test(tc, a_bad_record_fails_alone);
    tcase_add_test(tc, what_is_queued_is_recorded_before_the_end);
    tcase_add_test(tc, a_full_queue_refuses_at_once);
    tcase_add_test(tc, the_queue_is_bounded_in_bytes);
    tcase_add_test(tc, a_locked_database_is_told_and_recovers);
    tcase_add_test(tc, submitted_messages_that_cannot_be_kept_are_counted);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
