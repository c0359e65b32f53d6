/* See aside.h. */
#include "config.h"

#include "daemon/ledger/aside.h"

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/pack.h"
#include "daemon/ledger/statement.h"
#include "daemon/ledger/veil.h"
#include "daemon/report/address.h"
#include "daemon/report/field.h"
#include "daemon/report/message.h"

#include <stdlib.h>
#include <string.h>

#define TRIM_MAX 100 /* messages let go of in one call */

/* What a row without a message is reckoned as, so that they are bounded too. */
#define ROW 500
#define TAKES "iif(length(bytes), length(bytes), 500)"

enum { ADD, REPEAT, BYTES, OLDEST, READ, SET_PROBLEM, DROP, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [ADD] =
        "INSERT INTO aside (time, last, source, evidence, problem, sender, queue_id, size, bytes, hash)"
        " VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [REPEAT] =
        "UPDATE aside SET count = count + 1, last = max(last, ?1) WHERE hash = ?2 AND evidence = ?3",
    [BYTES] = "SELECT coalesce(sum(" TAKES "), 0) FROM aside",
    /* The second SELECT is looked at only where the first has no row. */
    [OLDEST] =
        "SELECT * FROM (SELECT id, " TAKES " FROM aside WHERE evidence = 'unproven' ORDER BY id LIMIT 1)"
        " UNION ALL SELECT * FROM (SELECT id, " TAKES " FROM aside ORDER BY id LIMIT 1) LIMIT 1",
    [READ] = "SELECT time, source, evidence, sender, queue_id, size, bytes FROM aside WHERE id = ?1 AND length(bytes)",
    [SET_PROBLEM] = "UPDATE aside SET problem = ?2 WHERE id = ?1",
    [DROP] = "DELETE FROM aside WHERE id = ?1",
};

struct aside {
    sqlite3 *db;
    struct veil *veil;
    struct statements statements;
    int64_t bytes; /* of all that is kept; -1: to be summed up */
    uint64_t dropped;
};

/* ------------------------------------------------------- before the writer */

int aside_wants(struct report *report)
{
    struct address address;
    struct error bad;
    size_t i;

    if (report->kind == REPORT_BROKEN)
        return 1;
    for (i = 0; i < report->count; i++) {
        const char *recipient = report->deliveries[i].recipient;

        if (recipient && !address_parse(recipient, strlen(recipient), 0, &address, &bad))
            return 0;
    }
    if (!report->count)
        return 0;
    free(report->problem);
    report->problem = xstrdup("no recipient that it names is an address");
    return 1;
}

/* What stays the same when a system says the same again: whom and what it is
 * about, not when and by which way, nor the boundaries it made up for it. */
static uint64_t hash_of_what_repeats(const char *bytes, size_t size)
{
    static const char *const names[] = {"From", "To", "Subject", "X-Failed-Recipients"};
    struct span rest = {bytes, size}, line;
    uint64_t hash = HASH_OF_NOTHING;
    struct header header;

    header_read(&rest, HEADER_BYTES_MAX, &header);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span value = header_get(&header, names[i]);

        hash = hash_byte(hash_bytes(hash, value.start, value.length), '\n');
    }
    while (span_line(&rest, &line))
        if (!span_starts(line, "--"))
            hash = hash_byte(hash_bytes(hash, line.start, line.length), '\n');
    return hash;
}

void aside_pack(struct record *record)
{
    char *bytes = record->bytes;

    if (record->packed || !record->size)
        return;
    record->hash = hash_of_what_repeats(bytes, record->size);
    record->packed = pack_message(bytes, record->size, &record->bytes);
    free(bytes);
}

/* --------------------------------------------------------------- the table */

struct aside *aside_open(sqlite3 *db, struct veil *veil)
{
    struct aside *aside = xcalloc(1, sizeof(*aside));

    aside->db = db;
    aside->veil = veil;
    aside->bytes = -1;
    statements_init(&aside->statements, db, veil, sql, STATEMENTS);
    return aside;
}

void aside_close(struct aside **aside)
{
    struct aside *old = *aside;

    *aside = NULL;
    if (!old)
        return;
    statements_clear(&old->statements);
    free(old);
}

void aside_rolled_back(struct aside *aside)
{
    aside->bytes = -1;
    aside->dropped = 0;
}

static int sum_up(struct aside *aside, struct error *error)
{
    sqlite3_stmt *stmt;

    if (aside->bytes >= 0)
        return 0;
    if (!(stmt = statement_bind(&aside->statements, BYTES, error, "")) ||
        statement_step(&aside->statements, BYTES, error) <= 0)
        return -1;
    aside->bytes = sqlite3_column_int64(stmt, 0);
    statement_reset(&aside->statements, BYTES);
    return 0;
}

