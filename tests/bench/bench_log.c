/* Mail log lines read and parsed per second on one core: from a file, through
 * the same stream and parsers as the daemon. Then the same with a copy of each
 * delivery, as it goes to the ledger.
 *
 *   bench_log [FILE]   a mail log; without it one is made up: of each message
 *                      five lines, one of them its delivery, one in ten failed
 */
#include "config.h"

#include "base/mem.h"
#include "daemon/ledger/results.h"
#include "daemon/report/lines.h"
#include "daemon/report/maillog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 40000
#define SECONDS 2.0

struct counts {
    size_t lines, deliveries;
};

/* The processor's time, so that a busy machine does not count against the code. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_message(FILE *out, int i)
{
    char head[100];

    snprintf(head, sizeof(head), "Nov %2d %02d:%02d:%02d mx1 postfix", 1 + i % 20, i / 3600 % 24, i / 60 % 60, i % 60);
    fprintf(out, "%s/smtpd[71]: 4Xb%06dzz: client=app.example.com[192.0.2.10]\n", head, i);
    fprintf(out, "%s/cleanup[72]: 4Xb%06dzz: message-id=<%d.news@example.com>\n", head, i, i);
    fprintf(out, "%s/qmgr[73]: 4Xb%06dzz: from=<news@example.com>, size=20312, nrcpt=1 (queue active)\n", head, i);
    fprintf(out, "%s/smtp[%d]: 4Xb%06dzz: to=<reader%d@example.net>, relay=mx%d.example.net[192.0.2.7]:25, "
                 "delay=1.4, delays=0.1/0.01/0.5/0.8, dsn=%s\n", head, 80 + i % 40, i, i, i % 9,
            i % 10 ? "2.0.0, status=sent (250 2.0.0 Ok: queued as 9F00A1)"
                   : "5.1.1, status=bounced (host mx.example.net[192.0.2.7] said: 550 5.1.1 no such "
                     "mailbox (in reply to RCPT TO command))");
    fprintf(out, "%s/qmgr[73]: 4Xb%06dzz: removed\n", head, i);
}

static int make_log(void)
{
    FILE *out = tmpfile();

    if (!out)
        exit(EXIT_FAILURE);
    for (int i = 0; i < MESSAGES; i++)
        write_message(out, i);
    fflush(out);
    return dup(fileno(out));
}

static void copy_delivery(const struct maillog_line *line, const char *recipient, struct results *results)
{
    const struct result result = {.time = line->time, .action = line->action, .recipient = span_of(recipient),
                                  .queue_id = line->queue_id, .remote_mta = line->remote_mta, .status = line->status};
    struct delivery delivery;

    if (line->action == ACTION_FAILED) {
        maillog_delivery(line, recipient, &delivery);
        delivery_clear(&delivery);
    } else {
        results_add(results, &result);
    }
}

/* results NULL: nothing is copied. */
static void take(const struct maillog_line *line, struct results *results, struct counts *counts)
{
    char recipient[MAILLOG_RECIPIENT_SIZE];
    struct span rest = line->recipients;

    while (maillog_recipient(line, &rest, recipient)) {
        counts->deliveries++;
        if (results)
            copy_delivery(line, recipient, results);
    }
}

static void run_once(int fd, struct lines *lines, int copy, struct counts *counts)
{
    struct results results = {0};
    struct maillog_clock clock = {.now = (int64_t)time(NULL), .local = 1};
    struct maillog_line line;
    struct span text;
    ssize_t got;

    lseek(fd, 0, SEEK_SET);
    lines_reset(lines, 0);
    do {
        size_t room;
        char *space = lines_space(lines, &room);

        got = read(fd, space, room);
        lines_added(lines, got > 0 ? (size_t)got : 0);
        while (lines_next(lines, &text)) {
            counts->lines++;
            if (maillog_read(text.start, text.length, &clock, &line) == MAILLOG_DELIVERY)
                take(&line, copy ? &results : NULL, counts);
        }
        results_clear(&results);
    } while (got > 0);
}

static void measure(const char *name, int fd, int copy)
{
    struct lines *lines = lines_new();
    struct counts counts = {0};
    double start = seconds(), elapsed;

    do {
        run_once(fd, lines, copy, &counts);
        elapsed = seconds() - start;
    } while (elapsed < SECONDS && counts.lines);
    printf("  %-22s %9.0f lines/s  %9.0f deliveries/s  %5.2f us a line\n", name,
           (double)counts.lines / elapsed, (double)counts.deliveries / elapsed,
           1e6 * elapsed / (double)counts.lines);
    lines_free(&lines);
}

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : make_log();

    if (fd < 0) {
        perror(argc > 1 ? argv[1] : "bench_log");
        return EXIT_FAILURE;
    }
    printf("mail log: read and parsed, one core\n");
    measure("read", fd, 0);
    measure("deliveries copied", fd, 1);
    close(fd);
    return EXIT_SUCCESS;
}
