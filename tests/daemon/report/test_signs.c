/* The signs of bounces, automatic replies and delays. */
#include "config.h"

#include "daemon/report/signs.h"

#include "daemon/report/message.h"
#include "tests/run.h"

#include <stdlib.h>

static const struct {
    const char *header;
    enum bounce_sign bounce;
    int reply;
} headers[] = {
    {"From: MAILER-DAEMON@example.com (Mail Delivery System)\nSubject: x\n", BOUNCE_SENT, 0},
    {"From: MAILER-DAEMON@example.com\nSubject: Undelivered Mail\n", BOUNCE_CERTAIN, 0},
    {"From: Postmaster <postmaster@example.com>\n", BOUNCE_OFFICE, 0},
    {"From: x@example.com\nX-Failed-Recipients: a@example.net\nAuto-Submitted: auto-replied\n", BOUNCE_CERTAIN, 1},
    {"From: <>\n", BOUNCE_SENT, 0},
    {"From: ann@example.com\nSubject: Undeliverable: news\n", BOUNCE_WORDED, 0},
    {"From: ann@example.com\nSubject: =?utf-8?Q?Returned_mail?=\n", BOUNCE_WORDED, 0},
    {"From: ann@example.com\nSubject: lunch?\n", BOUNCE_NONE, 0},
    {"From: ann@example.com\nAuto-Submitted: auto-replied (vacation)\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nAuto-Submitted: no\n", BOUNCE_NONE, 0},
    {"From: ann@example.com\nAuto-Submitted: auto-generated\n", BOUNCE_NONE, 0},
    {"From: ann@example.com\nX-Autoreply: yes\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nPrecedence: auto_reply\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nSubject: Out of Office: lunch?\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nSubject: =?utf-8?Q?R=C3=A9ponse_automatique?=: bonjour\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nSubject: =?utf-8?B?0JDQstGC0L7QvtGC0LLQtdGC?=: x\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nSubject: Autosvar: lunch?\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nPreference: auto_reply\n", BOUNCE_NONE, 1},
    {"From: ann@example.com\nX-Auto-Response-Suppress: All\n", BOUNCE_NONE, 0},
    {"", BOUNCE_NONE, 0},
};

START_TEST(headers_have_their_signs)
{
    struct header *header = calloc(1, sizeof(*header));
    struct span text = span_of(headers[_i].header);

    header_read(&text, HEADER_BYTES_MAX, header);
    ck_assert_msg(signs_bounce(header) == headers[_i].bounce, "%s", headers[_i].header);
    ck_assert_msg(signs_auto_reply(header) == headers[_i].reply, "%s", headers[_i].header);
    free(header);
}
END_TEST

START_TEST(delays_are_told_from_failures)
{
    ck_assert(signs_delay(span_of("Warning"), span_of("THIS IS A WARNING MESSAGE ONLY.")));
    ck_assert(signs_delay(span_of("Delivery Status Notification (Delay)"), SPAN_NONE));
    ck_assert(signs_delay(SPAN_NONE, span_of("Your message has not yet been delivered.")));
    ck_assert(!signs_delay(span_of("Undeliverable"), span_of("We gave up. Do resend your message.")));
}
END_TEST

START_TEST(success_is_told_from_failure)
{
    ck_assert(signs_success(span_of("Successful Mail Delivery Report"), SPAN_NONE));
    ck_assert(signs_success(SPAN_NONE, span_of("Your message was delivered to:")));
    ck_assert(!signs_success(SPAN_NONE, span_of("Your message was not delivered to:")));
    ck_assert(!signs_success(SPAN_NONE, span_of("Successfully delivered to one, could not be delivered to another.")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("signs");
    TCase *tcase = tcase_create("signs");

    tcase_add_loop_test(tcase, headers_have_their_signs, 0, (int)(sizeof(headers) / sizeof(headers[0])));
    tcase_add_test(tcase, delays_are_told_from_failures);
    tcase_add_test(tcase, success_is_told_from_failure);
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
