/* Mail log lines: the input is a log. */
#include "config.h"

#include "daemon/report/lines.h"
#include "daemon/report/maillog.h"
#include "tests/fuzz/target.h"

#include <string.h>

static int within(struct span part, struct span whole)
{
    return !part.start || (part.start >= whole.start && part.start + part.length <= whole.start + whole.length);
}

static void hold_delivery(const struct maillog_line *line, const char *recipient)
{
    struct delivery delivery;

    maillog_delivery(line, recipient, &delivery);
    must_hold(delivery.status && strlen(delivery.status) >= 5);
    must_hold((unsigned)delivery.action < ACTION_COUNT);
    for (const char *at = recipient; *at; at++)
        must_hold((unsigned char)*at >= ' ');
    delivery_clear(&delivery);
}

static void hold_line(struct span text, struct maillog_clock *clock)
{
    char recipient[MAILLOG_RECIPIENT_SIZE];
    struct maillog_line line;
    size_t count = 0;
    enum maillog_kind kind = maillog_read(text.start, text.length, clock, &line);
    struct span rest;

    must_hold(kind != MAILLOG_EXPIRED || (within(line.queue_id, text) && line.queue_id.length));
    if (kind != MAILLOG_DELIVERY)
        return;
    must_hold(within(line.host, text) && within(line.program, text) && within(line.queue_id, text));
    must_hold(within(line.recipients, text) && within(line.orig_to, text) && within(line.relay, text));
    must_hold(within(line.remote_mta, text) && within(line.status, text) && within(line.reply, text));
    for (rest = line.recipients; maillog_recipient(&line, &rest, recipient); count++)
        hold_delivery(&line, recipient);
    must_hold(line.doubtful || !memchr(line.recipients.start, '?', line.recipients.length));
    must_hold(count <= text.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct maillog_clock clock = {.now = 1795000000};
    struct lines *lines = lines_new();
    struct span line;

    while (size) {
        size_t room;
        char *space = lines_space(lines, &room);

        room = room < size ? room : size;
        memcpy(space, data, room);
        lines_added(lines, room);
        data += room;
        size -= room;
        while (lines_next(lines, &line))
            hold_line(line, &clock);
    }
    if (lines_last(lines, &line))
        hold_line(line, &clock);
    lines_free(&lines);
    return 0;
}
