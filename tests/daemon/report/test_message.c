/* Whole messages: what each kind of mail says of whom, and bounds on hostile ones. */
#include "config.h"

#include "daemon/report/message.h"

#include "tests/daemon/report/render.h"
#include "tests/run.h"

#include <ctype.h>
#include <time.h>

#define DSN(boundary) "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n" \
                      "\tboundary=\"" boundary "\"\n\n"

static const struct {
    const char *name, *text, *expected;
} samples[] = {
    {"Postfix",
     "Return-Path: <>\nDate: Mon,  2 Nov 2026 10:00:00 +0100 (CET)\n"
     "From: MAILER-DAEMON@out.example.com (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender\n"
     "To: news@example.com\nAuto-Submitted: auto-replied\n" DSN("4XYZ.1793610000/out.example.com")
     "This is a MIME-encapsulated message.\n\n--4XYZ.1793610000/out.example.com\nContent-Description: Notification\n"
     "Content-Type: text/plain; charset=us-ascii\n\n<gone@example.net>: host mx.example.net[192.0.2.9] said: 550\n"
     "    5.1.1 no such user (in reply to RCPT TO command)\n\n--4XYZ.1793610000/out.example.com\n"
     "Content-Type: message/delivery-status\n\nReporting-MTA: dns; out.example.com\nX-Postfix-Queue-ID: 4XYZ\n"
     "X-Postfix-Sender: rfc822; news@example.com\nArrival-Date: Mon,  2 Nov 2026 10:00:00 +0100 (CET)\n\n"
     "Final-Recipient: rfc822; gone@example.net\nOriginal-Recipient: rfc822;gone@example.net\nAction: failed\n"
     "Status: 5.1.1\nRemote-MTA: dns; mx.example.net\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n\n"
     "--4XYZ.1793610000/out.example.com\nContent-Type: message/rfc822\n\nReturn-Path: <news@example.com>\n"
     "Message-Id: <1@example.com>\nTo: gone@example.net\n\nhello\n\n--4XYZ.1793610000/out.example.com--\n",
     "dsn mta=out.example.com id=4XYZ from=news@example.com msgid=1@example.com\n"
     "failed gone@example.net orig=gone@example.net 5.1.1 via=mx.example.net: 550 5.1.1 no such user\n"},
    {"Postfix with SMTPUTF8",
     DSN("b") "--b\nContent-Type: text/plain; charset=utf-8\n\nno\n--b\n"
     "Content-Type: message/global-delivery-status; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
     "Reporting-MTA: dns; out.example.com\nX-Postfix-Queue-ID: 4XYZ\n\n"
     "Final-Recipient: utf-8; j\xc3\xb6rg@example.net\nAction: failed\nStatus: 5.1.1\n"
     "Diagnostic-Code: smtp; 550 5.1.1 <j\xc3\xb6rg@example.net> unknown\n\n--b\n"
     "Content-Type: message/global-headers\n\nMessage-Id: <1@example.com>\n\n--b--\n",
     "dsn mta=out.example.com id=4XYZ msgid=1@example.com\n"
     "failed j\xc3\xb6rg@example.net 5.1.1: 550 5.1.1 <j\xc3\xb6rg@example.net> unknown\n"},
    {"Sendmail, its queue id from the returned header",
     "From: Mail Delivery Subsystem <MAILER-DAEMON>\nSubject: Returned mail: see transcript for details\n" DSN("b")
     "--b\n\n   ----- The following addresses had permanent fatal errors -----\n<gone@example.net>\n"
     "    (reason: 550 5.7.1 not from there)\n\n--b\nContent-Type: message/delivery-status\n\n"
     "Reporting-MTA: dns; out.example.com\nReceived-From-MTA: DNS; app.example.com\n\n"
     "Final-Recipient: RFC822; gone@example.net\nAction: failed\nStatus: 5.1.1\nRemote-MTA: DNS; mx.example.net\n"
     "Diagnostic-Code: SMTP; 550 5.7.1 not from there\n\n--b\nContent-Type: text/rfc822-headers\n\n"
     "Return-Path: <news@example.com>\nReceived: from app.example.com (app.example.com [192.0.2.1])\n"
     "\tby out.example.com (8.18.1/8.18.1) with ESMTP id 5A29xK012345\n\tfor <gone@example.net>; Mon, 2 Nov 2026\n"
     "Message-Id: <2@example.com>\n\n--b--\n",
     "dsn mta=out.example.com id=5A29xK012345 from=news@example.com msgid=2@example.com\n"
     "failed gone@example.net 5.7.1 via=mx.example.net: 550 5.7.1 not from there\n"},
    {"Exim, one failed and one delayed",
     "Auto-Submitted: auto-replied\nX-Failed-Recipients: gone@example.net\n" DSN("1-eximdsn-2")
     "--1-eximdsn-2\nContent-type: text/plain; charset=us-ascii\n\nIt failed.\n--1-eximdsn-2\n"
     "Content-type: message/delivery-status\n\nReporting-MTA: dns; out.example.com\n\nAction: failed\n"
     "Final-Recipient: rfc822;gone@example.net\nStatus: 5.0.0\nRemote-MTA: dns; mx.example.net\n"
     "Diagnostic-Code: smtp; 550 Unknown user\n\nAction: delayed\nFinal-Recipient: rfc822;slow@example.net\n"
     "Status: 4.0.0\n\n--1-eximdsn-2\nContent-type: message/rfc822\n\nMessage-Id: <3@example.com>\n\n--1-eximdsn-2--\n",
     "dsn mta=out.example.com msgid=3@example.com\n"
     "failed gone@example.net 5.0.0 via=mx.example.net: 550 Unknown user\ndelayed slow@example.net 4.0.0\n"},
    {"Office 365: its notification is HTML, its host name in brackets after the reply",
     "From: <postmaster@example.net>\nSubject: Undeliverable: news\n" DSN("b")
     "--b\nContent-Type: text/html\n\n<p>gone@example.net was not found.</p>\n--b\nContent-Type: message/delivery-status\n\n"
     "Reporting-MTA: dns;AB1.prod.example.org\nReceived-From-MTA: dns;out.example.com\n"
     "Arrival-Date: Mon, 2 Nov 2026 09:00:00 +0000\n\nFinal-Recipient: rfc822;gone@example.net\nAction: failed\n"
     "Status: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; none of that name\n\n"
     "--b\nContent-Type: message/rfc822\n\nMessage-ID: <4@example.com>\n\n--b--\n",
     "dsn mta=AB1.prod.example.org msgid=4@example.com\n"
     "failed gone@example.net 5.1.10: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; none of that name\n"},
    {"Google: remote with a remark, a reply in several lines",
     "From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>\n" DSN("b")
     "--b\nContent-Type: multipart/related; boundary=bb\n\n--bb\nContent-Type: text/plain\n\nnot delivered\n--bb--\n"
     "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; googlemail.example\n"
     "Arrival-Date: Mon, 02 Nov 2026 01:00:00 -0800 (PST)\nX-Original-Message-ID: <5@example.com>\n\n"
     "Final-Recipient: rfc822; full@example.net\nAction: failed\nStatus: 5.2.2\n"
     "Remote-MTA: dns; mx.example.net. (192.0.2.9, the server for the domain example.net.)\n"
     "Diagnostic-Code: smtp; 552-5.2.2 The mailbox is\n 552 5.2.2 over quota\n"
     "Last-Attempt-Date: Mon, 02 Nov 2026 01:00:01 -0800 (PST)\n\n--b--\n",
     "dsn mta=googlemail.example msgid=5@example.com\n"
     "failed full@example.net 5.2.2 via=mx.example.net: 552-5.2.2 The mailbox is 552 5.2.2 over quota\n"},
    {"success", DSN("b") "--b\n\nfine\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; out.example.com\n\n"
     "Final-Recipient: rfc822; ann@example.net\nAction: delivered\nStatus: 2.1.5\nDiagnostic-Code: smtp; 250 2.1.5 ok\n\n--b--\n",
     "dsn mta=out.example.com\ndelivered ann@example.net 2.1.5: 250 2.1.5 ok\n"},
    {"no Diagnostic-Code: the notification's words",
     DSN("b") "--b\n\nThis list of recipients:\n\ngone@example.net: Domain does not exist\n--b\n"
     "Content-Type: message/delivery-status\n\nReporting-MTA: dns; out.example.com\n\n"
     "Final-Recipient: rfc822; gone@example.net\nAction: failed\nStatus: 5.0.0\n\n--b--\n",
     "dsn mta=out.example.com\nfailed gone@example.net 5.0.0: Domain does not exist\n"},
    {"the delivery status has no mail address, the notification has",
     DSN("b") "--b\n\n<gone@example.net>\n    (reason: 550 Host unknown)\n--b\nContent-Type: message/delivery-status\n\n"
     "Reporting-MTA: dns; out.example.com\n\nFinal-Recipient: RFC822; @mx.example.net\nAction: failed\nStatus: 5.1.2\n\n--b--\n",
     "bounce mta=out.example.com (read from the text: the delivery status names no recipient and action)\n"
     "failed gone@example.net 5.1.2: (reason: 550 Host unknown)\n"},
    {"a delivery status within the returned message is somebody else's",
     DSN("b") "--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; out.example.com\n\n"
     "Final-Recipient: rfc822; gone@example.net\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: message/rfc822\n\n"
     "Content-Type: multipart/report; boundary=c; report-type=delivery-status\n\n--c\n"
     "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; victim@example.net\nAction: failed\n\n--c--\n\n--b--\n",
     "dsn mta=out.example.com\nfailed gone@example.net 5.1.1\n"},
    {"a report that was forwarded whole",
     "From: ann@example.com\nSubject: Fwd: Delivery Status Notification\nContent-Type: multipart/mixed; boundary=f\n\n"
     "--f\nContent-Type: message/rfc822\n\n" DSN("b") "--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\n"
     "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; gone@example.net\nAction: failed\nStatus: 5.1.1\n"
     "Diagnostic-Code: smtp; 550 gone\n\n--b--\n\n--f--\n",
     "bounce mta=mx.example.net\nfailed gone@example.net 5.1.1: 550 gone\n"},
    {"its boundary stands nowhere: read as text",
     DSN("a") "--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n"
     "Final-Recipient: rfc822; gone@example.net\nAction: failed\nStatus: 5.1.1\n\n--b--\n",
     "bounce mta=mx.example.net (read from the text: the report has no delivery status part)\n"
     "failed gone@example.net 5.1.1\n"},
    {"claims to be a report and has none",
     "From: x@example.net\n" DSN("b") "--b\n\nSomething happened.\n--b--\n",
     "broken (the report has no delivery status part)\n"},
    {"no usable field",
     "From: x@example.net\n" DSN("b") "--b\n\nSomething happened.\n--b\nContent-Type: message/delivery-status\n\n"
     "Reporting-MTA: dns; mx.example.net\n\nOpinion: none\n\n--b--\n",
     "broken mta=mx.example.net (the delivery status names no recipient and action)\n"},
    {"cut off before the first recipient",
     "From: x@example.net\n" DSN("b") "--b\n\nSomething happened.\n--b\nContent-Type: message/delivery-status\n\n"
     "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; go",
     "broken mta=mx.example.net (the message ends within its delivery status)\n"},
    {"cut off behind it",
     DSN("b") "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n"
     "Final-Recipient: rfc822; gone@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 unknown\n"
     "Remote-MTA: dns; mx.ex",
     "dsn mta=mx.example.net (the message ends within its delivery status)\nfailed gone@example.net 5.1.1: 550 unknown\n"},
    {"read receipt",
     "From: ann@example.net\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
     "--b\n\nAnn has read it.\n--b\nContent-Type: message/disposition-notification\n\n"
     "Final-Recipient: rfc822; ann@example.net\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n",
     "mdn\n"},
    {"a mail filter's refusal in the same form",
     "From: Mail Delivery Subsystem <postmaster@example.net>\nAuto-Submitted: auto-replied (rejected)\n"
     "Subject: Automatically rejected mail\n"
     "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
     "--b\n\nYour message to <ann@example.net> was automatically rejected:\nQuota exceeded\n--b\n"
     "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@example.net\n"
     "Disposition: automatic-action/MDN-sent-automatically; deleted\n\n--b--\n",
     "bounce\nfailed ann@example.net: Your message to <ann@example.net> was automatically rejected: Quota exceeded\n"},
    {"complaint",
     "From: fbl@example.net\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
     "--b\n\nSee below.\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n"
     "Original-Rcpt-To: ann@example.net\n--b\nContent-Type: text/rfc822-headers\n\nTo: ann@example.net\n\n--b--\n",
     "complaint\ncomplaint ann@example.net: Feedback-Type: abuse\n"},
    {"vacation",
     "Return-Path: <>\nFrom: Ann <ann@example.net>\nTo: news@example.com\nAuto-Submitted: auto-replied\n"
     "Subject: Away: your message\n\nI cannot be reached until May. Write to bob@example.net.\n",
     "auto-reply\nauto-reply ann@example.net: Away: your message\n"},
    {"a challenge",
     "From: Ann <ann@example.net>\nTo: news@example.com\nSubject: Please confirm your message\n\nClick here.\n",
     "auto-reply\nauto-reply ann@example.net: Challenge-Response: Please confirm your message\n"},
    {"a challenge by its text",
     "From: Ann <ann@example.net>\nTo: news@example.com\nAuto-Submitted: auto-replied\nSubject: Re: news\n\n"
     "Solve this captcha and the message goes through.\n",
     "auto-reply\nauto-reply ann@example.net: Challenge-Response: Re: news\n"},
    {"a person's mail about one is none",
     "From: Ann <ann@example.net>\nTo: joe@example.com\nSubject: site\n\nThe captcha does not work.\n", "ordinary\n"},
    {"ordinary", "From: ann@example.net\nTo: joe@example.com\nSubject: hello\n\n<joe@example.com>: how are you?\n", "ordinary\n"},
    {"nothing", "", "ordinary\n"},
    {"no header", "\n\nhello\n", "ordinary\n"},
};

