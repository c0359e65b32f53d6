/* matcher: words to clauses to patterns. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "classifier/matcher.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "classifier/automaton.h"
#include "classifier/prefilter.h"

#define MATCH_LIMIT 50000       /* steps of one try */
#define CONFIRM_MAX 2000        /* tries on one text */
#define PLACE_MAX 2048          /* places of leading words that are remembered */
#define NO_CLAUSE ((unsigned)-1)
#define JIT_STACK_MAX (256u << 10)

/* Lists of lists, one array each: those of i lie in items[first[i]] .. items[first[i + 1]]. */
struct lists {
    unsigned *first, *items;
    size_t count, used;
};

struct matcher {
    size_t pattern_count, clause_count;
    struct automaton *words;
    struct lists clauses_of;      /* word -> clauses */
    struct lists patterns_of;     /* clause -> patterns of which it is the rarest */
    unsigned (*also)[CLAUSE_MAX]; /* other clauses that a pattern needs, or NO_CLAUSE */
    unsigned char *sufficient;    /* no try needed */
    unsigned char *fast;          /* compiled to machine code */
    unsigned *lead;               /* clause with one of whose words every match begins, or NO_CLAUSE */
    struct word *table;           /* of the words */
    unsigned char *leads;         /* is the clause any pattern's lead? */
    unsigned *always;             /* patterns without clauses */
    size_t always_count;
    pcre2_code **codes;
};

/* What the scan of a text needs to know of a word and of a clause: together, so
 * that each costs one line of the processor's cache. */
struct word {
    unsigned first; /* its clauses, from here in clauses_of.items */
    unsigned short count;
    unsigned short length;
};

struct clause {
    unsigned seen;  /* epoch in which it was met */
    unsigned place; /* where its first word stands in that epoch: index of a place */
    unsigned first; /* patterns of which it is the rarest, from here in patterns_of.items */
    unsigned short count;
    unsigned short lead; /* is it any pattern's lead? */
};

/* A place where a word of a clause begins. */
struct place {
    unsigned start, next; /* next: index, 0 at the end */
};

struct scan {
    const struct matcher *matcher;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    unsigned epoch;               /* number of the text; saves clearing the tables below */
    struct clause *clauses;
    unsigned place_count;         /* index 0 is not used */
    struct place places[PLACE_MAX];
    unsigned *candidates;
    size_t candidate_count, tries;
};

/* --- building ------------------------------------------------------------ */

/* A word or clause on its way into the tables. */
struct entry {
    char *key;
    struct entry *next;
    unsigned id;
    unsigned *users;
    size_t count;
};

#define BUCKETS 4096

struct table {
    struct entry *buckets[BUCKETS];
    struct entry **list; /* by id */
    size_t count;
};

static unsigned hash_key(const char *key)
{
    unsigned hash = 2166136261u;

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash % BUCKETS;
}

static struct entry *intern(struct table *table, const char *key)
{
    struct entry **bucket = &table->buckets[hash_key(key)], *entry;

    for (entry = *bucket; entry; entry = entry->next)
        if (!strcmp(entry->key, key))
            return entry;
    entry = xcalloc(1, sizeof(*entry));
    entry->key = xstrdup(key);
    entry->id = (unsigned)table->count;
    entry->next = *bucket;
    *bucket = entry;
    table->list = xrealloc(table->list, (table->count + 1) * sizeof(struct entry *));
    table->list[table->count++] = entry;
    return entry;
}

static void add_user(struct entry *entry, unsigned user)
{
    if (entry->count && entry->users[entry->count - 1] == user)
        return;
    entry->users = xrealloc(entry->users, (entry->count + 1) * sizeof(*entry->users));
    entry->users[entry->count++] = user;
}

static void table_free(struct table *table)
{
    size_t i;

    for (i = 0; i < table->count; i++) {
        free(table->list[i]->key);
        free(table->list[i]->users);
        free(table->list[i]);
    }
    free(table->list);
}

static struct lists lists_of(const struct table *table)
{
    struct lists lists = {.count = table->count};
    size_t i;

