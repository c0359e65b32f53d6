/* See hashed.h. */
#include "config.h"

#include "daemon/ledger/hashed.h"

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/secret.h"
#include "daemon/ledger/taken.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int execute(sqlite3 *db, const char *sql, struct error *error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_error(db, sql, error);
}

/* The first column of the first row (freed by the caller): 1, 0, -1. */
static int read_text(sqlite3 *db, const char *sql, char **text_r, struct error *error)
{
    sqlite3_stmt *stmt;
    int rc;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_error(db, sql, error);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *text_r = xstrdup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : sqlite_error(db, sql, error);
}

/* 1 when the fact has this value, 0, -1. */
static int is_fact(sqlite3 *db, const char *name, const char *value, struct error *error)
{
    char *sql = xasprintf("SELECT value FROM fact WHERE name = '%s'", name), *found = NULL;
    int result = read_text(db, sql, &found, error);

    if (result > 0)
        result = !strcmp(found, value);
    free(found);
    free(sql);
    return result;
}

/* ---------------------------------------------------------------- the key */

/* As secret_load, and says which file the key is to be in. */
static int load_key(const char *path, int make, unsigned char key_r[HMAC_KEY_SIZE], struct error *error)
{
    char *name = xasprintf("%s.key", path);
    int found = secret_load(name, make, key_r, error);

    if (!found)
        found = error_set(error, ERROR_ENVIRONMENT, "%s is missing: without this key nobody can be told", name);
    free(name);
    return found < 0 ? -1 : 0;
}

static int check_key(sqlite3 *db, const char *path, struct veil *veil, struct error *error)
{
    char check[VEIL_CHECK_SIZE];
    int good;

    veil_check(veil, check);
    if ((good = is_fact(db, "address_check", check, error)) < 0)
        return -1;
    return good ? 0 : error_set(error, ERROR_ENVIRONMENT, "%s.key is not the key under which addresses were hashed", path);
}

/* Pages that fell free and the WAL still hold what was there before. */
static int wipe(sqlite3 *db, struct error *error)
{
    if (execute(db, "VACUUM", error))
        return error_prefix(error, "its addresses are hashed, but what the file still holds of them is not wiped yet");
    if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
        return error_set(error, ERROR_ENVIRONMENT, "its addresses are hashed, but what the WAL still holds of them is not "
                         "wiped yet, for somebody is reading the database: try again");
    return execute(db, "UPDATE fact SET value = 'hashed' WHERE name = 'addresses'", error);
}

/* What became of its addresses (freed by the caller): 1, 0 it is plain, -1. strict_r goes with it. */
static int read_form(sqlite3 *db, char **form_r, int *strict_r, struct error *error)
{
    int found = read_text(db, "SELECT value FROM fact WHERE name = 'addresses'", form_r, error);

    if (found > 0 && (*strict_r = is_fact(db, "address_form", "strict", error)) < 0) {
        free(*form_r);
        return -1;
    }
    return found;
}

int hashed_open(sqlite3 *db, const char *path, struct veil *veil, struct error *error)
{
    unsigned char key[HMAC_KEY_SIZE];
    int strict, found, unfinished;
    char *form = NULL;

    if ((found = read_form(db, &form, &strict, error)) <= 0)
        return found;
    unfinished = !strcmp(form, "hashing");
    free(form);
    if (load_key(path, 0, key, error))
        return error_prefix(error, "its addresses are hashed");
    veil_close(veil, key, strict);
    explicit_bzero(key, sizeof(key));
    if (check_key(db, path, veil, error))
        return -1;
    return unfinished ? wipe(db, error) : 0;
}

int hashed_open_reader(sqlite3 *db, const char *path, struct veil *veil, struct error *error)
{
    unsigned char key[HMAC_KEY_SIZE];
    char *form = NULL;
    int strict, found;

    if ((found = read_form(db, &form, &strict, error)) <= 0)
        return found;
    free(form);
    if (load_key(path, 0, key, error)) {
        veil_lock(veil, error->text);
        return 0;
    }
    veil_close(veil, key, strict);
    explicit_bzero(key, sizeof(key));
    return check_key(db, path, veil, error);
}