START_TEST(a_message_is_read)
{
    struct report report;
    char text[4096];

    message_parse(samples[_i].text, strlen(samples[_i].text), NULL, &report);
    render(&report, text, sizeof(text));
    ck_assert_msg(!strcmp(text, samples[_i].expected), "%s:\n%s", samples[_i].name, text);
    report_clear(&report);
}
END_TEST

/* The same with CRLF, as the MTA hands it over. */
START_TEST(line_ends_make_no_difference)
{
    const char *in = samples[_i].text;
    char *crlf = malloc(2 * strlen(in) + 1), *out = crlf, text[4096];
    struct report report;

    for (; *in; in++) {
        if (*in == '\n')
            *out++ = '\r';
        *out++ = *in;
    }
    message_parse(crlf, (size_t)(out - crlf), NULL, &report);
    render(&report, text, sizeof(text));
    ck_assert_msg(!strcmp(text, samples[_i].expected), "%s:\n%s", samples[_i].name, text);
    report_clear(&report);
    free(crlf);
}
END_TEST

/* It stands there, and not as the beginning of a longer address. */
static int whole_in(const char *text, const char *address)
{
    const char *at = strstr(text, address);
    unsigned char next = at ? (unsigned char)at[strlen(address)] : 'x';

    return !isalnum(next) && next != '-' && !(next & 0x80) && (next != '.' || !isalnum((unsigned char)at[strlen(address) + 1]));
}

