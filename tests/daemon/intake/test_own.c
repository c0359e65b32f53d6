/* daemon/intake/own: what an MTA writes of itself, and what only claims to be that. */
#include "config.h"

#include "daemon/intake/own.h"

#include "tests/run.h"

#include <string.h>

#define HOST "mx1.example.org"

static const struct {
    const char *received;
    int own;
} fields[] = {
    /* as Postfix and Sendmail write them */
    {"by mx1.example.org (Postfix)\r\n\tid 4Xyz00; Mon, 23 Nov 2026 10:00:00 +0000 (UTC)", 1},
    {"from localhost (localhost)\n\tby mx1.example.org (8.17.1.9/8.17.1.9/Debian) with internal id 5AN; Mon, 23 Nov 2026", 1},
    {"from localhost (localhost) by MX1.Example.Org (8.17.1.9) id 5AN", 1},

    /* handed in on this host */
    {"by mx1.example.org (Postfix, from userid 33)\n\tid 4Xyz00; Mon, 23 Nov 2026 10:00:00 +0000", 0},
    {"(from smmsp@localhost)\n\tby mx1.example.org (8.17.1.9/Submit) id 5AN; Mon", 0},
    {"from mx1.example.org (localhost [127.0.0.1])\n\tby mx1.example.org (8.17.1.9) with ESMTP id 5AN", 0},
    {"from mx1 (localhost [IPv6:0:0:0:0:0:0:0:1]) by mx1.example.org (8.17.1.9) with ESMTPS id 5AN", 0},
    {"from [127.0.0.1] (localhost [IPv6:::1]) by mx1.example.org (Postfix) with ESMTP id 5AN", 0},

    /* from elsewhere, whatever the client says */
    {"from mx.evil.example (mx.evil.example [203.0.113.9])\n\tby mx1.example.org (Postfix) with ESMTP id 4Xyz", 0},
    {"from localhost (localhost [203.0.113.9]) by mx1.example.org (Postfix) with ESMTP id 4Xyz", 0},
    {"from localhost (localhost [203.0.113.9] (may be forged)) by mx1.example.org (8.17.1.9) with ESMTP id 5AN", 0},
    {"from [127.0.0.1] (unknown [203.0.113.9]) by mx1.example.org (Postfix) with ESMTP id 4Xyz", 0},
    {"from [127.0.0.1 (unknown [203.0.113.9]) by mx1.example.org (Postfix) with ESMTP id 4Xyz", 0},
    {"from x (127.0.0.1 [127.0.0.1.evil.example]) by mx1.example.org (Postfix) with ESMTP id 4Xyz", 0},
    {"from x (y [IPv6:2001:db8::1]) by mx1.example.org (Postfix) with ESMTP id 4Xyz", 0},
    {"(from localhost [203.0.113.9]) by mx1.example.org (8.17.1.9) with SMTP id 5AN", 0},
    {"(from joe@localhost [203.0.113.9]) by mx1.example.org (8.17.1.9) with SMTP id 5AN", 0},
    {"(from joe@localhost) (x [203.0.113.9]) by mx1.example.org", 0},
    {"from localhost (localhost) (x [203.0.113.9]) by mx1.example.org with internal", 0},
    {"from evil.example by mx1.example.org with UUCP id 1", 0},
    {"from x (y by mx1.example.org [127.0.0.1] [203.0.113.9]) by mx1.example.org (Postfix) id 1", 0},

    /* by others */
    {"by mx2.example.org (Postfix) id 4Xyz", 0},
    {"by mx1.example.org.evil.example (Postfix) id 4Xyz", 0},
    {"by mx1.example.orgx (Postfix) id 4Xyz", 0},
    {"from x (localhost [127.0.0.1]) (by mx1.example.org) by mx.evil.example (Postfix) id 4Xyz", 0},
    {"from a", 0},
    {"", 0},
};

