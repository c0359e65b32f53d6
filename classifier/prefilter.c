/* prefilter: a reader of patterns that keeps only what must be there.
 *
 * Every part of a pattern yields either the finite set of strings that it
 * matches ("exact"), or the clauses that it implies. A sequence multiplies exact
 * sets as long as they stay small, and turns them into a clause when they do not.
 */
#include "config.h"

#include "classifier/prefilter.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SET_MAX 96       /* strings of one set */
#define PRODUCT_MAX 12   /* of a product of two: beyond it they become two clauses */
#define STRENGTH_MIN 5   /* weaker words are everywhere; see strength() */
#define LEAD_MIN 4       /* weaker words begin everywhere */
#define LITERAL_MAX 32
#define WORD_MAX 9       /* of a clause in the end: more tells little and fills the tables */
#define STRENGTH_POOR 8  /* a weaker one is no help beside a better clause */
#define DEPTH_MAX 32
#define CLASS_EXACT_MAX 4

struct part {
    int exact;            /* set holds all that the part can match */
    int anchored;         /* it also asks something of its surroundings: \b, ^, $ */
    struct strings set;
    struct strings lead;  /* what every match begins with; empty: not known */
    struct strings clauses[CLAUSE_MAX];
    size_t count;
};

struct reader {
    const char *at;
    int depth;
    int lost; /* met syntax of which nothing can be said */
};

static struct part read_alternatives(struct reader *reader);

/* --- sets ---------------------------------------------------------------- */

static void set_add(struct strings *set, const char *text)
{
    set->list = xrealloc(set->list, (set->count + 1) * sizeof(*set->list));
    set->list[set->count++] = xstrdup(text);
}

static struct part part_of(const char *text)
{
    struct part part = {.exact = 1};

    set_add(&part.set, text);
    return part;
}

static void part_free(struct part *part)
{
    size_t i;

    strings_free(&part->set);
    strings_free(&part->lead);
    for (i = 0; i < part->count; i++)
        strings_free(&part->clauses[i]);
    *part = (struct part){0};
}

/* Letters tell twice as much as spaces, digits and marks, of which texts are full. */
static size_t strength(const char *word)
{
    size_t sum = 0;

    for (; *word; word++)
        sum += (*word >= 'a' && *word <= 'z') || (unsigned char)*word >= 0x80 ? 2 : 1;
    return sum;
}

static size_t weakest(const struct strings *set)
{
    size_t least = 2 * LITERAL_MAX, i;

    for (i = 0; i < set->count; i++)
        if (strength(set->list[i]) < least)
            least = strength(set->list[i]);
    return set->count ? least : 0;
}

/* Words that stand in every other reply. */
static int is_common(const char *word)
{
    static const char *const common[] = {
        "mail",   "message", "recipient", "address", "user",     "mailbox", "reject", "block",
        "sender", "domain",  "host",      "server",  "error",    "not ",    "this ",  "your ",
        "from",   "please",  "email",     "spam",    "rejected", "account", " for ",  "the "};
    size_t i;

    for (i = 0; i < sizeof(common) / sizeof(*common); i++)
        if (!strcmp(word, common[i]))
            return 1;
    return 0;
}

/* Rare words tell more: long ones, few of them, no common one among them. */
long prefilter_worth(const struct strings *clause)
{
    long sum = (long)weakest(clause) * 8 - (long)clause->count;
    size_t i;

    for (i = 0; i < clause->count; i++)
        sum -= is_common(clause->list[i]) ? 40 : 0;
    return sum;
}