    for (i = 0; i < table->count; i++)
        lists.used += table->list[i]->count;
    lists.first = xcalloc(table->count + 1, sizeof(*lists.first));
    lists.items = xcalloc(lists.used + 1, sizeof(*lists.items));
    lists.used = 0;
    for (i = 0; i < table->count; i++) {
        lists.first[i] = (unsigned)lists.used;
        if (table->list[i]->count)
            memcpy(lists.items + lists.used, table->list[i]->users,
                   table->list[i]->count * sizeof(unsigned));
        lists.used += table->list[i]->count;
    }
    lists.first[table->count] = (unsigned)lists.used;
    return lists;
}

/* Equal clauses of different patterns are one. */
static struct entry *intern_clause(struct table *clauses, const struct strings *clause)
{
    struct entry *entry;
    size_t length = 1, i;
    char *key, *end;

    for (i = 0; i < clause->count; i++)
        length += strlen(clause->list[i]) + 1;
    end = key = xmalloc(length);
    for (i = 0; i < clause->count; i++) {
        end = stpcpy(end, clause->list[i]);
        *end++ = '\n';
    }
    *end = 0;
    entry = intern(clauses, key);
    free(key);
    return entry;
}

/* The clause of these words, made if need be. */
static unsigned clause_of(struct matcher *matcher, unsigned pattern, struct strings *words,
                          struct table *literals, struct table *clauses)
{
    size_t known = clauses->count, i;
    struct entry *clause = intern_clause(clauses, words);

    for (i = 0; i < words->count; i++) {
        if (!automaton_fold(words->list[i]))
            matcher->sufficient[pattern] = 0;
        if (clauses->count > known)
            add_user(intern(literals, words->list[i]), clause->id);
    }
    return clause->id;
}

/* The rarest clause calls for the pattern, the others are asked for then. */
static void take_apart(struct matcher *matcher, unsigned pattern, const char *text,
                       struct table *literals, struct table *clauses)
{
    struct strings *sets[CLAUSE_MAX + 1], *swap;
    struct prefilter prefilter;
    size_t count, i;
    unsigned id;

    prefilter_create(text, &prefilter);
    matcher->sufficient[pattern] = (unsigned char)prefilter.sufficient;
    for (count = 0; count < prefilter.count; count++)
        sets[count] = &prefilter.clauses[count];
    if (prefilter.lead.count && !prefilter.sufficient)
        sets[count++] = &prefilter.lead;
    for (i = 1; i < count; i++) {
        if (prefilter_worth(sets[i]) > prefilter_worth(sets[0])) {
            swap = sets[0];
            sets[0] = sets[i];
            sets[i] = swap;
        }
    }
    for (i = 0; i < count; i++) {
        int is_lead = sets[i] == &prefilter.lead;

        id = clause_of(matcher, pattern, sets[i], literals, clauses);
        if (is_lead)
            matcher->lead[pattern] = id;
        if (i)
            matcher->also[pattern][i - 1] = id;
        else
            add_user(clauses->list[id], pattern);
    }
    if (!count)
        matcher->always[matcher->always_count++] = pattern;
    prefilter_free(&prefilter);
}

static struct automaton *automaton_of(const struct table *words)
{
    const char **texts = xcalloc(words->count + 1, sizeof(*texts));
    struct automaton *automaton;
    size_t i;

    for (i = 0; i < words->count; i++)
        texts[i] = words->list[i]->key;
    automaton = automaton_create(texts, words->count);
    free(texts);
    return automaton;
}

static int compile_pattern(struct matcher *matcher, size_t i, const char *pattern,
                           struct error *error)
{
    PCRE2_UCHAR text[200];
    PCRE2_SIZE offset;
    int why;

    matcher->codes[i] =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF |
                          PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
                          (matcher->lead[i] == NO_CLAUSE ? 0 : PCRE2_ANCHORED),
                      &why, &offset, NULL);
    if (!matcher->codes[i]) {
        pcre2_get_error_message(why, text, sizeof(text));
        return error_set(error, ERROR_INPUT, "%s at character %zu", (char *)text, offset + 1);
    }
    /* No machine code where the system forbids it: slower, nothing else. */
    matcher->fast[i] = !pcre2_jit_compile(matcher->codes[i], PCRE2_JIT_COMPLETE);
    return 0;
}

