/* Amazon SES event notices. */
#include "config.h"

#include "daemon/report/ses.h"

#include "daemon/report/message.h"
#include "tests/daemon/report/render.h"
#include "tests/run.h"

#define MAIL "\"mail\":{\"source\":\"news@example.com\",\"messageId\":\"0102-3\"}}"

static const struct {
    const char *name, *text, *expected; /* expected NULL: no such notice */
} samples[] = {
    {"bounce",
     "{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",\"reportingMTA\":\"dns; a1.example.org\","
     "\"bouncedRecipients\":[{\"emailAddress\":\"Gone <gone@example.net>\",\"action\":\"failed\",\"status\":\"5.1.1\","
     "\"diagnosticCode\":\"smtp; 550 5.1.1 who?\"},{\"emailAddress\":\"b@example.net\"}],\"bounceSubType\":\"General\"}," MAIL,
     "bounce mta=a1.example.org id=0102-3 from=news@example.com\n"
     "failed gone@example.net 5.1.1: 550 5.1.1 who?\nfailed b@example.net: General\n"},
    {"a long line broken on its way, and a footer",
     "{\"eventType\":\"Complaint\",\"complaint\":{\"complainedRecipients\":[{\"emailAddress\":\"ann@exam!\r\n ple.net\"}],"
     "\"complaintFeedbackType\":\"abuse\"}," MAIL "\n\n--\nunsubscribe at ...\n",
     "complaint id=0102-3 from=news@example.com\ncomplaint ann@example.net: Feedback-Type: abuse\n"},
    {"who of them complained is not known",
     "{\"notificationType\":\"Complaint\",\"complaint\":{\"complainedRecipients\":[{\"emailAddress\":\"a@example.net\"},"
     "{\"emailAddress\":\"b@example.net\"}]}," MAIL,
     "complaint id=0102-3 from=news@example.com (a complaint that names nobody for certain)\n"},
    {"delay",
     "{\"eventType\":\"DeliveryDelay\",\"deliveryDelay\":{\"delayedRecipients\":[{\"emailAddress\":\"a@example.net\","
     "\"status\":\"4.4.1\",\"diagnosticCode\":\"smtp; 421 4.4.1 busy\"}]}," MAIL,
     "bounce id=0102-3 from=news@example.com\ndelayed a@example.net 4.4.1: 421 4.4.1 busy\n"},
    {"delivery",
     "{\"notificationType\":\"Delivery\",\"delivery\":{\"recipients\":[\"a@example.net\"],\"smtpResponse\":\"250 ok\"}," MAIL,
     "dsn id=0102-3 from=news@example.com\ndelivered a@example.net: 250 ok\n"},
    {"of the wrong shapes",
     "{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[1,{},[],null,{\"emailAddress\":7}]}," MAIL,
     "bounce id=0102-3 from=news@example.com\n"},
    {"no mail", "{\"notificationType\":\"Bounce\",\"bounce\":{}}", NULL},
    {"another event", "{\"notificationType\":\"Greeting\"," MAIL, NULL},
    {"broken", "{\"notificationType\":", NULL},
    {"no JSON", "hello", NULL},
    {"an array", "[1]", NULL},
    {"nothing", "", NULL},
};

START_TEST(a_notice_is_read)
{
    struct report report = {.kind = REPORT_ORDINARY};
    char text[1024];

    ck_assert_int_eq(ses_read(span_of(samples[_i].text), &report), samples[_i].expected != NULL);
    render(&report, text, sizeof(text));
    ck_assert_msg(!strcmp(text, samples[_i].expected ? samples[_i].expected : "ordinary\n"), "%s:\n%s",
                  samples[_i].name, text);
    report_clear(&report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ses");
    TCase *tcase = tcase_create("ses");

    tcase_add_loop_test(tcase, a_notice_is_read, 0, (int)(sizeof(samples) / sizeof(samples[0])));
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
