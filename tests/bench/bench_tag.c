/* What the proof of sending costs: signing one envelope sender and telling it
 * again, against one HMAC of nettle's alone in the same run, and bytes of journal
 * a message with one recipient, with and without a tag.
 *
 *   bench_tag [MESSAGES]
 */
#include "config.h"

#include "base/hmac.h"
#include "daemon/ledger/store.h"
#include "daemon/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOW 1800000000
#define SENDER "newsletter@news.example.org"

static const struct keys keys = {.count = 1, .age = 30 * 86400, .key = {{.bytes = "bench"}}};

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_tag: %s\n", what);
    exit(EXIT_FAILURE);
}

static void name_recipient(long i, char *text_r, size_t size)
{
    snprintf(text_r, size, "user%u@example%ld.com", (unsigned)i * 2654435761u, i % 100);
}

static double time_hmac(long messages)
{
    unsigned char digest[HMAC_SIZE];
    double start = seconds();
    struct hmac hmac;

    for (long i = 0; i < messages; i++) {
        hmac_begin(&hmac, keys.key[0].bytes);
        hmac_add(&hmac, &i, sizeof(i));
        hmac_end(&hmac, digest);
    }
    return seconds() - start;
}

static double time_tag(long messages, int prove)
{
    char recipient[64], tagged[ADDRESS_SIZE], *one = recipient;
    double start = seconds();
    struct tag tag;

    for (long i = 0; i < messages; i++) {
        name_recipient(i, recipient, sizeof(recipient));
        must(tag_write(&keys, SENDER, &one, 1, 0, NOW, '+', tagged), "not signed");
        if (prove)
            must(tag_parse(tagged, &tag) && tag_proves(&tag, &keys, recipient, NOW), "not proved");
    }
    return seconds() - start;
}

static void journal(struct store *store, long messages, int tagged)
{
    char queue_id[32], message_id[100], recipient[64];
    const char *one = recipient;
    struct store_sent sent = {.queue_id = queue_id, .message_id = message_id,
                              .stream = "news.example.org", .keys = &one, .count = 1};
    struct error error;

    must(!store_begin(store, &error), error.text);
    for (long i = 0; i < messages; i++) {
        snprintf(queue_id, sizeof(queue_id), "4jYJw%08XzbgLX", (unsigned)i * 2654435761u);
        snprintf(message_id, sizeof(message_id), "20261124.%08X.%ld@news.example.org", (unsigned)i * 2654435761u, i);
        name_recipient(i, recipient, sizeof(recipient));
        sent.time = NOW + i / 100;
        sent.tag = tagged ? (int64_t)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 24) + 1 : 0;
        must(!store_add_sent(store, &sent, &error), error.text);
    }
    must(!store_commit(store, &error), error.text);
}

static double journal_bytes(long messages, int tagged)
{
    char dir[] = "/tmp/suppressd-bench-XXXXXX", path[100], name[120];
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    struct stat before, after;
    struct store *store;
    struct error error;

    must(mkdtemp(dir) != NULL, "mkdtemp");
    snprintf(path, sizeof(path), "%s/b.db", dir);
    must((store = store_open(path, 0, &error)) != NULL, error.text);
    store_close(&store);
    must(!stat(path, &before), "stat");
    must((store = store_open(path, 0, &error)) != NULL, error.text);
    journal(store, messages, tagged);
    store_close(&store);
    must(!stat(path, &after), "stat");
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(dir);
    return (double)(after.st_size - before.st_size) / (double)messages;
}

int main(int argc, char **argv)
{
    long messages = argc > 1 ? atol(argv[1]) : 200000;
    double hmac = time_hmac(messages), write = time_tag(messages, 0), both = time_tag(messages, 1);

    printf("tag: one HMAC %.2f us, signing a sender %.2f us (%.1f times), telling it again %.2f us\n",
           hmac / (double)messages * 1e6, write / (double)messages * 1e6, write / hmac,
           (both - write) / (double)messages * 1e6);
    printf("journal: %.0f bytes a message with one recipient, %.0f when its sender is signed\n",
           journal_bytes(messages, 0), journal_bytes(messages, 1));
    return EXIT_SUCCESS;
}
