/* prefilter: a reader of patterns that keeps only what must be there.
 *
 * Every part of a pattern yields either the finite set of strings that it
 * matches ("exact"), or the clauses that it implies. A sequence multiplies exact
 * sets as long as they stay small, and turns them into a clause and a link of its
 * chain when they do not.
 */
#include "config.h"

#include "classifier/prefilter.h"

#include "base/mem.h"
#include "classifier/clause.h"

#include <stdlib.h>
#include <string.h>

#define SET_MAX 96       /* strings of one set */
#define PRODUCT_MAX 4   /* of a product of two: beyond it they become two clauses */
#define STRENGTH_MIN 5   /* weaker words are everywhere; see clause_strength */
#define LITERAL_MAX 60   /* bytes of a string of an exact set */
#define STRENGTH_POOR 8  /* a weaker one is no help beside a better clause */
#define DEPTH_MAX 32
#define CLASS_EXACT_MAX 4

struct part {
    int exact;            /* set holds all that the part can match, with marks (chain.h) */
    int is_gap;           /* it is so many bytes of a class */
    struct chain_gap gap;
    struct strings set;
    struct strings clauses[CLAUSE_MAX];
    size_t count;
    struct chain chain;   /* of a sequence that is not exact */
};

struct reader {
    const char *at;
    int depth;
    int lost; /* met syntax of which nothing can be said */
};

static struct part read_alternatives(struct reader *reader);

/* --- parts --------------------------------------------------------------- */

static struct part part_of(const char *text)
{
    struct part part = {.exact = 1};

    clause_add(&part.set, text);
    return part;
}

static void part_free(struct part *part)
{
    size_t i;

    strings_free(&part->set);
    for (i = 0; i < part->count; i++)
        strings_free(&part->clauses[i]);
    chain_free(&part->chain);
    *part = (struct part){0};
}

/* Takes the set; keeps the best clauses. */
static void add_clause(struct part *part, struct strings set)
{
    size_t i, worst = 0;

    if (clause_strength(&set) < STRENGTH_MIN || set.count > SET_MAX) {
        strings_free(&set);
        return;
    }
    clause_simplify(&set);
    if (part->count < CLAUSE_MAX) {
        part->clauses[part->count++] = set;
        return;
    }
    for (i = 1; i < part->count; i++)
        if (clause_worth(&part->clauses[i]) < clause_worth(&part->clauses[worst]))
            worst = i;
    if (clause_worth(&set) > clause_worth(&part->clauses[worst])) {
        struct strings gone = part->clauses[worst];

        part->clauses[worst] = set;
        set = gone;
    }
    strings_free(&set);
}

/* An exact part becomes one clause. */
static void settle(struct part *part)
{
    struct strings set = {0};
    size_t i;

    if (!part->exact)
        return;
    part->exact = 0;
    for (i = 0; i < part->set.count; i++) {
        char *word = chain_unmarked(part->set.list[i]);

        clause_add(&set, word);
        free(word);
    }
    strings_free(&part->set);
    add_clause(part, set);
}

static int small_product(const struct strings *a, const struct strings *b)
{
    return a->count == 1 || b->count == 1 || a->count * b->count <= PRODUCT_MAX;
}

static void multiply(struct part *left, struct part *right)
{
    struct strings product = {0};
    char text[2 * LITERAL_MAX + 1];
    size_t i, j;

    for (i = 0; i < left->set.count; i++) {
        for (j = 0; j < right->set.count; j++) {
            size_t a = strlen(left->set.list[i]), b = strlen(right->set.list[j]);

            memcpy(text, left->set.list[i], a);
            memcpy(text + a, right->set.list[j], b + 1);
            clause_add(&product, text);
        }
    }
    strings_free(&left->set);
    left->set = product;
    part_free(right);
}

static int is_empty(const struct part *run)
{
    return run->set.count == 1 && !*run->set.list[0];
}

