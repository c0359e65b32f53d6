/* See proof.h. */
#include "config.h"

#include "daemon/ledger/proof.h"

#include "daemon/ledger/store.h"
#include "daemon/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_SLACK 86400 /* seconds that the clock may have been set back since */

/* Reports that somebody else's system writes of a message of ours. A log is
 * this host's: what is doubtful in it may be anybody's text. */
static int may_be_proved(const struct record *record)
{
    enum report_kind kind = record->report.kind;

    return record->evidence == EVIDENCE_UNPROVEN && record->source != SOURCE_LOG &&
           (kind == REPORT_DSN || kind == REPORT_BOUNCE || kind == REPORT_COMPLAINT);
}

static int is_young(int64_t time, const struct keys *keys, int64_t now)
{
    return time <= now + CLOCK_SLACK && now - time <= keys->age;
}

/* The tag that the report answers, when it is a good one of ours. */
static int good_tag(const struct record *record, const struct keys *keys, struct tag *tag_r)
{
    return record->tagged && tag_parse(record->tagged, tag_r) && tag_check(tag_r, keys, record->time) == TAG_GOOD;
}

/* The one recipient of the message with this id, or this tag: 1, 0, -1. */
static int only_recipient(struct store *store, const struct keys *keys, const struct record *record,
                          const char *message_id, int64_t tag, char **key_r, struct error *error)
{
    int64_t time;
    int found = store_sent_only(store, message_id, tag, key_r, &time, error);

    if (found > 0 && !is_young(time, keys, record->time)) {
        free(*key_r);
        *key_r = NULL;
        return 0;
    }
    return found;
}

/* 1 when all messages with this id, or this tag, went to this recipient alone; 0; -1. */
static int went_to(struct store *store, const struct keys *keys, const struct record *record, const char *message_id,
                   int64_t tag, const char *recipient, struct error *error)
{
    char *only = NULL, *stored = NULL;
    int found = only_recipient(store, keys, record, message_id, tag, &only, error);

    if (found > 0)
        found = store_hidden(store, recipient, NULL, &stored, error) ? -1 : !strcmp(only, stored);
    free(stored);
    free(only);
    return found;
}

/* A recipient whom the journal gave as a token is none that the tag was made
 * over; then the journal says whom it was made for. */
static int by_tag(struct store *store, const struct keys *keys, const struct record *record, const struct tag *tag,
                  const char *recipient, struct error *error)
{
    if (tag_proves(tag, keys, recipient, record->time))
        return 1;
    return store_is_hidden(store) ? went_to(store, keys, record, NULL, tag_number(tag), recipient, error) : 0;
}

int proof_find(struct store *store, struct keyring *keyring, const struct record *record, const char *recipient,
               struct proof *proof_r, struct error *error)
{
    const char *id = record->report.original_message_id;
    struct keys keys;
    struct tag tag;
    int proved;

    proof_r->evidence = record->evidence;
    proof_r->key[0] = '\0';
    if (!may_be_proved(record))
        return 0;
    keyring_get(keyring, &keys);
    if ((proved = went_to(store, &keys, record, id, 0, recipient, error)) > 0)
        snprintf(proof_r->key, sizeof(proof_r->key), "<%s>", id);
    else if (!proved && good_tag(record, &keys, &tag) &&
             (proved = by_tag(store, &keys, record, &tag, recipient, error)) > 0)
        snprintf(proof_r->key, sizeof(proof_r->key), "tag %s", tag.text);
    if (proved > 0)
        proof_r->evidence = EVIDENCE_PROVED;
    return proved < 0 ? -1 : 0;
}

int proof_complainant(struct store *store, struct keyring *keyring, const struct record *record, char **recipient_r,
                      struct error *error)
{
    struct keys keys;
    struct tag tag;
    int64_t number;

    if (!may_be_proved(record) || record->report.kind != REPORT_COMPLAINT)
        return 0;
    keyring_get(keyring, &keys);
    number = good_tag(record, &keys, &tag) ? tag_number(&tag) : 0;
    return only_recipient(store, &keys, record, record->report.original_message_id, number, recipient_r, error);
}