/* Every prefix of every sample: nothing is read that is not there (run under a
 * sanitizer), and no recipient is invented out of half an address. */
START_TEST(any_cut_is_survived)
{
    size_t length, whole = strlen(samples[_i].text), i;
    struct report report;

    for (length = 0; length < whole; length++) {
        char *copy = malloc(length ? length : 1);

        memcpy(copy, samples[_i].text, length);
        message_parse(copy, length, NULL, &report);
        for (i = 0; i < report.count; i++) {
            ck_assert_ptr_nonnull(report.deliveries[i].recipient);
            ck_assert_msg(whole_in(samples[_i].text, report.deliveries[i].recipient), "%s: %s after %zu",
                          samples[_i].name, report.deliveries[i].recipient, length);
        }
        report_clear(&report);
        free(copy);
    }
}
END_TEST

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Builds a message of a head, a line many times, and a tail; parses it. */
static void parse_many(const char *head, const char *line, int times, const char *tail, struct report *report)
{
    size_t size = strlen(head) + (size_t)times * (strlen(line) + 16) + strlen(tail) + 1;
    char *text = malloc(size), *at = text + sprintf(text, "%s", head);
    double start;
    int i;

    for (i = 0; i < times; i++) {
        const char *mark = strchr(line, '#');

        at += mark ? sprintf(at, "%.*s%d%s", (int)(mark - line), line, i, mark + 1) : sprintf(at, "%s", line);
    }
    at += sprintf(at, "%s", tail);
    start = seconds();
    message_parse(text, (size_t)(at - text), NULL, report);
    ck_assert_msg(seconds() - start < 2.0, "%f s", seconds() - start);
    free(text);
}

