/* matcher_build: patterns to clauses and links, clauses to grams and marks. */
#include "config.h"

#include "classifier/matcher.h"

#include "base/mem.h"
#include "classifier/clause.h"
#include "classifier/eight.h"
#include "classifier/expand.h"
#include "classifier/grams.h"
#include "classifier/matcher_data.h"
#include "classifier/prefilter.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that grow. */
struct numbers {
    unsigned *list;
    size_t count;
};

/* What a pattern needs: of a chain one clause a link. */
struct needs {
    struct strings clauses[NEEDS_MAX];
    size_t count;
};

struct build {
    struct matcher *matcher;
    struct numbers *called; /* by gram */
    size_t called_count;    /* grams that have an entry there */
    unsigned variant_count, link_count, stem_count, mark_count;
    int is_full;            /* more grams than there are numbers */
};

static void add_number(struct numbers *numbers, unsigned number)
{
    if (numbers->count && numbers->list[numbers->count - 1] == number)
        return;
    numbers->list = xrealloc(numbers->list, (numbers->count + 1) * sizeof(*numbers->list));
    numbers->list[numbers->count++] = number;
}

/* --- needs ----------------------------------------------------------------- */

static void needs_of(const struct prefilter *prefilter, struct needs *needs_r)
{
    const struct chain *chain = &prefilter->chain;
    size_t i, j;

    *needs_r = (struct needs){.count = chain->count ? chain->count : prefilter->count};
    for (i = 0; i < chain->count; i++)
        for (j = 0; j < chain->links[i].count; j++)
            clause_add(&needs_r->clauses[i], chain->links[i].words[j].text);
    for (i = 0; i < prefilter->count && !chain->count; i++)
        clause_add_all(&needs_r->clauses[i], &prefilter->clauses[i]);
}

static void needs_free(struct needs *needs)
{
    size_t i;

    for (i = 0; i < needs->count; i++)
        strings_free(&needs->clauses[i]);
}

static size_t shortest(const struct strings *clause)
{
    size_t least = SIZE_MAX, i;

    for (i = 0; i < clause->count; i++)
        if (strlen(clause->list[i]) < least)
            least = strlen(clause->list[i]);
    return clause->count ? least : 0;
}

/* Of equally rare clauses the one with fewer words is the rarer. ULONG_MAX: its words
 * cannot be looked for. */
static unsigned long commonness(const struct build *build, const struct strings *clause)
{
    unsigned long sum = 0;
    size_t i;

    if (shortest(clause) < GRAM_WORD_MIN)
        return ULONG_MAX;
    for (i = 0; i < clause->count; i++)
        sum += grams_commonness(build->matcher->grams, clause->list[i]) + 1;
    return sum;
}

/* The rarest clause is the caller; count when there is none. */
static size_t caller_of(const struct build *build, const struct needs *needs)
{
    unsigned long least = ULONG_MAX, sum;
    size_t best = needs->count, i;

    for (i = 0; i < needs->count; i++) {
        sum = commonness(build, &needs->clauses[i]);
        if (sum < least) {
            least = sum;
            best = i;
        }
    }
    return best;
}

/* --- callers --------------------------------------------------------------- */

static void call(struct build *build, unsigned gram, unsigned pattern)
{
    size_t count = grams_count(build->matcher->grams);

    if (count > build->called_count) {
        build->called = xrealloc(build->called, count * sizeof(*build->called));
        memset(build->called + build->called_count, 0,
               (count - build->called_count) * sizeof(*build->called));
        build->called_count = count;
    }
    add_number(&build->called[gram], pattern);
}

/* word: its number within the link; of no use where the pattern is no chain. */
static void add_caller(struct build *build, unsigned index, const char *text, unsigned word)
{
    struct matcher *matcher = build->matcher;
    struct gram_word grams;
    size_t i;

    if (grams_add(matcher->grams, text, &grams)) {
        build->is_full = 1;
        return;
    }
    matcher->stems = xrealloc(matcher->stems, (build->stem_count + grams.count) * sizeof(*matcher->stems));
    for (i = 0; i < grams.count; i++) {
        call(build, grams.ids[i], index);
        matcher->stems[build->stem_count++] =
            (struct stem){(uint16_t)word, grams.ids[i], (uint16_t)grams.offset};
    }
}

static void add_callers(struct build *build, unsigned index, struct variant *variant,
                        const struct strings *clause)
{
    size_t i;

    variant->stem = build->stem_count;
    for (i = 0; i < clause->count; i++)
        add_caller(build, index, clause->list[i], (unsigned)i);
    variant->stem_count = (uint16_t)(build->stem_count - variant->stem);
}

