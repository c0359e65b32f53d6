/* MIME parts: found where they are, within bounds whatever the shape. */
#include "config.h"

#include "daemon/report/mime.h"

#include "daemon/report/message.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>

static void read_text(const char *text, size_t length, struct header *header, struct mime *mime)
{
    struct span rest = {text, length};

    header_read(&rest, HEADER_BYTES_MAX, header);
    mime_read(header, rest, &message_limits_usual, mime);
}

static const struct {
    const char *name, *text, *parts; /* "type[body]" of each, "!" when truncated */
} samples[] = {
    {"no MIME", "To: a@example.com\n\nhello\n", "text/plain[hello\n]"},
    {"two parts", "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n--b\n"
                  "Content-Type: message/rfc822\n\nTo: x\n\ntwo\n--b--\nepilogue\n",
     "text/plain[one]message/rfc822[To: x\n\ntwo]"},
    {"CRLF", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: TEXT/HTML\r\n\r\none\r\n--b--\r\n",
     "text/html[one]"},
    {"nested", "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
               "Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n",
     "text/plain[one]text/plain[two]"},
    {"a boundary that begins alike is none", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bb\none\n--b--\n",
     "text/plain[--bb\none]"},
    {"boundaries within lines are none", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee --b\n--b--\n",
     "text/plain[see --b]"},
    {"indented boundary", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n --b\n\ntwo\n--b--\n",
     "text/plain[one]text/plain[two]"},
    {"cut off", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntw",
     "text/plain[one]text/plain[tw]!"},
    {"no boundary at all", "Content-Type: multipart/mixed; boundary=b\n\ntext\n", "multipart/mixed[text\n]!"},
    {"boundary not given", "Content-Type: multipart/mixed\n\ntext\n", "multipart/mixed[text\n]"},
    {"no type", "Content-Type: nonsense\n\ntext\n", "text/plain[text\n]"},
};

START_TEST(parts_are_found)
{
    struct header *header = calloc(1, sizeof(*header));
    struct mime mime;
    char out[512] = "";
    size_t i;

    read_text(samples[_i].text, strlen(samples[_i].text), header, &mime);
    for (i = 0; i < mime.count; i++)
        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s[%.*s]", mime.parts[i].type,
                 (int)mime.parts[i].body.length, mime.parts[i].body.start);
    if (mime.truncated)
        strcat(out, "!");
    ck_assert_msg(!strcmp(out, samples[_i].parts), "%s: %s", samples[_i].name, out);
    mime_clear(&mime);
    free(header);
}
END_TEST

START_TEST(many_parts_are_bounded)
{
    char *text = malloc(200000), *at = text;
    struct header *header = calloc(1, sizeof(*header));
    struct mime mime;
    int i;

    at += sprintf(at, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (i = 0; i < 10000; i++)
        at += sprintf(at, "--b\n\nx\n");
    read_text(text, (size_t)(at - text), header, &mime);
    ck_assert_uint_le(mime.count, MESSAGE_PARTS_MAX);
    ck_assert(mime.truncated);
    mime_clear(&mime);
    free(header);
    free(text);
}
END_TEST

START_TEST(deep_nesting_is_bounded)
{
    char *text = malloc(200000), *at = text;
    struct header *header = calloc(1, sizeof(*header));
    struct mime mime;
    int i;

    at += sprintf(at, "Content-Type: multipart/mixed; boundary=b0\n\n");
    for (i = 0; i < 1000; i++)
        at += sprintf(at, "--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i + 1);
    read_text(text, (size_t)(at - text), header, &mime);
    ck_assert(mime.truncated);
    ck_assert_uint_eq(mime.count, 1); /* the whole, as text */
    mime_clear(&mime);
    free(header);
    free(text);
}
END_TEST

static const struct {
    const char *encoding, *type, *body, *text;
} encoded[] = {
    {"", "", "as it is", "as it is"},
    {"base64", "", "aGVsbG8g\nd29ybGQ=", "hello world"},
    {"BASE64", "", "aGVs*bG8=", "hello"},
    {"quoted-printable", "", "hel=6Co wor=\nld", "hello world"},
    {"", "text/plain; charset=iso-8859-1", "gr\xfc\xdf" "e", "gr\xc3\xbc\xc3\x9f" "e"},
    {"", "text/plain; charset=iso-2022-jp", "\x1b$B%(%i!<\x1b(B", "\xe3\x82\xa8\xe3\x83\xa9\xe3\x83\xbc"},
    {"", "text/plain; charset=no-such-set", "gr\xfc", "gr\xef\xbf\xbd"},
};

START_TEST(text_is_decoded)
{
    const struct part part = {.body = span_of(encoded[_i].body),
                              .encoding = span_of(encoded[_i].encoding),
                              .content_type = span_of(encoded[_i].type)};
    size_t length;
    char *text = part_text(&part, 1000, &length);

    ck_assert_str_eq(text, encoded[_i].text);
    ck_assert_uint_eq(length, strlen(text));
    free(text);
}
END_TEST

START_TEST(no_more_is_decoded_than_asked_for)
{
    const struct part part = {.body = span_of("aGVsbG8gd29ybGQ="), .encoding = span_of("base64")};
    char *owned;

    ck_assert_uint_eq(part_content(&part, 5, &owned).length, 5);
    free(owned);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mime");
    TCase *tcase = tcase_create("mime");

    tcase_add_loop_test(tcase, parts_are_found, 0, (int)(sizeof(samples) / sizeof(samples[0])));
    tcase_add_test(tcase, many_parts_are_bounded);
    tcase_add_test(tcase, deep_nesting_is_bounded);
    tcase_add_loop_test(tcase, text_is_decoded, 0, (int)(sizeof(encoded) / sizeof(encoded[0])));
    tcase_add_test(tcase, no_more_is_decoded_than_asked_for);
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
