/* Messages built to cost as much as they can: the time and memory of each, worst first.
 *
 *   bench_bombs [MEGABYTES]   size of each; 10 where none is given
 *
 * Each is a head, a line as often as the size allows ("#" becomes a number) and a
 * tail. Each is parsed in a process of its own, so that its peak of memory is its own.
 */
#include "config.h"

#include "base/mem.h"
#include "daemon/report/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DSN "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
#define STATUS "--b\nContent-Type: message/delivery-status\n"
#define TEXT "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\n\n"
#define HTML "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\nContent-Type: text/html\n\n"
#define RETURNED "--b\nContent-Type: message/rfc822\n\n"
#define NESTED "Content-Type: multipart/mixed; boundary=b#\n\n--b#\n"

static const struct bomb {
    const char *name, *head, *line, *tail;
} bombs[] = {
    {"recipients", DSN STATUS, "\nFinal-Recipient: rfc822; user#@example.net\nAction: failed\nStatus: 5.1.1\n"
     "Diagnostic-Code: smtp; 550 5.1.1 no such user\n", "\n--b--\n"},
    {"recipients without replies, all in the text", DSN "--b\n\n<user1@example.net>: no\n" STATUS,
     "\nFinal-Recipient: rfc822; user#@example.net\nAction: failed\n", "\n--b--\n"},
    {"short fields of a status", DSN STATUS "\n", "Action: failed\n", "\n--b--\n"},
    {"unknown fields of a status", DSN STATUS "\n", "a:\n", "\n--b--\n"},
    {"junk in a status", DSN STATUS "\n", "x\n", "\n--b--\n"},
    {"blank lines in a status", DSN STATUS "\n", "\n", "\n--b--\n"},
    {"base64 status", DSN STATUS "Content-Transfer-Encoding: base64\n\n",
     "QWN0aW9uOiBmYWlsZWQKQWN0aW9uOiBmYWlsZWQKQWN0aW9uOiBmYWlsZWQK\n", "\n--b--\n"},
    {"quoted-printable status", DSN STATUS "Content-Transfer-Encoding: quoted-printable\n\n", "=41:=20b=\n", "\n--b--\n"},
    {"one endless diagnostic", DSN STATUS "\nFinal-Recipient: rfc822; a@example.net\nAction: failed\nDiagnostic-Code: smtp; ",
     "no \n no", "\n--b--\n"},
    {"encoded words in a diagnostic", DSN STATUS "\nFinal-Recipient: rfc822; a@example.net\nAction: failed\nDiagnostic-Code: smtp; ",
     "=?utf-8?q?=41?= ", "\n--b--\n"},
    {"escapes in an address", DSN STATUS "\nFinal-Recipient: rfc822; ", "\\x{41}+2B", "@example.net\nAction: failed\n\n--b--\n"},
    {"parts", DSN, "--b\n\n", "--b--\n"},
    {"parts of the same boundary, nested", DSN, "--b\nContent-Type: multipart/mixed; boundary=b\n\n", "--b--\n"},
    {"nested parts", NESTED, "Content-Type: multipart/mixed; boundary=c#\n\n--c#\n", "\n"},
    {"nested, then dashes", DSN "--b\n"
     "Content-Type: multipart/mixed; boundary=c1\n\n--c1\nContent-Type: multipart/mixed; boundary=c2\n\n--c2\n"
     "Content-Type: multipart/mixed; boundary=c3\n\n--c3\nContent-Type: multipart/mixed; boundary=c4\n\n--c4\n"
     "Content-Type: multipart/mixed; boundary=c5\n\n--c5\nContent-Type: multipart/mixed; boundary=c6\n\n--c6\n"
     "Content-Type: multipart/mixed; boundary=c7\n\n--c7\nContent-Type: multipart/mixed; boundary=c8\n\n--c8\n"
     "Content-Type: multipart/mixed; boundary=c9\n\n--c9\nContent-Type: multipart/mixed; boundary=d1\n\n--d1\n"
     "Content-Type: multipart/mixed; boundary=d2\n\n--d2\nContent-Type: multipart/mixed; boundary=d3\n\n--d3\n"
     "Content-Type: multipart/mixed; boundary=d4\n\n--d4\nContent-Type: multipart/mixed; boundary=d5\n\n--d5\n"
     "Content-Type: multipart/mixed; boundary=d6\n\n--d6\nContent-Type: multipart/mixed; boundary=d7\n\n--d7\n",
     "-----------", "\n"},
    {"almost boundaries", DSN, "--bx\n", "--b--\n"},
    {"boundaries within a line", DSN "--b\n\n", "x --b", "--b--\n"},
    {"blanks before boundaries", DSN "--b\n\n", " \t", "--b--\n"},
    {"fields of a header", "", "a:b\n", "\n\n"},
    {"fields of a part's header", DSN "--b\n", "a:b\n", "\n\n--b--\n"},
    {"fields of a returned header", DSN RETURNED, "Received: x\n", "\n--b--\n"},
    {"one field of folds", "Subject:", " x\n", "\n\n"},
    {"one line", "", "x", ""},
    {"one line of colons", "", ":", ""},
    {"one Subject", "From: MAILER-DAEMON@mx.example\nSubject: ", "undeliver", "\n\n"},
    {"parameters without names", "Content-Type: multipart/report", ";", "=x\n\n"},
    {"parameters", "Content-Type: multipart/report", "; a=b", "\n\n"},
    {"one quoted parameter", "Content-Type: multipart/report; boundary=\"", "\\\"", "\"\n\n"},
    {"nested comments in a date", "Date: ", "(", "\n\n"},
    {"nested comments in a status date", DSN STATUS "\nFinal-Recipient: rfc822; a@example.net\nLast-Attempt-Date: ", "(", "\n--b--\n"},
    {"Received of a returned message", DSN STATUS "\nReporting-MTA: dns; mx.example\nFinal-Recipient: rfc822; a@example.net\n"
     "Action: failed\n" RETURNED "Received: ", "by mx.example id ", "\n\n--b--\n"},
    {"X-Failed-Recipients", "From: MAILER-DAEMON@mx.example\nX-Failed-Recipients: ", "a#@example.com, ", "\n\nno\n"},
    {"To", "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\nTo: ", "a#@example.com, ", "\n\nno\n"},
    {"listed recipients", TEXT, "<user#@example.net>: user unknown\n", "\n"},
    {"recipients in one line", TEXT, "<user#@example.net>: user unknown ", "\n"},
    {"codes in one line", TEXT, "550 <a#@b> ", "\n"},
    {"codes and one address in one line", TEXT, "550 <a@b> ", "\n"},
    {"bullets in one line", TEXT, "* a@b x", "\n"},
    {"labels in one line", TEXT, "user: a#@b x", "\n"},
    {"at signs", TEXT, "@", "\n"},
    {"quotes and at signs", TEXT, "\"@", "\n"},
    {"quotes", TEXT, "\" ", "\"@b\n"},
    {"local parts", TEXT, "a@", "\n"},
    {"one local part", TEXT, "a", "@example.net\n"},
    {"codes", TEXT, "550 5.1.1 ", "\n"},
    {"almost statuses", TEXT, "5.1.5.1.", "\n"},
    {"header lines", TEXT, "From: x\nTo: y\nx\n", "\n"},
    {"folded header lines", TEXT, "From: x\n  y\n  y\n  y\n  y\n  y\n  y\n", "\n"},
    {"markers", TEXT, "-- original messag\n", "\n"},
    {"words of failure", TEXT, "not be deliver unable to deliv delivery fail could not delive\n", "\n"},
    {"broken UTF-8", TEXT, "\xc3", "\n"},
    {"text in base64", "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\nContent-Transfer-Encoding: base64\n\n",
     "PGFAZXhhbXBsZS5uZXQ+OiBubyBzdWNoIHVzZXI6IDU1MCA1LjEuMSBub25lCg==\n", "\n"},
    {"Japanese text", "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\n"
     "Content-Type: text/plain; charset=iso-2022-jp\n\n", "\033$B$(B\033(B", "\n"},
    {"tags", HTML, "<", "\n"},
    {"styles", HTML, "<style>", "\n"},
    {"entities", HTML, "&", "\n"},
    {"breaks", HTML, "<br>", "\n"},
    {"complaint", "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n",
     "Original-Rcpt-To: a#@example.net\n", "\n--b--\n"},
    {"JSON, nested", TEXT, "[", "\n"},
    {"JSON, wide", TEXT "{\"notificationType\":\"Bounce\",\"mail\":{},\"bounce\":{\"bouncedRecipients\":[",
     "{\"emailAddress\":\"a#@b.example\"},", "{}]}}\n"},
    {"forwarded reports", "From: a@b\nSubject: Fwd: x\nContent-Type: multipart/mixed; boundary=b\n\n",
     "--b\nContent-Type: message/rfc822\n\n" DSN, "\n--b--\n"},
};

