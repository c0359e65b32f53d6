/* suppressctl import: the suppression list of another service, or one of our own.
 *
 * By way of the running daemon; where none runs, directly and under the
 * store's lock. Entries go in bounded batches, a transaction each; all bear the
 * same note (file and time), so that the whole import stands on record as one
 * change of one person. What was taken stays when it is interrupted: the same
 * import again adds the rest.
 *
 * A list of others is not believed blindly: where an entry quotes the remote's
 * reply the classifier has the last word, and what it does not lay to the
 * recipient for good is left out and counted.
 */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/list_reader.h"
#include "ctl/progress.h"
#include "daemon/console/control.h"
#include "daemon/ledger/ledger.h"
#include "daemon/settings.h"

#include <ctype.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_KEPT 300 /* bytes of a reply or note that go on record */
/* A batch as JSON, short of the daemon's limit by an entry of the longest kind.
 * The ledger has no such limit, and gains by fewer transactions: of some fifty
 * thousand entries in order many fall on one page. */
#define BATCH_BYTES (CONTROL_LINE_MAX - 8000)
#define BATCH_BYTES_DIRECT (8u << 20)

struct import {
    struct ctl *ctl;
    const char *command, *reason, *stream, *column;
    const struct list_format *format;
    struct classifier *classifier;
    int strict;
    int64_t now;

    char *note;          /* of the file that is being read */
    json_t *entries;     /* of the batch */
    size_t bytes;        /* so long is it as JSON */
    struct ledger *ledger; /* while no daemon runs */
    struct counters counters;

    struct progress progress;
    int64_t set; /* the change set of all; 0: not begun */
    uint64_t read, before, added, there, others, over, bad;
};

static const char *own_name(void)
{
    const struct passwd *user = getpwuid(getuid());

    return user ? user->pw_name : "unknown";
}

static int give_ledger(struct import *import, const json_t *request, struct error *error)
{
    const struct settings *settings = ask_settings(import->ctl, error);
    struct ledger_options options = {.counters = &import->counters, .strict_local_part = import->strict};
    struct record *record = change_import(request, own_name(), import->strict, (int64_t)time(NULL), error);
    int added = -1;

    options.database = settings->database;
    options.hashed = (int)settings->addresses_hashed;
    options.policy = settings->policy;
    if (record && (import->ledger || (import->ledger = ledger_open(&options, error))) &&
        !ledger_begin(import->ledger, error)) {
        if (ledger_record(import->ledger, record, error) || ledger_commit(import->ledger, error))
            ledger_rollback(import->ledger);
        else
            added = record->changed_r, import->set = record->set_r ? record->set_r : import->set;
    }
    record_free(&record);
    return added;
}

/* The number of new suppressions, or -1. */
static int give(struct import *import, json_t *request, struct error *error)
{
    json_t *answer = NULL;
    int asked = import->ledger ? 0 : ask_daemon(import->ctl, request, &answer, error), added = -1;

    if (!asked)
        return give_ledger(import, request, error);
    if (asked > 0 && json_is_true(json_object_get(answer, "ok"))) {
        added = (int)json_integer_value(json_object_get(answer, "added"));
        if (added)
            import->set = (int64_t)json_integer_value(json_object_get(answer, "set"));
    } else if (asked > 0) {
        const char *problem = json_string_value(json_object_get(answer, "error"));

        (void)error_set(error, ERROR_ENVIRONMENT, "daemon: %s", problem ? problem : "refused");
    }
    json_decref(answer);
    return added;
}

struct sorted {
    json_t *entry;
    const char *key;
    size_t number;
};

/* Of two with the same key the one that came first: it is the one that counts. */
static int compare(const void *a, const void *b)
{
    const struct sorted *first = a, *second = b;
    int order = strcmp(first->key, second->key);

    return order ? order : (first->number > second->number) - (first->number < second->number);
}

