/* suppressctl scrub: a list against many suppressions, half of the list among
 * them and in no order; from a file that the kernel has in memory and from a
 * database that it has not, and has. Baseline: copying the list, in the same run.
 *
 *   bench_scrub [SUPPRESSIONS [ROWS]]
 */
#include "config.h"

#include "tests/bench/suppressions.h"

static char dir[64], path[100];

static void write_list(uint64_t rows, uint64_t suppressions)
{
    char name[120];
    FILE *list;

    snprintf(name, sizeof(name), "%s/list.csv", dir);
    bench_check((list = fopen(name, "w")) != NULL, name);
    fputs("id,name,email,city\n", list);
    for (uint64_t i = 0; i < rows; i++) {
        char key[64];

        bench_key(key, bench_number(i, suppressions));
        fprintf(list, "%llu,\"Reader, %llu\",%s,Springfield\n", (unsigned long long)i, (unsigned long long)i, key);
    }
    bench_check(!fclose(list), name);
}

static void write_settings(void)
{
    char name[120];
    FILE *file;

    snprintf(name, sizeof(name), "%s/conf", dir);
    bench_check((file = fopen(name, "w")) != NULL, name);
    fprintf(file, "database = \"%s\"\ncontrol_socket = \"%s/none.sock\"\n", path, dir);
    bench_check(!fclose(file), name);
}

static double run(const char *what, const char *command, uint64_t rows)
{
    double begin = bench_seconds(), took;

    bench_check(!system(command), command);
    took = bench_seconds() - begin;
    printf("  %-24s %9.2f s %12.0f rows/s\n", what, took, (double)rows / took);
    return took;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
    char scrub[600], copy[300], erase[100];
    double plain, cold, warm;

    bench_check(count > 1000 && rows > 1000, "usage: bench_scrub [SUPPRESSIONS [ROWS]]");
    strcpy(dir, "suppressd-bench-XXXXXX");
    bench_check(mkdtemp(dir) != NULL, "mkdtemp");
    snprintf(path, sizeof(path), "%s/bench.db", dir);
    write_settings();
    write_list(rows, count);
    bench_fill(path, count);
    printf("scrub: %llu rows, %llu suppressions, %.0f bytes of database each\n", (unsigned long long)rows,
           (unsigned long long)count, (double)bench_size(path) / (double)count);
    snprintf(copy, sizeof(copy), "cat %s/list.csv > %s/copy.csv", dir, dir);
    snprintf(scrub, sizeof(scrub), "./suppressctl -c %s/conf scrub --suppressed %s/out.csv %s/list.csv > %s/clean.csv",
             dir, dir, dir, dir);
    plain = run("copying the list", copy, rows);
    bench_forget(path);
    cold = run("scrub, from the disk", scrub, rows);
    warm = run("scrub, from memory", scrub, rows);
    printf("  ratio to copying         %9.3f cold %9.3f warm\n", plain / cold, plain / warm);
    snprintf(erase, sizeof(erase), "rm -r %s", dir);
    return system(erase) ? EXIT_FAILURE : EXIT_SUCCESS;
}
