/* A report as text, so that a test's table can name the whole of it.
 *
 *   dsn mta=mx.example.com id=4XYZ from=news@example.com msgid=1@example.com
 *   failed joe@example.com orig=j@example.net 5.1.1 via=mail.example.net: 550 no such user
 */
#ifndef SUPPRESSD_TESTS_DAEMON_REPORT_RENDER_H
#define SUPPRESSD_TESTS_DAEMON_REPORT_RENDER_H

#include "daemon/report/delivery.h"

#include <stdio.h>
#include <string.h>

static inline void render_add(char *out, size_t size, const char *before, const char *text,
                              const char *after)
{
    size_t length = strlen(out);

    if (text)
        snprintf(out + length, size - length, "%s%s%s", before, text, after);
}

static inline void render(const struct report *report, char *out, size_t size)
{
    size_t i;

    snprintf(out, size, "%s", report_kind_name(report->kind));
    render_add(out, size, " mta=", report->reporting_mta, "");
    render_add(out, size, " id=", report->queue_id, "");
    render_add(out, size, " from=", report->original_sender, "");
    render_add(out, size, " msgid=", report->original_message_id, "");
    render_add(out, size, " (", report->problem, ")");
    render_add(out, size, "", "\n", "");
    for (i = 0; i < report->count; i++) {
        const struct delivery *delivery = &report->deliveries[i];

        render_add(out, size, action_name(delivery->action), " ", delivery->recipient);
        render_add(out, size, " orig=", delivery->original_recipient, "");
        render_add(out, size, " ", delivery->status, "");
        render_add(out, size, " via=", delivery->remote_mta, "");
        render_add(out, size, ": ", delivery->reply, "");
        render_add(out, size, "", "\n", "");
    }
}

#endif