/* What the run and its follower are to the chain. */
static void link_up(struct chain *chain, const struct part *run, const struct part *right)
{
    if (!is_empty(run))
        chain_add_link(chain, &run->set);
    if (right->is_gap)
        chain_add_gap(chain, &right->gap);
    else if (!right->exact)
        chain->lost = 1;
}

/* Takes right. `run` collects exact parts that follow each other. */
static void append(struct part *whole, struct part *run, struct part *right)
{
    size_t i;

    if (right->exact && small_product(&run->set, &right->set) &&
        clause_longest(&run->set) + clause_longest(&right->set) <= LITERAL_MAX) {
        multiply(run, right);
        return;
    }
    link_up(&whole->chain, run, right);
    whole->exact = 0;
    settle(run);
    for (i = 0; i < run->count; i++)
        add_clause(whole, run->clauses[i]);
    run->count = 0;
    part_free(run);
    if (right->exact) {
        *run = *right;
        return;
    }
    for (i = 0; i < right->count; i++)
        add_clause(whole, right->clauses[i]);
    right->count = 0;
    part_free(right);
    *run = part_of("");
}

/* --- pieces -------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static struct part part_of_char(char c)
{
    char text[2] = {lower(c), 0};

    return part_of(text);
}

/* One byte of a class. */
static struct part part_of_class(const struct chain_class *class)
{
    return (struct part){.is_gap = 1, .gap = {1, 1, *class}};
}

static void class_add(struct chain_class *class, unsigned char c)
{
    class->bits[c / 64] |= (uint64_t)1 << c % 64;
}

static void class_add_range(struct chain_class *class, unsigned char from, unsigned char to)
{
    unsigned c;

    for (c = from; c <= to; c++) {
        class_add(class, (unsigned char)c);
        if ((c | 32) >= 'a' && (c | 32) <= 'z')
            class_add(class, (unsigned char)(c ^ 32)); /* caseless */
    }
}

static void class_invert(struct chain_class *class)
{
    size_t i;

    for (i = 0; i < 4; i++)
        class->bits[i] = ~class->bits[i];
}

/* \d, \w, \s and their opposites, as PCRE2 has them without UTF. 0: none of these. */
static int class_add_escape(struct chain_class *class, char c)
{
    struct chain_class more = {0};
    size_t i;

    if (lower(c) == 's') {
        class_add_range(&more, '\t', '\r');
        class_add(&more, ' ');
    } else if (lower(c) == 'd' || lower(c) == 'w') {
        class_add_range(&more, '0', '9');
    } else {
        return 0;
    }
    if (lower(c) == 'w') {
        class_add_range(&more, 'a', 'z');
        class_add(&more, '_');
    }
    if (c != lower(c))
        class_invert(&more);
    for (i = 0; i < 4; i++)
        class->bits[i] |= more.bits[i];
    return 1;
}

static struct part read_escape(struct reader *reader)
{
    struct chain_class class = {0};
    char c = *reader->at;

    if (!c)
        return (struct part){0};
    reader->at++;
    if (strchr("bAz", c))
        return part_of_char(c == 'b' ? MARK_BOUNDARY : c == 'A' ? MARK_START : MARK_END);
    if (class_add_escape(&class, c))
        return part_of_class(&class);
    if (strchr("BZhHvVRnrtfae", c))
        return (struct part){0};
    if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')) {
        reader->lost = 1;
        return (struct part){0};
    }
    return part_of_char(c);
}

/* What stands between "[" or "[^" and "]". 0: it holds what is not understood here. */
static int read_members(struct reader *reader, struct chain_class *class_r, struct strings *set_r)
{
    const char *start = reader->at;
    int understood = 1;

    for (; *reader->at && (*reader->at != ']' || reader->at == start); reader->at++) {
        char text[2] = {lower(*reader->at), 0};

        if (*reader->at == '\\' && reader->at[1]) {
            text[0] = *++reader->at;
            if (class_add_escape(class_r, text[0]))
                continue;
            understood &= !chain_is_word(text[0]);
        } else if (*reader->at == '[' && strchr(":.=", reader->at[1])) {
            understood = 0;
        } else if (reader->at[1] == '-' && reader->at[2] && reader->at[2] != ']') {
            understood &= reader->at[2] != '\\' && reader->at[2] != '[';
            class_add_range(class_r, (unsigned char)*reader->at, (unsigned char)reader->at[2]);
            reader->at += 2;
            continue;
        }
        class_add_range(class_r, (unsigned char)text[0], (unsigned char)text[0]);
        clause_add(set_r, text);
    }
    return understood;
}

