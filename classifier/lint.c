/* See lint.h. */
#include "config.h"

#include "classifier/lint.h"

#include "base/mem.h"
#include "classifier/rule_files.h"
#include "classifier/ruleset.h"
#include "classifier/ruleset_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lint {
    struct rulebook book; /* what has no fault so far */
    const struct lint_request *request;
    int findings;
};

static void report(struct lint *lint, const char *finding)
{
    lint->request->report(lint->request->context, finding);
    lint->findings++;
}

static void report_rule(struct lint *lint, const struct rule *rule, const char *what,
                        const char *detail)
{
    char *text = xasprintf("%s:%d: rule \"%s\"%s%s", rule->file, rule->line, rule->id, what, detail);

    report(lint, text);
    free(text);
}

/* --- reading ------------------------------------------------------------- */

static void add_provider(struct lint *lint, struct provider *provider)
{
    struct rulebook *book = &lint->book, one = {0};
    const char *why = book->provider_count == PROVIDER_MAX ? "one provider too many" : NULL;
    char *text;
    size_t i;

    for (i = 0; i < book->provider_count && !why; i++)
        if (!strcmp(book->providers[i].name, provider->name))
            why = "stands there already";
    if (!why) {
        book->providers =
            xrealloc(book->providers, (book->provider_count + 1) * sizeof(*book->providers));
        book->providers[book->provider_count++] = *provider;
        return;
    }
    text = xasprintf("%s:%d: provider \"%s\": %s", provider->file, provider->line, provider->name, why);
    report(lint, text);
    free(text);
    one.providers = xmalloc(sizeof(*provider));
    *one.providers = *provider;
    one.provider_count = 1;
    rulebook_free(&one);
}

/* Takes what the book holds. */
static void add_book(struct lint *lint, struct rulebook *book)
{
    struct rulebook *all = &lint->book;
    size_t i;

    for (i = 0; i < book->provider_count; i++)
        add_provider(lint, &book->providers[i]);
    all->rules = xrealloc(all->rules, (all->rule_count + book->rule_count + 1) * sizeof(*all->rules));
    if (book->rule_count)
        memcpy(all->rules + all->rule_count, book->rules, book->rule_count * sizeof(*all->rules));
    all->rule_count += book->rule_count;
    free(book->rules);
    free(book->providers);
}

static int read_text(struct lint *lint, const struct rule_file *file, const char *text,
                     struct error *error)
{
    struct rulebook book = {0};

    if (rulebook_read(&book, file->name, text, file->local, error) < 0) {
        rulebook_free(&book);
        return -1;
    }
    add_book(lint, &book);
    return 0;
}

/* The start of the next section at the head of a line, behind the first character; or the end. */
static const char *next_section(const char *text)
{
    if (!*text)
        return text;
    while ((text = strchr(text, '\n')) && *++text)
        if (!strncmp(text, "rule ", 5) || !strncmp(text, "provider ", 9))
            return text;
    return text ? text : "";
}

/* A file that cannot be read whole, section by section: each stands behind as
 * many line ends as precede it, so that the lines are counted right. */
static void read_sections(struct lint *lint, const struct rule_file *file)
{
    const char *at = file->text, *next, *c;
    size_t lines = 0;

    for (; *at; at = next) {
        struct error error = {0};
        char *piece;
        size_t length;

        next = next_section(at);
        length = *next ? (size_t)(next - at) : strlen(at);
        piece = xmalloc(lines + length + 1);
        memset(piece, '\n', lines);
        memcpy(piece + lines, at, length);
        piece[lines + length] = '\0';
        if (read_text(lint, file, piece, &error) < 0)
            report(lint, error.text);
        free(piece);
        for (c = at; c < at + length; c++)
            lines += *c == '\n';
    }
}

static int take_file(void *context, const struct rule_file *file, struct error *error)
{
    struct lint *lint = context;
    int before = lint->findings;

    if (!read_text(lint, file, file->text, error))
        return 0;
    read_sections(lint, file);
    if (lint->findings == before)
        report(lint, error->text); /* no section has the fault: it lies between them */
    return 0;
}

static int read_all(struct lint *lint, struct error *error)
{
    const struct lint_request *request = lint->request;
    size_t i;

    for (i = 0; i < request->path_count; i++)
        if (rule_files_at(request->paths[i], !request->alone, take_file, lint, error) < 0)
            return -1;
    if (request->alone)
        return 0;
    return rule_files_each(request->shipped_dir, request->path_count ? NULL : request->local_dir,
                           take_file, lint, error);
}

/* --- each rule by itself ------------------------------------------------- */

static int knows_provider(const struct rulebook *book, const char *name)
{
    size_t i;

    for (i = 0; i < book->provider_count; i++)
        if (!strcmp(book->providers[i].name, name))
            return 1;
    return 0;
}

static int bad_provider(struct lint *lint, const struct rule *rule)
{
    int before = lint->findings;
    size_t i;

    for (i = 0; i < rule->providers.count; i++)
        if (!knows_provider(&lint->book, rule->providers.list[i]))
            report_rule(lint, rule, ": no such provider: ", rule->providers.list[i]);
    return lint->findings > before;
}

/* earlier: the rules before this one that were kept. */
static int bad_id(struct lint *lint, const struct rule *rule, size_t earlier)
{
    const struct rule *other = lint->book.rules;
    char *where;

    for (; other < lint->book.rules + earlier; other++) {
        if (strcmp(other->id, rule->id))
            continue;
        where = xasprintf("%s:%d", other->file, other->line);
        report_rule(lint, rule, " exists already: ", where);
        free(where);
        return 1;
    }
    return 0;
}

