/* Sendmail's delivery lines. */
#include "config.h"

#include "daemon/report/sendmail_log.h"

#include "tests/daemon/report/maillog_render.h"
#include "tests/run.h"

#define HEAD "Nov  3 07:05:09 mx1 sm-mta[311]: 4A3659xx000311: "
#define TIMES "delay=00:00:02, xdelay=00:00:01, mailer=esmtp, pri=120412, "
#define VIA TIMES "relay=mx.example.net. [192.0.2.7], "
#define ID " id=4A3659xx000311"

static const struct {
    const char *name, *line, *expected;
} lines[] = {
    {"sent", HEAD "to=<ann@example.net>, ctladdr=<n@example.com> (1000/1000), " VIA "dsn=2.0.0, stat=Sent (ok: queued as 9)",
     "delivered ann@example.net 2.0.0 via=mx.example.net" ID ": Sent (ok: queued as 9)\n"},
    {"two recipients, one fate", HEAD "to=<ann@example.net>,<bob@example.net>, " VIA "dsn=5.1.1, stat=User unknown",
     "failed ann@example.net 5.1.1 via=mx.example.net" ID ": User unknown\n"
     "failed bob@example.net 5.1.1 via=mx.example.net" ID ": User unknown\n"},
    {"with the reply", HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, reply=550 5.1.1 <ann@example.net>... nobody, stat=User unknown",
     "failed ann@example.net 5.1.1 via=mx.example.net" ID ": 550 5.1.1 <ann@example.net>... nobody\n"},
    {"the reply of a delivery", HEAD "to=<ann@example.net>, " VIA "dsn=2.0.0, reply=250 ok, stat=Sent (ok)",
     "delivered ann@example.net 2.0.0 via=mx.example.net" ID ": Sent (ok)\n"},
    {"deferred", HEAD "to=<ann@example.net>, " VIA "dsn=4.0.0, stat=Deferred: Connection refused by mx.example.net.",
     "delayed ann@example.net 4.0.0 via=mx.example.net" ID ": Deferred: Connection refused by mx.example.net.\n"},
    {"queued", HEAD "to=<ann@example.net>, " TIMES "dsn=2.0.0, stat=queued", "delayed ann@example.net 2.0.0" ID ": queued\n"},
    {"no brackets", "Nov  3 07:05:09 mx1 sendmail[3]: 4A3659xx000311: to=ann@example.net, " VIA "dsn=5.1.2, stat=Host unknown",
     "failed ann@example.net 5.1.2 via=mx.example.net" ID ": Host unknown\n"},
    {"a local name", HEAD "to=root, ctladdr=cron (0/0), " TIMES "relay=local, dsn=2.0.0, stat=Sent",
     "delivered root 2.0.0" ID ": Sent\n"},
    {"handed to the MTA on this machine",
     "Nov  3 07:05:09 mx1 sm-msp-queue[3]: 4A3659xx000311: to=ann@example.net, " TIMES
     "relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (4A3659yy000312 Message accepted for delivery)",
     "relayed ann@example.net 2.0.0" ID ": Sent (4A3659yy000312 Message accepted for delivery)\n"},
    {"handed over, IPv6", HEAD "to=<ann@example.net>, " TIMES "relay=localhost. [IPv6:0:0:0:0:0:0:0:1], dsn=2.0.0, "
     "stat=Sent (4A3659yy000312 Message accepted for delivery)",
     "relayed ann@example.net 2.0.0 via=localhost" ID ": Sent (4A3659yy000312 Message accepted for delivery)\n"},
    {"to a content filter", HEAD "to=<ann@example.net>, " TIMES "relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, "
     "stat=Sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9A00)",
     "relayed ann@example.net 2.0.0" ID ": Sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9A00)\n"},
    {"to a mailbox server on this machine", HEAD "to=<ann@example.net>, " TIMES "relay=localhost. [127.0.0.1], dsn=2.0.0, stat=Sent (250 kept)",
     "delivered ann@example.net 2.0.0 via=localhost" ID ": Sent (250 kept)\n"},
    {"queued elsewhere", HEAD "to=<ann@example.net>, " VIA "dsn=2.0.0, stat=Sent (9A00 Message accepted for delivery)",
     "delivered ann@example.net 2.0.0 via=mx.example.net" ID ": Sent (9A00 Message accepted for delivery)\n"},
    {"a filter that is not there", HEAD "to=<ann@example.net>, " TIMES "relay=[127.0.0.1], dsn=4.0.0, stat=Deferred: Connection refused by [127.0.0.1]",
     "delayed ann@example.net 4.0.0" ID ": Deferred: Connection refused by [127.0.0.1]\n"},
    {"too many recipients for a line", HEAD "to=<ann@example.net>,<bob@example.net>, [more], ctladdr=<n@example.com> (1/1), " VIA "dsn=5.1.1, stat=User unknown",
     "failed ann@example.net 5.1.1 via=mx.example.net" ID ": User unknown\n"
     "failed bob@example.net 5.1.1 via=mx.example.net" ID ": User unknown\n"},
    {"a deferred retry, later final", HEAD "to=<ann@example.net>, delay=5+00:00:01, xdelay=00:00:30, mailer=esmtp, pri=9120412, "
     "relay=mx.example.net. [192.0.2.7], dsn=4.4.7, reply=451 4.7.1 later, stat=Deferred: 451 4.7.1 later",
     "delayed ann@example.net 4.4.7 via=mx.example.net" ID ": 451 4.7.1 later\n"},
    {"TLS in between", HEAD "to=<ann@example.net>, " VIA "tls_verify=NONE, dsn=2.0.0, stat=Sent",
     "delivered ann@example.net 2.0.0 via=mx.example.net" ID ": Sent\n"},
    {"Solaris", "Nov  3 07:05:09 mx1 sendmail[3]: [ID 801593 mail.info] 4A3659xx000311: to=<a@example.net>, " VIA "dsn=5.1.1, stat=User unknown",
     "failed a@example.net 5.1.1 via=mx.example.net" ID ": User unknown\n"},
    {"words that contradict the status", HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, stat=Sent (no)",
     "delayed ann@example.net 5.1.1 via=mx.example.net" ID ": Sent (no)\n"},
    {"no status", HEAD "to=<ann@example.net>, " VIA "stat=Sent", "other"},
    {"no stat", HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1", "other"},
    {"the arrival", HEAD "from=<n@example.com>, size=312, class=0, nrcpts=1, proto=ESMTP, relay=a [192.0.2.2]", "other"},
    {"a DSN", HEAD "4A3659yy000311: DSN: User unknown", "other"},
    {"a refusal", HEAD "ruleset=check_rcpt, arg1=<a@example.net>, relay=a [192.0.2.2], reject=550 5.7.1 no", "other"},
    {"looks like log syntax",
     HEAD "to=<\"a>, dsn=5.1.1, stat=User unknown\"@example.org>,<b@example.net>, " VIA "dsn=2.0.0, stat=Sent",
     "delivered \"a>, dsn=5.1.1, stat=User unknown\"@example.org 2.0.0 via=mx.example.net" ID ": Sent\n"
     "delivered b@example.net 2.0.0 via=mx.example.net" ID ": Sent\n"},
    {"names another recipient", HEAD "to=<\"a@example.org>,<ann@example.net\"@example.org>, " VIA "dsn=5.1.1, stat=User unknown",
     "failed \"a@example.org>,<ann@example.net\"@example.org 5.1.1 via=mx.example.net" ID ": User unknown\n"},
    {"without brackets", HEAD "to=\"a, b\\\", c\"@example.org,d@example.net, " VIA "dsn=5.1.1, stat=User unknown",
     "failed \"a, b\\\", c\"@example.org 5.1.1 via=mx.example.net" ID ": User unknown\n"
     "failed d@example.net 5.1.1 via=mx.example.net" ID ": User unknown\n"},
    {"a quote that does not end", HEAD "to=<\"ann@example.net>, " VIA "dsn=5.1.1, stat=User unknown", "other"},
    {"the receiver writes a field", HEAD "to=<ann@example.net>, " VIA "dsn=5.1.1, stat=Sent (x), dsn=5.1.1, stat=User unknown",
     "delayed ann@example.net 5.1.1 via=mx.example.net" ID ": Sent (x), dsn=5.1.1, stat=User unknown\n"},
};

START_TEST(a_line_is_read)
{
    char text[4096];

    render_line(lines[_i].line, strlen(lines[_i].line), text, sizeof(text));
    ck_assert_msg(!strcmp(text, lines[_i].expected), "%s:\n%s", lines[_i].name, text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sendmail_log");
    TCase *tcase = tcase_create("lines");

    tcase_add_loop_test(tcase, a_line_is_read, 0, sizeof(lines) / sizeof(lines[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