struct matcher *matcher_create(const char *const *patterns, size_t count, size_t *bad_r,
                               struct error *error)
{
    struct matcher *matcher = xcalloc(1, sizeof(*matcher));
    struct table *literals = xcalloc(1, sizeof(*literals)), *clauses = xcalloc(1, sizeof(*clauses));
    size_t i;
    int result = 0;

    matcher->pattern_count = count;
    matcher->also = xcalloc(count + 1, sizeof(*matcher->also));
    memset(matcher->also, 0xff, (count + 1) * sizeof(*matcher->also)); /* NO_CLAUSE */
    matcher->sufficient = xcalloc(count + 1, 1);
    matcher->fast = xcalloc(count + 1, 1);
    matcher->always = xcalloc(count + 1, sizeof(*matcher->always));
    matcher->lead = xcalloc(count + 1, sizeof(*matcher->lead));
    matcher->codes = xcalloc(count + 1, sizeof(pcre2_code *));
    *bad_r = count;
    for (i = 0; i < count; i++)
        matcher->lead[i] = NO_CLAUSE;
    for (i = 0; i < count && !result; i++) {
        take_apart(matcher, (unsigned)i, patterns[i], literals, clauses);
        result = compile_pattern(matcher, i, patterns[i], error);
        if (result)
            *bad_r = i;
    }
    matcher->words = automaton_of(literals);
    if (!matcher->words && !result)
        result = error_set(error, ERROR_INPUT, "the rules hold too many words");
    matcher->clause_count = clauses->count;
    matcher->leads = xcalloc(clauses->count + 1, 1);
    for (i = 0; i < count; i++)
        if (matcher->lead[i] != NO_CLAUSE)
            matcher->leads[matcher->lead[i]] = 1;
    matcher->clauses_of = lists_of(literals);
    matcher->patterns_of = lists_of(clauses);
    matcher->table = xcalloc(literals->count + 1, sizeof(*matcher->table));
    for (i = 0; i < literals->count; i++)
        matcher->table[i] = (struct word){matcher->clauses_of.first[i],
                                          (unsigned short)literals->list[i]->count,
                                          (unsigned short)strlen(literals->list[i]->key)};
    table_free(literals);
    table_free(clauses);
    free(literals);
    free(clauses);
    if (result)
        matcher_free(&matcher);
    return matcher;
}

void matcher_free(struct matcher **matcher)
{
    struct matcher *gone = *matcher;
    size_t i;

    *matcher = NULL;
    if (!gone)
        return;
    for (i = 0; i < gone->pattern_count; i++)
        pcre2_code_free(gone->codes[i]);
    if (gone->words)
        automaton_free(&gone->words);
    free(gone->codes);
    free(gone->clauses_of.first);
    free(gone->clauses_of.items);
    free(gone->patterns_of.first);
    free(gone->patterns_of.items);
    free(gone->also);
    free(gone->sufficient);
    free(gone->fast);
    free(gone->lead);
    free(gone->table);
    free(gone->leads);
    free(gone->always);
    free(gone);
}

/* --- scanning ------------------------------------------------------------ */

struct scan *scan_create(const struct matcher *matcher)
{
    struct scan *scan = xcalloc(1, sizeof(*scan));
    size_t i;

    scan->matcher = matcher;
    scan->data = pcre2_match_data_create(1, NULL);
    scan->context = pcre2_match_context_create(NULL);
    scan->stack = pcre2_jit_stack_create(32 << 10, JIT_STACK_MAX, NULL);
    pcre2_set_match_limit(scan->context, MATCH_LIMIT);
    pcre2_jit_stack_assign(scan->context, NULL, scan->stack);
    scan->clauses = xcalloc(matcher->clause_count + 1, sizeof(*scan->clauses));
    for (i = 0; i < matcher->clause_count; i++) {
        scan->clauses[i].first = matcher->patterns_of.first[i];
        scan->clauses[i].count = (unsigned short)(matcher->patterns_of.first[i + 1] -
                                                  matcher->patterns_of.first[i]);
        scan->clauses[i].lead = matcher->leads[i];
    }
    scan->candidates = xcalloc(matcher->pattern_count + 1, sizeof(*scan->candidates));
    return scan;
}

