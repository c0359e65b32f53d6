/* suppressctl scrub: a mailing list in, the rows that may be sent to out.
 *
 * Rows are taken by the hundred thousand; their addresses are looked up in the
 * order of the index, so that each page of it is read once, and the rows
 * leave in the order in which they came. The question is the gate's own
 * (lookup_suppressed), so that both always agree.
 */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "classifier/reason.h"
#include "ctl/ask.h"
#include "ctl/column.h"
#include "ctl/progress.h"
#include "daemon/ledger/lookup.h"
#include "daemon/report/address.h"
#include "daemon/settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_ROWS 200000
#define BATCH_BYTES (64u << 20) /* of rows and addresses together */

enum fate { SENDABLE, SUPPRESSED, NO_ADDRESS };

struct row {
    size_t bytes, length; /* in the batch's bytes */
    size_t key, domain;   /* likewise: the address as compared */
    enum fate fate;
    enum reason reason;
    int64_t since;
};

struct scrub {
    struct ctl *ctl;
    const char *command, *column, *stream;
    struct csv *csv;
    struct lookup *lookup;
    FILE *suppressed; /* NULL: only counted */
    int strict;
    int64_t now;
    struct column at;
    struct row *rows;
    size_t count;
    char *bytes;
    size_t used;
    uint64_t total, of[3], reasons[REASON_COUNT], bad;
};

static size_t keep(struct scrub *scrub, const char *bytes, size_t length)
{
    size_t at = scrub->used;

    memcpy(scrub->bytes + at, bytes, length);
    scrub->used += length;
    return at;
}

/* A row's place in the order of the index. Its first bytes stand in here, so that
 * the sort seldom has to fetch an address from somewhere in memory. */
struct place {
    uint64_t first[2];
    struct row *row;
};

static uint64_t eight_bytes(const char **at_io, const char *end)
{
    uint64_t bytes = 0;

    for (int i = 0; i < 8; i++)
        bytes = bytes << 8 | (*at_io < end ? (unsigned char)*(*at_io)++ : 0);
    return bytes;
}

static struct place place_of(const struct scrub *scrub, struct row *row)
{
    const char *at = scrub->bytes + row->key, *end = at + strlen(at);
    struct place place = {.row = row};

    place.first[0] = eight_bytes(&at, end);
    place.first[1] = eight_bytes(&at, end);
    return place;
}

/* Those of one batch share its bytes. */
static int compare(const void *a, const void *b, void *bytes)
{
    const struct place *first = a, *second = b;

    for (int i = 0; i < 2; i++)
        if (first->first[i] != second->first[i])
            return first->first[i] < second->first[i] ? -1 : 1;
    return strcmp((const char *)bytes + first->row->key, (const char *)bytes + second->row->key);
}

static int decide(struct scrub *scrub, struct row *row, struct error *error)
{
    struct suppressed suppressed;
    const char *key = scrub->bytes + row->key;
    int found = lookup_suppressed(scrub->lookup, key, key + row->domain, scrub->stream, scrub->now, &suppressed, error);

    if (found > 0) {
        row->fate = SUPPRESSED;
        row->since = suppressed.since;
        if (!reason_from_name(suppressed.reason, &row->reason))
            row->reason = REASON_UNCLASSIFIED;
    }
    return found < 0 ? -1 : 0;
}

static int decide_all(struct scrub *scrub, const struct place *order, size_t count, struct error *error)
{
    struct row *last = NULL;
    int failed = 0;

    for (size_t i = 0; i < count && !failed; i++) {
        struct row *row = order[i].row;

        if (last && !strcmp(scrub->bytes + last->key, scrub->bytes + row->key)) {
            row->fate = last->fate;
            row->reason = last->reason;
            row->since = last->since;
        } else {
            failed = decide(scrub, row, error);
        }
        last = row;
    }
    return failed;
}

static int look_up(struct scrub *scrub, struct error *error)
{
    struct place *order = xmalloc((scrub->count + 1) * sizeof(*order));
    size_t count = 0;
    int failed;

    for (size_t i = 0; i < scrub->count; i++)
        if (scrub->rows[i].fate != NO_ADDRESS)
            order[count++] = place_of(scrub, &scrub->rows[i]);
    qsort_r(order, count, sizeof(*order), compare, scrub->bytes);
    if (!(failed = lookup_begin(scrub->lookup, error))) {
        failed = decide_all(scrub, order, count, error);
        lookup_end(scrub->lookup);
    }
    free(order);
    return failed;
}

