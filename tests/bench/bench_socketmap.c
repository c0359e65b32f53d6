/* Socketmap lookups, one client, one question at a time: p50 and p99 of
 * suppressd's map, and the least that the protocol costs: a server on the same
 * kind of socket that answers NOTFOUND without looking.
 *
 *   bench_socketmap fill DATABASE COUNT      COUNT suppressions; their keys on stdout
 *   bench_socketmap ask SOCKET COUNT LOOKUPS LABEL
 *   bench_socketmap floor COUNT LOOKUPS
 *
 * bench_tables.sh runs it beside Postfix's own tables.
 */
#include "config.h"

#include "base/mem.h"
#include "daemon/ledger/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_socketmap: %s\n", what);
    exit(EXIT_FAILURE);
}

/* Every second address that is asked for is suppressed. */
static void make_key(char *key, size_t size, unsigned i)
{
    snprintf(key, size, "user%08x@example%u.com", i * 2654435761u, i % 1000);
}

static void suppress(struct store *store, unsigned i)
{
    struct store_suppression s = {.stream = "", .reason = "no-such-user", .origin = "automatic",
                                  .note = "", .who = "bench", .since = 1000};
    struct error error;
    char key[64];

    make_key(key, sizeof(key), i);
    s.key = key;
    check(!store_suppress(store, &s, &error), error.text);
}

static struct store *open_store(const char *path)
{
    struct error error;
    struct store *store = store_open(path, 0, &error);

    check(store != NULL, error.text);
    return store;
}

static void fill(const char *path, unsigned count)
{
    struct store *store = open_store(path);
    struct error error;
    char key[64];

    for (unsigned i = 0; i < count; i++) {
        if (i % 10000 == 0)
            check(!store_begin(store, &error), error.text);
        suppress(store, i * 2);
        if (i % 10000 == 9999 || i == count - 1)
            check(!store_commit(store, &error), error.text);
        make_key(key, sizeof(key), i * 2);
        puts(key);
    }
    store_close(&store);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    check(strlen(path) < sizeof(address.sun_path), "the path is too long for a socket");
    strcpy(address.sun_path, path);
    check(fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)), "cannot connect");
    return fd;
}

static int compare(const void *a, const void *b)
{
    return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b);
}

/* An answer is small and comes in one piece; it ends in a comma. */
static unsigned ask(int fd, const char *what, unsigned count, unsigned lookups)
{
    float *times = xcalloc(lookups, sizeof(*times));
    double begin = seconds(), before, after = begin;
    unsigned found = 0;

    for (unsigned i = 0; i < lookups; i++) {
        char key[64], request[128], reply[1024];
        ssize_t n;
        int length;

        make_key(key, sizeof(key), (i * 7919u) % (2 * count));
        before = seconds();
        length = snprintf(request, sizeof(request), "%zu:suppression %s,", strlen(key) + 12, key);
        check(write(fd, request, (size_t)length) == length, "write");
        n = read(fd, reply, sizeof(reply) - 1);
        check(n > 0 && reply[n - 1] == ',', "no whole answer");
        after = seconds();
        reply[n] = '\0';
        found += strstr(reply, ":OK ") != NULL;
        times[i] = (float)(after - before);
    }
    qsort(times, lookups, sizeof(*times), compare);
    printf("  %-32s %9.0f lookups/s   p50 %6.1f us   p99 %6.1f us   max %8.1f us\n", what, lookups / (after - begin),
           times[lookups / 2] * 1e6, times[lookups / 100 * 99] * 1e6, times[lookups - 1] * 1e6);
    fflush(stdout);
    free(times);
    return found;
}

/* The floor: a process that answers whatever comes. */
static void answer_nothing(int fd)
{
    char request[256];

    while (read(fd, request, sizeof(request)) > 0)
        if (write(fd, "9:NOTFOUND ,", 12) != 12)
            break;
    _exit(EXIT_SUCCESS);
}

static void ask_floor(unsigned count, unsigned lookups)
{
    int pair[2];
    pid_t child;

    check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
    if (!(child = fork())) {
        close(pair[0]);
        answer_nothing(pair[1]);
    }
    close(pair[1]);
    ask(pair[0], "a server that looks nothing up", count, lookups);
    close(pair[0]);
    waitpid(child, NULL, 0);
}

/* An answer that did not come in time would be one that was not found. */
static void ask_suppressd(const char *path, unsigned count, unsigned lookups, const char *label)
{
    int fd = connect_to(path);
    unsigned found = ask(fd, label, count, lookups);

    close(fd);
    check(found == lookups / 2 || found == lookups - lookups / 2, "not every second address was found");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 4 && !strcmp(argv[1], "fill"))
        fill(argv[2], (unsigned)atoi(argv[3]));
    else if (argc == 6 && !strcmp(argv[1], "ask"))
        ask_suppressd(argv[2], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), argv[5]);
    else if (argc == 4 && !strcmp(argv[1], "floor"))
        ask_floor((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    else
        check(0, "usage: bench_socketmap fill DATABASE COUNT | ask SOCKET COUNT LOOKUPS LABEL | floor COUNT LOOKUPS");
    return EXIT_SUCCESS;
}
