/* See log_block.h. */
#include "config.h"

#include "daemon/console/log_block.h"

#include "base/mem.h"
#include "daemon/intake/piece.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct log_block {
    char *host, *log; /* log may be NULL */
    int64_t now;
    struct log_position position;
    char *bytes;
    size_t length, size;
};

static uint64_t number(const json_t *request, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(request, name));
}

struct log_block *log_block_new(const json_t *request, struct error *error)
{
    json_int_t size = json_integer_value(json_object_get(request, "size"));
    const char *host = json_string_value(json_object_get(request, "host"));
    struct log_block *block;

    if (!json_is_integer(json_object_get(request, "size")) || size < 0 || size > LOG_BLOCK_MAX) {
        (void)error_set(error, ERROR_INPUT, "the lines have no size, or are too many");
        return NULL;
    }
    block = xcalloc(1, sizeof(*block));
    block->host = xstrdup(host ? host : "");
    block->log = xstrdup(json_string_value(json_object_get(request, "log")));
    block->now = (int64_t)number(request, "now");
    block->position = (struct log_position){
        .device = number(request, "device"),
        .inode = number(request, "inode"),
        .since = number(request, "since"),
        .offset = number(request, "offset"),
        .head_length = number(request, "head_length"),
        .head_hash = number(request, "head_hash"),
    };
    block->size = (size_t)size;
    block->bytes = xmalloc(block->size + 1);
    return block;
}

void log_block_free(struct log_block **block)
{
    struct log_block *old = *block;

    *block = NULL;
    if (!old)
        return;
    free(old->host);
    free(old->log);
    free(old->bytes);
    free(old);
}

size_t log_block_wants(const struct log_block *block)
{
    return block->size - block->length;
}

void log_block_add(struct log_block *block, const char *bytes, size_t length)
{
    memcpy(block->bytes + block->length, bytes, length);
    block->length += length;
}

struct record *log_block_record(const struct log_block *block, struct piece *piece)
{
    struct record *record = record_new(RECORD_LOG, (int64_t)time(NULL));
    const char *at = block->bytes, *end = block->bytes + block->length, *line_end;

    piece_begin(piece, block->host, block->now, 0);
    for (; at < end; at = line_end + 1) {
        line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end ? line_end : end;
        piece_take(piece, record, (struct span){at, (size_t)(line_end - at)});
    }
    record->log = xstrdup(block->log);
    record->position = block->position;
    return record;
}
