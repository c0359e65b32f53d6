/* See taken.h. */
#include "config.h"

#include "daemon/ledger/taken.h"

#include "base/mem.h"
#include "daemon/ledger/hashes.h"
#include "daemon/ledger/statement.h"
#include "daemon/ledger/veil.h"

#include <stdlib.h>
#include <string.h>

#define MANY 64 /* rows of one statement: each statement costs as much as a few rows */
#define CHANGE_SIZE 12
#define NEVER INT32_MIN /* as a day: not known to have taken mail */

enum { FIND, FIND_MANY, PUT, PUT_MANY, DROP, LATELY, LATELY_ADD, LATELY_DROP, STATEMENTS };

#define EIGHT(one) one "," one "," one "," one "," one "," one "," one "," one
#define UPSERT " ON CONFLICT DO UPDATE SET day = excluded.day"

static const char *const sql[STATEMENTS] = {
    [FIND] = "SELECT day FROM taken WHERE hash = ?1",
    /* CROSS: in the order in which they are asked for. */
    [FIND_MANY] = "WITH asked (hash) AS (VALUES " EIGHT(EIGHT("(?)")) ")"
                  " SELECT t.hash, t.day FROM asked a CROSS JOIN taken t ON t.hash = a.hash",
    [PUT] = "INSERT INTO taken (hash, day) VALUES (?1, ?2)" UPSERT,
    [PUT_MANY] = "INSERT INTO taken (hash, day) VALUES " EIGHT(EIGHT("(?, ?)")) UPSERT,
    [DROP] = "DELETE FROM taken WHERE hash = ?1",
    [LATELY] = "SELECT bytes FROM taken_lately ORDER BY part, id",
    [LATELY_ADD] =
        "INSERT INTO taken_lately (part, id, bytes)"
        " SELECT ?1, coalesce(max(id), 0) + 1, ?2 FROM taken_lately WHERE part = ?1",
    [LATELY_DROP] = "DELETE FROM taken_lately WHERE part = ?1",
};

/* days: of each hash what is known, marked where the table does not say so yet.
 * changes: of this transaction, as taken_lately keeps them. */
struct part {
    struct hashes days;
    unsigned char *changes;
    size_t count, size;
    int kept; /* taken_lately has rows of it */
};

struct taken {
    struct statements statements;
    const struct veil *veil;
    struct part parts[TAKEN_PARTS];
    int read; /* taken_lately has been, since the last rollback */
};

static struct part *part_of(struct taken *taken, uint64_t hash)
{
    return &taken->parts[hash >> 60];
}

static size_t total(const struct taken *taken)
{
    size_t sum = 0;

    for (int i = 0; i < TAKEN_PARTS; i++)
        sum += taken->parts[i].days.used;
    return sum;
}

static void forget(struct taken *taken)
{
    for (int i = 0; i < TAKEN_PARTS; i++) {
        hashes_clear(&taken->parts[i].days);
        taken->parts[i].count = 0;
        taken->parts[i].kept = 0;
    }
    taken->read = 0;
}

/* ----------------------------------------------------------------- changes */

static void set(struct part *part, uint64_t hash, int32_t day, int is_change)
{
    struct hashed *known = hashes_add(&part->days, hash);

    known->number = day;
    known->mark |= is_change;
}

static void put_number(unsigned char *to, uint64_t number, int octets)
{
    for (int i = octets; i--; number >>= 8)
        to[i] = (unsigned char)number;
}

static uint64_t get_number(const unsigned char *from, int octets)
{
    uint64_t number = 0;

    for (int i = 0; i < octets; i++)
        number = number << 8 | from[i];
    return number;
}

static void change(struct taken *taken, uint64_t hash, int32_t day)
{
    struct part *part = part_of(taken, hash);

    set(part, hash, day, 1);
    if (part->count == part->size) {
        part->size = part->size ? part->size * 2 : 64;
        part->changes = xrealloc(part->changes, part->size * CHANGE_SIZE);
    }
    put_number(part->changes + part->count * CHANGE_SIZE, hash, 8);
    put_number(part->changes + part->count * CHANGE_SIZE + 8, (uint32_t)day, 4);
    part->count++;
}