/* 1 when the pattern does not compile. */
static int bad_pattern(const char *pattern, struct error *error)
{
    const struct matcher_input input = {.patterns = &pattern, .count = 1};
    size_t bad;
    struct matcher *matcher = matcher_create(&input, &bad, error);
    int result = !matcher;

    matcher_free(&matcher);
    return result;
}

static int bad_patterns(struct lint *lint, const struct rule *rule)
{
    int before = lint->findings;
    size_t i;

    for (i = 0; i < rule->patterns.count; i++) {
        struct error error = {0};
        char *detail;

        if (!bad_pattern(rule->patterns.list[i], &error))
            continue;
        detail = xasprintf("'%s': %s", rule->patterns.list[i], error.text);
        report_rule(lint, rule, ": bad pattern ", detail);
        free(detail);
    }
    return lint->findings > before;
}

static void bad_hints(struct lint *lint)
{
    size_t i, j;

    for (i = 0; i < lint->book.provider_count; i++) {
        struct provider *provider = &lint->book.providers[i];
        size_t kept = 0;

        for (j = 0; j < provider->hints.count; j++) {
            struct error error = {0};
            char *text = provider->hints.list[j];

            if (!bad_pattern(text, &error)) {
                provider->hints.list[kept++] = text;
                continue;
            }
            snprintf(error.text, sizeof(error.text), "%s:%d: provider \"%s\": bad hint '%.200s'",
                     provider->file, provider->line, provider->name, text);
            report(lint, error.text);
            free(text);
        }
        provider->hints.count = kept;
    }
}

static void drop(struct rule *rule)
{
    struct rulebook one = {.rules = xmalloc(sizeof(*rule)), .rule_count = 1};

    *one.rules = *rule;
    rulebook_free(&one);
}

static void check_rules(struct lint *lint)
{
    struct rulebook *book = &lint->book;
    size_t kept = 0, i;

    bad_hints(lint);
    for (i = 0; i < book->rule_count; i++) {
        struct rule *rule = &book->rules[i];

        if (bad_provider(lint, rule) | bad_id(lint, rule, kept) | bad_patterns(lint, rule))
            drop(rule);
        else
            book->rules[kept++] = *rule;
    }
    book->rule_count = kept;
}

/* --- the rules together -------------------------------------------------- */

/* 1 when every text that begins with one of b's prefixes begins with one of a's. */
static int covers(const struct strings *a, const struct strings *b, char stop)
{
    size_t i, j, length;

    for (i = 0; a->count && i < b->count; i++) {
        for (j = 0; j < a->count; j++) {
            length = strlen(a->list[j]);
            if (!strncmp(a->list[j], b->list[i], length) &&
                (!stop || !b->list[i][length] || b->list[i][length] == stop))
                break;
        }
        if (j == a->count)
            return 0;
    }
    return !a->count || b->count;
}

static int covers_mask(uint64_t a, uint64_t b)
{
    return !a || (b && !(b & ~a));
}

/* Whatever lets the rule in lets the earlier one in, too. A local rule may take
 * what a shipped one would: that is what local rules are for. */
static int is_wider(const struct rule *earlier, const struct rule *rule)
{
    return earlier->local == rule->local &&
           covers_mask(earlier->provider_mask, rule->provider_mask) &&
           covers_mask(earlier->stage_mask, rule->stage_mask) &&
           covers(&earlier->codes, &rule->codes, 0) &&
           covers(&earlier->statuses, &rule->statuses, '.');
}

static int has_pattern(const struct rule *rule, const char *pattern)
{
    size_t i;

    for (i = 0; i < rule->patterns.count; i++)
        if (!strcmp(rule->patterns.list[i], pattern))
            return 1;
    return 0;
}

static void check_shadow(struct lint *lint, const struct ruleset *ruleset, const struct rule *rule)
{
    const struct rule *earlier;
    size_t i;

    for (i = 0; i < rule->patterns.count; i++) {
        for (earlier = ruleset->book.rules; earlier < rule; earlier++) {
            char *detail;

            if (!has_pattern(earlier, rule->patterns.list[i]) || !is_wider(earlier, rule))
                continue;
            detail = xasprintf("'%s' is shadowed by rule \"%s\" (%s:%d)", rule->patterns.list[i],
                               earlier->id, earlier->file, earlier->line);
            report_rule(lint, rule, ": pattern ", detail);
            free(detail);
            break;
        }
    }
}

static int check_together(struct lint *lint, struct error *error)
{
    struct ruleset *ruleset;
    int proved;
    size_t i;

    if (!lint->book.rule_count) {
        if (!lint->findings)
            report(lint, "there are no rules");
        return 0;
    }
    if (!(ruleset = ruleset_build(&lint->book, error)))
        return -1;
    proved = ruleset_prove(ruleset, lint->request->report, lint->request->context, error);
    lint->findings += proved > 0 ? proved : 0;
    for (i = 0; i < ruleset->book.rule_count; i++)
        check_shadow(lint, ruleset, &ruleset->book.rules[i]);
    ruleset_unref(&ruleset);
    return proved < 0 ? -1 : 0;
}

int lint_rules(const struct lint_request *request, struct error *error)
{
    struct lint lint = {.request = request};
    int failed = read_all(&lint, error);

    if (!failed) {
        check_rules(&lint);
        failed = check_together(&lint, error);
    }
    rulebook_free(&lint.book);
    return failed ? -1 : lint.findings;
}
