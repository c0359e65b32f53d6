/* Messages per second on one core: parsed alone, then parsed and classified.
 *
 *   bench_parse [FILE...]   message files; without them the corpus of the
 *                           fuzzers, or the folder mail/ of $SUPPRESSD_CORPUS
 */
#include "config.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "daemon/report/message.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS 2.0

struct sample {
    char *bytes;
    size_t length;
};

static struct sample *samples;
static size_t count, bytes_total;

/* The processor's time, so that a busy machine does not count against the code. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    struct sample sample = {0};
    long length;

    if (!in || fseek(in, 0, SEEK_END) || (length = ftell(in)) < 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    rewind(in);
    sample.bytes = xmalloc((size_t)length + 1);
    sample.length = fread(sample.bytes, 1, (size_t)length, in);
    fclose(in);
    samples = xrealloc(samples, (count + 1) * sizeof(*samples));
    samples[count++] = sample;
    bytes_total += sample.length;
}

static void add_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (!folder) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.') {
            char *file = xasprintf("%s/%s", path, entry->d_name);

            add_file(file);
            free(file);
        }
    closedir(folder);
}

static void classify_all(struct classifier *classifier, const struct report *report)
{
    struct verdict verdict;
    size_t i;

    for (i = 0; i < report->count; i++) {
        const struct delivery *delivery = &report->deliveries[i];
        struct classify_input input = {
            .text = delivery->reply ? delivery->reply : "",
            .length = delivery->reply ? strlen(delivery->reply) : 0,
            .status = delivery->status,
            .mta = delivery->remote_mta,
        };

        classify(classifier, &input, &verdict);
    }
}

static void run(const char *what, struct classifier *classifier)
{
    double start = seconds(), took = 0, worst = 0;
    size_t i, done = 0;

    while (took < SECONDS) {
        for (i = 0; i < count; i++) {
            struct report report;
            double before = seconds(), spent;

            message_parse(samples[i].bytes, samples[i].length, NULL, &report);
            if (classifier)
                classify_all(classifier, &report);
            spent = seconds() - before;
            worst = spent > worst ? spent : worst;
            report_clear(&report);
        }
        done += count;
        took = seconds() - start;
    }
    printf("%-24s %9.0f messages/s, the slowest %.2f ms\n", what, (double)done / took, 1e3 * worst);
}

int main(int argc, char **argv)
{
    const char *corpus = getenv("SUPPRESSD_CORPUS");
    char *folder = corpus ? xasprintf("%s/mail", corpus) : xasprintf("%s", CORPUS);
    struct error error;
    struct ruleset *ruleset = ruleset_load(NULL, NULL, &error);
    struct classifier *classifier = ruleset ? classifier_open(ruleset, &error) : NULL;
    int i;

    if (!classifier) {
        fprintf(stderr, "bench_parse: %s\n", error.text);
        return EXIT_FAILURE;
    }
    ruleset_unref(&ruleset);
    for (i = 1; i < argc; i++)
        add_file(argv[i]);
    if (argc < 2)
        add_folder(folder);
    free(folder);
    message_init();
    printf("%zu messages, %zu bytes on average\n", count, bytes_total / count);
    run("parsed", NULL);
    run("parsed and classified", classifier);
    classifier_close(&classifier);
    return EXIT_SUCCESS;
}