/* What the transactions before have left. */
static int read_lately(struct taken *taken, struct error *error)
{
    sqlite3_stmt *stmt;
    int row = -1;

    if (taken->read)
        return 0;
    stmt = statement_bind(&taken->statements, LATELY, error, "");
    while (stmt && (row = statement_step(&taken->statements, LATELY, error)) > 0) {
        const unsigned char *at = sqlite3_column_blob(stmt, 0);

        for (int left = sqlite3_column_bytes(stmt, 0); left >= CHANGE_SIZE; left -= CHANGE_SIZE, at += CHANGE_SIZE) {
            uint64_t hash = get_number(at, 8);

            set(part_of(taken, hash), hash, (int32_t)(uint32_t)get_number(at + 8, 4), 1);
            part_of(taken, hash)->kept = 1;
        }
    }
    taken->read = !row;
    return row;
}

/* ------------------------------------------------------------ to its place */

static int compare(const void *a, const void *b)
{
    int64_t first = (int64_t)((const struct hashed *)a)->hash, second = (int64_t)((const struct hashed *)b)->hash;

    return (first > second) - (first < second);
}

static struct hashed *sort_changed(const struct hashes *days, size_t *count_r)
{
    struct hashed *changed = xmalloc((days->used + 1) * sizeof(*changed));

    *count_r = 0;
    for (size_t i = 0; i < days->size; i++)
        if (days->slots[i].used && days->slots[i].mark)
            changed[(*count_r)++] = days->slots[i];
    qsort(changed, *count_r, sizeof(*changed), compare);
    return changed;
}

static int put_many(struct taken *taken, const struct hashed *days, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&taken->statements, PUT_MANY, error, "");

    for (int i = 0; stmt && i < MANY; i++) {
        sqlite3_bind_int64(stmt, 2 * i + 1, (int64_t)days[i].hash);
        sqlite3_bind_int64(stmt, 2 * i + 2, days[i].number);
    }
    return stmt ? statement_step(&taken->statements, PUT_MANY, error) : -1;
}

static int write_sorted(struct taken *taken, struct hashed *days, size_t count, struct error *error)
{
    size_t put = 0, at = 0;

    for (size_t i = 0; i < count; i++) {
        if (days[i].number != NEVER)
            days[put++] = days[i];
        else if (statement_run(&taken->statements, DROP, error, "i", (int64_t)days[i].hash))
            return -1;
    }
    for (; at + MANY <= put; at += MANY)
        if (put_many(taken, days + at, error))
            return -1;
    for (; at < put; at++)
        if (statement_run(&taken->statements, PUT, error, "ii", (int64_t)days[at].hash, (int64_t)days[at].number))
            return -1;
    return 0;
}

static int settle_part(struct taken *taken, struct part *part, struct error *error)
{
    size_t count;
    struct hashed *changed = sort_changed(&part->days, &count);
    int failed = write_sorted(taken, changed, count, error);

    free(changed);
    if (failed || (part->kept && statement_run(&taken->statements, LATELY_DROP, error, "i", part - taken->parts)))
        return -1;
    hashes_clear(&part->days);
    part->count = 0;
    part->kept = 0;
    return 0;
}

static int settle_fullest(struct taken *taken, struct error *error)
{
    struct part *fullest = taken->parts;

    for (int i = 1; i < TAKEN_PARTS; i++)
        if (taken->parts[i].days.used > fullest->days.used)
            fullest = &taken->parts[i];
    return settle_part(taken, fullest, error);
}

static int keep_within(struct taken *taken, size_t most, struct error *error)
{
    while (total(taken) > most)
        if (settle_fullest(taken, error))
            return -1;
    return 0;
}

int taken_settle(struct taken *taken, struct error *error)
{
    if (read_lately(taken, error))
        return -1;
    for (int i = 0; i < TAKEN_PARTS; i++)
        if (settle_part(taken, &taken->parts[i], error))
            return -1;
    return 0;
}

static int save_changes(struct taken *taken, struct error *error)
{
    for (int i = 0; i < TAKEN_PARTS; i++) {
        struct part *part = &taken->parts[i];

        if (part->count && statement_run(&taken->statements, LATELY_ADD, error, "ib", (int64_t)i, part->changes,
                                         part->count * CHANGE_SIZE))
            return -1;
        part->kept |= part->count > 0;
        part->count = 0;
    }
    return 0;
}

