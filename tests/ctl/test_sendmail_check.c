/* ctl/sendmail_cf, ctl/sendmail_check: what a Sendmail configuration lacks. */
#include "config.h"

#include "ctl/sendmail_check.h"

#include "tests/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY "O PostmasterCopy=copy@bounces.example.com\n"
#define HEAD "V10/Berkeley\n# a comment\nCwlocalhost\nO SendMimeErrors=True\n" COPY "SMasqEnv=94\nR$+\t$: $1\n"
#define USED "O InputMailFilters=other, suppressd\n"
#define FILTER "Xsuppressd, S=local:/run/suppressd/milter.sock, F=, T=C:5s;S:10s;R:10s;E:60s\n"
#define TABLE "Kmailertable hash -o /etc/mail/mailertable\n"
#define MAILER "Msuppressd, P=[IPC], F=mDFMuXzk8, S=EnvFromSMTP/HdrFromSMTP,\n\t\tA=FILE /run/suppressd/lmtp.sock\n"

static const struct {
    const char *cf;
    const char *text; /* of the one finding; NULL: none */
    enum finding_weight weight;
} table[] = {
    {HEAD USED FILTER TABLE MAILER, NULL, 0},
    {HEAD USED "Xsuppressd, S=unix:/run/suppressd/milter.sock,T=C:1m;E:5m\n" TABLE MAILER, NULL, 0},
    {HEAD USED TABLE MAILER, "no INPUT_MAIL_FILTER is at local:/run/suppressd/milter.sock", FINDING_BLOCK},
    {HEAD USED "Xsuppressd, S=local:/run/elsewhere.sock\n" TABLE MAILER, "no INPUT_MAIL_FILTER", FINDING_BLOCK},
    {HEAD USED "#" FILTER TABLE MAILER, "no INPUT_MAIL_FILTER", FINDING_BLOCK},
    {HEAD FILTER TABLE MAILER, "defined and not used", FINDING_BLOCK},
    {HEAD "O InputMailFilters=suppressd2\n" FILTER TABLE MAILER, "defined and not used", FINDING_BLOCK},
    {HEAD USED "Xsuppressd, S=local:/run/suppressd/milter.sock, F=T, T=C:5s;E:60s\n" TABLE MAILER,
     "with F=T all mail is put off", FINDING_BLOCK},
    {HEAD USED "Xsuppressd, S=local:/run/suppressd/milter.sock, F=R, T=C:5s;E:60s\n" TABLE MAILER,
     "with F=R all mail is refused", FINDING_BLOCK},
    {HEAD USED "Xsuppressd, S=local:/run/suppressd/milter.sock, F=4, T=C:5s;E:60s\n" TABLE MAILER,
     "with F=4 all mail is put off, and", FINDING_BLOCK},
    {HEAD USED "Xsuppressd, S=local:/run/suppressd/milter.sock, F=\n" TABLE MAILER, "waits 300 s", FINDING_WARNING},
    {HEAD USED "Xsuppressd, S=local:/run/suppressd/milter.sock, T=C:5s;E:20s\n" TABLE MAILER,
     "T=E:20s is no longer than ack_timeout (20 s)", FINDING_WARNING},
    {HEAD USED FILTER "O DaemonPortOptions=Name=MSA, Port=587, InputMailFilters=other\n" TABLE MAILER,
     "DAEMON_OPTIONS of MSA has InputMailFilters of its own", FINDING_WARNING},
    {HEAD USED FILTER "O DaemonPortOptions=Name=MSA, InputMailFilters=other;suppressd\n" TABLE MAILER, NULL, 0},
    {HEAD USED FILTER "O RunAsUser=mail:mail\n" TABLE MAILER, "confRUN_AS_USER mail:mail", FINDING_WARNING},
    {HEAD USED FILTER "O BadRcptThrottle=3\n" TABLE MAILER, "confBAD_RCPT_THROTTLE 3", FINDING_WARNING},
    {HEAD USED FILTER "O BadRcptThrottle=0\n" TABLE MAILER, NULL, 0},
    {HEAD USED FILTER "O LogLevel=8\n" TABLE MAILER, "confLOG_LEVEL 8", FINDING_BLOCK},
    {HEAD USED FILTER "O LogLevel=8\nO LogLevel=14\n" TABLE MAILER, NULL, 0},
    {HEAD USED FILTER TABLE, "no mailer has A=FILE /run/suppressd/lmtp.sock", FINDING_BLOCK},
    {HEAD USED FILTER TABLE "Msuppressd, P=[IPC], F=mDFMuX, A=FILE /run/suppressd/lmtp.sock\n",
     "does not speak LMTP", FINDING_BLOCK},
    {HEAD USED FILTER MAILER, "no FEATURE(`mailertable')", FINDING_WARNING},
    {HEAD "O SendMimeErrors=False\n" USED FILTER TABLE MAILER, "confMIME_FORMAT_ERRORS", FINDING_BLOCK},
    {HEAD "Cwexample.com bounces.example.com\n" USED FILTER TABLE MAILER,
     "bounces.example.com is a local", FINDING_BLOCK},
    {HEAD "Cwbounces.example\n" USED FILTER TABLE MAILER, NULL, 0},
    {HEAD "O PostmasterCopy=postmaster\n" USED FILTER TABLE MAILER,
     "has no address in bounces.example.com", FINDING_WARNING},
    {HEAD "O PostmasterCopy=a@bounces.example.com.net\n" USED FILTER TABLE MAILER, "no address in", FINDING_WARNING},
    {HEAD "O PostmasterCopy=postmaster, a@Bounces.example.com\n" USED FILTER TABLE MAILER, NULL, 0},
    {"V10\nO SendMimeErrors=True\n" COPY "SMasqEnv=94\nR$+\t\t$@ $>MasqHdr $1\n" USED FILTER TABLE MAILER,
     "masquerade_envelope", FINDING_WARNING},
};

