/* See results.h. */
#include "config.h"

#include "daemon/ledger/results.h"

#include "base/mem.h"

#include <stdlib.h>

#define TEXTS 5

/* The texts of an item stand one behind the other, each with a NUL. */
struct result_item {
    int64_t time;
    size_t text;
    uint32_t length[TEXTS];
    uint8_t action, evidence;
};

static void make_room(struct results *results, size_t length)
{
    if (results->count == results->size) {
        results->size = results->size ? results->size * 2 : 64;
        results->items = xrealloc(results->items, results->size * sizeof(*results->items));
    }
    while (results->text_length + length > results->text_size) {
        results->text_size = results->text_size ? results->text_size * 2 : 4096;
        results->text = xrealloc(results->text, results->text_size);
    }
}

static void put_text(struct results *results, struct span text)
{
    char *to = results->text + results->text_length;

    for (size_t i = 0; i < text.length; i++)
        to[i] = (unsigned char)text.start[i] < ' ' || text.start[i] == 0x7f ? '?' : text.start[i];
    to[text.length] = '\0';
    results->text_length += text.length + 1;
}

void results_add(struct results *results, const struct result *result)
{
    struct span texts[TEXTS] = {result->recipient, result->queue_id, result->remote_mta, result->status,
                                result->reply};
    struct result_item *item;
    size_t length = TEXTS;

    if (texts[TEXTS - 1].length > RESULT_REPLY_MAX)
        texts[TEXTS - 1].length = RESULT_REPLY_MAX;
    for (int i = 0; i < TEXTS; i++)
        length += texts[i].length;
    make_room(results, length);
    item = &results->items[results->count++];
    item->time = result->time;
    item->action = (uint8_t)result->action;
    item->evidence = (uint8_t)result->evidence;
    item->text = results->text_length;
    for (int i = 0; i < TEXTS; i++) {
        item->length[i] = (uint32_t)texts[i].length;
        put_text(results, texts[i]);
    }
}

void results_get(const struct results *results, size_t which, struct result *result_r)
{
    const struct result_item *item = &results->items[which];
    const char *at = results->text + item->text;
    struct span texts[TEXTS];

    for (int i = 0; i < TEXTS; i++) {
        texts[i] = (struct span){at, item->length[i]};
        at += item->length[i] + 1;
    }
    *result_r = (struct result){item->time, (enum action)item->action, (enum evidence)item->evidence,
                                texts[0], texts[1], texts[2], texts[3], texts[4]};
}

void results_clear(struct results *results)
{
    free(results->items);
    free(results->text);
    *results = (struct results){0};
}
