/* ruleset: read the files, put the rules in order, compile, prove. */
#include "config.h"

#include "classifier/ruleset.h"

#include "base/hash.h"
#include "base/mem.h"
#include "classifier/rule_files.h"
#include "classifier/ruleset_data.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_file(void *context, const struct rule_file *file, struct error *error)
{
    return rulebook_read(context, file->name, file->text, file->local, error);
}

/* --- order and names ----------------------------------------------------- */

static int class_of(const struct rule *rule)
{
    return rule->local ? 0 : rule->providers.count ? 1 : 2;
}

/* Local, then provider, then general rules, each in the order read. */
static void put_in_order(struct ruleset *ruleset)
{
    struct rulebook *book = &ruleset->book;
    struct rule *sorted = xcalloc(book->rule_count + 1, sizeof(*sorted));
    size_t i, used = 0;
    int class;

    for (class = 0; class < 3; class++) {
        for (i = 0; i < book->rule_count; i++)
            if (class_of(&book->rules[i]) == class)
                sorted[used++] = book->rules[i];
        if (!class)
            ruleset->local_count = used;
    }
    free(book->rules);
    book->rules = sorted;
}

static int resolve_provider(const struct rulebook *book, struct rule *rule, const char *name,
                            struct error *error)
{
    size_t i;

    for (i = 0; i < book->provider_count; i++) {
        if (!strcmp(book->providers[i].name, name)) {
            rule->provider_mask |= (uint64_t)1 << i;
            return 0;
        }
    }
    return error_set(error, ERROR_INPUT, "%s:%d: rule \"%s\": no such provider: %s", rule->file,
                     rule->line, rule->id, name);
}

static int resolve_providers(struct rulebook *book, struct error *error)
{
    size_t i, j;

    for (i = 0; i < book->rule_count; i++)
        for (j = 0; j < book->rules[i].providers.count; j++)
            if (resolve_provider(book, &book->rules[i], book->rules[i].providers.list[j], error))
                return -1;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(const struct rule *const *)a)->id, (*(const struct rule *const *)b)->id);
}

static int check_ids(const struct rulebook *book, struct error *error)
{
    const struct rule **sorted = xcalloc(book->rule_count + 1, sizeof(*sorted));
    const struct rule *first, *second;
    size_t i;
    int result = 0;

    for (i = 0; i < book->rule_count; i++)
        sorted[i] = &book->rules[i];
    qsort(sorted, book->rule_count, sizeof(*sorted), by_id);
    for (i = 1; i < book->rule_count && !result; i++) {
        first = sorted[i - 1];
        second = sorted[i];
        if (!strcmp(first->id, second->id))
            result = error_set(error, ERROR_INPUT, "%s:%d: rule \"%s\" exists already (%s:%d)",
                               second->file, second->line, second->id, first->file, first->line);
    }
    free(sorted);
    return result;
}

/* --- compile ------------------------------------------------------------- */

/* What the matcher wants to know of a book. */
struct material {
    const char **patterns, **samples;
    size_t count, sample_count;
};

static void make_room(const struct rulebook *book, struct material *material_r)
{
    size_t patterns = 0, samples = 0, i;

    for (i = 0; i < book->rule_count; i++) {
        patterns += book->rules[i].patterns.count;
        samples += book->rules[i].examples.count + book->rules[i].counters.count;
    }
    for (i = 0; i < book->provider_count; i++)
        patterns += book->providers[i].hints.count;
    material_r->patterns = xcalloc(patterns + 1, sizeof(*material_r->patterns));
    material_r->samples = xcalloc(samples + 1, sizeof(*material_r->samples));
    material_r->count = patterns;
    material_r->sample_count = samples;
}

static size_t add_all(const char **to, size_t used, const struct strings *strings)
{
    size_t i;

    for (i = 0; i < strings->count; i++)
        to[used++] = strings->list[i];
    return used;
}

/* Hints first: who the provider is must be known before rules can apply. */
static void collect(struct ruleset *ruleset, struct material *material)
{
    const struct rulebook *book = &ruleset->book;
    size_t used = 0, owned = 0, samples = 0, i;

    for (i = 0; i < book->provider_count; i++) {
        used = add_all(material->patterns, used, &book->providers[i].hints);
        while (owned < used)
            ruleset->owner[owned++] = (int)i;
    }
    ruleset->hint_count = (unsigned)used;
    for (i = 0; i < book->rule_count; i++) {
        used = add_all(material->patterns, used, &book->rules[i].patterns);
        samples = add_all(material->samples, samples, &book->rules[i].examples);
        samples = add_all(material->samples, samples, &book->rules[i].counters);
        while (owned < used)
            ruleset->owner[owned++] = (int)i;
    }
}

/* Puts file, line and name in front of what the matcher says of a pattern. */
static int bad_pattern(const struct ruleset *ruleset, size_t index, const char *pattern,
                       struct error *error)
{
    int owner = ruleset->owner[index];

    if (index < ruleset->hint_count) {
        const struct provider *provider = &ruleset->book.providers[owner];

        return error_prefix(error, "%s:%d: provider \"%s\": bad pattern '%.200s'", provider->file,
                            provider->line, provider->name, pattern);
    }
    return error_prefix(error, "%s:%d: rule \"%s\": bad pattern '%.200s'",
                        ruleset->book.rules[owner].file, ruleset->book.rules[owner].line,
                        ruleset->book.rules[owner].id, pattern);
}