/* The row and, behind it, two columns more. */
static void put_aside(struct scrub *scrub, const char *bytes, size_t length, const char *why, const char *since)
{
    size_t text = length;
    char separator = csv_separator(scrub->csv);

    while (text && (bytes[text - 1] == '\n' || bytes[text - 1] == '\r'))
        text--;
    if (!scrub->suppressed)
        return;
    fwrite(bytes, 1, text, scrub->suppressed);
    fprintf(scrub->suppressed, "%c%s%c%s", separator, why, separator, since);
    if (text < length)
        fwrite(bytes + text, 1, length - text, scrub->suppressed);
    else
        putc('\n', scrub->suppressed);
}

static int write_rows(struct scrub *scrub, struct error *error)
{
    for (size_t i = 0; i < scrub->count; i++) {
        const struct row *row = &scrub->rows[i];
        const char *bytes = scrub->bytes + row->bytes;
        char since[32];

        scrub->of[row->fate]++;
        if (row->fate == SENDABLE) {
            fwrite(bytes, 1, row->length, stdout);
            continue;
        }
        scrub->reasons[row->reason] += row->fate == SUPPRESSED;
        put_aside(scrub, bytes, row->length, reason_info(row->reason)->name, ask_time(row->since, since));
    }
    scrub->count = scrub->used = 0;
    if (ferror(stdout) || (scrub->suppressed && ferror(scrub->suppressed)))
        return error_set(error, ERROR_ENVIRONMENT, "cannot write: %s", strerror(errno));
    return 0;
}

static int flush(struct scrub *scrub, struct error *error)
{
    return look_up(scrub, error) || write_rows(scrub, error) ? -1 : 0;
}

static int is_blank(const struct csv_row *row)
{
    return row->count == 1 && (row->bytes[0] == '\n' || row->bytes[0] == '\r');
}

/* A row without an address is named, and not sent to. */
static int add(struct scrub *scrub, const struct csv_row *csv_row, struct window *window, struct error *error)
{
    const char *text = csv_value(scrub->csv, scrub->at.index);
    struct row *row = &scrub->rows[scrub->count++];
    struct address address;
    struct error bad;

    *row = (struct row){.bytes = keep(scrub, csv_row->bytes, csv_row->length), .length = csv_row->length};
    if (address_parse(text, strlen(text), scrub->strict, &address, &bad)) {
        row->fate = NO_ADDRESS;
        row->reason = REASON_MALFORMED_ADDRESS;
        ctl_fail(scrub->command, EXIT_NO, "%s: line %llu: %s", window_name(window), (unsigned long long)csv_row->line,
                 bad.text);
    } else {
        row->key = keep(scrub, address.key, strlen(address.key) + 1);
        row->domain = address.domain;
    }
    scrub->total++;
    if (scrub->count == BATCH_ROWS || scrub->used + WINDOW_MAX + ADDRESS_SIZE > BATCH_BYTES)
        return flush(scrub, error);
    return 0;
}

static int begin(struct scrub *scrub, const struct csv_row *row, struct window *window, struct error *error)
{
    if (column_find(scrub->csv, row, scrub->column, &scrub->at, error))
        return error_prefix(error, "%s", window_name(window));
    if (window_marked(window))
        fputs("\xef\xbb\xbf", stdout);
    if (!scrub->at.header)
        return add(scrub, row, window, error);
    fwrite(row->bytes, 1, row->length, stdout);
    put_aside(scrub, row->bytes, row->length, "suppressed_reason", "suppressed_since");
    return 0;
}

/* 0; -1 when it cannot go on. */
static int run(struct scrub *scrub, struct window *window, struct progress *progress, struct error *error)
{
    int found, begun = 0, failed = 0;
    struct csv_row row;

    while (!failed && (found = csv_next(scrub->csv, &row, error))) {
        if (found < 0 && error->code != ERROR_INPUT)
            return -1;
        if (found < 0) {
            ctl_fail(scrub->command, EXIT_NO, "%s", error->text);
            scrub->bad++;
        } else if (!begun) {
            failed = begin(scrub, &row, window, error);
            begun = 1;
        } else if (!is_blank(&row)) {
            failed = add(scrub, &row, window, error);
        }
        progress_at(progress, window_taken(window), scrub->total);
    }
    return failed ? -1 : flush(scrub, error);
}

