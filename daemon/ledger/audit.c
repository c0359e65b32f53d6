/* See audit.h. */
#include "config.h"

#include "daemon/ledger/audit.h"

#include "base/mem.h"
#include "daemon/ledger/statement.h"

#include <stdlib.h>

enum { CHANGES, CHANGES_OF, SET, CONFLICTS, STATEMENTS };

#define CHANGE "SELECT time, coalesce(until, 0), coalesce(event, 0), who, what, stream, reason, origin, note, recipient," \
               " rule, reply, coalesce(change_set, 0), coalesce(undone_by, 0) FROM v_changes"

static const char *const sql[STATEMENTS] = {
    [CHANGES] = CHANGE " WHERE time >= ?2 ORDER BY change",
    [CHANGES_OF] = CHANGE " WHERE recipient = ?1 AND time >= ?2 ORDER BY change",
    [SET] =
        "SELECT sum(p.suppressed), sum(p.released), sum(p.skipped), coalesce(s.undoes, 0) FROM change_set s"
        " JOIN change_part p ON p.change_set = s.id WHERE s.id = ?1 GROUP BY s.id",
    [CONFLICTS] =
        "SELECT DISTINCT c.key FROM change_part u JOIN change_part p ON p.id = u.undoes"
        " JOIN change c ON c.id > p.after_change AND c.id <= p.last_change WHERE u.change_set = ?1"
        " AND NOT EXISTS (SELECT 1 FROM change d WHERE d.key = c.key AND d.id > u.after_change AND d.id <= u.last_change)"
        " AND EXISTS (SELECT 1 FROM change l WHERE l.key = c.key AND l.id > p.last_change AND l.id <= u.after_change)"
        " ORDER BY c.key",
};

struct audit {
    struct statements statements;
};

struct audit *audit_open(struct lookup *lookup)
{
    struct audit *audit = xcalloc(1, sizeof(*audit));

    statements_init(&audit->statements, lookup_connection(lookup), lookup_veil(lookup), sql, STATEMENTS);
    return audit;
}

void audit_close(struct audit **audit)
{
    if (*audit)
        statements_clear(&(*audit)->statements);
    free(*audit);
    *audit = NULL;
}

static const char *text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *value = sqlite3_column_text(stmt, column);

    return value ? (const char *)value : "";
}

static struct audited read_change(sqlite3_stmt *stmt)
{
    return (struct audited){
        .change = {
            .time = sqlite3_column_int64(stmt, 0),
            .until = sqlite3_column_int64(stmt, 1),
            .event = sqlite3_column_int64(stmt, 2),
            .who = text(stmt, 3),
            .what = text(stmt, 4),
            .stream = text(stmt, 5),
            .reason = text(stmt, 6),
            .origin = text(stmt, 7),
            .note = text(stmt, 8),
        },
        .recipient = text(stmt, 9),
        .rule = text(stmt, 10),
        .reply = text(stmt, 11),
        .set = sqlite3_column_int64(stmt, 12),
        .undone_by = sqlite3_column_int64(stmt, 13),
    };
}

int audit_changes(struct audit *audit, const char *key, int64_t since,
                  void (*row)(const struct audited *audited, void *context), void *context, struct error *error)
{
    size_t which = key ? CHANGES_OF : CHANGES;
    sqlite3_stmt *stmt = statement_bind(&audit->statements, which, error, "ti", key, since);
    int step = -1;

    while (stmt && (step = statement_step(&audit->statements, which, error)) > 0) {
        struct audited audited = read_change(stmt);

        row(&audited, context);
    }
    return step;
}

int audit_set(struct audit *audit, int64_t id, struct change_set *set_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&audit->statements, SET, error, "i", id);
    int row = stmt ? statement_step(&audit->statements, SET, error) : -1;

    if (row <= 0)
        return row;
    *set_r = (struct change_set){
        .suppressed = sqlite3_column_int64(stmt, 0),
        .released = sqlite3_column_int64(stmt, 1),
        .skipped = sqlite3_column_int64(stmt, 2),
        .undoes = sqlite3_column_int64(stmt, 3),
    };
    statement_reset(&audit->statements, SET);
    return 1;
}

int audit_conflicts(struct audit *audit, int64_t undo, void (*row)(const char *key, void *context), void *context,
                    struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&audit->statements, CONFLICTS, error, "i", undo);
    int step = -1;

    while (stmt && (step = statement_step(&audit->statements, CONFLICTS, error)) > 0)
        row(text(stmt, 0), context);
    return step;
}
