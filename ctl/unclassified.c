/* suppressctl unclassified: what rules are missing?
 *
 * Groups the replies whose reason nothing tells by their fingerprint, the most
 * frequent first, and drafts a rule for each. What the rules in force know by
 * now is left out, so that a group goes away as soon as its rule stands.
 */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/fingerprint.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/replies.h"
#include "daemon/ledger/lookup.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX (4 * FINGERPRINT_TEMPLATE_MAX + 1)
#define LIMIT_DEFAULT 20
#define DAY 86400

struct group {
    struct fingerprint print;
    char provider[32]; /* "" when none, or not the same for all */
    int64_t count, first, last;
    GHashTable *recipients;
};

struct search {
    const struct ctl *ctl;
    struct classifier *classifier;
    GHashTable *groups; /* by hash */
    int64_t since;      /* seconds, 0: all */
    size_t limit;
    int from_stdin;
};

static void group_free(void *data)
{
    struct group *group = data;

    g_hash_table_destroy(group->recipients);
    free(group);
}

static struct group *group_of(struct search *search, const struct classify_input *input,
                              const char *provider)
{
    struct fingerprint print;
    struct group *group;

    fingerprint(input->text, input->length, &print);
    if ((group = g_hash_table_lookup(search->groups, &print.hash))) {
        if (strcmp(group->provider, provider))
            group->provider[0] = '\0';
        return group;
    }
    group = xcalloc(1, sizeof(*group));
    group->print = print;
    group->recipients = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, NULL);
    snprintf(group->provider, sizeof(group->provider), "%s", provider);
    g_hash_table_insert(search->groups, &group->print.hash, group);
    return group;
}

/* The group of a reply that is unclassified still, or NULL. */
static struct group *find_group(struct search *search, const struct classify_input *input)
{
    struct verdict verdict;

    classify(search->classifier, input, &verdict);
    return verdict.reason == REASON_UNCLASSIFIED ? group_of(search, input, verdict.provider) : NULL;
}

static void take_past(const struct past_unclassified *reply, void *context)
{
    struct classify_input input = {.text = reply->reply, .length = strlen(reply->reply),
                                   .status = reply->status, .mta = reply->remote_mta,
                                   .domain = reply->domain};
    struct group *group = find_group(context, &input);
    int64_t *recipient;

    if (!group)
        return;
    if (!group->count || reply->first < group->first)
        group->first = reply->first;
    if (reply->last > group->last)
        group->last = reply->last;
    group->count += reply->count;
    recipient = xmalloc(sizeof(*recipient));
    *recipient = reply->recipient;
    g_hash_table_add(group->recipients, recipient);
}

static void take_line(void *context, const struct classify_input *input, json_t *id)
{
    struct group *group = input->length ? find_group(context, input) : NULL;

    (void)id;
    if (group)
        group->count++;
}

/* --- the draft of a rule ------------------------------------------------- */

/* For single quotes of a rule file. */
static char *quoted(const char *text)
{
    char *out = xmalloc(2 * strlen(text) + 3), *at = out;

    *at++ = '\'';
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            *at++ = '\\';
        *at++ = *text;
    }
    *at++ = '\'';
    *at = '\0';
    return out;
}

/* NULL when there are no words that a rule could match. */
static char *draft(const struct group *group)
{
    char pattern[TEXT_MAX], example[TEXT_MAX], *example_text, *provider, *text;

    fingerprint_pattern(&group->print, pattern, sizeof(pattern));
    fingerprint_example(&group->print, example, sizeof(example));
    if (!*pattern)
        return NULL;
    example_text = quoted(example);
    provider = *group->provider ? xasprintf("    provider = {'%s'}\n", group->provider) : xstrdup("");
    /* The pattern holds no quote and its backslashes stay: see suppressd-rules(5). */
    text = xasprintf("rule local-%08x {\n%s    pattern = {'%s'}\n    reason = '?'\n    examples = {%s}\n}\n",
                     (unsigned)(group->print.hash >> 32), provider, pattern, example_text);
    free(provider);
    free(example_text);
    return text;
}

/* --- output -------------------------------------------------------------- */

static void print_object(const struct search *search, const struct group *group)
{
    char hash[17], *rule = draft(group);
    json_t *object;

    snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)group->print.hash);
    object = json_pack("{s:s, s:o, s:I, s:s}", "fingerprint", hash, "template",
                       ask_json(group->print.template), "count", (json_int_t)group->count, "provider",
                       group->provider);
    if (!search->from_stdin) {
        json_object_set_new(object, "recipients", json_integer(g_hash_table_size(group->recipients)));
        json_object_set_new(object, "first", json_integer(group->first));
        json_object_set_new(object, "last", json_integer(group->last));
    }
    json_object_set_new(object, "rule", rule ? ask_json(rule) : json_null());
    ask_print_json(object);
    free(rule);
}