static void sum_up(const struct scrub *scrub, double seconds)
{
    unsigned long long bad = scrub->of[NO_ADDRESS] + scrub->bad, rows = scrub->total + scrub->bad;
    json_t *reasons = json_object();

    for (int i = 0; i < REASON_COUNT; i++)
        if (scrub->reasons[i])
            json_object_set_new(reasons, reason_info((enum reason)i)->name, json_integer((json_int_t)scrub->reasons[i]));
    if (scrub->ctl->json) {
        json_t *all = json_pack("{s:I, s:I, s:I, s:I, s:O, s:f}", "rows", (json_int_t)rows, "sendable",
                                (json_int_t)scrub->of[SENDABLE], "suppressed", (json_int_t)scrub->of[SUPPRESSED], "bad",
                                (json_int_t)bad, "reasons", reasons, "seconds", seconds);

        json_dumpf(all, stderr, JSON_COMPACT);
        json_decref(all);
    } else {
        const char *name, *mark = " (";
        json_t *value;

        fprintf(stderr, "%llu rows: %llu sendable, %llu suppressed", rows, (unsigned long long)scrub->of[SENDABLE],
                (unsigned long long)scrub->of[SUPPRESSED]);
        json_object_foreach (reasons, name, value) {
            fprintf(stderr, "%s%lld %s", mark, (long long)json_integer_value(value), name);
            mark = ", ";
        }
        fprintf(stderr, "%s, %llu bad", json_object_size(reasons) ? ")" : "", bad);
    }
    putc('\n', stderr);
    json_decref(reasons);
}

static int scrub_list(struct scrub *scrub, const char *name, const char *suppressed)
{
    struct error error = {0};
    struct window *window = window_open(name, &error);
    struct progress progress;
    int failed = 1;
    double seconds;

    progress_begin(&progress, "rows", window ? window_size(window) : 0);
    if (window && suppressed && !(scrub->suppressed = fopen(suppressed, "w")))
        (void)error_set(&error, ERROR_ENVIRONMENT, "%s: %s", suppressed, strerror(errno));
    else if (window && (scrub->lookup = ask_lookup(scrub->ctl, &error)) &&
             (scrub->csv = csv_new(window, &error))) {
        lookup_map(scrub->lookup);
        failed = run(scrub, window, &progress, &error);
    }
    if (scrub->suppressed && fclose(scrub->suppressed) && !failed)
        failed = error_set(&error, ERROR_ENVIRONMENT, "%s: %s", suppressed, strerror(errno));
    if (!failed && fflush(stdout))
        failed = error_set(&error, ERROR_ENVIRONMENT, "cannot write: %s", strerror(errno));
    seconds = progress_end(&progress);
    csv_free(&scrub->csv);
    lookup_close(&scrub->lookup);
    window_close(&window);
    if (failed)
        return ctl_fail(scrub->command, error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s", error.text);
    sum_up(scrub, seconds);
    return scrub->bad || scrub->of[NO_ADDRESS] ? EXIT_NO : EXIT_YES;
}

int command_scrub(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {
        {"column", required_argument, NULL, 'c'}, {"stream", required_argument, NULL, 's'},
        {"suppressed", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0},
    };
    struct scrub scrub = {.ctl = ctl, .command = argv[0], .stream = "", .now = (int64_t)time(NULL)};
    const char *suppressed = NULL;
    struct error error = {0};
    int option, code;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            scrub.column = optarg;
        else if (option == 's')
            scrub.stream = optarg;
        else if (option == 'f')
            suppressed = optarg;
        else
            return EXIT_USAGE;
    }
    if (argc > optind + 1)
        return ctl_fail(argv[0], EXIT_USAGE, "one list at a time");
    if (!ask_settings(ctl, &error))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    scrub.strict = (int)ask_settings(ctl, &error)->strict_local_part;
    scrub.rows = xcalloc(BATCH_ROWS, sizeof(*scrub.rows));
    scrub.bytes = xmalloc(BATCH_BYTES);
    code = scrub_list(&scrub, optind < argc ? argv[optind] : "-", suppressed);
    free(scrub.rows);
    free(scrub.bytes);
    return code;
}
