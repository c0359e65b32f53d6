/* suppressctl ingest: reads bounces and complaints out of mailboxes.
 *
 * By way of the running daemon; where none runs, directly and under the
 * store's lock. Each source of messages or lines is one function that fills a
 * sink.
 */
#include "config.h"

#include "ctl/ingest.h"

#include "ctl/ask.h"
#include "ctl/ingest_log.h"
#include "ctl/mailbox.h"
#include "ctl/progress.h"
#include "daemon/report/message.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* What has been read, over all mailboxes. */
struct import {
    struct progress progress;
    uint64_t messages;
    uint64_t bytes; /* of the mailboxes before this one */
};

static void sum_up(struct ctl *ctl, const struct import *import, const struct ingest_counts *counts, double seconds)
{
    unsigned long long messages = import->messages, of[INGESTED_COUNT];

    for (int i = 0; i < INGESTED_COUNT; i++)
        of[i] = counts->of[i];
    if (ctl->json)
        ask_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "messages", (json_int_t)messages, "bytes",
                                 (json_int_t)import->bytes, "understood", (json_int_t)of[INGESTED_UNDERSTOOD],
                                 "repeated", (json_int_t)of[INGESTED_REPEATED], "aside", (json_int_t)of[INGESTED_ASIDE],
                                 "ordinary", (json_int_t)of[INGESTED_ORDINARY], "seconds", seconds));
    else
        printf("%llu messages: %llu understood, %llu repeated, %llu kept aside, %llu ordinary\n", messages,
               of[INGESTED_UNDERSTOOD], of[INGESTED_REPEATED], of[INGESTED_ASIDE], of[INGESTED_ORDINARY]);
}

/* -1: the sink has failed; 1: the mailbox. */
static int read_mailbox(struct import *import, struct mailbox *mailbox, struct sink *sink, struct error *error)
{
    int found = 1, failed = 0;

    while (found > 0 && !failed) {
        struct collect *message = sink_message(sink);

        if ((found = mailbox_next(mailbox, message, error)) > 0) {
            failed = sink_give(sink, message, error);
            import->messages += !failed;
        } else {
            collect_free(&message);
        }
        progress_at(&import->progress, import->bytes + mailbox_taken(mailbox), import->messages);
    }
    return failed ? -1 : found < 0;
}

static uint64_t size_of_all(char **names, int count)
{
    uint64_t size = 0;
    struct error error;

    for (int i = 0; i < count; i++) {
        struct mailbox *mailbox = mailbox_open(names[i], &error); /* a faulty one is told of when its turn comes */

        if (mailbox && !mailbox_size(mailbox)) {
            mailbox_close(&mailbox);
            return 0;
        }
        size += mailbox ? mailbox_size(mailbox) : 0;
        mailbox_close(&mailbox);
    }
    return size;
}

/* One mailbox that cannot be read keeps nobody from the others. */
static int ingest_mailboxes(struct ctl *ctl, const char *command, char **names, int count, int own)
{
    struct error error = {0};
    struct sink *sink = sink_open(ctl, own, &error);
    struct ingest_counts counts;
    struct import import = {0};
    int code = EXIT_YES, result = 0;
    double seconds;

    if (!sink)
        return ctl_fail(command, EXIT_FAILED, "%s", error.text);
    progress_begin(&import.progress, "messages", size_of_all(names, count));
    for (int i = 0; i < count && result >= 0; i++) {
        struct mailbox *mailbox = mailbox_open(names[i], &error);

        result = mailbox ? read_mailbox(&import, mailbox, sink, &error) : 1;
        import.bytes += mailbox ? mailbox_taken(mailbox) : 0;
        mailbox_close(&mailbox);
        if (result)
            code = ctl_fail(command, EXIT_FAILED, "%s", error.text);
    }
    if (sink_close(&sink, &counts, &error) && result >= 0)
        code = ctl_fail(command, EXIT_FAILED, "%s", error.text);
    seconds = progress_end(&import.progress);
    sum_up(ctl, &import, &counts, seconds);
    return code == EXIT_YES && counts.of[INGESTED_ASIDE] ? EXIT_NO : code;
}

int command_ingest(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {
        {"own", no_argument, NULL, 'o'}, {"log", no_argument, NULL, 'l'}, {"host", required_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static char standard_input[] = "-";
    char *names[] = {standard_input};
    const char *host = NULL;
    int option, own = 0, log = 0;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'o' && option != 'l' && option != 'h')
            return EXIT_USAGE;
        own |= option == 'o';
        log |= option == 'l';
        host = option == 'h' ? optarg : host;
    }
    if (log && own)
        return ctl_fail(argv[0], EXIT_USAGE, "--own is of messages, --log of logs");
    if (host && !log)
        return ctl_fail(argv[0], EXIT_USAGE, "--host belongs to --log");
    if (log && optind == argc)
        return ingest_logs(ctl, argv[0], host, names, 1);
    if (log)
        return ingest_logs(ctl, argv[0], host, argv + optind, argc - optind);
    message_init();
    if (optind == argc)
        return ingest_mailboxes(ctl, argv[0], names, 1, own);
    return ingest_mailboxes(ctl, argv[0], argv + optind, argc - optind, own);
}
