/* See edit_request.h. */
#include "config.h"

#include "daemon/console/edit_request.h"

#include "base/mem.h"
#include "classifier/reason.h"
#include "daemon/console/change.h"
#include "daemon/ledger/plan.h"
#include "daemon/ledger/record.h"

#include <string.h>

#define TEXT_MAX 1000

static const char *text(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(request, name));
}

static int64_t number(const json_t *request, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(request, name));
}

/* A text of the item that may be left out; NULL: it is too long. */
static char *item_text(const json_t *item, const char *name, size_t max)
{
    const char *value = text(item, name);

    return (char *)(uintptr_t)(!value ? "" : strlen(value) > max ? NULL : value);
}

static int add_item(struct plan *plan, const json_t *item)
{
    const struct plan_item one = {
        .key = item_text(item, "recipient", ADDRESS_SIZE - 1),
        .stream = item_text(item, "stream", TEXT_MAX),
        .reason = (char *)(uintptr_t)text(item, "reason"),
        .policy = item_text(item, "policy", TEXT_MAX),
        .note = item_text(item, "note", TEXT_MAX),
        .event = number(item, "event"),
        .until = number(item, "until"),
        .trial = number(item, "trial"),
    };
    enum reason ignored;

    if (!one.key || !*one.key || !one.stream || !one.policy || !one.note ||
        (one.reason && !reason_from_name(one.reason, &ignored)))
        return -1;
    plan_add(plan, &one);
    return 0;
}

static int stage(struct record *record, const json_t *request, struct error *error)
{
    const json_t *items = json_object_get(request, "items"), *item;
    size_t i;

    if (json_array_size(items) > PLAN_PART_MAX)
        return error_set(error, ERROR_INPUT, "a part of a plan has more than %d items", PLAN_PART_MAX);
    json_array_foreach(items, i, item)
        if (add_item(record->plan, item))
            return error_set(error, ERROR_INPUT, "item %zu of the plan is none", i);
    return 0;
}

static int erase(struct record *record, const json_t *request, int strict, struct error *error)
{
    const char *recipient = text(request, "recipient");
    char key[ADDRESS_SIZE];

    if (!recipient || *recipient == '@')
        return error_set(error, ERROR_INPUT, "an address is erased, '%.100s' is none", recipient ? recipient : "");
    if (change_key(recipient, strict, key, error))
        return -1;
    record->key = xstrdup(key);
    return 0;
}

static const struct {
    const char *command;
    enum record_kind kind;
} kinds[] = {
    {"stage", RECORD_STAGE}, {"apply", RECORD_APPLY}, {"undo", RECORD_UNDO}, {"erase", RECORD_ERASE}};

/* Its row of kinds; how many there are, when it is none. */
static size_t find(const char *command)
{
    size_t i = 0;

    while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].command, command) != 0)
        i++;
    return i;
}

int edit_request_is(const char *command)
{
    return find(command) < sizeof(kinds) / sizeof(kinds[0]);
}

struct record *edit_request(const json_t *request, const char *who, int strict, int64_t now, struct error *error)
{
    struct record *record = record_new(kinds[find(text(request, "command"))].kind, now);
    const char *note = text(request, "note");
    int failed = 0;

    record->who = xstrdup(who);
    record->note = xstrdup(note ? note : "");
    record->set = number(request, "set");
    record->plan = plan_new(number(request, "token"));
    record->plan->seen = number(request, "seen");
    if (strlen(record->note) > TEXT_MAX)
        failed = error_set(error, ERROR_INPUT, "the note is longer than %d bytes", TEXT_MAX);
    else if (record->kind == RECORD_STAGE)
        failed = stage(record, request, error);
    else if (record->kind == RECORD_ERASE)
        failed = erase(record, request, strict, error);
    if (failed)
        record_free(&record);
    return record;
}