int taken_save(struct taken *taken, struct error *error)
{
    size_t changes = 0;

    for (int i = 0; i < TAKEN_PARTS; i++)
        changes += taken->parts[i].count;
    if (!changes)
        return 0;
    /* Where little is told there is time for a part of what was told before. */
    if (keep_within(taken, TAKEN_MAX, error) ||
        (changes <= TAKEN_FEW && total(taken) > TAKEN_FEW && settle_fullest(taken, error)))
        return -1;
    return total(taken) <= TAKEN_FEW ? taken_settle(taken, error) : save_changes(taken, error);
}

/* --------------------------------------------------------------- questions */

static int find_many(struct taken *taken, const uint64_t *hashes, size_t count, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&taken->statements, FIND_MANY, error, "");
    int row = -1;

    for (size_t i = 0; i < count; i++) {
        set(part_of(taken, hashes[i]), hashes[i], NEVER, 0);
        if (stmt)
            sqlite3_bind_int64(stmt, (int)i + 1, (int64_t)hashes[i]);
    }
    while (stmt && (row = statement_step(&taken->statements, FIND_MANY, error)) > 0)
        hashes_find(&part_of(taken, (uint64_t)sqlite3_column_int64(stmt, 0))->days,
                    (uint64_t)sqlite3_column_int64(stmt, 0))->number = sqlite3_column_int(stmt, 1);
    return row;
}

int taken_expect(struct taken *taken, const uint64_t *hashes, size_t count, struct error *error)
{
    uint64_t unknown[MANY];
    size_t asked = 0;

    if (read_lately(taken, error) || keep_within(taken, TAKEN_MAX, error))
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = veil_number(taken->veil, hashes[i]);

        if (!hashes_find(&part_of(taken, hash)->days, hash))
            unknown[asked++] = hash;
        if (asked == MANY && find_many(taken, unknown, asked, error))
            return -1;
        asked %= MANY;
    }
    return asked ? find_many(taken, unknown, asked, error) : 0;
}

static int find_one(struct taken *taken, uint64_t hash, int32_t *day_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&taken->statements, FIND, error, "i", (int64_t)hash);
    int row = stmt ? statement_step(&taken->statements, FIND, error) : -1;

    *day_r = NEVER;
    if (row > 0) {
        *day_r = sqlite3_column_int(stmt, 0);
        statement_reset(&taken->statements, FIND);
    }
    return row;
}

int taken_find(struct taken *taken, uint64_t hash, int64_t *day_r, struct error *error)
{
    const struct hashed *known;
    int32_t day;

    if (read_lately(taken, error))
        return -1;
    hash = veil_number(taken->veil, hash);
    if (!(known = hashes_find(&part_of(taken, hash)->days, hash))) {
        if (find_one(taken, hash, &day, error) < 0)
            return -1;
    } else {
        day = known->number;
    }
    *day_r = day;
    return day != NEVER;
}

int taken_put(struct taken *taken, uint64_t hash, int64_t day, struct error *error)
{
    if (read_lately(taken, error))
        return -1;
    change(taken, veil_number(taken->veil, hash), day < 0 ? 0 : day > INT32_MAX ? INT32_MAX : (int32_t)day);
    return 0;
}

int taken_drop(struct taken *taken, uint64_t hash, struct error *error)
{
    if (read_lately(taken, error))
        return -1;
    change(taken, veil_number(taken->veil, hash), NEVER);
    return 0;
}

void taken_rolled_back(struct taken *taken)
{
    forget(taken);
}

struct taken *taken_open(sqlite3 *db, const struct veil *veil)
{
    struct taken *taken = xcalloc(1, sizeof(*taken));

    taken->veil = veil;
    statements_init(&taken->statements, db, NULL, sql, STATEMENTS);
    return taken;
}

void taken_close(struct taken **taken)
{
    struct taken *old = *taken;

    *taken = NULL;
    if (!old)
        return;
    forget(old);
    for (int i = 0; i < TAKEN_PARTS; i++)
        free(old->parts[i].changes);
    statements_clear(&old->statements);
    free(old);
}