static void drop_string(struct strings *set, size_t i)
{
    free(set->list[i]);
    set->list[i] = set->list[--set->count];
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A word that holds another word of the set adds nothing. */
static void simplify(struct strings *set)
{
    size_t i, j;

    for (i = 0; i < set->count; i++) {
        for (j = 0; j < set->count; j++) {
            if (i == j || !strstr(set->list[i], set->list[j]))
                continue;
            drop_string(set, i--);
            break;
        }
    }
    qsort(set->list, set->count, sizeof(*set->list), by_text);
}

/* Takes the set; keeps the best clauses. */
static void add_clause(struct part *part, struct strings set)
{
    size_t i, worst = 0;

    if (weakest(&set) < STRENGTH_MIN || set.count > SET_MAX) {
        strings_free(&set);
        return;
    }
    simplify(&set);
    if (part->count < CLAUSE_MAX) {
        part->clauses[part->count++] = set;
        return;
    }
    for (i = 1; i < part->count; i++)
        if (prefilter_worth(&part->clauses[i]) < prefilter_worth(&part->clauses[worst]))
            worst = i;
    if (prefilter_worth(&set) > prefilter_worth(&part->clauses[worst])) {
        struct strings gone = part->clauses[worst];

        part->clauses[worst] = set;
        set = gone;
    }
    strings_free(&set);
}

static struct strings copy_of(const struct strings *set)
{
    struct strings copy = {0};
    size_t i;

    for (i = 0; i < set->count; i++)
        set_add(&copy, set->list[i]);
    return copy;
}

/* An exact part becomes one clause, and its own lead. */
static void settle(struct part *part)
{
    struct strings set = part->set;

    if (!part->exact)
        return;
    part->exact = 0;
    part->set = (struct strings){0};
    if (set.count <= SET_MAX && weakest(&set) >= LEAD_MIN)
        part->lead = copy_of(&set);
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
            set_add(&product, text);
        }
    }
    strings_free(&left->set);
    left->set = product;
    left->anchored |= right->anchored;
    part_free(right);
}

static size_t longest(const struct strings *set)
{
    size_t most = 0, i;

    for (i = 0; i < set->count; i++)
        if (strlen(set->list[i]) > most)
            most = strlen(set->list[i]);
    return most;
}

/* A lead is known only at the very beginning: before anything else was read. */
static void take_lead(struct part *whole, struct part *from)
{
    if (!whole->exact)
        return;
    whole->exact = 0;
    whole->lead = from->lead;
    from->lead = (struct strings){0};
}

static int is_nothing(const struct part *run)
{
    return run->set.count == 1 && !*run->set.list[0];
}

/* Takes right. `run` collects exact parts that follow each other. */
static void append(struct part *whole, struct part *run, struct part *right)
{
    size_t i;

    if (right->exact && small_product(&run->set, &right->set) &&
        longest(&run->set) + longest(&right->set) <= LITERAL_MAX) {
        multiply(run, right);
        return;
    }
    if (!is_nothing(run) || right->exact) {
        settle(run);
        take_lead(whole, run);
    } else {
        take_lead(whole, right);
    }
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

static struct part part_anchor(void)
{
    struct part part = part_of("");

    part.anchored = 1;
    return part;
}

static struct part read_escape(struct reader *reader)
{
    char c = *reader->at;

    if (!c)
        return (struct part){0};
    reader->at++;
    if (strchr("bBAzZ", c))
        return part_anchor();
    if (strchr("dDwWsShHvVRnrtfae", c))
        return (struct part){0};
    if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')) {
        reader->lost = 1;
        return (struct part){0};
    }
    return part_of_char(c);
}

/* [abc] with few members is a set of its own; anything else is any character. */
static struct part read_class(struct reader *reader)
{
    struct part part = {.exact = 1};
    int plain = *reader->at != '^';
    const char *start = reader->at += !plain;

    for (; *reader->at && (*reader->at != ']' || reader->at == start); reader->at++) {
        char text[2] = {lower(*reader->at), 0};

        if (*reader->at == '\\' || *reader->at == '[' ||
            (*reader->at == '-' && reader->at != start && reader->at[1] != ']'))
            plain = 0;
        if (*reader->at == '[' && reader->at[1] == ':' && strstr(reader->at, ":]"))
            reader->at = strstr(reader->at, ":]") + 1;
        if (*reader->at == '\\' && reader->at[1])
            reader->at++;
        set_add(&part.set, text);
    }
    if (*reader->at)
        reader->at++;
    if (!plain || part.set.count > CLASS_EXACT_MAX)
        part_free(&part);
    return part;
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
    char c = *reader->at++;

    switch (c) {
    case '\\':
        return read_escape(reader);
    case '[':
        return read_class(reader);
    case '(':
        return read_group(reader);
    case '.':
        return (struct part){0};
    case '^':
    case '$':
        return part_anchor();
    default:
        return part_of_char(c);
    }
}

