/* What a line of a mail log says, as text, so that a test's table can name it.
 *
 *   failed joe@example.com orig=j@example.net 5.1.1 via=mx.example.net id=4XYZ probe doubtful: reply
 *
 * One such line a recipient; "other", "ambiguous" and "expired" for lines without.
 */
#ifndef SUPPRESSD_TESTS_DAEMON_REPORT_MAILLOG_RENDER_H
#define SUPPRESSD_TESTS_DAEMON_REPORT_MAILLOG_RENDER_H

#include "daemon/report/maillog.h"
#include "tests/daemon/report/render.h"

#include <stdlib.h>

static inline void render_recipient(const struct maillog_line *line, const char *recipient, char *out,
                                    size_t size)
{
    struct delivery delivery;
    char *id = maillog_text(line->queue_id);

    maillog_delivery(line, recipient, &delivery);
    render_add(out, size, action_name(delivery.action), " ", delivery.recipient);
    render_add(out, size, " orig=", delivery.original_recipient, "");
    render_add(out, size, " ", delivery.status, "");
    render_add(out, size, " via=", delivery.remote_mta, "");
    render_add(out, size, " id=", id, "");
    render_add(out, size, "", line->probe ? " probe" : "", line->doubtful ? " doubtful" : "");
    render_add(out, size, ": ", delivery.reply, "\n");
    delivery_clear(&delivery);
    free(id);
}

static inline void render_line(const char *text, size_t length, char *out, size_t size)
{
    struct maillog_clock clock = {.now = 1795000000};
    char recipient[MAILLOG_RECIPIENT_SIZE];
    struct maillog_line line;
    enum maillog_kind kind = maillog_read(text, length, &clock, &line);
    struct span rest = line.recipients;

    if (kind == MAILLOG_EXPIRED) {
        snprintf(out, size, "expired id=%.*s", (int)line.queue_id.length, line.queue_id.start);
        return;
    }
    snprintf(out, size, "%s", kind == MAILLOG_OTHER ? "other" : kind == MAILLOG_AMBIGUOUS ? "ambiguous" : "");
    while (kind == MAILLOG_DELIVERY && maillog_recipient(&line, &rest, recipient))
        render_recipient(&line, recipient, out, size);
}

#endif
