/* See edit.h. */
#include "config.h"

#include "daemon/ledger/edit.h"

#include "daemon/ledger/store.h"
#include "daemon/ledger/store_set.h"
#include "daemon/ledger/watch.h"

/* All that an edit needs. */
struct work {
    struct store *store;
    struct watch *watch;
    struct record *record;
    struct store_set set;
};

static int suppress_one(struct work *work, const struct record *record, struct error *error)
{
    const struct store_suppression suppression = {
        .key = record->key,
        .stream = record->stream,
        .reason = record->reason,
        .origin = "manual",
        .note = record->note,
        .who = record->who,
        .since = record->time,
        .until = record->until,
    };

    work->set.suppressed++;
    return store_suppress(work->store, &suppression, error);
}

static int suppress(struct work *work, struct error *error)
{
    work->record->changed_r = 1;
    return suppress_one(work, work->record, error);
}

/* What is suppressed already, and for as long, stays as it is: an import that is
 * repeated changes nothing, and none shortens what is there. */
static int import(struct work *work, struct error *error)
{
    for (size_t i = 0; i < work->record->count; i++) {
        const struct record *part = work->record->parts[i];
        int there = store_suppressed(work->store, part->key, part->stream,
                                     part->until ? part->until - 1 : INT64_MAX, 0, error);

        if (there < 0 || (!there && suppress_one(work, part, error)))
            return -1;
    }
    work->record->changed_r = (int)work->set.suppressed;
    return 0;
}

static int release_key(struct work *work, const char *key, struct error *error)
{
    const struct record *record = work->record;

    return store_release(work->store, key, record->stream, record->who, record->note, record->time, error);
}

static int release(struct work *work, struct error *error)
{
    struct record *record = work->record;
    char hash[SECRET_HASH_SIZE];
    int hashed = 0, released = release_key(work, record->key, error);

    if (!released && (hashed = store_hash(work->store, record->key, 0, hash, error)) > 0)
        released = release_key(work, hash, error);
    if (released < 0 || hashed < 0)
        return -1;
    work->set.released = record->changed_r = released;
    /* What led to the suppression shall not lead to it again. */
    return store_begin_anew(work->store, record->key, record->time, record->who, record->time, error) < 0 ? -1 : 0;
}

static int allow(struct work *work, struct error *error)
{
    const struct record *record = work->record;

    work->record->changed_r = 1;
    return store_allow(work->store, record->key, record->who, record->note, record->time, error);
}

static int disallow(struct work *work, struct error *error)
{
    struct record *record = work->record;
    char hash[SECRET_HASH_SIZE];
    int hashed = 0, found = store_disallow(work->store, record->key, record->who, record->note, record->time, error);

    if (!found && (hashed = store_hash(work->store, record->key, 0, hash, error)) > 0)
        found = store_disallow(work->store, hash, record->who, record->note, record->time, error);
    record->changed_r = found;
    return found < 0 || hashed < 0 ? -1 : 0;
}

static int incident(struct work *work, struct error *error)
{
    struct record *record = work->record;

    record->changed_r = record->rollback
                            ? watch_rollback(work->watch, record->incident, record->who, record->time, error)
                            : watch_close(work->watch, record->incident, record->who, record->time, error);
    if (record->rollback)
        work->set.released = record->changed_r;
    return record->changed_r < 0 ? -1 : 0;
}

static int apply(struct work *work, struct error *error)
{
    work->record->changed_r = 1;
    return store_apply(work->store, work->record->plan, &work->set, error);
}

static int undo(struct work *work, struct error *error)
{
    work->record->changed_r = store_undo(work->store, work->record->set, &work->set, error);
    watch_reread(work->watch); /* it may have opened an incident again */
    return work->record->changed_r < 0 ? -1 : 0;
}

static int erase(struct work *work, struct error *error)
{
    struct record *record = work->record;

    record->changed_r = store_erase(work->store, record->key, record->set, &record->set_r, record->who, record->time,
                                    error);
    return record->changed_r < 0 ? -1 : 0;
}

static const struct edit {
    const char *what;
    int (*run)(struct work *work, struct error *error);
} edits[] = {
    [RECORD_SUPPRESS] = {"add", suppress},
    [RECORD_RELEASE] = {"remove", release},
    [RECORD_ALLOW] = {"allow", allow},
    [RECORD_DISALLOW] = {"disallow", disallow},
    [RECORD_IMPORT] = {"import", import},
    [RECORD_INCIDENT] = {"incident", incident},
    [RECORD_APPLY] = {"reclassify", apply},
    [RECORD_UNDO] = {"undo", undo},
    [RECORD_ERASE] = {"erase", erase},
};

int edit_is(enum record_kind kind)
{
    return kind == RECORD_STAGE || ((size_t)kind < sizeof(edits) / sizeof(edits[0]) && edits[kind].run);
}

int edit_record(struct store *store, struct watch *watch, struct record *record, struct error *error)
{
    struct work work = {
        .store = store, .watch = watch, .record = record,
        .set = {
            .who = record->kind == RECORD_IMPORT && record->count ? record->parts[0]->who : record->who,
            .what = edits[record->kind].what,
            .note = record->kind == RECORD_APPLY ? record->note : "", /* of one person it stands in change */
            .time = record->time,
            .id = record->kind == RECORD_IMPORT ? record->set : 0,
        },
    };

    if (record->kind == RECORD_STAGE)
        return store_stage(store, record->plan, record->time, error);
    if (store_set_begin(store, &work.set, error) || edits[record->kind].run(&work, error) ||
        store_set_end(store, &work.set, error))
        return -1;
    if (record->kind != RECORD_ERASE)
        record->set_r = work.set.id;
    return 0;
}