/* A clause with a word too short for a mark cannot be asked for. */
static void add_also(struct build *build, struct variant *variant, const struct strings *clause)
{
    struct matcher *matcher = build->matcher;
    size_t i;

    if (shortest(clause) < GRAM_SIZE)
        return;
    matcher->marks = xrealloc(matcher->marks, (build->mark_count + clause->count + 2) *
                                                  sizeof(*matcher->marks));
    matcher->marks[build->mark_count++] = (uint16_t)clause->count;
    for (i = 0; i < clause->count; i++)
        matcher->marks[build->mark_count++] = grams_mark(matcher->grams, clause->list[i]);
    matcher->marks[build->mark_count++] = GRAM_MARK_ANY;
    variant->also_count++;
}

/* --- links ----------------------------------------------------------------- */

static uint16_t class_of(struct matcher *matcher, const struct chain_class *class)
{
    size_t i;

    for (i = 0; i < matcher->class_count; i++)
        if (!memcmp(&matcher->classes[i], class, sizeof(*class)))
            return (uint16_t)i;
    matcher->classes = xrealloc(matcher->classes, (i + 1) * sizeof(*matcher->classes));
    matcher->classes[i] = *class;
    matcher->class_count++;
    return (uint16_t)i;
}

/* Setting bit 5 takes some bytes for others that are no letters. */
static int is_exact(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text | 0x20;

        if (c >= 0x7f || (c >= 0x60 && (c < 'a' || c > 'z')))
            return 0;
    }
    return 1;
}

static struct link_word link_word_of(const char *text, unsigned edges)
{
    size_t length = strlen(text), head = length < 8 ? length : 8;
    struct link_word word = {.length = (uint16_t)length, .edges = (uint16_t)edges};
    char first[8] = {0};

    memcpy(first, text, head);
    word.mask = head == 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * head) - 1;
    word.key = (eight_load(first) | EIGHT(0x20)) & word.mask;
    word.is_exact = (uint32_t)is_exact(text);
    if (length > head || !word.is_exact) {
        word.text = xcalloc(length / 8 + 1, 8);
        memcpy(word.text, text, length);
    }
    return word;
}

static void add_link(struct build *build, const struct chain_link *link)
{
    struct matcher *matcher = build->matcher;
    struct link made = {
        .first = (uint32_t)matcher->link_word_count,
        .count = (uint16_t)link->count,
        .class = class_of(matcher, &link->gap.class),
        .gap_min = link->gap.min,
        .gap_max = link->gap.max,
    };
    size_t i;

    matcher->link_words =
        xrealloc(matcher->link_words,
                 (matcher->link_word_count + link->count + 1) * sizeof(*matcher->link_words));
    for (i = 0; i < link->count; i++) {
        const char *text = link->words[i].text;

        made.is_empty |= !*text;
        made.begins |= *text ? UINT64_C(1) << link_bit(*text) : 0;
        made.ends |= *text ? UINT64_C(1) << link_bit(text[strlen(text) - 1]) : 0;
        matcher->link_words[matcher->link_word_count++] =
            link_word_of(text, link->words[i].edges);
    }
    matcher->links = xrealloc(matcher->links, (build->link_count + 1) * sizeof(*matcher->links));
    matcher->links[build->link_count++] = made;
}

/* A bit for each byte of a class. */
static uint64_t bits_of(const struct chain_class *class)
{
    uint64_t bits = 0;
    unsigned c;

    for (c = 0; c < 256; c++)
        bits |= (uint64_t)chain_has(class, (char)c) << link_bit((char)c);
    return bits;
}

static uint64_t bits_of_gap(const struct matcher *matcher, const struct link *link)
{
    return link->gap_max ? bits_of(&matcher->classes[link->class]) : 0;
}

/* A link without a word begins as what is behind it does, and ends as what is in front. */
static void look_beyond(struct matcher *matcher, struct link *links, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (links[i].is_empty)
            links[i].ends |= !i ? ~UINT64_C(0)
                                : bits_of_gap(matcher, &links[i]) |
                                      (links[i].gap_min ? 0 : links[i - 1].ends);
    for (i = count; i-- > 0;)
        if (links[i].is_empty)
            links[i].begins |= i + 1 == count ? ~UINT64_C(0)
                                              : bits_of_gap(matcher, &links[i + 1]) |
                                                    (links[i + 1].gap_min ? 0 : links[i + 1].begins);
}

/* --- patterns -------------------------------------------------------------- */

static void add_variant(struct build *build, unsigned index, const char *text)
{
    struct matcher *matcher = build->matcher;
    struct variant variant = {.also = build->mark_count, .link = build->link_count};
    struct prefilter prefilter;
    struct needs needs;
    size_t caller, i;

    prefilter_create(text, &prefilter);
    needs_of(&prefilter, &needs);
    caller = caller_of(build, &needs);
    if (caller == needs.count)
        matcher->always[index / 64] |= (uint64_t)1 << index % 64;
    else
        add_callers(build, index, &variant, &needs.clauses[caller]);
    for (i = 0; i < needs.count; i++)
        if (i != caller)
            add_also(build, &variant, &needs.clauses[i]);
    variant.caller = (uint8_t)caller;
    variant.link_count = (uint8_t)prefilter.chain.count;
    for (i = 0; i < prefilter.chain.count; i++)
        add_link(build, &prefilter.chain.links[i]);
    look_beyond(matcher, matcher->links + variant.link, prefilter.chain.count);
    matcher->variants =
        xrealloc(matcher->variants, (build->variant_count + 1) * sizeof(*matcher->variants));
    matcher->variants[build->variant_count++] = variant;
    needs_free(&needs);
    prefilter_free(&prefilter);
}