void scan_free(struct scan **scan)
{
    struct scan *gone = *scan;

    *scan = NULL;
    if (!gone)
        return;
    pcre2_match_data_free(gone->data);
    pcre2_match_context_free(gone->context);
    pcre2_jit_stack_free(gone->stack);
    free(gone->clauses);
    free(gone->candidates);
    free(gone);
}

static void remember(struct scan *scan, struct clause *clause, unsigned start)
{
    if (scan->place_count == PLACE_MAX)
        return; /* see everywhere() */
    scan->places[scan->place_count] = (struct place){start, clause->place};
    clause->place = scan->place_count++;
}

static void meet(struct scan *scan, struct clause *clause)
{
    const unsigned *pattern = scan->matcher->patterns_of.items + clause->first;
    unsigned i;

    clause->seen = scan->epoch;
    for (i = 0; i < clause->count; i++)
        scan->candidates[scan->candidate_count++] = pattern[i];
}

static void on_word(void *context, unsigned id, unsigned end)
{
    struct scan *scan = context;
    const struct word *word = &scan->matcher->table[id];
    const unsigned *item = scan->matcher->clauses_of.items + word->first;
    const unsigned *last = item + word->count;

    for (; item < last; item++) {
        struct clause *clause = &scan->clauses[*item];
        int again = clause->seen == scan->epoch;

        if (clause->lead) {
            clause->place = again ? clause->place : 0;
            remember(scan, clause, end - word->length);
        }
        if (!again)
            meet(scan, clause);
    }
}

static void next_epoch(struct scan *scan)
{
    size_t i;

    if (++scan->epoch)
        return;
    for (i = 0; i < scan->matcher->clause_count; i++)
        scan->clauses[i].seen = 0;
    scan->epoch = 1;
}

/* Keeps the candidates all of whose clauses were met. */
static void sift(struct scan *scan)
{
    size_t kept = 0, i, j;

    for (i = 0; i < scan->candidate_count; i++) {
        unsigned pattern = scan->candidates[i];
        const unsigned *also = scan->matcher->also[pattern];

        for (j = 0; j < CLAUSE_MAX && also[j] != NO_CLAUSE; j++)
            if (scan->clauses[also[j]].seen != scan->epoch)
                break;
        if (j == CLAUSE_MAX || also[j] == NO_CLAUSE)
            scan->candidates[kept++] = pattern;
    }
    scan->candidate_count = kept;
}

size_t scan_text(struct scan *scan, const char *text, size_t length, const unsigned **list_r)
{
    next_epoch(scan);
    memcpy(scan->candidates, scan->matcher->always,
           scan->matcher->always_count * sizeof(*scan->candidates));
    scan->candidate_count = scan->matcher->always_count;
    scan->tries = 0;
    scan->place_count = 1;
    automaton_scan(scan->matcher->words, text, length, on_word, scan);
    sift(scan);
    *list_r = scan->candidates;
    return scan->candidate_count;
}

static int try_at(struct scan *scan, unsigned pattern, const char *text, size_t length,
                  size_t start)
{
    if (++scan->tries > CONFIRM_MAX)
        return 0;
    return (scan->matcher->fast[pattern] ? pcre2_jit_match : pcre2_match)(
               scan->matcher->codes[pattern], (PCRE2_SPTR)text, length, start, 0, scan->data,
               scan->context) >= 0;
}

/* A text so full of words that not all places were kept is searched through. */
static int everywhere(struct scan *scan, unsigned pattern, const char *text, size_t length)
{
    size_t start;

    for (start = 0; start < length; start++)
        if (try_at(scan, pattern, text, length, start))
            return 1;
    return 0;
}

int scan_confirm(struct scan *scan, unsigned pattern, const char *text, size_t length)
{
    unsigned lead = scan->matcher->lead[pattern], i;

    if (scan->matcher->sufficient[pattern])
        return 1;
    if (lead == NO_CLAUSE)
        return try_at(scan, pattern, text, length, 0);
    if (scan->place_count == PLACE_MAX)
        return everywhere(scan, pattern, text, length);
    for (i = scan->clauses[lead].place; i; i = scan->places[i].next)
        if (try_at(scan, pattern, text, length, scan->places[i].start))
            return 1;
    return 0;
}
