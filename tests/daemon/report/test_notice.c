/* A bounce's own words, apart from the message that it returns. */
#include "config.h"

#include "daemon/report/notice.h"

#include "daemon/report/message.h"
#include "tests/run.h"

#include <string.h>

static const struct {
    const char *name, *text, *own, *returned; /* returned: how it begins; NULL: none */
} samples[] = {
    {"nothing returned", "Subject: x\n\nIt failed.\n", "It failed.\n\n", NULL},
    {"set off by dashes", "Subject: x\n\nIt failed.\n--- Below this line is a copy of the message.\n\nTo: a\n",
     "It failed.\n", "\nTo: a"},
    {"set off by a colon", "Subject: x\n\nIt failed.\n   Below is a copy of the original message:\nTo: a\n",
     "It failed.\n", "To: a"},
    {"a sentence", "Subject: x\n\nIt failed.\nOriginal message follows.\nTo: a\n", "It failed.\n", "To: a"},
    {"no marker, but header fields",
     "Subject: x\n\nIt failed.\nReturn-Path: <a@example.com>\nReceived: from x\n\tby y\nTo: b@example.com\n\nhello\n",
     "It failed.\n", "Return-Path"},
    {"two fields are not a header", "Subject: x\n\nTo: a\nSubject: b\ndid not arrive\n",
     "To: a\nSubject: b\ndid not arrive\n\n", NULL},
    {"words about the returned message are no marker",
     "Subject: x\n\nyou may delete the attached returned message.\nIt failed.\n",
     "you may delete the attached returned message.\nIt failed.\n\n", NULL},
    {"nor is a list of addresses",
     "Subject: x\n\nThese addresses got no copy of your message:\na@example.com\n",
     "These addresses got no copy of your message:\na@example.com\n\n", NULL},
    {"plain before HTML",
     "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<b>html</b>\n--b\n\nplain\n--b--\n",
     "plain\n", NULL},
    {"HTML alone",
     "Content-Type: text/html\n\n<style>p { x }</style><p>It &lt;failed&gt;<br>for a&#64;example.com &amp;c</p>\n",
     "\nIt <failed>\nfor a@example.com &c\n \n", NULL},
    {"cut off within a word",
     "Content-Type: text/plain\n\nIt failed for a@example.com", "It failed for \n", NULL},
    {"text behind the returned message is not the mail system's",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nIt failed.\n--b\nContent-Type: message/rfc822\n\n"
     "To: x\n--b\n\nsignature\n--b--\n",
     "It failed.\n", NULL},
    {"encoded", "Content-Transfer-Encoding: base64\n\nSXQgZmFpbGVkLgo=\n", "It failed.\n\n", NULL},
};

START_TEST(own_words_are_cut_out)
{
    struct header *header = calloc(1, sizeof(*header));
    struct span rest = span_of(samples[_i].text);
    struct notice notice;
    struct mime mime;
    char *own;

    header_read(&rest, HEADER_BYTES_MAX, header);
    mime_read(header, rest, &message_limits_usual, &mime);
    notice_read(&mime, &notice);
    own = span_dup(notice.own);
    ck_assert_msg(!strcmp(own, samples[_i].own), "%s: [%s]", samples[_i].name, own);
    ck_assert_int_eq(notice.returned.start != NULL, samples[_i].returned != NULL);
    if (samples[_i].returned)
        ck_assert(span_starts(notice.returned, samples[_i].returned));
    free(own);
    notice_clear(&notice);
    mime_clear(&mime);
    free(header);
}
END_TEST

START_TEST(a_long_text_is_cut)
{
    size_t length = 1 << 20;
    char *text = malloc(length);
    struct part part = {.type = "text/plain", .body = {text, length}};
    struct mime mime = {.parts = &part, .count = 1};
    struct notice notice;

    memset(text, 'x', length);
    notice_read(&mime, &notice);
    ck_assert_uint_le(notice.own.length, NOTICE_TEXT_MAX + 1);
    notice_clear(&notice);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notice");
    TCase *tcase = tcase_create("notice");

    tcase_add_loop_test(tcase, own_words_are_cut_out, 0, (int)(sizeof(samples) / sizeof(samples[0])));
    tcase_add_test(tcase, a_long_text_is_cut);
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