static int has_exactly(const struct chain_class *class, const struct strings *set)
{
    struct chain_class other = {0};
    size_t i;

    for (i = 0; i < set->count; i++)
        class_add_range(&other, (unsigned char)*set->list[i], (unsigned char)*set->list[i]);
    return !memcmp(&other, class, sizeof(other));
}

/* [abc] with few members is a set of its own, any other class a gap. */
static struct part read_class(struct reader *reader)
{
    struct chain_class class = {0};
    struct part part = {.exact = 1};
    int inverted = *reader->at == '^', understood;

    reader->at += inverted;
    understood = read_members(reader, &class, &part.set);
    reader->lost |= !understood; /* "[[:digit:]]", say, ends elsewhere */
    if (*reader->at)
        reader->at++;
    if (!inverted && understood && part.set.count <= CLASS_EXACT_MAX && has_exactly(&class, &part.set))
        return part;
    part_free(&part);
    if (inverted)
        class_invert(&class);
    return understood ? part_of_class(&class) : part;
}

static struct part read_group(struct reader *reader)
{
    struct part part;

    if (*reader->at == '?' && reader->at[1] == ':')
        reader->at += 2;
    else if (*reader->at == '?' || *reader->at == '*')
        reader->lost = 1; /* options, look-arounds, verbs: leave it to the pattern */
    part = read_alternatives(reader);
    if (*reader->at == ')')
        reader->at++;
    return part;
}

static struct part read_atom(struct reader *reader)
{
    struct chain_class any = {0};
    char c = *reader->at++;

    switch (c) {
    case '\\':
        return read_escape(reader);
    case '[':
        return read_class(reader);
    case '(':
        return read_group(reader);
    case '.':
        class_invert(&any);
        return part_of_class(&any);
    case '^':
        return part_of_char(MARK_START);
    case '$':
        return part_of_char(MARK_END);
    default:
        return part_of_char(c);
    }
}

/* A number of at most five digits; *at_io is left behind it. */
static int read_number(const char **at_io, unsigned *number_r)
{
    const char *start = *at_io;

    for (*number_r = 0; **at_io >= '0' && **at_io <= '9' && *at_io - start < 5; ++*at_io)
        *number_r = *number_r * 10 + (unsigned)(**at_io - '0');
    return *at_io > start;
}

/* "{2}", "{2,}", "{2,5}"; anything else in braces stands for itself. */
static const char *read_braces(const char *at, unsigned *min_r, unsigned *max_r)
{
    at++;
    if (!read_number(&at, min_r))
        return NULL;
    *max_r = *min_r;
    if (*at == ',' && (at++, !read_number(&at, max_r)))
        *max_r = CHAIN_ENDLESS;
    return *at == '}' ? at + 1 : NULL;
}

/* "?", "*", "+" or braces: 1 and the numbers, or 0 when there is none. */
static int read_quantifier(struct reader *reader, unsigned *min_r, unsigned *max_r)
{
    const char *behind = reader->at + 1;
    char c = *reader->at;

    *min_r = c == '+';
    *max_r = c == '?' ? 1 : CHAIN_ENDLESS;
    if (c == '{')
        behind = read_braces(reader->at, min_r, max_r);
    if (!behind || (c != '{' && c != '?' && c != '*' && c != '+'))
        return 0;
    reader->at = behind;
    if (*reader->at == '+')
        reader->lost = 1; /* possessive: gives nothing back */
    if (*reader->at == '?' || *reader->at == '+')
        reader->at++;
    return 1;
}