START_TEST(a_received_field_shows_where_mail_began)
{
    ck_assert_msg(own_received(span_of(fields[_i].received), HOST) == fields[_i].own, "%s", fields[_i].received);
}
END_TEST

static const struct {
    const char *header;
    int own;
} ways[] = {
    {"Received: by mx1.example.org (Postfix) id 4Xyz\nFrom: x\n\n", 1},
    {"Received: from mx1 (localhost [127.0.0.1]) by mx1.example.org (8.17) id 5\n"
     "Received: from localhost (localhost) by mx1.example.org (8.17) with internal id 5\n\n", 0},
    {"Received: by mx1.example.org (Postfix, from userid 33) id 5\nReceived: by mx1.example.org (Postfix) id 4Xyz\n\n", 0},
    {"Received: from localhost (localhost) by mx1.example.org (8.17) with internal id 5\n\n", 1},
    {"From: x\n\n", 0},
    {"Received: from e (e [203.0.113.9]) by mx1.example.org (Postfix) id 4Xyz\n"
     "Received: by mx1.example.org (Postfix) id 4Xyz\n\n", 0},
    {"Received: by mx1.example.org (Postfix) id 4Xyz\n"
     "received : from e (e [203.0.113.9]) by mx1.example.org (Postfix) id 4Xyz\n\n", 0},
};

START_TEST(every_field_must_show_it)
{
    static struct header header;
    struct span rest = span_of(ways[_i].header);

    header_read(&rest, HEADER_BYTES_MAX, &header);
    ck_assert_int_eq(own_way(&header, HOST), ways[_i].own);
}
END_TEST

START_TEST(a_header_too_long_to_be_looked_at_shows_nothing)
{
    static struct header header;
    static char text[HEADER_FIELDS_MAX * 60];
    struct span rest;

    for (int i = 0; i < HEADER_FIELDS_MAX; i++)
        strcat(text, "Received: by mx1.example.org (Postfix) id 4Xyz\n");
    rest = span_of(text);
    header_read(&rest, HEADER_BYTES_MAX, &header);
    ck_assert(!own_way(&header, HOST));
}
END_TEST

static const struct {
    enum report_kind kind;
    const char *mta, *sender;
    int own;
} reports[] = {
    {REPORT_DSN, "MX1.example.org", "", 1},
    {REPORT_DSN, HOST, "a@example.org", 0},
    {REPORT_DSN, HOST, NULL, 0},
    {REPORT_DSN, "mx2.example.org", "", 0},
    {REPORT_DSN, NULL, "", 0},
    {REPORT_BOUNCE, HOST, "", 0},
    {REPORT_COMPLAINT, HOST, "", 0},
};

START_TEST(a_dsn_in_the_hosts_name_with_the_null_sender)
{
    struct report report = {.kind = reports[_i].kind, .reporting_mta = (char *)(uintptr_t)reports[_i].mta};

    ck_assert_int_eq(own_dsn(&report, reports[_i].sender, HOST), reports[_i].own);
    ck_assert_int_eq(own_dsn(&report, reports[_i].sender, ""), 0);
}
END_TEST

START_TEST(the_machine_has_a_name)
{
    char name[256];

    own_name("", name, sizeof(name));
    ck_assert_str_ne(name, "");
    own_name("mx1.example.org", name, sizeof(name));
    ck_assert_str_eq(name, "mx1.example.org");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/intake/own");
    TCase *tc = tcase_create("own");

    tcase_add_loop_test(tc, a_received_field_shows_where_mail_began, 0, sizeof(fields) / sizeof(fields[0]));
    tcase_add_loop_test(tc, every_field_must_show_it, 0, sizeof(ways) / sizeof(ways[0]));
    tcase_add_test(tc, a_header_too_long_to_be_looked_at_shows_nothing);
    tcase_add_loop_test(tc, a_dsn_in_the_hosts_name_with_the_null_sender, 0, sizeof(reports) / sizeof(reports[0]));
    tcase_add_test(tc, the_machine_has_a_name);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
