/* See tree.h. */
#include "config.h"

#include "daemon/ledger/tree.h"

#include "base/mem.h"
#include "daemon/ledger/cell.h"

#include <stdlib.h>
#include <string.h>

#define TREES_MAX 1000

struct trees {
    const struct pages *pages; /* borrowed */
    struct tree *all;
    size_t count;
    uint16_t *owner; /* by page number less one: index in all, plus one */
    uint32_t unreadable;
};

static int copy_name(const struct cell_value *value, char name_r[64])
{
    if (value->type != SQLITE_TEXT || value->length >= 64)
        return 0;
    memcpy(name_r, value->bytes, value->length);
    name_r[value->length] = '\0';
    return 1;
}

static int says(const struct cell_value *value, const char *text)
{
    return value->type == SQLITE_TEXT && value->length == strlen(text) && !memcmp(value->bytes, text, value->length);
}

/* A row of sqlite_schema: type, name, table, root page, SQL. */
static int read_tree(const struct trees *trees, const struct cell *cell, struct tree *tree_r)
{
    const struct cell_value *v = cell->values;

    if (cell->count != 5 || v[3].type != SQLITE_INTEGER || v[3].integer < 1 ||
        v[3].integer > pages_count(trees->pages))
        return 0;
    tree_r->is_index = says(&v[0], "index");
    tree_r->root = (uint32_t)v[3].integer;
    return (tree_r->is_index || says(&v[0], "table")) && copy_name(&v[1], tree_r->name) &&
           copy_name(&v[2], tree_r->table);
}

static void read_schema(struct trees *trees)
{
    struct cell cell = {0};

    for (uint32_t page = 1; page <= pages_count(trees->pages); page++) {
        if (cell_page_kind(trees->pages, page) != CELL_TABLE_LEAF)
            continue;
        for (int i = 0; i < cell_count(trees->pages, page) && trees->count < TREES_MAX; i++)
            if (cell_read(trees->pages, page, i, &cell) && read_tree(trees, &cell, &trees->all[trees->count]))
                trees->count++;
    }
    cell_clear(&cell);
}

/* Of pages that are marked as they are pushed, so that each is visited once. */
struct stack {
    uint32_t *pages;
    size_t count, size;
};

static void push(struct trees *trees, size_t tree, uint32_t page, struct stack *stack)
{
    if (trees->owner[page - 1])
        return;
    trees->owner[page - 1] = (uint16_t)(tree + 1);
    if (stack->count == stack->size) {
        stack->size = stack->size ? 2 * stack->size : 64;
        stack->pages = xrealloc(stack->pages, stack->size * sizeof(*stack->pages));
    }
    stack->pages[stack->count++] = page;
}

/* One that points at nowhere is not followed at all: it might take in pages of other trees. */
static int is_whole(const struct trees *trees, uint32_t page, int kind)
{
    if (kind == CELL_TABLE_LEAF || kind == CELL_INDEX_LEAF)
        return 1;
    for (int i = 0; kind && i <= cell_count(trees->pages, page); i++) {
        uint32_t child = cell_child(trees->pages, page, i);

        if (!child || child > pages_count(trees->pages))
            return 0;
    }
    return kind != 0;
}

static void mark(struct trees *trees, size_t tree)
{
    struct stack stack = {0};

    push(trees, tree, trees->all[tree].root, &stack);
    while (stack.count) {
        uint32_t page = stack.pages[--stack.count];
        int kind = cell_page_kind(trees->pages, page);

        if (!is_whole(trees, page, kind))
            trees->unreadable++;
        else if (kind == CELL_TABLE_INNER || kind == CELL_INDEX_INNER)
            for (int i = 0; i <= cell_count(trees->pages, page); i++)
                push(trees, tree, cell_child(trees->pages, page, i), &stack);
    }
    free(stack.pages);
}

struct trees *trees_find(const struct pages *pages)
{
    struct trees *trees = xcalloc(1, sizeof(*trees));

    trees->pages = pages;
    trees->all = xcalloc(TREES_MAX, sizeof(*trees->all));
    trees->owner = xcalloc(pages_count(pages), sizeof(*trees->owner));
    read_schema(trees);
    for (size_t i = 0; i < trees->count; i++)
        mark(trees, i);
    return trees;
}

void trees_free(struct trees **trees)
{
    struct trees *old = *trees;

    *trees = NULL;
    if (!old)
        return;
    free(old->all);
    free(old->owner);
    free(old);
}

const struct tree *trees_owner(const struct trees *trees, uint32_t page)
{
    size_t owner = trees->owner[page - 1];

    return owner ? &trees->all[owner - 1] : NULL;
}

uint32_t trees_unreadable(const struct trees *trees)
{
    return trees->unreadable;
}