int hashed_is_empty(sqlite3 *db, struct error *error)
{
    static const char sql[] =
        "SELECT NOT (EXISTS (SELECT 1 FROM address) OR EXISTS (SELECT 1 FROM suppression) OR EXISTS (SELECT 1 FROM"
        " change) OR EXISTS (SELECT 1 FROM allow) OR EXISTS (SELECT 1 FROM sent_recipient) OR EXISTS (SELECT 1 FROM"
        " aside) OR EXISTS (SELECT 1 FROM taken) OR EXISTS (SELECT 1 FROM taken_lately) OR"
        " EXISTS (SELECT 1 FROM sent))";
    long empty;

    return sqlite_integer(db, sql, &empty, error) ? -1 : (int)empty;
}

/* ----------------------------------------------------------- the conversion */

/* veil(text), veil(text, recipient) */
static void sql_veil(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct veil *veil = sqlite3_user_data(context);
    const char *text = (const char *)sqlite3_value_text(values[0]);
    const char *key = count > 1 ? (const char *)sqlite3_value_text(values[1]) : NULL;
    struct error error;
    char *hidden = NULL;
    int result;

    if (sqlite3_value_type(values[0]) != SQLITE_TEXT) {
        sqlite3_result_value(context, values[0]);
        return;
    }
    result = key ? veil_told(veil, text, key, &hidden, &error) : veil_text(veil, text, &hidden, &error);
    if (result < 0)
        sqlite3_result_error(context, error.text, -1);
    else if (result)
        sqlite3_result_text(context, hidden, -1, free);
    else
        sqlite3_result_value(context, values[0]);
}

/* veil_number(hash), or of a text's hash */
static void sql_number(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct veil *veil = sqlite3_user_data(context);
    const char *text = (const char *)sqlite3_value_text(values[0]);
    uint64_t hash;

    (void)count;
    if (!text)
        return;
    hash = sqlite3_value_type(values[0]) == SQLITE_INTEGER ? (uint64_t)sqlite3_value_int64(values[0])
                                                           : hash_bytes(HASH_OF_NOTHING, text, strlen(text));
    sqlite3_result_int64(context, (sqlite3_int64)veil_number(veil, hash));
}

