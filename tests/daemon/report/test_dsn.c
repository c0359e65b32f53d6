/* The delivery status part: groups of fields as RFC 3464 has them and as MTAs
 * write them. */
#include "config.h"

#include "daemon/report/dsn.h"

#include "daemon/report/message.h"
#include "tests/daemon/report/render.h"
#include "tests/run.h"

static const struct {
    const char *name, *text, *expected;
    int cut; /* the message ends within this part */
} parts[] = {
    {"postfix",
     "Reporting-MTA: dns; out.example.com\n"
     "X-Postfix-Queue-ID: 4F2bXk0TzVz9q\n"
     "X-Postfix-Sender: rfc822; news@example.com\n"
     "Arrival-Date: Mon,  2 Nov 2026 10:00:00 +0100 (CET)\n"
     "\n"
     "Final-Recipient: rfc822; gone@example.net\n"
     "Original-Recipient: rfc822;Gone@example.net\n"
     "Action: failed\n"
     "Status: 5.1.1\n"
     "Remote-MTA: dns; mx.example.net\n"
     "Diagnostic-Code: smtp; 550 5.1.1 <gone@example.net>: nobody of that name lives\n"
     "    here\n",
     "dsn mta=out.example.com id=4F2bXk0TzVz9q from=news@example.com\n"
     "failed gone@example.net orig=Gone@example.net 5.1.1 via=mx.example.net: "
     "550 5.1.1 <gone@example.net>: nobody of that name lives here\n", 0},
    {"null sender",
     "Reporting-MTA: dns; out.example.com\nX-Postfix-Sender: rfc822; \n\n"
     "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.0.0\n",
     "dsn mta=out.example.com from=\nfailed a@example.net 5.0.0\n", 0},
    {"made final by the reporting MTA: its class stays",
     "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n"
     "Diagnostic-Code: smtp; 450 4.1.1 not known\n",
     "dsn\nfailed a@example.net 5.1.1: 450 4.1.1 not known\n", 0},
    {"expired: the server's last words",
     "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 4.4.7\n"
     "Diagnostic-Code: smtp; 450 4.7.1 slowly\n",
     "dsn\nfailed a@example.net 4.7.1: 450 4.7.1 slowly\n", 0},
    {"one failed, one delayed, one through",
     "Reporting-MTA: dns; out.example.com\n\n"
     "Final-Recipient: rfc822; dead@example.net\nAction: failed\nStatus: 5.1.1\n\n"
     "Final-Recipient: rfc822; slow@example.net\nAction: delayed\nStatus: 4.4.1\n"
     "Will-Retry-Until: Sat, 7 Nov 2026 10:00:00 +0100\n\n"
     "Final-Recipient: rfc822; well@example.net\nAction: relayed\nStatus: 2.0.0\n",
     "dsn mta=out.example.com\nfailed dead@example.net 5.1.1\ndelayed slow@example.net 4.4.1\n"
     "relayed well@example.net 2.0.0\n", 0},
    {"line ends of CRLF",
     "Reporting-MTA: dns;out.example.com\r\n\r\nFinal-Recipient: rfc822;a@example.net\r\n"
     "Action: failed\r\nStatus: 5.2.2\r\nDiagnostic-Code: smtp;552 5.2.2\r\n mailbox full\r\n",
     "dsn mta=out.example.com\nfailed a@example.net 5.2.2: 552 5.2.2 mailbox full\n", 0},
    {"no blank line between recipients",
     "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n"
     "Final-Recipient: rfc822; b@example.net\nAction: delayed\nStatus: 4.2.2\n",
     "dsn\nfailed a@example.net 5.1.1\ndelayed b@example.net 4.2.2\n", 0},
    {"blank lines everywhere",
     "\n\nReporting-MTA: dns; out.example.com\n\n\n\nFinal-Recipient: rfc822; a@example.net\n\n"
     "Action: failed\n\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; b@example.net\n\nAction: delayed\n",
     "dsn mta=out.example.com\nfailed a@example.net 5.1.1\ndelayed b@example.net\n", 0},
    {"all in one group, blanks before the colon",
     "Reporting-MTA : dns;in.example.org\nAction : failed\nStatus : 5.0.0\n"
     "Diagnostic-Code : smtp;550 5.7.54 cannot relay\nFinal-Recipient : rfc/822;a@example.net\n"
     "Remote-MTA : example.net\n",
     "dsn mta=in.example.org\nfailed a@example.net 5.7.54 via=example.net: 550 5.7.54 cannot relay\n", 0},
    {"no type, brackets, a comment",
     "Final-Recipient: <a@example.net> (Ann)\nAction: failed\nStatus: 5.1.1 (unknown)\n",
     "dsn\nfailed a@example.net 5.1.1: unknown\n", 0},
    {"only an original recipient",
     "Original-Recipient: <a@example.net>\nAction: failed\nDiagnostic-Code: smtp; 550 unknown\n",
     "dsn\nfailed a@example.net orig=a@example.net: 550 unknown\n", 0},
    {"xtext, but no tag of the user's",
     "Original-Recipient: rfc822; ann+2Bnews+3Dx@example.net\nFinal-Recipient: rfc822; a@example.net\n"
     "Action: failed\n\n"
     "Original-Recipient: rfc822; ann+20off@example.net\nFinal-Recipient: rfc822; b+2Bx@example.net\n"
     "Action: failed\n",
     "dsn\nfailed a@example.net orig=ann+news=x@example.net\n"
     "failed b+2Bx@example.net orig=ann+20off@example.net\n", 0},
    {"utf-8 (RFC 6533)",
     "Original-Recipient: utf-8; j\\x{F6}rg@example.net\n"
     "Final-Recipient: utf-8; j\xc3\xb6rg@b\xc3\xbc" "cher.example\nAction: failed\nStatus: 5.1.1\n",
     "dsn\nfailed j\xc3\xb6rg@b\xc3\xbc" "cher.example orig=j\xc3\xb6rg@example.net 5.1.1\n", 0},
    {"hidden control characters stay hidden",
     "Final-Recipient: utf-8; a\\x{A}b\\x{110000}@example.net\nAction: failed\n",
     "dsn\nfailed a\\x{A}b\\x{110000}@example.net\n", 0},
    {"encoded words in the diagnostic, none in addresses",
     "Final-Recipient: rfc822; =?utf-8?Q?a?=@example.net\nAction: failed\nStatus: 5.1.1\n"
     "Diagnostic-Code: smtp; 550 =?utf-8?Q?unbekannter_Empf=C3=A4nger?=\n",
     "dsn\nfailed =?utf-8?Q?a?=@example.net 5.1.1: 550 unbekannter Empf\xc3\xa4nger\n", 0},
    {"action left out: the class of the status tells, a 4yz mildly",
     "Final-Recipient: rfc822; a@example.net\nStatus: 5.1.1\n\n"
     "Final-Recipient: rfc822; b@example.net\nStatus: 4.2.2\n",
     "dsn\nfailed a@example.net 5.1.1\ndelayed b@example.net 4.2.2\n", 0},
    {"odd words for actions",
     "Final-Recipient: rfc822; a@example.net\nAction: Failed (gave up)\n\n"
     "Final-Recipient: rfc822; b@example.net\nAction: expired\nStatus: \n\n"
     "Final-Recipient: rfc822; c@example.net\nAction: DELAYED\n",
     "dsn\nfailed a@example.net\nfailed b@example.net\ndelayed c@example.net\n", 0},
    {"the remote's own status goes before the reporter's",
     "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n"
     "Diagnostic-Code: smtp; 550 5.7.1 your address is on a list\n",
     "dsn\nfailed a@example.net 5.7.1: 550 5.7.1 your address is on a list\n", 0},
    {"a name that is no mail address never lends its failure to the next",
     "Final-Recipient: x400; /c=xx/s=doe\nAction: failed\nStatus: 5.1.1\n\n"
     "Final-Recipient: rfc822; live@example.net\nAction: delayed\nStatus: 4.4.1\n",
     "dsn\ndelayed live@example.net 4.4.1\n", 0},
    {"the same without blank lines",
     "Final-Recipient: x400; /c=xx/s=doe\nAction: failed\nStatus: 5.1.1\n"
     "Final-Recipient: rfc822; live@example.net\nAction: delayed\nStatus: 4.4.1\n",
     "dsn\ndelayed live@example.net 4.4.1\n", 0},
    {"an action that is no action costs nobody anything",
     "Final-Recipient: rfc822; live@example.net\nAction: wondered\n",
     "dsn\n", 0},
    {"cut off within an address",
     "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n\n"
     "Action: failed\nFinal-Recipient: rfc822; ann@example.co",
     "dsn\nfailed a@example.net 5.1.1\n", 1},
    {"a fold cannot smuggle in a field",
     "Final-Recipient: rfc822; a@example.net\nAction: failed\n"
     "Diagnostic-Code: smtp; 550 no\n Final-Recipient: rfc822; victim@example.net\n",
     "dsn\nfailed a@example.net: 550 no Final-Recipient: rfc822; victim@example.net\n", 0},
    {"nothing", "", "dsn\n", 0},
    {"hosts",
     "Reporting-MTA: dns; out.example.com.\n\nFinal-Recipient: rfc822; a@example.net\nAction: failed\n"
     "Remote-MTA: dns; mx1.example.net. (192.0.2.7, the server for the domain example.net.)\n",
     "dsn mta=out.example.com\nfailed a@example.net via=mx1.example.net\n", 0},
};