/* 1: one is gone; 0: there is none; -1. */
static int drop_oldest(struct aside *aside, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&aside->statements, OLDEST, error, "");
    int row = stmt ? statement_step(&aside->statements, OLDEST, error) : -1;
    int64_t id, bytes;

    if (row <= 0)
        return row;
    id = sqlite3_column_int64(stmt, 0);
    bytes = sqlite3_column_int64(stmt, 1);
    statement_reset(&aside->statements, OLDEST);
    if (statement_run(&aside->statements, DROP, error, "i", id))
        return -1;
    aside->bytes -= bytes;
    aside->dropped++;
    return 1;
}

int aside_trim(struct aside *aside, int64_t bytes_max, struct error *error)
{
    int dropped = 0, gone = 1;

    if (sum_up(aside, error))
        return -1;
    while (aside->bytes > bytes_max && gone > 0 && dropped++ < TRIM_MAX)
        gone = drop_oldest(aside, error);
    return gone < 0 ? -1 : aside->bytes > bytes_max && gone > 0;
}

static int64_t number(const struct aside *aside, const struct record *record)
{
    return (int64_t)veil_number(aside->veil, record->hash);
}

/* 1: it is here already, and one more is counted; 0; -1. */
static int repeat(struct aside *aside, const struct record *record, struct error *error)
{
    if (!record->packed)
        return 0;
    if (statement_run(&aside->statements, REPEAT, error, "iit", record->time, number(aside, record),
                      evidence_name(record->evidence)))
        return -1;
    return sqlite3_changes(aside->db) > 0;
}

int aside_keep(struct aside *aside, const struct record *record, int64_t bytes_max, struct error *error)
{
    const char *problem = record->report.problem;
    size_t kept = veil_is_closed(aside->veil) ? 0 : record->packed;
    int more, known = repeat(aside, record, error);

    if (known)
        return known < 0 ? -1 : 0;
    if ((int64_t)kept > bytes_max) {
        aside->dropped++;
        return 0;
    }
    if (sum_up(aside, error) ||
        statement_run(&aside->statements, ADD, error, "itttttibi", record->time,
                      source_name(record->source), evidence_name(record->evidence),
                      problem ? problem : "not understood", record->sender ? record->sender : "",
                      record->queue_id, (int64_t)record->size, (const void *)record->bytes,
                      kept, number(aside, record)))
        return -1;
    aside->bytes += kept ? (int64_t)kept : ROW;
    while ((more = aside_trim(aside, bytes_max, error)) > 0)
        ;
    return more;
}

/* ---------------------------------------------------------------- once more */

static const char *text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *value = sqlite3_column_text(stmt, column);

    return value ? (const char *)value : "";
}

static struct record *record_of_row(sqlite3_stmt *stmt, struct error *error)
{
    int64_t size = sqlite3_column_int64(stmt, 5);
    struct record *record;
    char *bytes = pack_restore(sqlite3_column_blob(stmt, 6), (size_t)sqlite3_column_bytes(stmt, 6), size, error);

    if (!bytes)
        return NULL;
    record = record_new(RECORD_REPORT, sqlite3_column_int64(stmt, 0));
    record->source = source_from_name(text(stmt, 1));
    record->evidence = evidence_from_name(text(stmt, 2));
    record->sender = xstrdup(text(stmt, 3));
    record->queue_id = xstrdup(text(stmt, 4));
    record->bytes = bytes;
    record->size = (size_t)size;
    return record;
}

/* Our own MTA's word counts where a machine wrote it for machines: no more may be
 * read out of a text now than when it came. */
static void parse(struct record *record, const struct message_limits *limits)
{
    struct report *report = &record->report;

    message_parse(record->bytes, record->size, limits, report);
    if (report->kind != REPORT_DSN && record->evidence == EVIDENCE_LOCAL)
        record->evidence = EVIDENCE_UNPROVEN;
    if (report->kind == REPORT_ORDINARY && !report->problem)
        report->problem = xstrdup("says nothing of any delivery");
    if (report->kind == REPORT_ORDINARY || aside_wants(report))
        record->kind = RECORD_ASIDE;
}

int aside_read(struct aside *aside, int64_t id, const struct message_limits *limits, struct record **record_r,
               struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&aside->statements, READ, error, "i", id);
    int row = stmt ? statement_step(&aside->statements, READ, error) : -1;

    if (row <= 0)
        return row;
    *record_r = record_of_row(stmt, error);
    statement_reset(&aside->statements, READ);
    if (!*record_r)
        return error_prefix(error, "aside %lld", (long long)id);
    parse(*record_r, limits);
    return 1;
}

uint64_t aside_dropped(struct aside *aside)
{
    uint64_t dropped = aside->dropped;

    aside->dropped = 0;
    return dropped;
}

int aside_set_problem(struct aside *aside, int64_t id, const char *problem, struct error *error)
{
    return statement_run(&aside->statements, SET_PROBLEM, error, "it", id, problem);
}

int aside_drop(struct aside *aside, int64_t id, struct error *error)
{
    if (statement_run(&aside->statements, DROP, error, "i", id))
        return -1;
    aside->bytes = -1;
    return sqlite3_changes(aside->db) > 0;
}
