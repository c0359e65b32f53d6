/* Complaints: who complained, and what is none. */
#include "config.h"

#include "daemon/report/arf.h"

#include "daemon/report/message.h"
#include "tests/daemon/report/render.h"
#include "tests/run.h"

#define HEADER "From: fbl@example.net\nTo: abuse@example.com\nSubject: FW: news\n" \
               "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" \
               "--b\n\nThis is a report.\n--b\nContent-Type: message/feedback-report\n\n"
#define RETURNED "--b\nContent-Type: message/rfc822\n\nReturn-Path: <news@example.com>\nMessage-ID: <1@example.com>\n" \
                 "To: Ann <ann@example.net>\nX-Other: x\n\nhello\n--b--\n"

static const struct {
    const char *name, *text, *expected;
} samples[] = {
    {"abuse",
     HEADER "Feedback-Type: abuse\nUser-Agent: Some/1.0\nVersion: 1\nOriginal-Rcpt-To: <ann@example.net>\n"
     "Original-Mail-From: <news+1@example.com>\nReporting-MTA: dns; mx.example.net\n" RETURNED,
     "complaint mta=mx.example.net from=news@example.com msgid=1@example.com\n"
     "complaint ann@example.net: Feedback-Type: abuse\n"},
    {"several recipients, each once",
     HEADER "Original-Rcpt-To: a@example.net\nOriginal-Rcpt-To: b@example.net\nOriginal-Rcpt-To: A@example.net\n"
     "Feedback-Type: fraud\n--b--\n",
     "complaint\ncomplaint a@example.net: Feedback-Type: fraud\ncomplaint b@example.net: Feedback-Type: fraud\n"},
    {"opt-out names whom to remove",
     HEADER "Feedback-Type: opt-out\nRemoval-Recipient: ann@example.net\n--b--\n",
     "complaint\ncomplaint ann@example.net: Feedback-Type: opt-out\n"},
    {"nobody named: the reported message's To",
     HEADER "Feedback-Type: abuse\n" RETURNED,
     "complaint from=news@example.com msgid=1@example.com\ncomplaint ann@example.net: Feedback-Type: abuse\n"},
    {"nobody named and the reported message redacted: its return address",
     HEADER "Feedback-Type: abuse\nOriginal-Mail-From: <news+ann=example.net@lists.example.com>\n--b\n"
     "Content-Type: text/rfc822-headers\n\nTo: undisclosed-recipients:;\n--b--\n",
     "complaint from=news+ann=example.net@lists.example.com\ncomplaint ann@example.net: Feedback-Type: abuse\n"},
    {"a rewritten return address tells nobody",
     HEADER "Feedback-Type: abuse\nOriginal-Mail-From: <SRS0+HHHH=TT=example.net=ann.lee@relay.example>\n--b--\n",
     "complaint from=SRS0+HHHH=TT=example.net=ann.lee@relay.example\n"},
    {"not-spam takes nobody's mail away",
     HEADER "Feedback-Type: not-spam\nOriginal-Rcpt-To: ann@example.net\n--b--\n",
     "complaint (feedback of type not-spam suppresses nobody)\n"},
    {"nor does a failed signature",
     HEADER "Feedback-Type: auth-failure\nOriginal-Rcpt-To: ann@example.net\n" RETURNED,
     "complaint from=news@example.com msgid=1@example.com (feedback of type auth-failure suppresses nobody)\n"},
    {"an endless type",
     HEADER "Feedback-Type: \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n--b--\n",
     "complaint\n"},
    {"Hotmail's form",
     "From: staff@hotmail.example\nSubject: complaint about message from 192.0.2.1\n"
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
     "X-HmXmrOriginalRecipient: ann@example.net\nTo: news@example.com\n\nhello\n--b--\n",
     "complaint\ncomplaint ann@example.net: Feedback-Type: abuse\n"},
    {"a mail program's unsubscription",
     "From: Ann <ann@example.net>\nTo: leave@example.com\nSubject: unsubscribe\nAuto-Submitted: auto-generated\n\nbye\n",
     "complaint\ncomplaint ann@example.net: Feedback-Type: opt-out\n"},
    {"a person's mail of that name",
     "From: Ann <ann@example.net>\nTo: leave@example.com\nSubject: unsubscribe\n\nHow do I?\n", "ordinary\n"},
};

START_TEST(a_complaint_is_read)
{
    struct report report;
    char text[2048];

    message_parse(samples[_i].text, strlen(samples[_i].text), NULL, &report);
    render(&report, text, sizeof(text));
    ck_assert_msg(!strcmp(text, samples[_i].expected), "%s:\n%s", samples[_i].name, text);
    report_clear(&report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arf");
    TCase *tcase = tcase_create("arf");

    tcase_add_loop_test(tcase, a_complaint_is_read, 0, (int)(sizeof(samples) / sizeof(samples[0])));
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