static void print_people(const struct search *search, const struct group *group)
{
    char last[32], *rule = draft(group);

    printf("# %lld %s", (long long)group->count, group->count == 1 ? "reply" : "replies");
    if (!search->from_stdin)
        printf(" to %u %s, last %s", g_hash_table_size(group->recipients),
               g_hash_table_size(group->recipients) == 1 ? "recipient" : "recipients",
               ask_time(group->last, last));
    printf("\n# ");
    ask_print(*group->print.template ? group->print.template : "(empty)");
    printf("\n%s\n", rule ? rule : "# No words: no rule can tell.\n");
    free(rule);
}

static int by_rank(const void *a, const void *b)
{
    const struct group *one = *(struct group *const *)a, *two = *(struct group *const *)b;
    unsigned first = g_hash_table_size(one->recipients), second = g_hash_table_size(two->recipients);

    if (one->count != two->count)
        return one->count < two->count ? 1 : -1;
    if (first != second)
        return first < second ? 1 : -1;
    return strcmp(one->print.template, two->print.template);
}

static void print_all(const struct search *search)
{
    size_t count = g_hash_table_size(search->groups), i = 0;
    struct group **sorted = xcalloc(count + 1, sizeof(*sorted));
    GHashTableIter each;
    void *group;

    g_hash_table_iter_init(&each, search->groups);
    while (g_hash_table_iter_next(&each, NULL, &group))
        sorted[i++] = group;
    qsort(sorted, count, sizeof(*sorted), by_rank);
    for (i = 0; i < count && i < search->limit; i++) {
        if (search->ctl->json)
            print_object(search, sorted[i]);
        else
            print_people(search, sorted[i]);
    }
    if (count > search->limit && !search->ctl->json)
        printf("# %zu more (--limit)\n", count - search->limit);
    free(sorted);
}

/* --- the command --------------------------------------------------------- */

static int read_number(const char *text, long *number_r)
{
    char *end;

    *number_r = text ? strtol(text, &end, 10) : 0;
    return text && *text && !*end && *number_r > 0 && *number_r < 1000000 ? 0 : -1;
}

static int read_arguments(int argc, char **argv, struct search *search)
{
    long number;
    int i;

    for (i = 1; i < argc; i++) {
        int is_since = !strcmp(argv[i], "--since");

        if (!strcmp(argv[i], "-")) {
            search->from_stdin = 1;
            continue;
        }
        if (!is_since && strcmp(argv[i], "--limit"))
            return ctl_fail(argv[0], EXIT_USAGE, "unknown argument: %s", argv[i]);
        if (read_number(i + 1 < argc ? argv[i + 1] : NULL, &number))
            return ctl_fail(argv[0], EXIT_USAGE, "%s wants a number", argv[i]);
        i++;
        if (is_since)
            search->since = (int64_t)time(NULL) - number * DAY;
        else
            search->limit = (size_t)number;
    }
    return 0;
}

static int open_classifier(struct search *search, struct ctl *ctl, struct error *error)
{
    struct ruleset *ruleset = ctl_ruleset(ctl, error);

    search->classifier = ruleset ? classifier_open(ruleset, error) : NULL;
    if (ruleset)
        ruleset_unref(&ruleset);
    return search->classifier ? 0 : -1;
}

static int collect(struct search *search, struct ctl *ctl)
{
    struct error error = {0};
    struct lookup *lookup;
    int failed;

    if (search->from_stdin)
        return replies_each("unclassified", take_line, search);
    if (!(lookup = ask_lookup(ctl, &error)))
        return ctl_fail("unclassified", EXIT_FAILED, "%s", error.text);
    failed = lookup_unclassified(lookup, search->since, take_past, search, &error);
    lookup_close(&lookup);
    return failed ? ctl_fail("unclassified", EXIT_FAILED, "%s", error.text) : EXIT_YES;
}

int command_unclassified(struct ctl *ctl, int argc, char **argv)
{
    struct search search = {.ctl = ctl, .limit = LIMIT_DEFAULT};
    struct error error = {0};
    int code = read_arguments(argc, argv, &search);

    if (code)
        return code;
    if (open_classifier(&search, ctl, &error) < 0)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    search.groups = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, group_free);
    code = collect(&search, ctl);
    if (code < EXIT_FAILED)
        print_all(&search);
    g_hash_table_destroy(search.groups);
    classifier_close(&search.classifier);
    return code;
}