static int compile(struct ruleset *ruleset, struct error *error)
{
    struct material material;
    struct matcher_input input;
    size_t bad;
    int result = 0;

    make_room(&ruleset->book, &material);
    ruleset->owner = xcalloc(material.count + 1, sizeof(*ruleset->owner));
    collect(ruleset, &material);
    input = (struct matcher_input){material.patterns, material.count, material.samples,
                                   material.sample_count};
    if (!material.count) {
        result = error_set(error, ERROR_INPUT, "there are no rules");
    } else if (!(ruleset->matcher = matcher_create(&input, &bad, error))) {
        result = bad < material.count
                     ? bad_pattern(ruleset, bad, material.patterns[bad], error)
                     : -1;
    }
    free(material.patterns);
    free(material.samples);
    return result;
}

/* --- version ------------------------------------------------------------- */

static uint64_t hash(uint64_t sum, const char *text)
{
    if (!text)
        text = "";
    return hash_bytes(sum, text, strlen(text) + 1); /* the NUL parts it from the next */
}

static uint64_t hash_strings(uint64_t sum, const struct strings *strings)
{
    size_t i;

    for (i = 0; i < strings->count; i++)
        sum = hash(sum, strings->list[i]);
    return hash(sum, "\n");
}

/* What can change a verdict, and nothing else: not notes, not examples. */
static void set_version(struct ruleset *ruleset)
{
    uint64_t sum = HASH_OF_NOTHING;
    size_t i;
    int reason;

    for (reason = 0; reason < REASON_COUNT; reason++) {
        const struct reason_info *info = reason_info((enum reason)reason);

        sum = hash(hash(hash(sum, info->name), info->subject), hygiene_name(info->hygiene));
    }
    for (i = 0; i < ruleset->book.provider_count; i++) {
        const struct provider *provider = &ruleset->book.providers[i];

        sum = hash_strings(hash(sum, provider->name), &provider->mx);
        sum = hash_strings(hash_strings(sum, &provider->domains), &provider->hints);
    }
    for (i = 0; i < ruleset->book.rule_count; i++) {
        const struct rule *rule = &ruleset->book.rules[i];

        sum = hash_strings(hash(sum, rule->id), &rule->providers);
        sum = hash_strings(hash_strings(sum, &rule->codes), &rule->statuses);
        sum = hash_strings(sum, &rule->patterns);
        sum = hash(sum, reason_info(rule->reason)->name) + rule->stage_mask;
    }
    snprintf(ruleset->version, sizeof(ruleset->version), "%016llx", (unsigned long long)sum);
}

/* --- the whole ----------------------------------------------------------- */

struct ruleset *ruleset_build(struct rulebook *book_take, struct error *error)
{
    struct ruleset *ruleset = xcalloc(1, sizeof(*ruleset));
    struct rulebook *book = &ruleset->book;

    *book = *book_take;
    *book_take = (struct rulebook){0};
    atomic_init(&ruleset->count, 1);
    if (resolve_providers(book, error) < 0 || check_ids(book, error) < 0)
        goto failed;
    put_in_order(ruleset);
    if (compile(ruleset, error) < 0)
        goto failed;
    ruleset->hosts = provider_index_create(book->providers, book->provider_count, 0);
    ruleset->domains = provider_index_create(book->providers, book->provider_count, 1);
    set_version(ruleset);
    malloc_trim(0); /* compiling takes many times what the result needs */
    return ruleset;
failed:
    ruleset_unref(&ruleset);
    return NULL;
}

/* Everything but the proof. */
static struct ruleset *build(const char *shipped_dir, const char *local_dir, struct error *error)
{
    struct rulebook book = {0};

    if (rule_files_each(shipped_dir, local_dir, take_file, &book, error) == 0)
        return ruleset_build(&book, error);
    rulebook_free(&book);
    return NULL;
}

static void keep_first(void *context, const char *text)
{
    struct error *error = context;

    if (!error->code)
        error_set(error, ERROR_INPUT, "%s", text);
}

struct ruleset *ruleset_load(const char *shipped_dir, const char *local_dir, struct error *error)
{
    struct ruleset *ruleset = build(shipped_dir, local_dir, error);

    if (!ruleset)
        return NULL;
    error->code = ERROR_NONE;
    if (ruleset_prove(ruleset, keep_first, error, error))
        ruleset_unref(&ruleset);
    return ruleset;
}

struct ruleset *ruleset_ref(struct ruleset *ruleset)
{
    atomic_fetch_add(&ruleset->count, 1);
    return ruleset;
}

void ruleset_unref(struct ruleset **ruleset)
{
    struct ruleset *gone = *ruleset;

    *ruleset = NULL;
    if (!gone || atomic_fetch_sub(&gone->count, 1) > 1)
        return;
    matcher_free(&gone->matcher);
    if (gone->hosts)
        provider_index_free(&gone->hosts);
    if (gone->domains)
        provider_index_free(&gone->domains);
    free(gone->owner);
    rulebook_free(&gone->book);
    free(gone);
}

const char *ruleset_version(const struct ruleset *ruleset)
{
    return ruleset->version;
}

size_t ruleset_size(const struct ruleset *ruleset)
{
    return ruleset->book.rule_count;
}
