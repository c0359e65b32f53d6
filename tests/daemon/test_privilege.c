/* daemon/privilege: root becomes a user, and nothing brings it back. */
#include "config.h"

#include "daemon/privilege.h"

#include "tests/run.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER "nobody" /* there is one everywhere */

static char dir[64], file[128], folder[128];

static void make(void)
{
    strcpy(dir, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(folder, sizeof(folder), "%s/made", dir);
    snprintf(file, sizeof(file), "%s/made/file", dir);
}

static void clear(void)
{
    unlink(file);
    rmdir(folder);
    unlink(folder);
    ck_assert_int_eq(rmdir(dir), 0);
}

static int is_root(void)
{
    if (geteuid() == 0)
        return 1;
    puts("needs root: not tried");
    return 0;
}

static long status_number(const char *name, int base)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long value = -1;

    ck_assert_ptr_nonnull(status);
    while (fgets(line, sizeof(line), status))
        if (!strncmp(line, name, strlen(name)))
            value = strtol(line + strlen(name), NULL, base);
    fclose(status);
    return value;
}

START_TEST(root_becomes_the_user_for_good)
{
    const struct passwd *user = getpwnam(USER);
    const gid_t roots[] = {0, 4};
    gid_t groups[64];
    struct error error;
    int count;

    if (!is_root())
        return;
    ck_assert_ptr_nonnull(user);
    ck_assert_int_eq(setgroups(2, roots), 0);
    ck_assert_msg(!privilege_drop(USER, &error), "%s", error.text);
    ck_assert_uint_eq(getuid(), user->pw_uid);
    ck_assert_uint_eq(geteuid(), user->pw_uid);
    ck_assert_uint_eq(getegid(), user->pw_gid);
    ck_assert_int_gt(count = getgroups(64, groups), 0);
    for (int i = 0; i < count; i++)
        ck_assert_uint_ne(groups[i], 0);
    ck_assert_int_eq(setuid(0), -1);
    ck_assert_int_eq(setresuid(0, 0, 0), -1);
    ck_assert_int_eq(setgid(0), -1);
    ck_assert_int_eq(setgroups(2, roots), -1);
    ck_assert_int_eq(status_number("CapEff:", 16), 0);
    ck_assert_int_eq(status_number("CapPrm:", 16), 0);
    ck_assert_int_eq(open("/etc/shadow", O_RDONLY), -1);
    ck_assert_int_eq(errno, EACCES);
}
END_TEST

START_TEST(no_program_gains_rights_any_more)
{
    struct error error;

    ck_assert_msg(!privilege_drop(geteuid() ? "" : USER, &error), "%s", error.text);
    ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    ck_assert_int_eq(status_number("NoNewPrivs:", 10), 1);
}
END_TEST

START_TEST(without_a_user_it_stays_who_it_is)
{
    const uid_t uid = geteuid();
    struct error error;

    ck_assert_msg(!privilege_folder("", file, 0750, &error) && !privilege_drop("", &error), "%s", error.text);
    ck_assert_uint_eq(geteuid(), uid);
    ck_assert_int_eq(access(folder, F_OK), -1);
    ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}
END_TEST

START_TEST(another_user_is_left_as_it_is)
{
    struct error error;

    if (!is_root())
        return;
    ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
    ck_assert_msg(!privilege_folder("no-such-user", "/nowhere/x", 0750, &error) && !privilege_drop("root", &error), "%s",
                  error.text);
    ck_assert_uint_eq(geteuid(), 65534);
}
END_TEST

START_TEST(a_wrong_user_is_an_error)
{
    struct error error;

    if (!is_root())
        return;
    ck_assert_int_eq(privilege_drop("no-such-user", &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "'no-such-user'"));
    ck_assert_int_eq(privilege_folder("no-such-user", file, 0750, &error), -1);
    ck_assert_int_eq(privilege_drop("root", &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "root"));
}
END_TEST

START_TEST(an_absent_folder_is_made_for_the_user)
{
    const struct passwd *user = getpwnam(USER);
    struct error error;
    struct stat status;

    if (!is_root())
        return;
    umask(0077);
    ck_assert_msg(!privilege_folder(USER, file, 0750, &error), "%s", error.text);
    ck_assert_int_eq(stat(folder, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0750);
    ck_assert_uint_eq(status.st_uid, user->pw_uid);
    ck_assert_uint_eq(status.st_gid, user->pw_gid);
}
END_TEST

START_TEST(a_folder_that_is_there_is_not_given_away)
{
    struct error error;
    struct stat status;

    if (!is_root())
        return;
    ck_assert_int_eq(symlink("/etc", folder), 0);
    ck_assert_int_eq(privilege_folder(USER, file, 0750, &error), 0);
    ck_assert_int_eq(stat("/etc", &status), 0);
    ck_assert_uint_eq(status.st_uid, 0);
    ck_assert_int_eq(unlink(folder), 0);
    ck_assert_int_eq(mkdir(folder, 0711), 0);
    ck_assert_int_eq(privilege_folder(USER, file, 0750, &error), 0);
    ck_assert_int_eq(stat(folder, &status), 0);
    ck_assert_uint_eq(status.st_uid, 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0711);
}
END_TEST

START_TEST(a_folder_without_a_parent_is_an_error)
{
    struct error error;

    if (!is_root())
        return;
    ck_assert_int_eq(privilege_folder(USER, "/nowhere/at/all/file", 0750, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/at/all"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/privilege");
    TCase *tcase = tcase_create("privilege");

    tcase_add_checked_fixture(tcase, make, clear);
    tcase_add_test(tcase, without_a_user_it_stays_who_it_is);
    tcase_add_test(tcase, a_wrong_user_is_an_error);
    tcase_add_test(tcase, an_absent_folder_is_made_for_the_user);
    tcase_add_test(tcase, a_folder_that_is_there_is_not_given_away);
    tcase_add_test(tcase, a_folder_without_a_parent_is_an_error);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("drop"); /* each in a process of its own, which cannot clear up */
    tcase_add_test(tcase, root_becomes_the_user_for_good);
    tcase_add_test(tcase, no_program_gains_rights_any_more);
    tcase_add_test(tcase, another_user_is_left_as_it_is);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
