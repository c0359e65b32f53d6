/* See change.h. */
#include "config.h"

#include "daemon/console/change.h"

#include "base/mem.h"
#include "classifier/reason.h"
#include "daemon/ledger/record.h"

#include <stdlib.h>
#include <string.h>

#define NOTE_MAX 1000
#define STREAM_MAX 200

int change_key(const char *recipient, int strict, char key_r[ADDRESS_SIZE], struct error *error)
{
    char text[ADDRESS_SIZE + 1];
    struct address address;
    size_t length = strlen(recipient);

    if (recipient[0] != '@') {
        if (address_parse(recipient, length, strict, &address, error))
            return error_prefix(error, "'%.100s'", recipient);
        strcpy(key_r, address.key);
        return 0;
    }
    /* The domain is normalised by the room that knows how: as part of an address. */
    if (length > ADDRESS_DOMAIN_MAX)
        return error_set(error, ERROR_INPUT, "'%.100s': the domain is too long", recipient);
    text[0] = 'x';
    strcpy(text + 1, recipient);
    if (address_parse(text, length + 1, strict, &address, error))
        return error_prefix(error, "'%.100s'", recipient);
    strcpy(key_r, address.key + address.domain - 1);
    return 0;
}

static int check_text(const char *what, const char *text, size_t max, struct error *error)
{
    if (text && strlen(text) > max)
        return error_set(error, ERROR_INPUT, "%s is longer than %zu bytes", what, max);
    return 0;
}

static struct record *make(enum record_kind kind, const struct change *change, int strict,
                           int64_t now, struct error *error)
{
    char key[ADDRESS_SIZE];
    struct record *record;

    if (!change->recipient) {
        (void)error_set(error, ERROR_INPUT, "no recipient given");
        return NULL;
    }
    if (change_key(change->recipient, strict, key, error) ||
        check_text("note", change->note, NOTE_MAX, error) ||
        check_text("stream", change->stream, STREAM_MAX, error))
        return NULL;
    record = record_new(kind, now);
    record->key = xstrdup(key);
    record->stream = xstrdup(change->stream ? change->stream : "");
    record->note = xstrdup(change->note ? change->note : "");
    record->who = xstrdup(change->who ? change->who : "unknown");
    return record;
}

struct record *change_suppress(const struct change *change, int strict, int64_t now, struct error *error)
{
    const char *name = change->reason ? change->reason : "recipient-suppressed";
    struct record *record;
    enum reason reason;

    if (!reason_from_name(name, &reason)) {
        (void)error_set(error, ERROR_INPUT, "there is no reason '%.60s' in the taxonomy", name);
        return NULL;
    }
    if (change->until && change->until <= now) {
        (void)error_set(error, ERROR_INPUT, "it would end before it begins");
        return NULL;
    }
    if ((record = make(RECORD_SUPPRESS, change, strict, now, error))) {
        record->reason = xstrdup(name);
        record->until = change->until;
    }
    return record;
}

struct record *change_release(const struct change *change, int strict, int64_t now, struct error *error)
{
    return make(RECORD_RELEASE, change, strict, now, error);
}

struct record *change_aside(int drop, const int64_t *ids, size_t count, int64_t now, struct error *error)
{
    struct record *record;

    if (!count || count > CHANGE_ASIDE_MAX) {
        (void)error_set(error, ERROR_INPUT, "name 1 to %d messages that are kept aside", CHANGE_ASIDE_MAX);
        return NULL;
    }
    record = record_new(drop ? RECORD_DROP : RECORD_RETRY, now);
    record->ids = xcalloc(count, sizeof(*ids));
    memcpy(record->ids, ids, count * sizeof(*ids));
    record->id_count = count;
    return record;
}

static struct record *import_one(json_t *entry, const char *common, const char *who, int strict, int64_t now,
                                 struct error *error)
{
    const char *own = json_string_value(json_object_get(entry, "note"));
    char *note = xasprintf("%s%s%s", common, own && *own ? ": " : "", own ? own : "");
    const struct change change = {
        .recipient = json_string_value(json_object_get(entry, "recipient")),
        .stream = json_string_value(json_object_get(entry, "stream")),
        .reason = json_string_value(json_object_get(entry, "reason")),
        .until = (int64_t)json_integer_value(json_object_get(entry, "until")),
        .note = note,
        .who = who,
    };
    struct record *record = change_suppress(&change, strict, now, error);

    free(note);
    return record;
}

struct record *change_import(const json_t *request, const char *who, int strict, int64_t now, struct error *error)
{
    json_t *entries = json_object_get(request, "entries"), *entry;
    const char *common = json_string_value(json_object_get(request, "note"));
    struct record *record;
    size_t index;

    if (!json_array_size(entries)) {
        (void)error_set(error, ERROR_INPUT, "there are no entries");
        return NULL;
    }
    record = record_new(RECORD_IMPORT, now);
    record->set = (int64_t)json_integer_value(json_object_get(request, "set"));
    record->parts = xcalloc(json_array_size(entries), sizeof(struct record *));
    json_array_foreach (entries, index, entry) {
        if (!(record->parts[index] = import_one(entry, common ? common : "", who, strict, now, error))) {
            record_free(&record);
            return NULL;
        }
        record->count++;
    }
    return record;
}

static struct record *change_allow(const struct change *change, int strict, int64_t now, struct error *error)
{
    return make(RECORD_ALLOW, change, strict, now, error);
}

static struct record *change_disallow(const struct change *change, int strict, int64_t now, struct error *error)
{
    return make(RECORD_DISALLOW, change, strict, now, error);
}

static const struct {
    const char *name;
    struct record *(*make)(const struct change *change, int strict, int64_t now, struct error *error);
} commands[] = {
    {"suppress", change_suppress},
    {"release", change_release},
    {"allow", change_allow},
    {"disallow", change_disallow},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int change_is_command(const char *command)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, command))
            return 1;
    return 0;
}

struct record *change_make(const char *command, const struct change *change, int strict, int64_t now,
                           struct error *error)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, command))
            return commands[i].make(change, strict, now, error);
    (void)error_set(error, ERROR_INPUT, "unknown change '%.60s'", command);
    return NULL;
}