/* "?" makes an exact part optional; of anything else what must be there once is kept. */
static void quantify(struct reader *reader, struct part *part)
{
    unsigned min, max;

    if (!read_quantifier(reader, &min, &max))
        return;
    if (part->is_gap) {
        part->gap.min = min;
        part->gap.max = max;
        return;
    }
    if (!min && max == 1 && part->exact && part->set.count < SET_MAX) {
        clause_add(&part->set, "");
        return;
    }
    settle(part);
    if (!min)
        part_free(part);
}

static struct part read_sequence(struct reader *reader)
{
    struct part whole = {.exact = 1}, run = part_of("");
    size_t i;

    while (*reader->at && *reader->at != '|' && *reader->at != ')') {
        struct part right = read_atom(reader);

        quantify(reader, &right);
        append(&whole, &run, &right);
    }
    if (whole.exact)
        return run;
    link_up(&whole.chain, &run, &(struct part){.exact = 1});
    settle(&run);
    for (i = 0; i < run.count; i++)
        add_clause(&whole, run.clauses[i]);
    run.count = 0;
    part_free(&run);
    return whole;
}

static const struct strings *best_clause(const struct part *part)
{
    const struct strings *best = NULL;
    size_t i;

    for (i = 0; i < part->count; i++)
        if (!best || clause_worth(&part->clauses[i]) > clause_worth(best))
            best = &part->clauses[i];
    return best;
}

/* Takes right. One of two: exact when both are, else one of the two's best clauses. */
static void either(struct part *left, struct part *right)
{
    struct strings both = {0};
    const struct strings *a, *b;

    if (left->exact && right->exact && left->set.count + right->set.count <= SET_MAX) {
        clause_add_all(&left->set, &right->set);
        part_free(right);
        return;
    }
    settle(left);
    settle(right);
    a = best_clause(left);
    b = best_clause(right);
    if (a && b) {
        clause_add_all(&both, a);
        clause_add_all(&both, b);
    }
    part_free(left);
    part_free(right);
    left->chain.lost = 1;
    if (both.count)
        add_clause(left, both);
}

static struct part read_alternatives(struct reader *reader)
{
    struct part part;

    if (++reader->depth > DEPTH_MAX) {
        reader->lost = 1;
        reader->at += strlen(reader->at);
        return (struct part){0};
    }
    part = read_sequence(reader);
    while (*reader->at == '|') {
        struct part right;

        reader->at++;
        right = read_sequence(reader);
        either(&part, &right);
    }
    reader->depth--;
    return part;
}

static void drop_poor(struct part *part)
{
    const struct strings *best = best_clause(part);
    size_t i;

    if (!best || clause_strength(best) < STRENGTH_POOR)
        return;
    for (i = 0; i < part->count; i++) {
        if (clause_strength(&part->clauses[i]) >= STRENGTH_POOR)
            continue;
        strings_free(&part->clauses[i]);
        part->clauses[i--] = part->clauses[--part->count];
    }
}

void prefilter_create(const char *pattern, struct prefilter *prefilter_r)
{
    struct reader reader = {.at = pattern};
    struct part part = read_alternatives(&reader);
    size_t i;

    *prefilter_r = (struct prefilter){0};
    if (*reader.at || reader.lost) /* *reader.at: a stray ")" */
        part_free(&part);
    prefilter_r->is_set = part.exact;
    if (part.exact)
        chain_add_link(&part.chain, &part.set);
    chain_end(&part.chain);
    prefilter_r->chain = part.chain;
    settle(&part);
    drop_poor(&part);
    for (i = 0; i < part.count; i++) {
        clause_shorten(&part.clauses[i]);
        clause_simplify(&part.clauses[i]);
    }
    memcpy(prefilter_r->clauses, part.clauses, sizeof(part.clauses));
    prefilter_r->count = part.count;
}

void prefilter_free(struct prefilter *prefilter)
{
    size_t i;

    for (i = 0; i < prefilter->count; i++)
        strings_free(&prefilter->clauses[i]);
    chain_free(&prefilter->chain);
    prefilter->count = 0;
}
