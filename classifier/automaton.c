/* automaton: a trie of the words, completed to a table of states and classes.
 *
 * A cell holds where the next state's row begins; its lowest bit says that words
 * end there.
 */
#include "config.h"

#include "classifier/automaton.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define WIDTH 40 /* cells a row: classes of bytes; even */

enum { CLASS_OTHER, CLASS_SPACE = 27, CLASS_DIGIT, CLASS_DOT, CLASS_DASH, CLASS_HIGH /* and seven more */ };

struct automaton {
    unsigned char class_of[256];
    uint32_t *cells;
    unsigned *first, *words; /* words that end in state s: words[first[s]] .. words[first[s + 1]] */
};

/* What is only needed while it grows. */
struct growth {
    struct automaton *automaton;
    size_t states, room;
    unsigned *fail;  /* the longest proper suffix that is a state too */
    int *word;       /* the word that ends here, or -1 */
    unsigned *order; /* states by depth */
};

static int class_of(unsigned char c)
{
    if ((c | 32) >= 'a' && (c | 32) <= 'z')
        return (c | 32) - 'a' + 1;
    if (c >= '0' && c <= '9')
        return CLASS_DIGIT;
    if (c >= 0x80)
        return CLASS_HIGH + (c & 7);
    return c == ' ' ? CLASS_SPACE : c == '.' ? CLASS_DOT : c == '-' ? CLASS_DASH : CLASS_OTHER;
}

int automaton_fold(char *word)
{
    int exact = 1, class;

    for (; *word; word++) {
        class = class_of((unsigned char)*word);
        exact &= class != CLASS_OTHER && class != CLASS_DIGIT && class < CLASS_HIGH;
        *word = "!abcdefghijklmnopqrstuvwxyz 0.-\x80\x81\x82\x83\x84\x85\x86\x87"[class];
    }
    return exact;
}

static unsigned add_state(struct growth *growth)
{
    struct automaton *automaton = growth->automaton;

    if (growth->states == growth->room) {
        growth->room = growth->room ? growth->room * 2 : 1024;
        automaton->cells = xrealloc(automaton->cells,
                                    growth->room * WIDTH * sizeof(uint32_t));
        growth->word = xrealloc(growth->word, growth->room * sizeof(*growth->word));
    }
    memset(automaton->cells + growth->states * WIDTH, 0,
           WIDTH * sizeof(uint32_t));
    growth->word[growth->states] = -1;
    return (unsigned)growth->states++;
}

static void add_word(struct growth *growth, const char *word, int index)
{
    struct automaton *automaton = growth->automaton;
    const unsigned char *at;
    unsigned state = 0;

    for (at = (const unsigned char *)word; *at; at++) {
        size_t cell = (size_t)state * WIDTH + automaton->class_of[*at];

        if (!automaton->cells[cell]) {
            unsigned next = add_state(growth); /* may move the cells */

            automaton->cells[cell] = next;
        }
        state = automaton->cells[cell];
    }
    growth->word[state] = index;
}

/* Breadth first: a state's fail state is shallower, so its row is complete. */
static void complete(struct growth *growth)
{
    struct automaton *automaton = growth->automaton;
    size_t head = 0, tail = 1;
    unsigned class;

    growth->fail = xcalloc(growth->states, sizeof(*growth->fail));
    growth->order = xcalloc(growth->states, sizeof(*growth->order));
    for (head = 0; head < tail; head++) {
        unsigned state = growth->order[head], fail = growth->fail[state];
        uint32_t *row = automaton->cells + (size_t)state * WIDTH;
        const uint32_t *below = automaton->cells + (size_t)fail * WIDTH;

        for (class = 0; class < WIDTH; class++) {
            if (!row[class]) {
                row[class] = state ? below[class] : 0;
                continue;
            }
            growth->fail[row[class]] = state ? below[class] : 0;
            growth->order[tail++] = row[class];
        }
    }
}

/* Words that end in a state: its own and those of its fail state. */
static void list_words(struct growth *growth)
{
    struct automaton *automaton = growth->automaton;
    unsigned *count = xcalloc(growth->states + 1, sizeof(*count)), used = 0;
    size_t i;

    for (i = 0; i < growth->states; i++) {
        unsigned state = growth->order[i];

        count[state] = (growth->word[state] >= 0) + (i ? count[growth->fail[state]] : 0);
    }
    automaton->first = xcalloc(growth->states + 1, sizeof(*automaton->first));
    for (i = 0; i < growth->states; i++) {
        automaton->first[i] = used;
        used += count[i];
    }
    automaton->first[growth->states] = used;
    automaton->words = xcalloc(used + 1, sizeof(*automaton->words));
    for (i = 1; i < growth->states; i++) {
        unsigned state = growth->order[i], fail = growth->fail[state];
        unsigned *to = automaton->words + automaton->first[state];

        if (growth->word[state] >= 0)
            *to++ = (unsigned)growth->word[state];
        memcpy(to, automaton->words + automaton->first[fail], count[fail] * sizeof(*to));
    }
    free(count);
}

/* State numbers become row offsets with the mark of a word's end. */
static void finish_cells(struct growth *growth)
{
    struct automaton *automaton = growth->automaton;
    size_t i;

    for (i = 0; i < growth->states * WIDTH; i++) {
        unsigned state = automaton->cells[i];

        automaton->cells[i] = state * WIDTH +
                              (automaton->first[state] < automaton->first[state + 1]);
    }
    automaton->cells = xrealloc(automaton->cells,
                                growth->states * WIDTH * sizeof(uint32_t));
}

struct automaton *automaton_create(const char *const *words, size_t count)
{
    struct automaton *automaton = xcalloc(1, sizeof(*automaton));
    struct growth growth = {.automaton = automaton};
    size_t i;

    for (i = 0; i < 256; i++)
        automaton->class_of[i] = (unsigned char)class_of((unsigned char)i);
    add_state(&growth);
    for (i = 0; i < count; i++)
        add_word(&growth, words[i], (int)i);
    complete(&growth);
    list_words(&growth);
    finish_cells(&growth);
    free(growth.fail);
    free(growth.order);
    free(growth.word);
    return automaton;
}

void automaton_free(struct automaton **automaton)
{
    if (!*automaton)
        return;
    free((*automaton)->cells);
    free((*automaton)->first);
    free((*automaton)->words);
    free(*automaton);
    *automaton = NULL;
}

void automaton_scan(const struct automaton *automaton, const char *text, size_t length,
                    void (*found)(void *context, unsigned word, unsigned end), void *context)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    const uint32_t *cells = automaton->cells;
    uint32_t row = 0;

    for (; at < end; at++) {
        uint32_t cell = cells[row + automaton->class_of[*at]];
        unsigned state, i;

        row = cell & ~1u;
        if (!(cell & 1))
            continue;
        state = row / WIDTH;
        for (i = automaton->first[state]; i < automaton->first[state + 1]; i++)
            found(context, automaton->words[i], (unsigned)(at + 1 - (const unsigned char *)text));
    }
}