START_TEST(a_part_is_read)
{
    const struct part part = {
        .body = span_of(parts[_i].text), .closed = !parts[_i].cut, .type = "message/delivery-status"};
    struct report report = {.kind = REPORT_DSN};
    char text[4096];

    dsn_read(&part, &report, NULL);
    render(&report, text, sizeof(text));
    ck_assert_msg(!strcmp(text, parts[_i].expected), "%s:\n%s", parts[_i].name, text);
    report_clear(&report);
}
END_TEST

START_TEST(the_nameless_one_is_handed_out)
{
    const struct part part = {.body = span_of("Final-Recipient: rfc822; /var/spool/ann\nAction: failed\n"
                                              "Status: 5.2.2\nRemote-MTA: dns; mx.example.net\n"),
                              .closed = 1};
    struct report report = {.kind = REPORT_DSN};
    struct delivery nameless;

    ck_assert_uint_eq(dsn_read(&part, &report, &nameless), 0);
    ck_assert_ptr_null(nameless.recipient);
    ck_assert_str_eq(nameless.status, "5.2.2");
    ck_assert_str_eq(nameless.remote_mta, "mx.example.net");
    delivery_clear(&nameless);
    report_clear(&report);
}
END_TEST

static const struct {
    const char *text, *mta, *expected;
} headers[] = {
    {"Return-Path: <news@example.com>\nReceived: from [192.0.2.1]\n\tby out.example.com (8.18/8.18) with"
     " ESMTP id 5A1B2C for <a@example.net>;\n\tMon, 2 Nov 2026 10:00:00 +0100\nMessage-ID: <1@example.com>\n",
     "out.example.com", "dsn mta=out.example.com id=5A1B2C from=news@example.com msgid=1@example.com\n"},
    {"Received: by out.example.com (Postfix) id 4XYZ; Mon, 2 Nov 2026 10:00:00 +0100\n",
     "OUT.example.com", "dsn mta=OUT.example.com id=4XYZ\n"},
    {"Received: from x by other.example.com with SMTP id 77\nReturn-Path: <>\n", "out.example.com",
     "dsn mta=out.example.com from=\n"},
    {"Received: from x by out.example.com.evil.example with SMTP id 77\n", "out.example.com",
     "dsn mta=out.example.com\n"},
};

START_TEST(the_returned_header_is_read)
{
    struct header *header = calloc(1, sizeof(*header));
    struct span text = span_of(headers[_i].text);
    struct report report = {.kind = REPORT_DSN};
    char out[1024];

    report.reporting_mta = strdup(headers[_i].mta);
    header_read(&text, HEADER_BYTES_MAX, header);
    dsn_read_returned(header, &report);
    render(&report, out, sizeof(out));
    ck_assert_str_eq(out, headers[_i].expected);
    report_clear(&report);
    free(header);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dsn");
    TCase *tcase = tcase_create("dsn");

    tcase_add_loop_test(tcase, a_part_is_read, 0, (int)(sizeof(parts) / sizeof(parts[0])));
    tcase_add_test(tcase, the_nameless_one_is_handed_out);
    tcase_add_loop_test(tcase, the_returned_header_is_read, 0, (int)(sizeof(headers) / sizeof(headers[0])));
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
