/* See cell.h. */
#include "config.h"

#include "daemon/ledger/cell.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX (64 << 20)

/* What is left to be read of a page. */
struct rest {
    const unsigned char *at, *end;
};

static size_t head_of(uint32_t number)
{
    return number == 1 ? 100 : 0; /* the file's own header */
}

static int is_inner(int kind)
{
    return kind == CELL_INDEX_INNER || kind == CELL_TABLE_INNER;
}

int cell_page_kind(const struct pages *pages, uint32_t number)
{
    const unsigned char *bytes = pages_get(pages, number);
    int kind = bytes ? bytes[head_of(number)] : 0;

    return is_inner(kind) || kind == CELL_INDEX_LEAF || kind == CELL_TABLE_LEAF ? kind : 0;
}

int cell_count(const struct pages *pages, uint32_t number)
{
    const unsigned char *bytes = pages_get(pages, number);
    int kind = cell_page_kind(pages, number);
    size_t start = head_of(number) + (is_inner(kind) ? 12 : 8), claimed;

    if (!kind)
        return 0;
    bytes += head_of(number);
    claimed = (size_t)bytes[3] << 8 | bytes[4];
    return (int)(claimed < (pages_usable(pages) - start) / 2 ? claimed : (pages_usable(pages) - start) / 2);
}

/* Where a cell begins, up to the page's end. 0: nowhere on it. */
static int find(const struct pages *pages, uint32_t number, int index, struct rest *rest_r)
{
    const unsigned char *bytes = pages_get(pages, number);
    size_t pointers = head_of(number) + (is_inner(cell_page_kind(pages, number)) ? 12 : 8);
    const unsigned char *pointer = bytes + pointers + 2 * (size_t)index;
    size_t at = (size_t)pointer[0] << 8 | pointer[1];

    if (at < pointers || at + 4 > pages_usable(pages))
        return 0;
    *rest_r = (struct rest){bytes + at, bytes + pages_usable(pages)};
    return 1;
}

static int read_varint(struct rest *rest, uint64_t *value_r)
{
    uint64_t value = 0;

    for (int i = 0; i < 9; i++) {
        if (rest->at == rest->end)
            return 0;
        value = i == 8 ? value << 8 | *rest->at : value << 7 | (*rest->at & 0x7f);
        if (i == 8 || !(*rest->at++ & 0x80)) {
            rest->at += i == 8;
            *value_r = value;
            return 1;
        }
    }
    return 0;
}

/* How much of a payload stands on the page itself (fileformat2, 1.6). */
static size_t local_size(const struct pages *pages, int kind, size_t payload)
{
    size_t usable = pages_usable(pages);
    size_t most = kind == CELL_TABLE_LEAF ? usable - 35 : (usable - 12) * 64 / 255 - 23;
    size_t least = (usable - 12) * 32 / 255 - 23, some;

    if (payload <= most)
        return payload;
    some = least + (payload - least) % (usable - 4);
    return some <= most ? some : least;
}

static int read_overflow(const struct pages *pages, uint32_t number, unsigned char *to, size_t left)
{
    size_t room = pages_usable(pages) - 4;

    while (left) {
        const unsigned char *bytes = pages_get(pages, number);
        size_t part = left < room ? left : room;

        if (!bytes)
            return 0;
        memcpy(to, bytes + 4, part);
        number = pages_number(bytes);
        to += part;
        left -= part;
    }
    return 1;
}

static int gather(const struct pages *pages, int kind, struct rest rest, size_t payload, struct cell *cell)
{
    size_t local = local_size(pages, kind, payload);

    if ((size_t)(rest.end - rest.at) < local + (local < payload ? 4 : 0))
        return 0;
    if (cell->size < payload) {
        cell->buffer = xrealloc(cell->buffer, payload);
        cell->size = payload;
    }
    memcpy(cell->buffer, rest.at, local);
    return local == payload ||
           read_overflow(pages, pages_number(rest.at + local), cell->buffer + local, payload - local);
}

static int64_t read_integer(const unsigned char *bytes, size_t size)
{
    uint64_t value = size && bytes[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

/* One value of a serial type (fileformat2, 2.1): its length in *length_r; 0 when there is no such type. */
static int read_type(uint64_t serial, struct cell_value *value_r, size_t *length_r)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};

    *value_r = (struct cell_value){.type = SQLITE_INTEGER};
    if (serial == 10 || serial == 11)
        return 0;
    if (serial >= 12) {
        value_r->type = serial & 1 ? SQLITE_TEXT : SQLITE_BLOB;
        if ((serial - 12) / 2 > PAYLOAD_MAX)
            return 0;
        *length_r = (size_t)((serial - 12) / 2);
        return 1;
    }
    if (serial == 0)
        value_r->type = SQLITE_NULL;
    else if (serial == 7)
        value_r->type = SQLITE_FLOAT;
    value_r->integer = serial == 9;
    *length_r = sizes[serial];
    return 1;
}

static void read_value(struct cell_value *value, const unsigned char *bytes, size_t length)
{
    uint64_t bits;

    if (value->type == SQLITE_INTEGER && length) {
        value->integer = read_integer(bytes, length);
    } else if (value->type == SQLITE_FLOAT) {
        bits = (uint64_t)read_integer(bytes, length);
        memcpy(&value->real, &bits, sizeof(bits));
    } else if (value->type == SQLITE_TEXT || value->type == SQLITE_BLOB) {
        value->bytes = bytes;
        value->length = length;
    }
}

/* A record: header and values must fill the payload, and no octet be left. */
static int parse(struct cell *cell, size_t payload)
{
    struct rest head = {cell->buffer, cell->buffer + payload};
    const unsigned char *at;
    uint64_t size, serial;

    cell->count = 0;
    if (!read_varint(&head, &size) || size > payload)
        return 0;
    head.end = at = cell->buffer + size;
    while (head.at < head.end) {
        struct cell_value *value = &cell->values[cell->count];
        size_t length;

        if (cell->count == CELL_VALUES_MAX || !read_varint(&head, &serial) || !read_type(serial, value, &length) ||
            (size_t)(cell->buffer + payload - at) < length)
            return 0;
        read_value(value, at, length);
        at += length;
        cell->count++;
    }
    return at == cell->buffer + payload;
}

int cell_read(const struct pages *pages, uint32_t number, int index, struct cell *cell)
{
    int kind = cell_page_kind(pages, number);
    struct rest rest;
    uint64_t payload, rowid = 0;

    if (!kind || kind == CELL_TABLE_INNER || !find(pages, number, index, &rest))
        return 0;
    if (kind == CELL_INDEX_INNER)
        rest.at += 4; /* the page below */
    if (!read_varint(&rest, &payload) || !payload || payload > PAYLOAD_MAX)
        return 0;
    if (kind == CELL_TABLE_LEAF && !read_varint(&rest, &rowid))
        return 0;
    cell->rowid = (int64_t)rowid;
    return gather(pages, kind, rest, (size_t)payload, cell) && parse(cell, (size_t)payload);
}

void cell_clear(struct cell *cell)
{
    free(cell->buffer);
    *cell = (struct cell){0};
}

uint32_t cell_child(const struct pages *pages, uint32_t number, int index)
{
    const unsigned char *bytes = pages_get(pages, number);
    struct rest rest;

    if (!is_inner(cell_page_kind(pages, number)))
        return 0;
    if (index == cell_count(pages, number))
        return pages_number(bytes + head_of(number) + 8);
    return find(pages, number, index, &rest) ? pages_number(rest.at) : 0;
}