/* In the order of the index, where neighbours share a page. */
static void sort(json_t *entries, size_t count)
{
    struct sorted *sorted = xcalloc(count, sizeof(*sorted));

    for (size_t i = 0; i < count; i++) {
        json_t *entry = json_incref(json_array_get(entries, i));

        sorted[i] = (struct sorted){entry, json_string_value(json_object_get(entry, "recipient")), i};
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    json_array_clear(entries);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(entries, sorted[i].entry);
    free(sorted);
}

static int flush(struct import *import, struct error *error)
{
    size_t count = json_array_size(import->entries);
    json_t *request;
    int added;

    if (!count)
        return 0;
    sort(import->entries, count);
    request = json_pack("{s:s, s:o, s:I, s:O}", "command", "import", "note", ask_json(import->note), "set",
                        (json_int_t)import->set, "entries", import->entries);
    added = give(import, request, error);
    json_decref(request);
    json_array_clear(import->entries);
    import->bytes = 0;
    if (added < 0)
        return -1;
    import->added += (uint64_t)added;
    import->there += count - (uint64_t)added;
    return 0;
}

/* 1 and the time; 0: for good; -1: it is none. */
static int read_until(const char *text, int64_t *until_r)
{
    struct tm date = {0};
    char *end;

    *until_r = strtoll(text, &end, 10);
    if (!*text || (!*end && end > text))
        return *until_r != 0;
    end = strptime(text, "%Y-%m-%d", &date);
    if (end && *end)
        end = strptime(end, *end == 'T' ? "T%H:%M:%S" : " %H:%M:%S", &date);
    if (!end || (*end && strcmp(end, " UTC") && strcmp(end, "Z")))
        return -1;
    *until_r = (int64_t)timegm(&date);
    return 1;
}

enum taken { TAKE, NOT_THEIRS, BAD };

static enum taken word_reason(const struct list_format *format, const struct list_entry *entry, enum reason *reason_r,
                              struct error *error)
{
    for (const struct list_word *word = format->words; word->word; word++)
        if (!strcasecmp(word->word, entry->word) && (!word->origin || !strcasecmp(word->origin, entry->origin))) {
            *reason_r = word->reason;
            return TAKE;
        }
    (void)error_set(error, ERROR_INPUT, "the reason '%.60s' is none of %s's", entry->word, format->name);
    return BAD;
}

/* A reason in our own words. A person may have suppressed for any. */
static enum taken own_reason(const struct list_entry *entry, enum reason *reason_r, struct error *error)
{
    if (!*entry->reason) {
        *reason_r = REASON_RECIPIENT_SUPPRESSED;
    } else if (!reason_from_name(entry->reason, reason_r)) {
        (void)error_set(error, ERROR_INPUT, "there is no reason '%.60s' in the taxonomy", entry->reason);
        return BAD;
    }
    return reason_info(*reason_r)->hygiene != HYGIENE_NONE || !strcmp(entry->origin, "manual") ? TAKE : NOT_THEIRS;
}

/* The remote's words weigh more than the list they stand in. */
static enum taken judge_reply(struct import *import, int doubtful, const struct list_entry *entry,
                              enum reason *reason_io)
{
    char *text = xasprintf("%s%s%s", entry->code, *entry->code ? " " : "", entry->reply);
    const struct classify_input input = {.text = text, .length = strlen(text),
                                         .status = *entry->status ? entry->status : NULL};
    struct verdict verdict;

    classify(import->classifier, &input, &verdict);
    free(text);
    if (verdict.reason == REASON_UNCLASSIFIED)
        return doubtful ? NOT_THEIRS : TAKE;
    if (reason_info(verdict.reason)->hygiene != HYGIENE_SUPPRESS || verdict.persistence == PERSISTENCE_TRANSIENT)
        return NOT_THEIRS;
    *reason_io = verdict.reason;
    return TAKE;
}

static enum taken find_reason(struct import *import, const struct list_reader *reader, const struct list_entry *entry,
                              enum reason *reason_r, struct error *error)
{
    const struct list_format *format = list_reader_format(reader);
    int doubtful = format->doubtful && list_reader_guessed(reader);
    enum taken taken = TAKE;

    *reason_r = format->reason;
    if (format->others_fault)
        return NOT_THEIRS;
    if (import->reason) /* checked when the options were read */
        return reason_from_name(import->reason, reason_r) ? TAKE : BAD;
    if (format->words)
        taken = word_reason(format, entry, reason_r, error);
    else if (format->reason == REASON_COUNT)
        return own_reason(entry, reason_r, error);
    if (taken == TAKE && *reason_r == REASON_RECIPIENT_SUPPRESSED && (doubtful || *entry->reply || *entry->status))
        taken = judge_reply(import, doubtful, entry, reason_r);
    return taken;
}

/* What the list says beside, for the record: "listed 2024-10-18: 550 no such user". */
static char *note_of(const struct list_entry *entry)
{
    const char *text = *entry->note ? entry->note : entry->reply;

    if (!*entry->time && !*text)
        return xstrdup("");
    return xasprintf("%s%.60s%s%.*s", *entry->time ? "listed " : "", entry->time, *entry->time && *text ? ": " : "",
                     TEXT_KEPT, text);
}

static enum taken take(struct import *import, const struct list_reader *reader, const struct list_entry *entry,
                       struct error *error)
{
    const char *stream = import->stream ? import->stream : entry->stream;
    char key[ADDRESS_SIZE], *note;
    enum reason reason;
    enum taken taken;
    int64_t until = 0;
    json_t *one;

    if (change_key(entry->recipient, import->strict, key, error))
        return BAD;
    if ((taken = find_reason(import, reader, entry, &reason, error)) != TAKE)
        return taken;
    if (strlen(stream) > 200 || read_until(entry->until, &until) < 0) {
        (void)error_set(error, ERROR_INPUT, "'%.60s' is no %s", strlen(stream) > 200 ? stream : entry->until,
                        strlen(stream) > 200 ? "stream" : "time");
        return BAD;
    }
    if (until && until <= import->now) {
        import->over++;
        return TAKE;
    }
    note = note_of(entry);
    one = json_pack("{s:o, s:o, s:s, s:o, s:I}", "recipient", ask_json(key), "stream", ask_json(stream), "reason",
                    reason_info(reason)->name, "note", ask_json(note), "until", (json_int_t)until);
    import->bytes += json_dumpb(one, NULL, 0, 0);
    json_array_append_new(import->entries, one);
    free(note);
    return TAKE;
}

static void tell_bad(struct import *import, const char *text)
{
    ctl_fail(import->command, EXIT_NO, "%s", text);
    import->bad++;
}

static int read_entry(struct import *import, const struct list_reader *reader, const struct list_entry *entry,
                      struct error *error)
{
    struct error bad;
    enum taken taken;

    if (list_reader_format(reader)->subscribed)
        return error_set(error, ERROR_INPUT, "%s: these are the subscribed members; suppressed are those of the"
                                             " cleaned and unsubscribed exports",
                         window_name(list_reader_window(reader)));
    import->read++;
    taken = take(import, reader, entry, &bad);
    import->others += taken == NOT_THEIRS;
    if (taken == BAD) {
        (void)error_prefix(&bad, "%s: line %llu", window_name(list_reader_window(reader)),
                           (unsigned long long)entry->line);
        tell_bad(import, bad.text);
    }
    if (import->bytes > (import->ledger ? BATCH_BYTES_DIRECT : BATCH_BYTES))
        return flush(import, error);
    return 0;
}

static int read_list(struct import *import, struct list_reader *reader, struct error *error)
{
    const struct window *window = list_reader_window(reader);
    struct list_entry entry;
    int found, failed = 0;

    while (!failed && (found = list_reader_next(reader, &entry, error))) {
        if (found > 0)
            failed = read_entry(import, reader, &entry, error);
        else if (error->code == ERROR_INPUT)
            tell_bad(import, error->text);
        else
            return -1;
        progress_at(&import->progress, import->before + window_taken(window), import->read);
    }
    import->before += window_taken(window);
    return failed ? -1 : flush(import, error);
}

static int import_file(struct import *import, const char *name, struct error *error)
{
    struct list_reader *reader = list_reader_open(name, import->format, import->column, error);
    time_t now = (time_t)import->now;
    char when[32] = "";
    struct tm utc;
    int failed;

    if (!reader)
        return -1;
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
    import->note = xasprintf("import %.200s %s", window_name(list_reader_window(reader)), when);
    failed = read_list(import, reader, error);
    free(import->note);
    list_reader_close(&reader);
    return failed;
}

static void sum_up(const struct import *import, double seconds)
{
    if (import->ctl->json)
        ask_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "entries", (json_int_t)import->read, "added",
                                 (json_int_t)import->added, "there", (json_int_t)import->there, "others_fault",
                                 (json_int_t)import->others, "over", (json_int_t)import->over, "bad",
                                 (json_int_t)import->bad, "seconds", seconds));
    else
        printf("%llu entries: %llu suppressed, %llu were already, %llu not the recipient's fault for good, %llu over,"
               " %llu bad\n",
               (unsigned long long)import->read, (unsigned long long)import->added, (unsigned long long)import->there,
               (unsigned long long)import->others, (unsigned long long)import->over, (unsigned long long)import->bad);
}