START_TEST(a_hundred_thousand_recipients_are_bounded)
{
    struct report report;

    parse_many(DSN("b") "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; out.example.com\n\n",
               "Final-Recipient: rfc822; user#@example.net\nAction: failed\nStatus: 5.1.1\n"
               "Diagnostic-Code: smtp; 550 no\n\n", 100000, "--b--\n", &report);
    ck_assert_int_eq(report.kind, REPORT_DSN);
    ck_assert_uint_eq(report.count, MESSAGE_RECIPIENTS_MAX);
    ck_assert_str_eq(report.problem, "recipients beyond the first 10000 were not read");
    report_clear(&report);
}
END_TEST

START_TEST(bombs_are_bounded)
{
    static const struct {
        const char *head, *line, *tail;
    } bombs[] = {
        {"From: x\n", "X-Field-#: value\n", "\n\nbody\n"},
        {"Content-Type: multipart/report", ";;;;;;;;;;", "=x\n\nbody\n"},
        {"From: MAILER-DAEMON@x\nSubject: Undelivered\n\n", "550 <a@b> 550 <a@b> ", "\n"},
        {DSN("b") "--b\nContent-Type: multipart/mixed; boundary=c\n\n", "----------------", "\n--b--\n"},
        {"From: x\nSubject: ", "\n folded", "\n\nbody\n"},
        {"From: MAILER-DAEMON@x\n\n", "a#@example.com, ", "\n"},
        {"From: MAILER-DAEMON@x\n\n", "<a#@example.com>:\n", "\n"},
        {"From: MAILER-DAEMON@x\n\n", "@@@@@@@@\"", "\n"},
        {"From: MAILER-DAEMON@x\n\n", "From: x\n", "\n"},
        {"From: MAILER-DAEMON@x\nContent-Type: text/html\n\n", "<style", "\n"},
        {"From: MAILER-DAEMON@x\nX-Failed-Recipients: ", "a#@example.com, ", "\n\nno\n"},
        {DSN("b"), "--b\nContent-Type: multipart/mixed; boundary=b\n\n", "--b--\n"},
        {DSN("b"), "--b\n\n", "--b--\n"},
        {DSN("b") "--b\nContent-Type: message/delivery-status\n\n", "Action: failed\n", "--b--\n"},
        {DSN("b") "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ", "\\x{41}+2B", "\n--b--\n"},
    };
    struct report report;

    parse_many(bombs[_i].head, bombs[_i].line, 100000, bombs[_i].tail, &report);
    ck_assert_uint_le(report.count, MESSAGE_RECIPIENTS_MAX);
    report_clear(&report);
}
END_TEST

