/* See undecided.h. */
#include "config.h"

#include "daemon/ledger/undecided.h"

#include "base/mem.h"
#include "daemon/ledger/hashes.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/statement.h"
#include "daemon/ledger/veil.h"

#include <stdlib.h>

struct undecided {
    struct statements statements;
    struct veil *veil; /* the table has keys as it shows them */
    struct hashes keys;
    int of_all; /* there are too many */
};

enum { READ, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [READ] = "SELECT key FROM held WHERE state IN ('held', 'waiting')",
};

static const char triggers[] =
    "CREATE TEMP TRIGGER held_added AFTER INSERT ON main.held WHEN NEW.state IN ('held', 'waiting')"
    " BEGIN SELECT undecided(NEW.key); END;"
    "CREATE TEMP TRIGGER held_changed AFTER UPDATE ON main.held WHEN NEW.state IN ('held', 'waiting')"
    " BEGIN SELECT undecided(NEW.key); END;";

static void add(struct undecided *undecided, const char *key)
{
    if (undecided->of_all)
        return;
    hashes_add(&undecided->keys, hashes_of(key));
    if (undecided->keys.used <= UNDECIDED_MAX)
        return;
    hashes_clear(&undecided->keys);
    undecided->of_all = 1;
}

static void on_row(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *key = (const char *)sqlite3_value_text(values[0]);

    (void)count;
    if (key)
        add(sqlite3_user_data(context), key);
}

static int read_table(struct undecided *undecided, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&undecided->statements, READ, error, "");
    int row = -1;

    while (stmt && (row = statement_step(&undecided->statements, READ, error)) > 0)
        add(undecided, (const char *)sqlite3_column_text(stmt, 0));
    return row;
}

static int is_known(const struct undecided *undecided, const char *key)
{
    struct error ignored; /* what cannot be hidden may be anybody */
    char *hidden = NULL;
    int hides = veil_text(undecided->veil, key, &hidden, &ignored);
    int known = hides < 0 || hashes_find(&undecided->keys, hashes_of(hides ? hidden : key));

    free(hidden);
    return known;
}

int undecided_may_be(const struct undecided *undecided, const char *key)
{
    return undecided->of_all || (undecided->keys.used && is_known(undecided, key));
}

struct undecided *undecided_open(sqlite3 *db, struct veil *veil, struct error *error)
{
    struct undecided *undecided = xcalloc(1, sizeof(*undecided));

    undecided->veil = veil;
    statements_init(&undecided->statements, db, veil, sql, STATEMENTS);
    if (sqlite3_create_function(db, "undecided", 1, SQLITE_UTF8, undecided, on_row, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, triggers, NULL, NULL, NULL) != SQLITE_OK) {
        (void)sqlite_error(db, "undecided", error);
        undecided_close(&undecided);
    } else if (read_table(undecided, error)) {
        undecided_close(&undecided);
    }
    return undecided;
}

void undecided_close(struct undecided **undecided)
{
    struct undecided *old = *undecided;

    *undecided = NULL;
    if (!old)
        return;
    statements_clear(&old->statements);
    hashes_clear(&old->keys);
    free(old);
}
