/* daemon/ledger/database_file: what is damaged is named and stays as it is. */
#include "config.h"

#include "daemon/ledger/database_file.h"

#include "base/mem.h"
#include "daemon/ledger/store.h"
#include "tests/daemon/database.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct error error;
static char wal_path[160], other_path[160];

static void setup(void)
{
    database_make();
    snprintf(wal_path, sizeof(wal_path), "%s-wal", database_path);
    snprintf(other_path, sizeof(other_path), "%s/other", database_dir);
}

static void teardown(void)
{
    unlink(other_path);
    database_remove();
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* Bytes of a file, to be freed; NULL: there is none. */
static char *read_file(const char *path, size_t *size_r)
{
    FILE *file = fopen(path, "r");
    struct stat status;
    char *bytes;

    *size_r = 0;
    if (!file)
        return NULL;
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    bytes = xmalloc((size_t)status.st_size + 1);
    *size_r = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

static void make_database(void)
{
    struct store *store = store_open(database_path, 0, &error);

    ck_assert_msg(store != NULL, "%s", error.text);
    store_close(&store);
}

static void no_damage(void)
{
}

static void empty(void)
{
    ck_assert_int_eq(truncate(database_path, 0), 0);
}

static void cut_off(void)
{
    struct stat status;

    ck_assert_int_eq(stat(database_path, &status), 0);
    ck_assert_int_eq(truncate(database_path, status.st_size / 2 + 100), 0);
}

static void garbage_at(const char *path, off_t at, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0640);

    ck_assert_int_ge(fd, 0);
    for (size_t i = 0; i < length; i++)
        ck_assert_int_eq(pwrite(fd, "\x5a", 1, at + (off_t)i), 1);
    close(fd);
}

static void garbage_header(void)
{
    garbage_at(database_path, 0, 100);
}

static void garbage_wal(void)
{
    garbage_at(wal_path, 0, 5000);
}

static void only_a_wal(void)
{
    garbage_at(wal_path, 0, 5000);
    ck_assert_int_eq(unlink(database_path), 0);
}

static void garbage_schema(void)
{
    garbage_at(database_path, 100, 3996);
}

static void zeros_for_a_wal(void)
{
    int fd = open(wal_path, O_WRONLY | O_CREAT, 0640);

    ck_assert_int_eq(ftruncate(fd, 8192), 0);
    close(fd);
}

static void half_a_wal_header(void)
{
    garbage_at(wal_path, 0, 20);
}

static const struct {
    void (*damage)(void);
    const char *says; /* NULL: it opens */
} cases[] = {
    {no_damage, NULL},
    {zeros_for_a_wal, NULL}, /* as a power failure leaves it before it was synchronised */
    {half_a_wal_header, NULL},
    {empty, "the file is empty"},
    {cut_off, "suppressctl repair"},
    {garbage_header, "suppressctl repair"},
    {garbage_schema, "suppressctl repair"},
    {garbage_wal, "its -wal is damaged: nothing more is written to it; stop suppressd and run 'suppressctl repair'"},
    {only_a_wal, "the file is gone, and its -wal is there"},
};

START_TEST(what_is_damaged_is_named_and_left_as_it_is)
{
    size_t before_size, before_wal_size, after_size, after_wal_size;
    char *before, *before_wal, *after, *after_wal;
    struct store *store;

    make_database();
    cases[_i].damage();
    before = read_file(database_path, &before_size);
    before_wal = read_file(wal_path, &before_wal_size);
    store = store_open(database_path, 0, &error);
    ck_assert_msg(!store == !!cases[_i].says, "%s", error.text);
    store_close(&store);
    if (cases[_i].says) {
        ck_assert_msg(strstr(error.text, cases[_i].says) && strstr(error.text, database_path), "%s", error.text);
        ck_assert_int_eq(error.code, ERROR_DAMAGED);
        after = read_file(database_path, &after_size);
        after_wal = read_file(wal_path, &after_wal_size);
        ck_assert(!before == !after && before_size == after_size && before_wal_size == after_wal_size);
        ck_assert(!before || !memcmp(before, after, before_size));
        ck_assert(!before_wal || !memcmp(before_wal, after_wal, before_wal_size));
        free(after);
        free(after_wal);
    }
    free(before);
    free(before_wal);
}
END_TEST

START_TEST(a_start_that_was_broken_off_is_no_hindrance)
{
    char *fresh = xasprintf("%s.new", database_path), *journal = xasprintf("%s.new-journal", database_path);

    write_file(fresh, "half a database", 15);
    write_file(journal, "half a journal", 14);
    make_database();
    ck_assert_int_eq(access(fresh, F_OK), -1);
    ck_assert_int_eq(access(journal, F_OK), -1);
    free(fresh);
    free(journal);
}
END_TEST

START_TEST(one_writer_has_the_lock)
{
    int fd = database_file_lock(database_path, &error);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(database_file_lock(database_path, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "a suppressd is running with this database"));
    close(fd);
    fd = database_file_lock(database_path, &error);
    ck_assert_int_ge(fd, 0);
    close(fd);
}
END_TEST

START_TEST(what_is_replaced_is_kept_with_its_wal)
{
    char *aside = xasprintf("%s.aside", database_path), *aside_wal = xasprintf("%s.aside-wal", database_path);
    struct stat status;
    size_t size;
    char *bytes;

    write_file(database_path, "old", 3);
    write_file(wal_path, "old wal", 7);
    write_file(other_path, "new", 3);
    ck_assert_int_eq(chmod(database_path, 0604), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(chown(database_path, 7, 8), 0);
    ck_assert_msg(!database_file_replace(database_path, other_path, aside, &error), "%s", error.text);
    ck_assert_int_eq(stat(database_path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0604);
    ck_assert(geteuid() != 0 || (status.st_uid == 7 && status.st_gid == 8));
    ck_assert_int_eq(status.st_size, 3);
    bytes = read_file(aside, &size);
    ck_assert(size == 3 && !memcmp(bytes, "old", 3));
    free(bytes);
    bytes = read_file(aside_wal, &size);
    ck_assert(size == 7 && !memcmp(bytes, "old wal", 7));
    free(bytes);
    ck_assert_int_eq(access(wal_path, F_OK), -1);
    ck_assert_int_eq(access(other_path, F_OK), -1);
    unlink(aside);
    unlink(aside_wal);
    free(aside);
    free(aside_wal);
}
END_TEST

START_TEST(what_was_kept_before_is_not_replaced)
{
    write_file(database_path, "old", 3);
    write_file(other_path, "new", 3);
    ck_assert_int_eq(database_file_replace(database_path, other_path, database_path, &error), -1);
    ck_assert_int_eq(access(other_path, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("database_file");
    TCase *tcase = tcase_create("database_file");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, what_is_damaged_is_named_and_left_as_it_is, 0, sizeof(cases) / sizeof(*cases));
    tcase_add_test(tcase, a_start_that_was_broken_off_is_no_hindrance);
    tcase_add_test(tcase, one_writer_has_the_lock);
    tcase_add_test(tcase, what_is_replaced_is_kept_with_its_wal);
    tcase_add_test(tcase, what_was_kept_before_is_not_replaced);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
