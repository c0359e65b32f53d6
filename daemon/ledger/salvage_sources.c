/* See salvage.h: the second sources. */
#include "config.h"

#include "daemon/ledger/salvage_private.h"

#include "daemon/ledger/migrate.h"

#include <string.h>

/* What an index names and its table lacks. Of a table with rowids row is its number. */
static const char missing_table[] =
    "CREATE TEMP TABLE missing (name TEXT, row INTEGER, key TEXT, stream TEXT, since INTEGER,"
    " UNIQUE (name, row, key, stream))";

/* Of an entry the values are bound in their order. */
#define NOTE_ROW "INSERT OR IGNORE INTO missing (name, row, key, stream) SELECT '%w', ?1, '', ''" \
                 " WHERE NOT EXISTS (SELECT 1 FROM \"%w\" WHERE rowid = ?1)"
/* All of an address but the form in which it came first. Key, id, domain. */
#define RESTORE_ADDRESS "INSERT OR IGNORE INTO address (key, id, given, domain) VALUES (?1, ?2, ?1, ?3)"
/* Since, key, stream. */
#define NOTE_SUPPRESSION "INSERT OR IGNORE INTO missing SELECT 'suppression', 0, ?2, ?3, ?1 WHERE NOT EXISTS" \
                         " (SELECT 1 FROM suppression WHERE key = ?2 AND stream = ?3)"

static int prepare(struct salvage *salvage, struct salvaged *table, const char *sql, struct error *error)
{
    char *text;
    int failed;

    if (table->by_index)
        return 0;
    text = sqlite3_mprintf(sql, table->name, table->name);
    failed = sqlite3_prepare_v2(salvage->db, text, -1, &table->by_index, NULL) != SQLITE_OK;
    if (failed)
        (void)sqlite_error(salvage->db, text, error);
    sqlite3_free(text);
    return failed ? -1 : 0;
}

static int run(struct salvage *salvage, struct salvaged *table, const struct cell_value *values, int count,
               struct error *error)
{
    for (int i = 0; i < count; i++)
        salvage_bind(table->by_index, i + 1, &values[i]);
    (void)sqlite3_step(table->by_index);
    return sqlite3_reset(table->by_index) == SQLITE_OK ? 0 : sqlite_error(salvage->db, table->name, error);
}

static int restore_address(struct salvage *salvage, struct salvaged *table, const struct cell *cell,
                           struct error *error)
{
    const struct cell_value *key = &cell->values[0];
    const unsigned char *at = key->type == SQLITE_TEXT ? memrchr(key->bytes, '@', key->length) : NULL;
    struct cell_value values[3] = {*key, cell->values[1], *key};

    if (!at || prepare(salvage, table, RESTORE_ADDRESS, error))
        return at ? -1 : 0;
    values[2].bytes = at + 1;
    values[2].length = (size_t)(key->bytes + key->length - at - 1);
    if (run(salvage, table, values, 3, error))
        return -1;
    table->restored += sqlite3_changes(salvage->db);
    return 0;
}

static int note_suppression(struct salvage *salvage, struct salvaged *table, const struct cell *cell,
                            struct error *error)
{
    const struct cell_value *v = cell->values;

    if (v[0].type != SQLITE_INTEGER || v[1].type != SQLITE_TEXT || v[2].type != SQLITE_TEXT)
        return 0;
    return prepare(salvage, table, NOTE_SUPPRESSION, error) ? -1 : run(salvage, table, v, 3, error);
}

static int take_entry(struct salvage *salvage, const struct tree *tree, struct salvaged *table,
                      const struct cell *cell, struct error *error)
{
    const struct cell_value *last = &cell->values[cell->count - 1];

    if (!strcmp(tree->name, "suppression_since"))
        return cell->count == 3 ? note_suppression(salvage, table, cell, error) : 0;
    if (table->without_rowid || cell->count < 2 || last->type != SQLITE_INTEGER || last->integer < 1)
        return 0;
    if (!strcmp(table->name, "address")) /* its other index tells less */
        return cell->count == 2 && !strcmp(tree->name, "sqlite_autoindex_address_1")
                   ? restore_address(salvage, table, cell, error) : 0;
    return prepare(salvage, table, NOTE_ROW, error) ? -1 : run(salvage, table, last, 1, error);
}

static int take_index_page(struct salvage *salvage, uint32_t page, struct cell *cell, struct error *error)
{
    const struct tree *tree = trees_owner(salvage->trees, page);
    struct salvaged *table = tree && tree->is_index ? salvage_find(salvage, tree->table) : NULL;

    if (!table)
        return 0;
    for (int i = 0; i < cell_count(salvage->pages, page); i++)
        if (cell_read(salvage->pages, page, i, cell) && cell->count && take_entry(salvage, tree, table, cell, error))
            return -1;
    return 0;
}

int salvage_by_indexes(struct salvage *salvage, struct error *error)
{
    struct cell cell = {0};
    int failed = salvage_execute(salvage, missing_table, error);

    for (uint32_t page = 1; !failed && page <= pages_count(salvage->pages); page++)
        failed = take_index_page(salvage, page, &cell, error);
    cell_clear(&cell);
    return failed;
}

