/* daemon/ledger/own_file: whoever makes the database, the daemon can use it. */
#include "config.h"

#include "daemon/ledger/own_file.h"

#include "daemon/ledger/store.h"
#include "tests/daemon/database.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct stat status_of(const char *suffix)
{
    char path[160];
    struct stat status;

    snprintf(path, sizeof(path), "%s%s", database_path, suffix);
    ck_assert_msg(!stat(path, &status), "%s: %s", path, strerror(errno));
    return status;
}

START_TEST(an_absent_file_is_made_whatever_the_umask)
{
    int fd;

    umask(0077);
    ck_assert_int_ge(fd = own_file_open(database_path, 0), 0);
    close(fd);
    ck_assert_int_eq(status_of("").st_mode & 07777, 0640);
}
END_TEST

START_TEST(an_existing_file_stays_as_it_is)
{
    int fd = open(database_path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_eq(fchmod(fd, 0604), 0);
    ck_assert_int_eq(write(fd, "text", 4), 4);
    close(fd);
    ck_assert_int_ge(fd = own_file_open(database_path, 0), 0);
    close(fd);
    ck_assert_int_eq(status_of("").st_mode & 07777, 0604);
    ck_assert_int_eq(status_of("").st_size, 4);
}
END_TEST

START_TEST(a_link_to_nowhere_makes_no_file)
{
    ck_assert_int_eq(symlink("elsewhere", database_path), 0);
    ck_assert_int_eq(own_file_open(database_path, 0), -1);
    ck_assert_int_eq(own_file_open(database_path, O_NOFOLLOW), -1);
    ck_assert_int_eq(errno, ELOOP);
}
END_TEST

START_TEST(roots_database_belongs_to_the_folders_owner)
{
    static const char *const files[] = {"", "-wal", "-shm", ".lock"};
    struct error error;
    struct store *store;
    int i;

    if (geteuid() != 0)
        return; /* nobody else can give a file away */
    ck_assert_int_eq(chown(database_dir, 4711, 4712), 0);
    store = store_open(database_path, 0, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(status_of(files[i]).st_uid, 4711);
        ck_assert_int_eq(status_of(files[i]).st_gid, 4712);
    }
    store_close(&store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/own_file");
    TCase *tc = tcase_create("own_file");

    tcase_add_checked_fixture(tc, database_make, database_remove);
    tcase_add_test(tc, an_absent_file_is_made_whatever_the_umask);
    tcase_add_test(tc, an_existing_file_stays_as_it_is);
    tcase_add_test(tc, a_link_to_nowhere_makes_no_file);
    tcase_add_test(tc, roots_database_belongs_to_the_folders_owner);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