static void look(const char *text, const struct sendmail_wish *wish, struct findings *findings_r)
{
    struct sendmail_cf cf;

    *findings_r = (struct findings){0};
    sendmail_cf_parse(text, &cf);
    sendmail_check(&cf, wish, findings_r);
    sendmail_cf_clear(&cf);
}

START_TEST(finds)
{
    struct sendmail_wish wish;
    struct findings findings;
    struct error error;

    ck_assert_int_eq(sendmail_wish_make("unix:/run/suppressd/milter.sock", "unix:/run/suppressd/lmtp.sock",
                                        &wish, &error), 0);
    wish.domain = "bounces.example.com";
    wish.ack_timeout = 20;
    look(table[_i].cf, &wish, &findings);
    ck_assert_uint_eq(findings.count, table[_i].text ? 1 : 0);
    if (table[_i].text) {
        ck_assert_msg(strstr(findings.list[0].text, table[_i].text) != NULL, "%s", findings.list[0].text);
        ck_assert_int_eq(findings.list[0].weight, table[_i].weight);
    }
    findings_clear(&findings);
    sendmail_wish_clear(&wish);
}
END_TEST

START_TEST(without_lmtp_its_mailer_is_not_missed)
{
    struct sendmail_wish wish;
    struct findings findings;
    struct error error;

    ck_assert_int_eq(sendmail_wish_make("unix:/run/suppressd/milter.sock", "", &wish, &error), 0);
    look(HEAD USED FILTER, &wish, &findings);
    ck_assert_uint_eq(findings.count, 0);
    findings_clear(&findings);
    sendmail_wish_clear(&wish);
}
END_TEST

static const struct {
    const char *milter, *lmtp, *milter_said, *lmtp_said; /* said NULL: an error */
} sockets[] = {
    {"unix:/a", "unix:/b", "local:/a", "FILE /b"},
    {"inet:8891@127.0.0.1", "inet:2424@127.0.0.1", "inet:8891@127.0.0.1", "TCP [127.0.0.1] 2424"},
    {"inet6:8891@::1", "inet6:2424@::1", "inet6:8891@::1", "TCP [IPv6:::1] 2424"},
    {"inet:1@mx.example", "inet:2@mx.example", "inet:1@mx.example", "TCP mx.example 2"},
    {"inet:1", "inet:2", "inet:1", "TCP [127.0.0.1] 2"},
    {"unix:/a b", "", NULL, NULL},
    {"unix:/a", "unix:/b'c", NULL, NULL},
    {"unix:/a,F=R", "", NULL, NULL},
};

START_TEST(says_sockets_as_sendmail_does)
{
    struct sendmail_wish wish;
    struct error error;
    int result = sendmail_wish_make(sockets[_i].milter, sockets[_i].lmtp, &wish, &error);

    ck_assert_int_eq(result, sockets[_i].milter_said ? 0 : -1);
    if (!result) {
        ck_assert_str_eq(wish.milter, sockets[_i].milter_said);
        ck_assert_str_eq(wish.lmtp, sockets[_i].lmtp_said);
    }
    sendmail_wish_clear(&wish);
}
END_TEST

static const struct {
    const char *name, *text, *said; /* said NULL: it loads */
} files[] = {
    {"good.cf", HEAD, NULL},
    {"good.mc", "divert(-1)\nV9\ndivert(0)dnl\n" HEAD, NULL},
    {"alone.mc", "MAILER(`smtp')dnl\n", "it does not include cf.m4"},
    {"broken.mc", "include(`/no/such/file')dnl\n", "m4 failed: "},
    {"main.cf", "myhostname = mx.example\n", "is no Sendmail configuration"},
};

START_TEST(loads_cf_and_mc)
{
    char path[] = "sendmail_check.XXXXXX", *file;
    struct sendmail_cf cf;
    struct error error = {0};
    FILE *out;
    int result;

    ck_assert_ptr_nonnull(mkdtemp(path));
    file = malloc(sizeof(path) + 20);
    sprintf(file, "%s/%s", path, files[_i].name);
    ck_assert_ptr_nonnull(out = fopen(file, "w"));
    fputs(files[_i].text, out);
    fclose(out);
    result = sendmail_cf_load(file, &cf, &error);
    ck_assert_int_eq(result, files[_i].said ? -1 : 0);
    if (files[_i].said)
        ck_assert_msg(strstr(error.text, files[_i].said) != NULL, "%s", error.text);
    else
        sendmail_cf_clear(&cf);
    remove(file);
    remove(path);
    free(file);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    struct sendmail_cf cf;
    struct error error;

    ck_assert_int_eq(sendmail_cf_load("/no/such/sendmail.cf", &cf, &error), -1);
    ck_assert_str_eq(error.text, "/no/such/sendmail.cf: No such file or directory");
    ck_assert_int_eq(sendmail_cf_load("/no/such/sendmail.mc", &cf, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "/no/such/sendmail.mc"));
}
END_TEST

#define ROWS(array) (int)(sizeof(array) / sizeof(*(array)))

int main(void)
{
    Suite *suite = suite_create("ctl/sendmail_check");
    TCase *tc = tcase_create("sendmail_check");

    tcase_add_loop_test(tc, finds, 0, ROWS(table));
    tcase_add_test(tc, without_lmtp_its_mailer_is_not_missed);
    tcase_add_loop_test(tc, says_sockets_as_sendmail_does, 0, ROWS(sockets));
    tcase_add_loop_test(tc, loads_cf_and_mc, 0, ROWS(files));
    tcase_add_test(tc, a_missing_file_is_named);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
