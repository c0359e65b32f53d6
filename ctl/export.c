/* suppressctl export: who is suppressed now, in a format of list_format.h.
 *
 * Rows are written as they are read. What a service's list cannot say, a whole
 * domain or one stream only, is left out of it and counted: it would become
 * more, or less, than it is.
 */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "ctl/ask.h"
#include "ctl/list_format.h"
#include "daemon/ledger/lookup.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct export {
    const struct list_format *format;
    struct list_column columns[LIST_COLUMNS_MAX + 1]; /* ended by one without a name */
    int csv;
    int vocabulary; /* enum vocabulary, or -1 */
    uint64_t written, left_out;
};

/* Text as a CSV field; quoted where it must be. */
static void put_field(const char *text)
{
    if (!strpbrk(text, ",;\t\"\r\n") && text[0] != ' ') {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static const char *when(int for_mail, int64_t time, char text_r[64])
{
    time_t t = (time_t)time;
    struct tm utc;

    text_r[0] = '\0';
    if (!time || !gmtime_r(&t, &utc))
        return text_r;
    if (for_mail)
        strftime(text_r, 64, "%a, %d %b %Y %H:%M:%S UTC", &utc);
    else
        strftime(text_r, 64, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text_r;
}

static const char *category(const struct export *export, enum reason reason)
{
    return export->vocabulary < 0 ? "" : reason_info(reason)->vocabulary[export->vocabulary];
}

/* What stands in a column, as text. */
static const char *value_of(const struct export *export, const struct list_column *column,
                            const struct suppressed *suppressed, enum reason reason, char text_r[64])
{
    if (column->constant)
        return column->constant;
    switch (column->value) {
    case LIST_ADDRESS: return suppressed->recipient;
    case LIST_WORD: return list_word(export->format, reason);
    case LIST_TIME: return when(0, suppressed->since, text_r);
    case LIST_MAIL_TIME: return when(1, suppressed->since, text_r);
    case LIST_UNIX:
    case LIST_UNTIL:
        snprintf(text_r, 64, "%lld", (long long)(column->value == LIST_UNIX ? suppressed->since : suppressed->until));
        return column->value == LIST_UNIX || export->format->shape == LIST_LINES
                   ? text_r
                   : when(0, suppressed->until, text_r);
    case LIST_TAGS: return *suppressed->stream ? suppressed->stream : "*";
    case LIST_STREAM: return suppressed->stream;
    case LIST_REASON: return suppressed->reason;
    case LIST_ORIGIN: return suppressed->origin;
    case LIST_NOTE: return suppressed->note;
    case LIST_CATEGORY: return category(export, reason);
    case LIST_REPLY:
    case LIST_STATUS:
    case LIST_CODE:
    case LIST_NOTHING: break;
    }
    return "";
}

static json_t *json_of(const struct list_column *column, const char *text)
{
    if (!column->constant && (column->value == LIST_UNIX || column->value == LIST_UNTIL))
        return json_integer(strtoll(text, NULL, 10));
    if (column->value == LIST_TAGS)
        return json_pack("[o]", ask_json(text));
    return ask_json(text);
}

static void put_object(const struct export *export, const struct suppressed *suppressed, enum reason reason)
{
    json_t *object = json_object();
    char text[64];

    for (const struct list_column *column = export->columns; column->name; column++)
        json_object_set_new(object, column->name, json_of(column, value_of(export, column, suppressed, reason, text)));
    if (export->format->shape == LIST_JSON && export->written)
        puts(",");
    json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
    if (export->format->shape == LIST_LINES)
        putchar('\n');
}

static int put_row(const struct suppressed *suppressed, void *context)
{
    struct export *export = context;
    enum reason reason;
    char text[64];
    int ours = export->format->reason == REASON_COUNT && !export->format->words;

    if (!reason_from_name(suppressed->reason, &reason))
        reason = REASON_RECIPIENT_SUPPRESSED;
    if (!list_holds(export->format, reason))
        return 0;
    /* Of a person who was erased only a hash is left, which is no address to anybody. */
    if (!strchr(suppressed->recipient, '@') ||
        (!ours && (suppressed->recipient[0] == '@' || suppressed->until ||
                   (*suppressed->stream && !list_column(export->format, LIST_TAGS))))) {
        export->left_out++;
        return 0;
    }
    if (export->csv) {
        for (const struct list_column *column = export->columns; column->name; column++) {
            if (column > export->columns)
                putchar(',');
            put_field(value_of(export, column, suppressed, reason, text));
        }
        fputs("\r\n", stdout);
    } else {
        put_object(export, suppressed, reason);
    }
    export->written++;
    return ferror(stdout);
}

static void put_head(const struct export *export)
{
    if (!export->csv && export->format->shape == LIST_JSON) {
        if (export->format->member)
            printf("{\"%s\":", export->format->member);
        puts("[");
    }
    for (const struct list_column *column = export->columns; export->csv && column->name; column++)
        printf("%s%s", column > export->columns ? "," : "", column->name);
    if (export->csv)
        fputs("\r\n", stdout);
}

static void put_foot(const struct export *export)
{
    if (!export->csv && export->format->shape == LIST_JSON)
        puts(export->format->member ? "\n]}" : "\n]");
}

static int export_all(struct ctl *ctl, struct export *export, const char *reason, const char *command)
{
    struct error error = {0};
    struct lookup *lookup = ask_lookup(ctl, &error);
    int failed;

    if (!lookup)
        return ctl_fail(command, EXIT_FAILED, "%s", error.text);
    put_head(export);
    if (lookup_is_hashed(lookup))
        fputs("suppressctl export: addresses are hashed: these are tokens, which only this database can tell\n", stderr);
    failed = lookup_list(lookup, reason, (int64_t)time(NULL), put_row, export, &error);
    lookup_close(&lookup);
    if (failed)
        return ctl_fail(command, EXIT_FAILED, "%s", error.text);
    put_foot(export);
    if (!export->left_out)
        return EXIT_YES;
    return ctl_fail(command, EXIT_NO, "%llu left out: %s cannot say that they are of a domain, of one stream or for a time",
                    (unsigned long long)export->left_out, export->format->name);
}

/* The format's columns, and the category behind them. */
static void choose_columns(struct export *export)
{
    size_t count = 0;

    while (count < LIST_COLUMNS_MAX - 1 && export->format->columns[count].name) {
        export->columns[count] = export->format->columns[count];
        count++;
    }
    if (export->vocabulary >= 0 && count < LIST_COLUMNS_MAX)
        export->columns[count] = (struct list_column){"category", LIST_CATEGORY, NULL};
}

int command_export(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, {"reason", required_argument, NULL, 'r'},
        {"csv", no_argument, NULL, 'c'}, {"vocabulary", required_argument, NULL, 'v'}, {NULL, 0, NULL, 0},
    };
    struct export export = {.format = list_format_named(ctl->json ? "ndjson" : "csv"), .vocabulary = -1};
    enum vocabulary vocabulary;
    const char *reason = NULL;
    enum reason ignored;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return EXIT_USAGE;
        if (option == 'f' && !(export.format = list_format_named(optarg)))
            return ctl_fail(argv[0], EXIT_USAGE, "there is no format '%s'", optarg);
        if (option == 'r' && !reason_from_name(reason = optarg, &ignored))
            return ctl_fail(argv[0], EXIT_USAGE, "there is no reason '%s' in the taxonomy", optarg);
        if (option == 'v' && !vocabulary_from_name(optarg, &vocabulary))
            return ctl_fail(argv[0], EXIT_USAGE, "no such vocabulary: %s", optarg);
        if (option == 'v')
            export.vocabulary = (int)vocabulary;
        export.csv |= option == 'c';
    }
    if (argc > optind)
        return ctl_fail(argv[0], EXIT_USAGE, "export takes options only; it writes to standard output");
    if (export.format->others_fault || export.format->subscribed)
        return ctl_fail(argv[0], EXIT_USAGE, "%s is a list that is only read", export.format->name);
    export.csv |= export.format->shape == LIST_CSV;
    choose_columns(&export);
    return export_all(ctl, &export, reason, argv[0]);
}