#define RECIPIENT(name) "Final-Recipient: rfc822; " name "@example.net\nAction: failed\n\n"
#define NESTED(inner) "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n" inner "\n--c--\n"
#define STATUS "Content-Type: message/delivery-status\n\n"

static const struct {
    const char *text;
    struct message_limits limits;
    unsigned cut;
    size_t recipients; /* beyond the parts they may still be read out of the whole text */
} limited[] = {
    {DSN("b") "--b\n" STATUS RECIPIENT("a") RECIPIENT("b") "--b--\n", {500, 1, 1, 2}, REPORT_CUT_PARTS, 2},
    {DSN("b") "--b\n" STATUS RECIPIENT("a") RECIPIENT("b") "--b--\n", {500, 2, 1, 2}, 0, 2},
    {DSN("b") "--b\n" STATUS RECIPIENT("a") RECIPIENT("b") "--b--\n", {500, 2, 1, 1}, REPORT_CUT_RECIPIENTS, 1},
    {DSN("b") "--b\n" STATUS RECIPIENT("a") RECIPIENT("b") "--b--\n", {20, 2, 1, 2}, REPORT_CUT_HEADER, 0},
    {DSN("b") NESTED(STATUS RECIPIENT("a")) "--b--\n", {500, 3, 1, 2}, REPORT_CUT_DEPTH, 1},
    {DSN("b") NESTED(STATUS RECIPIENT("a")) "--b--\n", {500, 3, 2, 2}, 0, 1},
    {DSN("b") NESTED(STATUS RECIPIENT("a")) "--b--\n", {500, 2, 2, 2}, REPORT_CUT_PARTS, 1},
};

