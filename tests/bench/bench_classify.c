/* Replies classified per second on one core: parsing, provider and match, each
 * text anew. Then the curve of time against the number of rules: the first 100,
 * 300, all, and all ten times over (the copies want one more word, so that they
 * do not match but must be looked at).
 *
 *   bench_classify [FILE]   one reply a line; without it the rules' own examples,
 *                           or the column "reply" of $SUPPRESSD_CORPUS/replies.tsv
 */
#include "config.h"

#include "base/embed.h"
#include "base/mem.h"
#include "classifier/ruleset.h"
#include "classifier/ruleset_data.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS 2.0

extern const struct embedded classifier_rules[];

static struct strings replies;

/* The processor's time, so that a busy machine does not count against the code. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what, const struct error *error)
{
    fprintf(stderr, "bench_classify: %s: %s\n", what, error ? error->text : "");
    exit(EXIT_FAILURE);
}

static void add_reply(const char *text)
{
    replies.list = xrealloc(replies.list, (replies.count + 1) * sizeof(*replies.list));
    replies.list[replies.count++] = xstrdup(text);
}

static void read_lines(const char *path, int column)
{
    FILE *file = fopen(path, "r");
    char *line = NULL, *at;
    size_t size = 0;
    int i;

    if (!file)
        fail(path, NULL);
    while (getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = 0;
        for (at = line, i = 1; at && i < column; i++)
            at = strchr(at, '\t') ? strchr(at, '\t') + 1 : NULL;
        if (!at)
            continue;
        at[strcspn(at, "\t")] = 0;
        add_reply(at);
    }
    free(line);
    fclose(file);
}

static void read_book(struct rulebook *book)
{
    const struct embedded *file;
    struct error error = {0};

    for (file = classifier_rules; file->name; file++)
        if (rulebook_read(book, file->name, file->text, 0, &error) < 0)
            fail("rules", &error);
}

static void take_examples(void)
{
    struct rulebook book = {0};
    size_t i, j;

    read_book(&book);
    for (i = 0; i < book.rule_count; i++)
        for (j = 0; j < book.rules[i].examples.count; j++)
            add_reply(book.rules[i].examples.list[j]);
    rulebook_free(&book);
}

static void rename_copy(struct rulebook *book, size_t first, int copy)
{
    size_t i, j;

    for (i = first; i < book->rule_count; i++) {
        struct rule *rule = &book->rules[i];
        char *id = xasprintf("%s-%d", rule->id, copy);

        free(rule->id);
        rule->id = id;
        for (j = 0; j < rule->patterns.count; j++) {
            char *pattern = xasprintf("(?:%s).{0,20}w%dord", rule->patterns.list[j], copy);

            free(rule->patterns.list[j]);
            rule->patterns.list[j] = pattern;
        }
    }
}

/* At most limit rules; copies of the whole. */
static struct ruleset *make_set(size_t limit, int copies)
{
    struct rulebook book = {0}, more;
    struct error error = {0};
    struct ruleset *ruleset;
    int i;

    read_book(&book);
    for (i = 1; i < copies; i++) {
        more = (struct rulebook){0};
        read_book(&more);
        rename_copy(&more, 0, i);
        book.rules = xrealloc(book.rules,
                              (book.rule_count + more.rule_count) * sizeof(*book.rules));
        memcpy(book.rules + book.rule_count, more.rules, more.rule_count * sizeof(*more.rules));
        book.rule_count += more.rule_count;
        more.rule_count = 0;
        rulebook_free(&more);
    }
    while (book.rule_count > limit) { /* the rest leaks: this is a benchmark */
        book.rule_count--;
    }
    ruleset = ruleset_build(&book, &error);
    if (!ruleset)
        fail("compile", &error);
    return ruleset;
}

static double run(struct ruleset *ruleset, double *classified_r)
{
    struct error error = {0};
    struct classifier *classifier = classifier_open(ruleset, &error);
    struct verdict verdict;
    size_t done = 0, classified = 0, i;
    double start, elapsed;

    if (!classifier)
        fail("classifier", &error);
    start = seconds();
    do {
        for (i = 0; i < replies.count; i++) {
            struct classify_input input = {.text = replies.list[i],
                                           .length = strlen(replies.list[i])};

            classify(classifier, &input, &verdict);
            classified += verdict.reason != REASON_UNCLASSIFIED;
        }
        done += replies.count;
        elapsed = seconds() - start;
    } while (elapsed < SECONDS);
    classifier_close(&classifier);
    *classified_r = 100.0 * (double)classified / (double)done;
    return (double)done / elapsed;
}

static void measure(const char *name, size_t limit, int copies)
{
    double start = seconds(), compiled, rate, classified;
    struct ruleset *ruleset = make_set(limit, copies);

    compiled = seconds() - start;
    rate = run(ruleset, &classified);
    printf("  %-14s %5zu rules  %9.0f replies/s  %5.2f us each  load %.2f s  classified %.0f %%\n",
           name, ruleset_size(ruleset), rate, 1e6 / rate, compiled, classified);
    ruleset_unref(&ruleset);
}

int main(int argc, char **argv)
{
    const char *corpus = getenv("SUPPRESSD_CORPUS");
    size_t bytes = 0, i;

    if (argc > 1) {
        read_lines(argv[1], 1);
    } else if (corpus) {
        char *path = xasprintf("%s/replies.tsv", corpus);

        read_lines(path, 4);
        free(path);
    } else {
        take_examples();
    }
    for (i = 0; i < replies.count; i++)
        bytes += strlen(replies.list[i]);
    if (!replies.count)
        fail("no replies", NULL);
    printf("classify: %zu replies of %zu bytes on average, one core\n", replies.count,
           bytes / replies.count);
    measure("first 100", 100, 1);
    measure("first 300", 300, 1);
    measure("all", (size_t)-1, 1);
    measure("all, ten times", (size_t)-1, 10);
    return EXIT_SUCCESS;
}
