/* Postfix's delivery lines. */
#include "config.h"

#include "daemon/report/postfix_log.h"

#include "tests/daemon/report/maillog_render.h"
#include "tests/run.h"

#define HEAD "Nov  3 07:05:09 mx1 postfix/smtp[311]: 4XyzAbCdEf1: "
#define TIMES "delay=1.2, delays=0.1/0/0.4/0.7, "
#define VIA "relay=mx.example.net[192.0.2.7]:25, " TIMES
#define SAID "host mx.example.net[192.0.2.7] said: "

static const struct {
    const char *name, *line, *expected;
} lines[] = {
    {"sent", HEAD "to=<ann@example.net>, " VIA "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 8F00)",
     "delivered ann@example.net 2.0.0 via=mx.example.net id=4XyzAbCdEf1: 250 2.0.0 Ok: queued as 8F00\n"},
    {"bounced, with parentheses in the reply",
     HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, status=bounced (" SAID
          "550 5.1.1 <ann@example.net>: nobody here (or gone) (in reply to RCPT TO command))\n",
     "failed ann@example.net 5.1.1 via=mx.example.net id=4XyzAbCdEf1: " SAID
     "550 5.1.1 <ann@example.net>: nobody here (or gone) (in reply to RCPT TO command)\n"},
    {"deferred, before anybody answered",
     HEAD "to=<ann@example.net>, relay=none, delay=400, delays=370/0.1/30/0, dsn=4.4.1, status=deferred "
          "(connect to mx.example.net[192.0.2.7]:25: Connection timed out)",
     "delayed ann@example.net 4.4.1 id=4XyzAbCdEf1: connect to mx.example.net[192.0.2.7]:25: Connection timed out\n"},
    {"aliased",
     HEAD "to=<ann@example.net>, orig_to=<staff@example.com>, " VIA "dsn=5.2.2, status=bounced (" SAID "552 full)",
     "failed ann@example.net orig=staff@example.com 5.2.2 via=mx.example.net id=4XyzAbCdEf1 doubtful: " SAID "552 full\n"},
    {"another instance, a short id, connection used again",
     "<22>2026-11-03T07:05:09.123+01:00 mx1 postfix-out/lmtp[3]: 5F00AB: to=<ann@example.net>, relay=box.example.com"
     "[private/lmtp], conn_use=3 delay=1, delays=0/0/0/1, dsn=2.1.5, status=sent (250 2.1.5 Saved)",
     "delivered ann@example.net 2.1.5 via=box.example.com id=5F00AB: 250 2.1.5 Saved\n"},
    {"an instance that does not bear the name",
     "Nov  3 07:05:09 mx1 bulk/smtp[311]: 5F00AB: to=<a@example.net>, relay=local, delay=1, dsn=5.1.1, status=bounced (x)",
     "failed a@example.net 5.1.1 id=5F00AB: x\n"},
    {"some other program of that kind",
     "Nov  3 07:05:09 mx1 bulk/helper[311]: 5F00AB: to=<a@example.net>, relay=local, delay=1, dsn=5.1.1, status=bounced (x)",
     "other"},
    {"local", "Nov  3 07:05:09 mx1 postfix/local[9]: 5F00AB: to=<ann@mx1.example.com>, relay=local, " TIMES
     "dsn=5.1.1, status=bounced (unknown user: \"ann\")",
     "failed ann@mx1.example.com 5.1.1 id=5F00AB: unknown user: \"ann\"\n"},
    {"virtual", "Nov  3 07:05:09 mx1 postfix/virtual[9]: 5F00AB: to=<ann@example.com>, relay=virtual, " TIMES
     "dsn=2.0.0, status=sent (delivered to maildir)",
     "delivered ann@example.com 2.0.0 id=5F00AB: delivered to maildir\n"},
    {"pipe", "Nov  3 07:05:09 mx1 postfix/pipe[9]: 5F00AB: to=<ann@example.com>, relay=imapd, " TIMES
     "dsn=4.3.0, status=deferred (temporary failure. Command output: no room)",
     "delayed ann@example.com 4.3.0 id=5F00AB: temporary failure. Command output: no room\n"},
    {"error", "Nov  3 07:05:09 mx1 postfix/error[9]: 5F00AB: to=<ann@example.com>, relay=none, " TIMES
     "dsn=5.0.0, status=bounced (closed for good)",
     "failed ann@example.com 5.0.0 id=5F00AB: closed for good\n"},
    {"retry", "Nov  3 07:05:09 mx1 postfix/retry[9]: 5F00AB: to=<ann@example.com>, relay=none, " TIMES
     "dsn=4.3.0, status=deferred (mail transport unavailable)",
     "delayed ann@example.com 4.3.0 id=5F00AB: mail transport unavailable\n"},
    {"discard", "Nov  3 07:05:09 mx1 postfix/discard[9]: 5F00AB: to=<ann@example.com>, relay=none, " TIMES
     "dsn=2.0.0, status=sent (example.com)",
     "delivered ann@example.com 2.0.0 id=5F00AB: example.com\n"},
    {"expired", HEAD "to=<ann@example.net>, " VIA "dsn=4.4.1, status=expired (gave up)",
     "failed ann@example.net 4.4.1 via=mx.example.net id=4XyzAbCdEf1: gave up\n"},
    {"expired: the message", "Nov  3 07:05:09 mx1 postfix/qmgr[2]: 5F00AB: from=<n@example.com>, status=expired, returned to sender",
     "expired id=5F00AB"},
    {"expired: the message, by postsuper", "Nov  3 07:05:09 mx1 postfix/qmgr[2]: 5F00AB: from=<>, status=force-expired, returned to sender",
     "expired id=5F00AB"},
    {"expired: a sender that says so", "Nov  3 07:05:09 mx1 postfix/qmgr[2]: 5F00AB: from=<\"n>, status=expired, returned to sender\"@example.com>, "
     "size=300, nrcpt=1 (queue active)", "other"},
    {"expired: another program", "Nov  3 07:05:09 mx1 postfix/smtp[2]: 5F00AB: from=<n@example.com>, status=expired, returned to sender", "other"},
    {"a probe", HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, status=undeliverable (" SAID "550 5.1.1 no)",
     "failed ann@example.net 5.1.1 via=mx.example.net id=4XyzAbCdEf1 probe: " SAID "550 5.1.1 no\n"},
    {"a probe put off", HEAD "to=<ann@example.net>, " VIA "dsn=4.2.0, status=undeliverable-but-not-cached (" SAID "450 later)",
     "delayed ann@example.net 4.2.0 via=mx.example.net id=4XyzAbCdEf1 probe: " SAID "450 later\n"},
    {"a probe that went well", HEAD "to=<ann@example.net>, " VIA "dsn=2.1.5, status=deliverable (250 ok)",
     "delivered ann@example.net 2.1.5 via=mx.example.net id=4XyzAbCdEf1 probe: 250 ok\n"},
    {"to a content filter", HEAD "to=<ann@example.net>, relay=127.0.0.1[127.0.0.1]:10024, " TIMES
     "dsn=2.0.0, status=sent (250 2.0.0 from MTA: 250 2.0.0 Ok: queued as 9A00)",
     "relayed ann@example.net 2.0.0 via=127.0.0.1 id=4XyzAbCdEf1: 250 2.0.0 from MTA: 250 2.0.0 Ok: queued as 9A00\n"},
    {"to a content filter that says more", HEAD "to=<ann@example.net>, relay=127.0.0.1[127.0.0.1]:10024, " TIMES
     "dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9A00)",
     "relayed ann@example.net 2.0.0 via=127.0.0.1 id=4XyzAbCdEf1: "
     "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9A00\n"},
    {"to a content filter behind a socket", "Nov  3 07:05:09 mx1 postfix/lmtp[311]: 5F00AB: to=<ann@example.net>, relay=mx1.example.com[private/scan], "
     TIMES "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9A00)",
     "relayed ann@example.net 2.0.0 via=mx1.example.com id=5F00AB: 250 2.0.0 Ok: queued as 9A00\n"},
    {"to a content filter by its name, withheld", "Nov  3 07:05:09 mx1 postfix/smtp-amavis/smtp[311]: 5F00AB: to=<ann@example.net>, "
     "relay=127.0.0.1[127.0.0.1]:10024, " TIMES "dsn=2.7.0, status=sent (250 2.7.0 Ok, discarded, id=311-01 - spam)",
     "relayed ann@example.net 2.7.0 via=127.0.0.1 id=5F00AB: 250 2.7.0 Ok, discarded, id=311-01 - spam\n"},
    {"to a content filter through a pipe", "Nov  3 07:05:09 mx1 postfix/pipe[311]: 5F00AB: to=<ann@example.net>, relay=spamassassin, "
     TIMES "dsn=2.0.0, status=sent (delivered via spamassassin service)",
     "relayed ann@example.net 2.0.0 id=5F00AB: delivered via spamassassin service\n"},
    {"a filter's name, withheld, behind a socket", "Nov  3 07:05:09 mx1 postfix/lmtp[311]: 5F00AB: to=<ann@example.net>, "
     "relay=mx1.example.com[/run/amavis/lmtp.sock], " TIMES "dsn=2.7.0, status=sent (250 2.7.0 Ok, discarded)",
     "relayed ann@example.net 2.7.0 via=mx1.example.com id=5F00AB: 250 2.7.0 Ok, discarded\n"},
    {"a filter's name, far away", HEAD "to=<ann@example.net>, relay=amavis.example.net[192.0.2.7]:25, " TIMES
     "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9A00)",
     "delivered ann@example.net 2.0.0 via=amavis.example.net id=4XyzAbCdEf1: 250 2.0.0 Ok: queued as 9A00\n"},
    {"through another pipe", "Nov  3 07:05:09 mx1 postfix/pipe[311]: 5F00AB: to=<ann@example.net>, relay=dovecot, "
     TIMES "dsn=2.0.0, status=sent (delivered via dovecot service)",
     "delivered ann@example.net 2.0.0 id=5F00AB: delivered via dovecot service\n"},
    {"a content filter far away, which the remote has", HEAD "to=<ann@example.net>, " VIA
     "dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10013): 250 2.0.0 Ok: queued as 9A00)",
     "delivered ann@example.net 2.0.0 via=mx.example.net id=4XyzAbCdEf1: "
     "250 2.0.0 from MTA(smtp:[127.0.0.1]:10013): 250 2.0.0 Ok: queued as 9A00\n"},
    {"refused by a content filter", HEAD "to=<ann@example.net>, relay=127.0.0.1[127.0.0.1]:10024, " TIMES
     "dsn=5.7.0, status=bounced (host 127.0.0.1[127.0.0.1] said: 554 5.7.0 Reject, id=311-01 - spam)",
     "failed ann@example.net 5.7.0 via=127.0.0.1 id=4XyzAbCdEf1: host 127.0.0.1[127.0.0.1] said: 554 5.7.0 Reject, id=311-01 - spam\n"},
    {"a content filter that is not there", HEAD "to=<ann@example.net>, relay=none, " TIMES
     "dsn=4.4.1, status=deferred (connect to 127.0.0.1[127.0.0.1]:10024: Connection refused)",
     "delayed ann@example.net 4.4.1 id=4XyzAbCdEf1: connect to 127.0.0.1[127.0.0.1]:10024: Connection refused\n"},
    {"to a mailbox server behind a socket", "Nov  3 07:05:09 mx1 postfix/lmtp[311]: 5F00AB: to=<ann@example.net>, "
     "relay=mx1.example.com[private/dovecot-lmtp], " TIMES "dsn=2.0.0, status=sent (250 2.0.0 <ann@example.net> 7Yx Saved)",
     "delivered ann@example.net 2.0.0 via=mx1.example.com id=5F00AB: 250 2.0.0 <ann@example.net> 7Yx Saved\n"},
    {"to a mailbox on this machine", HEAD "to=<ann@example.net>, relay=localhost[::1]:24, " TIMES
     "dsn=2.0.0, status=sent (250 2.0.0 kept)",
     "delivered ann@example.net 2.0.0 via=localhost id=4XyzAbCdEf1: 250 2.0.0 kept\n"},
    {"a word of a later version", HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, status=vanished (x)",
     "delayed ann@example.net 5.1.1 via=mx.example.net id=4XyzAbCdEf1: x\n"},
    {"a field of a later version", HEAD "to=<ann@example.net>, relay=mx.example.net[192.0.2.7]:25, delay=1, tls=dane/x:y, dsn=2.0.0, status=sent (ok)",
     "delivered ann@example.net 2.0.0 via=mx.example.net id=4XyzAbCdEf1: ok\n"},
    {"no dsn", HEAD "to=<ann@example.net>, relay=none, delay=1, status=bounced (x)", "other"},
    {"a dsn that is none", HEAD "to=<ann@example.net>, relay=none, delay=1, dsn=5.1, status=bounced (x)", "other"},
    {"no relay", HEAD "to=<ann@example.net>, dsn=5.1.1, status=bounced (x)", "other"},
    {"the null recipient", HEAD "to=<>, relay=none, delay=1, dsn=5.1.1, status=bounced (x)",
     "failed  5.1.1 id=4XyzAbCdEf1: x\n"},
    {"no parentheses", HEAD "to=<ann@example.net>, relay=none, delay=1, dsn=5.7.1, status=bounced too bad",
     "failed ann@example.net 5.7.1 id=4XyzAbCdEf1 doubtful: too bad\n"},
    {"cut off", HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, status=bounced (" SAID "550 5.1.1 no su",
     "failed ann@example.net 5.1.1 via=mx.example.net id=4XyzAbCdEf1 doubtful: " SAID "550 5.1.1 no su\n"},
    {"cut off earlier", HEAD "to=<ann@example.net>, relay=mx.example.net[192.0.2.7]:25, delay=1.2, dsn=5.", "other"},

    {"quoted: looks like log syntax",
     HEAD "to=<\"a>, dsn=5.1.1, status=bounced\"@example.org>, " VIA "dsn=2.0.0, status=sent (250 ok)",
     "delivered \"a>, dsn=5.1.1, status=bounced\"@example.org 2.0.0 via=mx.example.net id=4XyzAbCdEf1: 250 ok\n"},
    {"quoted: a whole line",
     HEAD "to=<\"ann@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (550 gone)\"@example.org>, " VIA
          "dsn=2.0.0, status=sent (250 ok)",
     "delivered \"ann@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (550 gone)\"@example.org 2.0.0 "
     "via=mx.example.net id=4XyzAbCdEf1: 250 ok\n"},
    {"quoted: escapes",
     HEAD "to=<\"a\\\"@b>, \\\\\"@example.org>, " VIA "dsn=2.0.0, status=sent (250 ok)",
     "delivered \"a\\\"@b>, \\\\\"@example.org 2.0.0 via=mx.example.net id=4XyzAbCdEf1: 250 ok\n"},
    {"quoted: cut off",
     HEAD "to=<\"ann@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (550 gone)",
     "failed \"\\\"ann\"@example.net 5.1.1 id=4XyzAbCdEf1: 550 gone\n"},
    {"bare: looks like log syntax",
     HEAD "to=<a>, dsn=5.1.1, status=bounced@example.org>, " VIA "dsn=2.0.0, status=sent (250 ok)",
     "delivered \"a>, dsn=5.1.1, status=bounced\"@example.org 2.0.0 via=mx.example.net id=4XyzAbCdEf1: 250 ok\n"},
    {"bare: somebody else's address",
     HEAD "to=<ann@example.net>@example.org>, " VIA "dsn=5.1.1, status=bounced (" SAID "550 no)",
     "failed \"ann@example.net>\"@example.org 5.1.1 via=mx.example.net id=4XyzAbCdEf1: " SAID "550 no\n"},
    {"bare: a space, and to=<",
     HEAD "to=<to=<ann b@example.org>, " VIA "dsn=5.1.1, status=bounced (" SAID "550 no)",
     "failed \"to=<ann b\"@example.org 5.1.1 via=mx.example.net id=4XyzAbCdEf1: " SAID "550 no\n"},
    {"bare: a whole line",
     HEAD "to=<ann@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (550 gone)@example.org>, " VIA
          "dsn=2.0.0, status=sent (250 ok)",
     "ambiguous"},
    {"the receiver writes such a line",
     HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, status=bounced (" SAID "550 to=<b@example.net>, relay=x, dsn=5.1.1, status=bounced (x))",
     "ambiguous"},
    {"the receiver writes half such a line",
     HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, status=bounced (" SAID "550 to=<b@example.net> dsn=2.0.0, status=sent (x))",
     "failed ann@example.net 5.1.1 via=mx.example.net id=4XyzAbCdEf1: " SAID
     "550 to=<b@example.net> dsn=2.0.0, status=sent (x)\n"},
    {"bare: an alias made up",
     HEAD "to=<ann@example.net>, orig_to=<x@example.org>, " VIA "dsn=5.1.1, status=bounced (" SAID "550 no)",
     "failed ann@example.net orig=x@example.org 5.1.1 via=mx.example.net id=4XyzAbCdEf1 doubtful: " SAID "550 no\n"},
    {"bare: a whole line behind an alias",
     HEAD "to=<ann@example.net>, orig_to=<b>, relay=none, delay=1, dsn=5.1.1, status=bounced (550 no)@example.org>, " VIA
          "dsn=2.0.0, status=sent (250 ok)",
     "ambiguous"},

    {"a refusal by smtpd", "Nov  3 07:05:09 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from c.example.org[192.0.2.9]: 550 5.1.1 "
     "<a@example.com>: no; from=<b@example.org> to=<a@example.com> proto=ESMTP helo=<c>", "other"},
    {"a header in the log", "Nov  3 07:05:09 mx1 postfix/cleanup[1]: 5F00AB: info: header Subject: to=<a@example.com>, relay=none, "
     "dsn=5.1.1, status=bounced (x)", "other"},
    {"a queue id that is none", "Nov  3 07:05:09 mx1 postfix/smtp[1]: 5F-AB1: to=<a@example.com>, relay=none, dsn=5.1.1, status=bounced (x)",
     "other"},
};

START_TEST(a_line_is_read)
{
    char text[4096];

    render_line(lines[_i].line, strlen(lines[_i].line), text, sizeof(text));
    ck_assert_msg(!strcmp(text, lines[_i].expected), "%s:\n%s", lines[_i].name, text);
}
END_TEST

static void read_long(const char *recipient, size_t padding, char *out, size_t size)
{
    char *line = malloc(padding + 1000), *at = line;

    at += sprintf(at, HEAD "to=<%s>, " VIA "dsn=5.1.1, status=bounced (550 ", recipient);
    memset(at, 'x', padding);
    strcpy(at + padding, ")");
    render_line(line, strlen(line), out, size);
    free(line);
}

START_TEST(long_texts_are_read_and_doubted)
{
    char text[8192];

    read_long("a@example.net", 1500, text, sizeof(text));
    ck_assert(!strncmp(text, "failed a@example.net", 20) && !strstr(text, "doubtful"));
    read_long("a@example.net", 3000, text, sizeof(text));
    ck_assert(!strncmp(text, "failed a@example.net", 20) && strstr(text, "doubtful"));
}
END_TEST

START_TEST(an_overlong_recipient_is_left_out)
{
    char recipient[MAILLOG_RECIPIENT_SIZE + 100] = "", line[8192], text[8192];

    memset(recipient, 'a', sizeof(recipient) - 1);
    snprintf(line, sizeof(line), HEAD "to=<%s@example.net>, " VIA "dsn=5.1.1, status=bounced (x)", recipient);
    render_line(line, strlen(line), text, sizeof(text));
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postfix_log");
    TCase *tcase = tcase_create("lines");

    tcase_add_loop_test(tcase, a_line_is_read, 0, sizeof(lines) / sizeof(lines[0]));
    tcase_add_test(tcase, long_texts_are_read_and_doubted);
    tcase_add_test(tcase, an_overlong_recipient_is_left_out);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