static void take_apart(struct build *build, unsigned index, const char *text)
{
    struct strings texts;
    size_t i;

    build->matcher->ways[index] = build->variant_count;
    if (expand_pattern(text, &texts))
        for (i = 0; i < texts.count; i++)
            add_variant(build, index, texts.list[i]);
    else
        add_variant(build, index, text);
    build->matcher->variants[build->variant_count - 1].is_last = 1;
    strings_free(&texts);
}

/* A chain is compiled too, to tell whether it is a good pattern, but never tried. */
static int compile_pattern(struct matcher *matcher, size_t index, const char *text,
                           struct error *error)
{
    struct compiled *compiled = &matcher->codes[index];
    PCRE2_UCHAR problem[200];
    PCRE2_SIZE offset;
    int why;

    compiled->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                  PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE |
                                      PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C |
                                      PCRE2_DOLLAR_ENDONLY,
                                  &why, &offset, NULL);
    if (!compiled->code) {
        pcre2_get_error_message(why, problem, sizeof(problem));
        return error_set(error, ERROR_INPUT, "%s at character %zu", (char *)problem, offset + 1);
    }
    /* No machine code where the system forbids it: slower, nothing else. */
    if (!matcher->variants[matcher->ways[index]].link_count)
        compiled->fast = !pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE);
    return 0;
}

static int take_patterns(struct build *build, const struct matcher_input *input, size_t *bad_r,
                         struct error *error)
{
    size_t i;

    for (i = 0; i < input->count; i++) {
        *bad_r = i;
        take_apart(build, (unsigned)i, input->patterns[i]);
        if (compile_pattern(build->matcher, i, input->patterns[i], error))
            return -1;
    }
    *bad_r = input->count;
    if (build->is_full)
        return error_set(error, ERROR_INPUT, "the rules hold too many words");
    return 0;
}

static struct lists lists_of(const struct numbers *numbers, size_t count)
{
    struct lists lists = {xcalloc(count + 1, sizeof(*lists.first)), NULL};
    size_t total = 0, i;

    for (i = 0; i < count; i++)
        total += numbers[i].count;
    lists.items = xcalloc(total + 1, sizeof(*lists.items));
    for (total = i = 0; i < count; i++) {
        lists.first[i] = (unsigned)total;
        if (numbers[i].count)
            memcpy(lists.items + total, numbers[i].list, numbers[i].count * sizeof(*lists.items));
        total += numbers[i].count;
    }
    lists.first[count] = (unsigned)total;
    return lists;
}

struct matcher *matcher_create(const struct matcher_input *input, size_t *bad_r, struct error *error)
{
    const struct chain_class any = {{~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)}};
    struct matcher *matcher = xcalloc(1, sizeof(*matcher));
    struct build build = {.matcher = matcher};
    int result;
    size_t i;

    matcher->grams = grams_create(input->samples, input->sample_count);
    matcher->pattern_count = input->count;
    matcher->ways = xcalloc(input->count + 1, sizeof(*matcher->ways));
    matcher->codes = xcalloc(input->count + 1, sizeof(*matcher->codes));
    matcher->always = xcalloc(matcher_chunks(input->count), sizeof(*matcher->always));
    /* Never NULL: an empty range of them is a range all the same. */
    matcher->links = xcalloc(1, sizeof(*matcher->links));
    matcher->link_words = xcalloc(1, sizeof(*matcher->link_words));
    matcher->stems = xcalloc(1, sizeof(*matcher->stems));
    matcher->marks = xcalloc(1, sizeof(*matcher->marks));
    (void)class_of(matcher, &any);
    result = take_patterns(&build, input, bad_r, error);
    grams_seal(matcher->grams);
    matcher->gram_count = build.called_count;
    matcher->called = lists_of(build.called, build.called_count);
    for (i = 0; i < build.called_count; i++)
        free(build.called[i].list);
    free(build.called);
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
        pcre2_code_free(gone->codes[i].code);
    for (i = 0; i < gone->link_word_count; i++)
        free(gone->link_words[i].text);
    grams_free(&gone->grams);
    free(gone->called.first);
    free(gone->called.items);
    free(gone->variants);
    free(gone->links);
    free(gone->link_words);
    free(gone->classes);
    free(gone->stems);
    free(gone->marks);
    free(gone->ways);
    free(gone->codes);
    free(gone->always);
    free(gone);
}