#define COUNT (sizeof(bombs) / sizeof(bombs[0]))

struct result {
    const struct bomb *bomb;
    double milliseconds;
    long kilobytes; /* of memory beyond the message's own */
    size_t recipients;
};

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* "#" becomes the number, in every place. */
static size_t put(char *at, const char *text, size_t number)
{
    char *start = at;

    for (; *text; text++)
        at += *text == '#' ? sprintf(at, "%zu", number) : (*at = *text, 1);
    return (size_t)(at - start);
}

static char *build(const struct bomb *bomb, size_t size, size_t *length_r)
{
    char *text = xmalloc(size + 65536);
    size_t length = put(text, bomb->head, 0), number = 0;

    while (length + strlen(bomb->line) + strlen(bomb->tail) < size)
        length += put(text + length, bomb->line, ++number);
    length += put(text + length, bomb->tail, number);
    *length_r = length;
    return text;
}

static long peak(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void parse(const struct bomb *bomb, size_t size, struct result *result)
{
    struct report report;
    size_t length;
    char *text = build(bomb, size, &length);
    long before = peak();
    double start = seconds();

    message_parse(text, length, NULL, &report);
    result->milliseconds = 1e3 * (seconds() - start);
    result->kilobytes = peak() - before;
    result->recipients = report.count;
    report_clear(&report);
    free(text);
}

static void parse_apart(const struct bomb *bomb, size_t size, struct result *result)
{
    int ends[2], status;
    pid_t child;

    if (pipe(ends) || (child = fork()) < 0) {
        perror("bench_bombs");
        exit(EXIT_FAILURE);
    }
    result->bomb = bomb;
    if (!child) {
        parse(bomb, size, result);
        _exit(write(ends[1], result, sizeof(*result)) != sizeof(*result));
    }
    close(ends[1]);
    if (read(ends[0], result, sizeof(*result)) != sizeof(*result) || waitpid(child, &status, 0) != child || status) {
        fprintf(stderr, "bench_bombs: %s: the parser died\n", bomb->name);
        exit(EXIT_FAILURE);
    }
    close(ends[0]);
}

static int slower_first(const void *a, const void *b)
{
    const struct result *left = a, *right = b;

    return (left->milliseconds < right->milliseconds) - (left->milliseconds > right->milliseconds);
}

int main(int argc, char **argv)
{
    size_t megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 10, i;
    static struct result results[COUNT];

    message_init();
    for (i = 0; i < COUNT; i++)
        parse_apart(&bombs[i], megabytes << 20, &results[i]);
    qsort(results, COUNT, sizeof(results[0]), slower_first);
    printf("%zu kinds of messages of %zu MB, the slowest first\n", COUNT, megabytes);
    for (i = 0; i < COUNT; i++)
        printf("%10.2f ms %8ld kB %7zu recipients  %s\n", results[i].milliseconds, results[i].kilobytes,
               results[i].recipients, results[i].bomb->name);
    return EXIT_SUCCESS;
}
