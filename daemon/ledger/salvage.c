/* See salvage.h. */
#include "config.h"

#include "daemon/ledger/salvage_private.h"

#include "base/mem.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int salvage_execute(struct salvage *salvage, const char *sql, struct error *error)
{
    return sqlite3_exec(salvage->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_error(salvage->db, sql, error);
}

struct salvaged *salvage_find(struct salvage *salvage, const char *name)
{
    for (size_t i = 0; i < salvage->count; i++)
        if (!strcmp(salvage->tables[i].name, name))
            return &salvage->tables[i];
    return NULL;
}

/* Columns: name, type, not null, default, place in the primary key. */
static int read_columns(struct salvage *salvage, struct salvaged *table, struct error *error)
{
    static const char sql[] = "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk FROM pragma_table_info(?1)";
    sqlite3_stmt *stmt;
    int keys = 0, rc;

    if (sqlite3_prepare_v2(salvage->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_error(salvage->db, sql, error);
    sqlite3_bind_text(stmt, 1, table->name, -1, SQLITE_STATIC);
    table->alias = -1;
    table->adopts = 1;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && table->count < CELL_VALUES_MAX) {
        struct salvage_column *column = &table->columns[table->count];
        int key = sqlite3_column_int(stmt, 4);

        *column = (struct salvage_column){
            .name = xstrdup((const char *)sqlite3_column_text(stmt, 0)),
            .kind = ((const char *)sqlite3_column_text(stmt, 1))[0],
            .may_be_null = !sqlite3_column_int(stmt, 2) && !key,
            .has_default = sqlite3_column_int(stmt, 3),
        };
        keys += key > 0;
        table->adopts = table->adopts && column->kind;
        if (key && !table->without_rowid && column->kind == 'I')
            table->alias = table->count;
        table->count++;
    }
    if (keys > 1)
        table->alias = -1;
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? 0 : sqlite_error(salvage->db, sql, error);
}

static int read_tables(struct salvage *salvage, struct error *error)
{
    static const char sql[] = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                              " AND name NOT IN ('sqlite_schema', 'reason') ORDER BY name"; /* that one is made anew at every start */
    sqlite3_stmt *stmt;
    int rc;

    if (sqlite3_prepare_v2(salvage->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_error(salvage->db, sql, error);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        salvage->tables = xrealloc(salvage->tables, (salvage->count + 1) * sizeof(*salvage->tables));
        salvage->tables[salvage->count++] = (struct salvaged){
            .name = xstrdup((const char *)sqlite3_column_text(stmt, 0)),
            .without_rowid = sqlite3_column_int(stmt, 1),
        };
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        return sqlite_error(salvage->db, sql, error);
    for (size_t i = 0; i < salvage->count; i++)
        if (read_columns(salvage, &salvage->tables[i], error))
            return -1;
    return 0;
}

/* Made before SQLite does, with the mode and owner of our files. */
static int open_new(struct salvage *salvage, const char *into, struct error *error)
{
    int fd = unlink(into) && errno != ENOENT ? -1 : own_file_open(into, O_NOFOLLOW);

    if (fd < 0)
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", into, strerror(errno));
    close(fd);
    if (sqlite3_open_v2(into, &salvage->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return sqlite_error(salvage->db, "open", error);
    sqlite3_extended_result_codes(salvage->db, 1);
    if (salvage_execute(salvage, "PRAGMA journal_mode = OFF", error) ||
        salvage_execute(salvage, "PRAGMA synchronous = OFF", error))
        return -1;
    salvage->version = pages_version(salvage->pages);
    if (salvage->version < 1 || salvage->version > migrate_newest())
        salvage->version = migrate_newest();
    if (migrate_to(salvage->db, salvage->version, error) || read_tables(salvage, error))
        return -1;
    /* Rows are put back as they were: no trigger has anything to add or to forbid. */
    return sqlite3_db_config(salvage->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) == SQLITE_OK
               ? 0 : sqlite_error(salvage->db, "triggers", error);
}

static int value_fits(const struct salvage_column *column, const struct cell_value *value)
{
    switch (value->type) {
    case SQLITE_NULL:
        return column->may_be_null || !column->kind;
    case SQLITE_TEXT:
        return (column->kind == 'T' || !column->kind) &&
               g_utf8_validate_len((const char *)value->bytes, value->length, NULL);
    case SQLITE_BLOB:
        return column->kind == 'B';
    case SQLITE_FLOAT:
        return column->kind == 'R';
    default:
        return column->kind == 'I' || column->kind == 'R' || !column->kind;
    }
}

static int fits(const struct salvaged *table, const struct cell *cell)
{
    if (!cell->count || cell->count > table->count)
        return 0;
    for (int i = 0; i < cell->count; i++)
        if (i == table->alias ? cell->values[i].type != SQLITE_NULL : !value_fits(&table->columns[i], &cell->values[i]))
            return 0;
    for (int i = cell->count; i < table->count; i++)
        if (!table->columns[i].may_be_null && !table->columns[i].has_default)
            return 0;
    return 1;
}

/* Whose row is this? The owner's, or else that of the only one that it fits. */
static struct salvaged *place(struct salvage *salvage, struct salvaged *owner, int without_rowid,
                              const struct cell *cell)
{
    struct salvaged *only = NULL;

    if (owner && owner->without_rowid == without_rowid && fits(owner, cell))
        return owner;
    for (size_t i = 0; i < salvage->count; i++) {
        if (salvage->tables[i].without_rowid != without_rowid || !salvage->tables[i].adopts ||
            !fits(&salvage->tables[i], cell))
            continue;
        if (only)
            return NULL;
        only = &salvage->tables[i];
    }
    return only;
}

static sqlite3_stmt *prepare_add(struct salvage *salvage, struct salvaged *table, int count, struct error *error)
{
    sqlite3_str *sql = sqlite3_str_new(salvage->db);
    char *text;

    sqlite3_str_appendf(sql, "INSERT OR IGNORE INTO \"%w\" (", table->name);
    for (int i = 0; i < count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", table->columns[i].name);
    sqlite3_str_appendall(sql, ") VALUES (");
    for (int i = 0; i < count; i++)
        sqlite3_str_appendf(sql, "%s?%d", i ? ", " : "", i + 1);
    sqlite3_str_appendall(sql, ")");
    text = sqlite3_str_finish(sql);
    if (sqlite3_prepare_v2(salvage->db, text, -1, &table->add[count], NULL) != SQLITE_OK)
        (void)sqlite_error(salvage->db, text, error);
    sqlite3_free(text);
    return table->add[count];
}

void salvage_bind(sqlite3_stmt *stmt, int at, const struct cell_value *value)
{
    if (value->type == SQLITE_INTEGER)
        sqlite3_bind_int64(stmt, at, value->integer);
    else if (value->type == SQLITE_FLOAT)
        sqlite3_bind_double(stmt, at, value->real);
    else if (value->type == SQLITE_TEXT)
        sqlite3_bind_text64(stmt, at, (const char *)value->bytes, value->length, SQLITE_STATIC, SQLITE_UTF8);
    else if (value->type == SQLITE_BLOB)
        sqlite3_bind_blob64(stmt, at, value->bytes, value->length, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, at);
}

static int add(struct salvage *salvage, struct salvaged *table, const struct cell *cell, struct error *error)
{
    sqlite3_stmt *stmt = table->add[cell->count];

    if (!stmt && !(stmt = prepare_add(salvage, table, cell->count, error)))
        return -1;
    for (int i = 0; i < cell->count; i++)
        salvage_bind(stmt, i + 1, &cell->values[i]);
    if (table->alias >= 0)
        sqlite3_bind_int64(stmt, table->alias + 1, cell->rowid);
    (void)sqlite3_step(stmt);
    if (sqlite3_reset(stmt) != SQLITE_OK)
        return sqlite_error(salvage->db, table->name, error);
    table->rows += sqlite3_changes(salvage->db);
    return 0;
}

/* All rows of tables on one page; an index has its turn in salvage_by_indexes. */
static int take_page(struct salvage *salvage, uint32_t page, struct cell *cell, struct error *error)
{
    const struct tree *tree = trees_owner(salvage->trees, page);
    int kind = cell_page_kind(salvage->pages, page), without_rowid = kind != CELL_TABLE_LEAF;
    struct salvaged *owner = tree && !tree->is_index ? salvage_find(salvage, tree->name) : NULL, *table;

    if (!kind || kind == CELL_TABLE_INNER || (tree && tree->is_index && without_rowid))
        return 0;
    for (int i = 0; i < cell_count(salvage->pages, page); i++)
        if (cell_read(salvage->pages, page, i, cell) && (table = place(salvage, owner, without_rowid, cell)) &&
            add(salvage, table, cell, error))
            return -1;
    return 0;
}

static int take_pages(struct salvage *salvage, struct error *error)
{
    struct cell cell = {0};
    int failed = 0;

    for (uint32_t page = 1; !failed && page <= pages_count(salvage->pages); page++)
        failed = take_page(salvage, page, &cell, error);
    cell_clear(&cell);
    return failed;
}

static int first_column(sqlite3 *db, const char *sql, char *text_r, size_t size, struct error *error)
{
    sqlite3_stmt *stmt;
    int rc;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_error(db, sql, error);
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        snprintf(text_r, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : sqlite_error(db, sql, error);
}

/* 1: nothing is wrong; 0, and what in error; -1. */
static int examine(sqlite3 *db, struct error *error)
{
    char found[400];
    int row = first_column(db, "PRAGMA integrity_check(1)", found, sizeof(found), error);

    if (row > 0 && strcmp(found, "ok") != 0) {
        (void)error_set(error, ERROR_DAMAGED, "%s", found);
        return 0;
    }
    if (row > 0 && (row = first_column(db, "PRAGMA foreign_key_check", found, sizeof(found), error)) > 0) {
        (void)error_set(error, ERROR_DAMAGED, "a row of the table %s refers to one that is not there", found);
        return 0;
    }
    return row < 0 ? (error->code == ERROR_DAMAGED ? 0 : -1) : 1;
}

static int make(struct salvage *salvage, const char *path, const char *into, struct error *error)
{
    int sound;

    if (!(salvage->pages = pages_open(path, error)) || open_new(salvage, into, error))
        return -1;
    salvage->trees = trees_find(salvage->pages);
    if (salvage_execute(salvage, "BEGIN", error) || take_pages(salvage, error) ||
        salvage_by_indexes(salvage, error) || salvage_mend(salvage, error) ||
        salvage_execute(salvage, "COMMIT", error))
        return -1;
    if ((sound = examine(salvage->db, error)) <= 0)
        return error_prefix(error, "what was salvaged is not sound");
    return 0;
}

static void tell(struct salvage *salvage)
{
    struct salvage_report *report = salvage->report;

    report->pages = pages_count(salvage->pages);
    report->unreadable = trees_unreadable(salvage->trees);
    for (size_t i = 0; i < salvage->count; i++) {
        const struct salvaged *table = &salvage->tables[i];

        report->lost += table->lost;
        report->table(&(struct salvage_table){table->name, table->rows, table->restored, table->lost}, report->context);
    }
}

static void clear(struct salvage *salvage)
{
    for (size_t i = 0; i < salvage->count; i++) {
        struct salvaged *table = &salvage->tables[i];

        for (int k = 0; k <= CELL_VALUES_MAX; k++)
            sqlite3_finalize(table->add[k]);
        sqlite3_finalize(table->by_index);
        for (int k = 0; k < table->count; k++)
            free(table->columns[k].name);
        free(table->name);
    }
    free(salvage->tables);
    trees_free(&salvage->trees);
    pages_close(&salvage->pages);
    sqlite3_close(salvage->db);
}

static int synchronise(const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), failed = fd < 0 || fsync(fd);

    if (failed)
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}

int salvage(const char *path, const char *into, struct salvage_report *report, struct error *error)
{
    struct salvage salvage = {.report = report};
    int failed = make(&salvage, path, into, error);

    if (!failed)
        tell(&salvage);
    clear(&salvage);
    if (!failed)
        failed = synchronise(into, error);
    if (failed)
        (void)unlink(into);
    return failed ? -1 : 0;
}

int salvage_is_sound(const char *path, struct error *error)
{
    struct pages *pages = pages_open(path, error); /* an empty file would be sound */
    sqlite3 *db = NULL;
    int sound;

    if (!pages)
        return error->code == ERROR_INPUT ? 0 : -1;
    pages_close(&pages);
    if ((sound = pages_wal_is_damaged(path, error)) > 0) {
        (void)error_set(error, ERROR_DAMAGED, "%s-wal is no WAL", path);
        return 0;
    }
    if (!sound && sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        sound = sqlite_error(db, "open", error);
    if (!sound)
        sound = examine(db, error);
    sqlite3_close(db);
    return sound;
}