START_TEST(what_lies_beyond_a_limit_is_told)
{
    struct report report;

    message_parse(limited[_i].text, strlen(limited[_i].text), &limited[_i].limits, &report);
    ck_assert_uint_eq(report.cut, limited[_i].cut);
    ck_assert_uint_eq(report.count, limited[_i].recipients);
    report_clear(&report);
}
END_TEST

START_TEST(a_reply_is_bounded)
{
    struct report report;

    parse_many(DSN("b") "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@example.net\n"
               "Action: failed\nDiagnostic-Code: smtp; 550 ", "no no\n no", 100000, "\n--b--\n", &report);
    ck_assert_uint_eq(report.count, 1);
    ck_assert_uint_le(strlen(report.deliveries[0].reply), MESSAGE_REPLY_MAX);
    report_clear(&report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("message");
    TCase *tcase = tcase_create("message");
    int count = (int)(sizeof(samples) / sizeof(samples[0]));

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_message_is_read, 0, count);
    tcase_add_loop_test(tcase, what_lies_beyond_a_limit_is_told, 0, (int)(sizeof(limited) / sizeof(limited[0])));
    tcase_add_loop_test(tcase, line_ends_make_no_difference, 0, count);
    tcase_add_loop_test(tcase, any_cut_is_survived, 0, count);
    tcase_add_test(tcase, a_hundred_thousand_recipients_are_bounded);
    tcase_add_loop_test(tcase, bombs_are_bounded, 0, 15);
    tcase_add_test(tcase, a_reply_is_bounded);
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
