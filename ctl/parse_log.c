/* suppressctl parse --log: what does this mail log say of which recipient?
 *
 * Streams: a log of any size, or a pipe, in bounded memory.
 */
#include "config.h"

#include "ctl/parse.h"

#include "daemon/report/lines.h"
#include "daemon/report/maillog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void put_span(json_t *object, const char *name, struct span text)
{
    char *copy = maillog_text(text);

    parse_put(object, name, copy);
    free(copy);
}

static void print_recipient(const struct maillog_line *line, const char *recipient,
                            struct classifier *classifier)
{
    struct delivery delivery;
    json_t *object;

    maillog_delivery(line, recipient, &delivery);
    object = parse_delivery(&delivery, classifier);
    put_span(object, "queue_id", line->queue_id);
    put_span(object, "host", line->host);
    put_span(object, "program", line->program);
    put_span(object, "relay", line->relay);
    put_span(object, "orig_to", line->orig_to);
    if (line->probe)
        json_object_set_new(object, "probe", json_true());
    if (line->doubtful)
        json_object_set_new(object, "doubtful", json_true());
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
    delivery_clear(&delivery);
}

static void print_line(struct span text, struct maillog_clock *clock, struct classifier *classifier)
{
    char recipient[MAILLOG_RECIPIENT_SIZE];
    struct maillog_line line;
    struct span rest;

    if (maillog_read(text.start, text.length, clock, &line) != MAILLOG_DELIVERY)
        return;
    rest = line.recipients;
    while (maillog_recipient(&line, &rest, recipient))
        print_recipient(&line, recipient, classifier);
}

static int print_all(int fd, struct lines *lines, struct classifier *classifier)
{
    struct maillog_clock clock = {.now = (int64_t)time(NULL), .local = 1};
    struct span line;
    ssize_t got;

    do {
        size_t room;
        char *space = lines_space(lines, &room);

        got = read(fd, space, room);
        lines_added(lines, got > 0 ? (size_t)got : 0);
        while (lines_next(lines, &line))
            print_line(line, &clock, classifier);
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (!got && lines_last(lines, &line))
        print_line(line, &clock, classifier);
    return got ? -1 : 0;
}

int parse_log_file(const char *file, struct classifier *classifier, struct error *error)
{
    int fd = strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, result = -1;
    struct lines *lines = lines_new();

    if (fd < 0 || print_all(fd, lines, classifier))
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", file, strerror(errno));
    else if (fflush(stdout))
        (void)error_set(error, ERROR_ENVIRONMENT, "output: %s", strerror(errno));
    else
        result = 0;
    lines_free(&lines);
    if (fd > STDIN_FILENO)
        close(fd);
    return result;
}