static int import_files(struct import *import, char **names, int count)
{
    struct error error = {0};
    struct ruleset *ruleset = ctl_ruleset(import->ctl, &error);
    int code = EXIT_YES;

    if (!ruleset || !(import->classifier = classifier_open(ruleset, &error)))
        code = ctl_fail(import->command, EXIT_FAILED, "%s", error.text);
    progress_begin(&import->progress, "entries", 0);
    import->strict = (int)(code == EXIT_YES ? ask_settings(import->ctl, &error)->strict_local_part : 0);
    import->entries = json_array();
    for (int i = 0; i < count && code == EXIT_YES; i++)
        if (import_file(import, names[i], &error))
            code = ctl_fail(import->command, error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s", error.text);
    ledger_close(&import->ledger);
    sum_up(import, progress_end(&import->progress));
    json_decref(import->entries);
    classifier_close(&import->classifier);
    ruleset_unref(&ruleset);
    return code == EXIT_YES && (import->bad || import->others) ? EXIT_NO : code;
}

int command_import(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, {"reason", required_argument, NULL, 'r'},
        {"stream", required_argument, NULL, 's'}, {"column", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0},
    };
    struct import import = {.ctl = ctl, .command = argv[0], .now = (int64_t)time(NULL)};
    enum reason ignored;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'f' && !(import.format = list_format_named(optarg)))
            return ctl_fail(argv[0], EXIT_USAGE, "there is no format '%s'", optarg);
        if (option == 'r' && !reason_from_name(import.reason = optarg, &ignored))
            return ctl_fail(argv[0], EXIT_USAGE, "there is no reason '%s' in the taxonomy", optarg);
        if (option == 's')
            import.stream = optarg;
        else if (option == 'c')
            import.column = optarg;
        else if (option == '?')
            return EXIT_USAGE;
    }
    if (optind == argc)
        return ctl_fail(argv[0], EXIT_USAGE, "name a file, or - for standard input");
    return import_files(&import, argv + optind, argc - optind);
}