static int add_functions(sqlite3 *db, struct veil *veil, struct error *error)
{
    const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC;

    if (sqlite3_create_function_v2(db, "veil", 1, flags, veil, sql_veil, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_create_function_v2(db, "veil", 2, flags, veil, sql_veil, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_create_function_v2(db, "veil_number", 1, flags, veil, sql_number, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error(db, "functions", error);
    return 0;
}

/* A reply by the recipients who got it, while these can be read. */
static int hide_replies(sqlite3 *db, struct error *error)
{
    static const char find[] = "SELECT DISTINCT e.reply, a.key FROM event e JOIN address a ON a.id = e.address"
                               " WHERE e.reply IS NOT NULL";
    static const char put[] = "UPDATE reply SET text = veil(text, ?2) WHERE id = ?1";
    sqlite3_stmt *each = NULL, *update = NULL;
    int rc = sqlite3_prepare_v2(db, find, -1, &each, NULL), failed;

    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, put, -1, &update, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(each)) == SQLITE_ROW) {
        sqlite3_bind_value(update, 1, sqlite3_column_value(each, 0));
        sqlite3_bind_value(update, 2, sqlite3_column_value(each, 1));
        rc = sqlite3_step(update);
        rc = sqlite3_reset(update) == SQLITE_OK && rc == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
    }
    failed = rc == SQLITE_DONE ? 0 : sqlite_error(db, put, error);
    sqlite3_finalize(each);
    sqlite3_finalize(update);
    return failed;
}

/* Every text of every table, so that none that a migration brings is forgotten. */
static int hide_texts(sqlite3 *db, struct error *error)
{
    static const char write[] =
        "SELECT group_concat(line, ';') FROM (SELECT format('UPDATE \"%w\" SET %s WHERE %s', m.name,"
        " group_concat(format('\"%w\" = veil(\"%w\")', c.name, c.name), ', '),"
        " group_concat(format('instr(\"%w\", ''@'') OR instr(\"%w\", ''%%40'')', c.name, c.name), ' OR ')) AS line"
        " FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"
        " AND c.type NOT IN ('INTEGER', 'REAL', 'BLOB') GROUP BY m.name)";
    char *sql = NULL;
    int failed = read_text(db, write, &sql, error) <= 0 || execute(db, sql, error);

    free(sql);
    return failed ? -1 : 0;
}

/* Hashes of addresses that stand in taken_lately, too. */
static int settle_taken(sqlite3 *db, struct error *error)
{
    struct taken *taken = taken_open(db, NULL); /* as they are */
    int failed = taken_settle(taken, error);

    taken_close(&taken);
    return failed;
}

/* Neither the database's, which may forbid to change what is on record, nor those
 * of the connection (TEMP), which would keep what a row was, have a say in this. */
static int silence_triggers(sqlite3 *db, struct error *error)
{
    char *sql = NULL;
    int failed = read_text(db, "SELECT coalesce(group_concat(format('DROP TRIGGER temp.\"%w\"', name), ';'), '')"
                               " FROM temp.sqlite_schema WHERE type = 'trigger'", &sql, error) < 0 ||
                 execute(db, sql, error);

    free(sql);
    if (!failed && sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK)
        failed = sqlite_error(db, "triggers", error);
    return failed ? -1 : 0;
}

/* In the open transaction. */
static int hide_everything(sqlite3 *db, const struct veil *veil, struct error *error)
{
    char check[VEIL_CHECK_SIZE], *facts;
    int failed;

    veil_check(veil, check);
    facts = xasprintf("INSERT INTO fact VALUES ('addresses', 'hashing'), ('address_check', '%s')", check);
    failed = settle_taken(db, error) || hide_replies(db, error) ||
             execute(db, "UPDATE event SET original_recipient = veil(original_recipient, (SELECT key FROM address"
                         " WHERE id = event.address)) WHERE original_recipient IS NOT NULL", error) ||
             hide_texts(db, error) || execute(db, "UPDATE reply SET hash = veil_number(text)", error) ||
             execute(db, "UPDATE sent SET hash = veil_number(hash) & 0xffffffffffff WHERE hash IS NOT NULL", error) ||
             execute(db, "UPDATE taken SET hash = veil_number(hash)", error) ||
             execute(db, "UPDATE aside SET bytes = x'', hash = veil_number(hash)", error) || execute(db, facts, error);
    free(facts);
    return failed ? -1 : 0;
}

/* The name of a new key must outlive a power failure before anything depends on it. */
static int sync_folder(const char *path, struct error *error)
{
    char *copy = xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = fd < 0 || fsync(fd);

    if (failed)
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", copy, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(copy);
    return failed ? -1 : 0;
}

static int convert(sqlite3 *db, const struct veil *veil, struct error *error)
{
    if (execute(db, "BEGIN IMMEDIATE", error))
        return -1;
    if (!hide_everything(db, veil, error) && !execute(db, "COMMIT", error))
        return 0;
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

int hashed_convert(sqlite3 *db, const char *path, int strict, struct veil *veil, struct error *error)
{
    unsigned char key[HMAC_KEY_SIZE];

    if (load_key(path, 1, key, error) || sync_folder(path, error))
        return -1;
    veil_close(veil, key, strict);
    explicit_bzero(key, sizeof(key));
    if (add_functions(db, veil, error) || silence_triggers(db, error) || convert(db, veil, error))
        return -1;
    return wipe(db, error);
}