/* What a quantifier leaves: "?" makes an exact part optional, "*" and "{0,n}"
 * leave nothing, "+" and "{1,n}" leave what must be there once. */
static void quantify(struct reader *reader, struct part *part)
{
    char c = *reader->at;
    int least_one = c == '+' || (c == '{' && reader->at[1] != '0' && reader->at[1] != ',');

    if (c == '{' && !strchr("0123456789", reader->at[1]))
        return;
    if (c != '?' && c != '*' && c != '+' && c != '{')
        return;
    reader->at++;
    while (c == '{' && *reader->at && *reader->at++ != '}')
        ;
    if (*reader->at == '?' || *reader->at == '+')
        reader->at++;
    if (c == '?' && part->exact && part->set.count < SET_MAX) {
        set_add(&part->set, "");
        return;
    }
    settle(part);
    if (!least_one)
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
        if (!best || prefilter_worth(&part->clauses[i]) > prefilter_worth(best))
            best = &part->clauses[i];
    return best;
}

static void take_all(struct strings *to, const struct strings *from)
{
    size_t i;

    for (i = 0; i < from->count; i++)
        set_add(to, from->list[i]);
}

/* Takes right. One of two: exact when both are, else one of the two's best clauses. */
static void either(struct part *left, struct part *right)
{
    struct strings both = {0}, lead = {0};
    const struct strings *a, *b;

    if (left->exact && right->exact && left->set.count + right->set.count <= SET_MAX) {
        take_all(&left->set, &right->set);
        left->anchored |= right->anchored;
        part_free(right);
        return;
    }
    settle(left);
    settle(right);
    if (left->lead.count && right->lead.count &&
        left->lead.count + right->lead.count <= SET_MAX) {
        lead = left->lead;
        left->lead = (struct strings){0};
        take_all(&lead, &right->lead);
    }
    a = best_clause(left);
    b = best_clause(right);
    if (a && b) {
        take_all(&both, a);
        take_all(&both, b);
    }
    part_free(left);
    part_free(right);
    left->lead = lead;
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

/* Long words are cut to their beginnings. Returns 1 when none was. */
static int shorten(struct strings *set)
{
    int whole = 1;
    size_t i;

    for (i = 0; i < set->count; i++) {
        size_t length = strlen(set->list[i]);

        if (length <= WORD_MAX)
            continue;
        set->list[i][WORD_MAX] = 0;
        whole = 0;
    }
    return whole;
}

/* Of words that begin alike the shortest says where to look. */
static void keep_beginnings(struct strings *set)
{
    size_t i, used = 0;

    if (!set->count)
        return;
    qsort(set->list, set->count, sizeof(*set->list), by_text);
    for (i = 1; i < set->count; i++) {
        if (!strncmp(set->list[i], set->list[used], strlen(set->list[used])))
            free(set->list[i]);
        else
            set->list[++used] = set->list[i];
    }
    set->count = used + 1;
}

static void drop_poor(struct part *part)
{
    const struct strings *best = best_clause(part);
    size_t i;

    if (!best || weakest(best) < STRENGTH_POOR)
        return;
    for (i = 0; i < part->count; i++) {
        if (weakest(&part->clauses[i]) >= STRENGTH_POOR)
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
    prefilter_r->sufficient = part.exact && !part.anchored;
    settle(&part);
    drop_poor(&part);
    for (i = 0; i < part.count; i++) {
        if (!shorten(&part.clauses[i]))
            prefilter_r->sufficient = 0;
        simplify(&part.clauses[i]);
    }
    shorten(&part.lead);
    keep_beginnings(&part.lead);
    prefilter_r->lead = part.lead;
    memcpy(prefilter_r->clauses, part.clauses, sizeof(part.clauses));
    prefilter_r->count = part.count;
    if (!part.count)
        prefilter_r->sufficient = 0;
}

void prefilter_free(struct prefilter *prefilter)
{
    size_t i;

    for (i = 0; i < prefilter->count; i++)
        strings_free(&prefilter->clauses[i]);
    strings_free(&prefilter->lead);
    prefilter->count = 0;
}