/* In this order. Rows that are added count as restored, those that are taken away as lost. */
static const struct {
    int version; /* of the schema that has all these columns */
    const char *table, *sql;
} steps[] = {
    {8, "allow", /* who is on it is never refused: the safe side */
     "INSERT OR IGNORE INTO allow (key, since, who, note) SELECT key, time, who, note FROM change c"
     " WHERE what = 'allow' AND NOT EXISTS (SELECT 1 FROM change d WHERE d.key = c.key AND d.id > c.id"
     " AND d.what IN ('allow', 'disallow'))"},
    {8, "suppression",
     "INSERT OR IGNORE INTO suppression (key, stream, reason, since, until, origin, event, note, state)"
     " SELECT c.key, c.stream, c.reason, m.since, c.until, c.origin, c.event, c.note,"
     " CASE c.what WHEN 'hold' THEN 'held' WHEN 'shadow' THEN 'shadow' ELSE 'enforced' END"
     " FROM missing m JOIN change c ON c.id ="
     " (SELECT max(id) FROM change d WHERE d.key = m.key AND d.stream = m.stream)"
     " WHERE m.name = 'suppression' AND c.what IN ('suppress', 'hold', 'shadow')"},
    {1, "", "DELETE FROM missing WHERE name = 'suppression' AND EXISTS"
            " (SELECT 1 FROM suppression s WHERE s.key = missing.key AND s.stream = missing.stream)"},
    {1, "ruleset",
     "INSERT INTO ruleset (id, version, first_used) SELECT DISTINCT ruleset, 'lost ' || ruleset, 0 FROM event"
     " WHERE ruleset NOT IN (SELECT id FROM ruleset)"},
    {1, "", "DELETE FROM missing WHERE name = 'ruleset'"},
    {1, "event", "DELETE FROM event WHERE address NOT IN (SELECT id FROM address)"},
    {1, "", "UPDATE event SET reply = NULL WHERE reply NOT IN (SELECT id FROM reply)"},
    {1, "bounce", "DELETE FROM bounce WHERE address NOT IN (SELECT id FROM address)"
                  " OR last_event NOT IN (SELECT id FROM event)"},
    {1, "", "UPDATE suppression SET event = NULL WHERE event NOT IN (SELECT id FROM event)"},
    {1, "", "UPDATE change SET event = NULL WHERE event NOT IN (SELECT id FROM event)"},
    {9, "held", "DELETE FROM held WHERE incident NOT IN (SELECT id FROM incident)"},
    {9, "", "UPDATE held SET event = NULL WHERE event NOT IN (SELECT id FROM event)"},
    {1, "sent_recipient", "DELETE FROM sent_recipient WHERE sent NOT IN (SELECT id FROM sent)"},
    {10, "", "UPDATE sent SET several = 1"},
    {6, "", "DELETE FROM sqlite_sequence AS s WHERE EXISTS (SELECT 1 FROM sqlite_sequence o WHERE o.name = s.name"
            " AND (o.seq > s.seq OR (o.seq = s.seq AND o.rowid > s.rowid)))"},
};

static int run_steps(struct salvage *salvage, struct error *error)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct salvaged *table = salvage_find(salvage, steps[i].table);
        int adds = !strncmp(steps[i].sql, "INSERT", 6);

        if (salvage->version < steps[i].version)
            continue;
        if (salvage_execute(salvage, steps[i].sql, error))
            return -1;
        if (table)
            *(adds ? &table->restored : &table->lost) += sqlite3_changes(salvage->db);
    }
    return 0;
}

/* Those that neither a change nor the result that they rest on speaks of. */
#define DOUBTFUL                                                                                              \
    " FROM suppression WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.key = suppression.key)"                \
    " AND NOT EXISTS (SELECT 1 FROM event e JOIN address a ON a.id = e.address WHERE e.id = suppression.event" \
    " AND suppression.key IN (a.key, '@' || a.domain))"

static int leave_out_doubtful(struct salvage *salvage, struct error *error)
{
    static const char sql[] = "SELECT key" DOUBTFUL " ORDER BY key";
    struct salvaged *table = salvage_find(salvage, "suppression");
    sqlite3_stmt *stmt;
    int rc;

    if (sqlite3_prepare_v2(salvage->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_error(salvage->db, sql, error);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        salvage->report->doubtful((const char *)sqlite3_column_text(stmt, 0), salvage->report->context);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        return sqlite_error(salvage->db, sql, error);
    if (salvage_execute(salvage, "DELETE" DOUBTFUL, error))
        return -1;
    table->lost += sqlite3_changes(salvage->db);
    return 0;
}

static int count_missing(struct salvage *salvage, struct error *error)
{
    static const char sql[] = "SELECT name, count(*) FROM missing GROUP BY name";
    sqlite3_stmt *stmt;
    int rc;

    if (sqlite3_prepare_v2(salvage->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_error(salvage->db, sql, error);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct salvaged *table = salvage_find(salvage, (const char *)sqlite3_column_text(stmt, 0));

        if (table)
            table->lost += sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? 0 : sqlite_error(salvage->db, sql, error);
}

int salvage_mend(struct salvage *salvage, struct error *error)
{
    return run_steps(salvage, error) || leave_out_doubtful(salvage, error) || count_missing(salvage, error) ? -1 : 0;
}
