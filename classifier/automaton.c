/* automaton: a trie of the words, completed to a table of states and classes.
 *
 * A cell holds the number of the next state. States in which words end have the
 * highest numbers, so that one comparison tells them.
 */
#include "config.h"

#include "classifier/automaton.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 40 /* cells a row: classes of bytes */
#define STATES_MAX 65536

enum { CLASS_OTHER, CLASS_SPACE = 27, CLASS_DIGIT, CLASS_DOT, CLASS_DASH, CLASS_HIGH /* and seven more */ };

struct automaton {
    unsigned char class_of[256];
    uint16_t *cells;
    unsigned speaking;       /* states from here on have words */
    unsigned *first, *words; /* words that end in state s: words[first[s]] .. words[first[s + 1]] */
};

/* What is only needed while it grows. */
struct growth {
    struct automaton *automaton;
    uint32_t *cells; /* as in the automaton, with the numbers in order of birth */
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

    if (growth->states == growth->room) {
        growth->room = growth->room ? growth->room * 2 : 1024;
        growth->cells = xrealloc(growth->cells,
                                    growth->room * WIDTH * sizeof(uint32_t));
        growth->word = xrealloc(growth->word, growth->room * sizeof(*growth->word));
    }
    memset(growth->cells + growth->states * WIDTH, 0,
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

        if (!growth->cells[cell]) {
            unsigned next = add_state(growth); /* may move the cells */

            growth->cells[cell] = next;
        }
        state = growth->cells[cell];
    }
    growth->word[state] = index;
}

/* Breadth first: a state's fail state is shallower, so its row is complete. */
static void complete(struct growth *growth)
{
    size_t head = 0, tail = 1;
    unsigned class;

    growth->fail = xcalloc(growth->states, sizeof(*growth->fail));
    growth->order = xcalloc(growth->states, sizeof(*growth->order));
    for (head = 0; head < tail; head++) {
        unsigned state = growth->order[head], fail = growth->fail[state];
        uint32_t *row = growth->cells + (size_t)state * WIDTH;
        const uint32_t *below = growth->cells + (size_t)fail * WIDTH;

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

/* New numbers: first the states without words, the root being one of them. */
static void renumber(struct growth *growth)
{
    struct automaton *automaton = growth->automaton;
    unsigned *number = xcalloc(growth->states + 1, sizeof(*number)), next = 0;
    unsigned *first = xcalloc(growth->states + 1, sizeof(*first));
    size_t i, class;
    int speaks;

    for (speaks = 0; speaks < 2; speaks++) {
        for (i = 0; i < growth->states; i++)
            if ((automaton->first[i] < automaton->first[i + 1]) == speaks)
                number[i] = next++;
        if (!speaks)
            automaton->speaking = next;
    }
    automaton->cells = xcalloc(growth->states * WIDTH, sizeof(*automaton->cells));
    for (i = 0; i < growth->states; i++) {
        for (class = 0; class < WIDTH; class++)
            automaton->cells[number[i] * WIDTH + class] =
                (uint16_t)number[growth->cells[i * WIDTH + class]];
        first[number[i]] = automaton->first[i]; /* the silent ones have none between them */
    }
    first[growth->states] = automaton->first[growth->states];
    free(automaton->first);
    free(number);
    automaton->first = first;
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
    if (growth.states > STATES_MAX) {
        free(growth.cells);
        free(growth.word);
        free(automaton);
        return NULL;
    }
    complete(&growth);
    list_words(&growth);
    renumber(&growth);
    free(growth.cells);
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
    const uint16_t *cells = automaton->cells;
    unsigned state = 0, i;

    for (; at < end; at++) {
        state = cells[state * WIDTH + automaton->class_of[*at]];
        if (state < automaton->speaking)
            continue;
        for (i = automaton->first[state]; i < automaton->first[state + 1]; i++)
            found(context, automaton->words[i],
                  (unsigned)(at + 1 - (const unsigned char *)text));
    }
}
