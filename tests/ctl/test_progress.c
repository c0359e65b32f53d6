/* ctl/progress: what the line says. */
#include "config.h"

#include "ctl/progress.h"

#include "tests/run.h"

#include <string.h>

static const struct {
    uint64_t size, bytes, count;
    double seconds;
    const char *line;
} lines[] = {
    {40000000, 10000000, 5000, 10, "[######                  ]  25%  10.0 of 40.0 MB  5000 messages  500/s  left 0:30"},
    {40000000, 0, 0, 0, "[                        ]   0%  0.0 of 40.0 MB  0 messages  0/s  left -"},
    {40000000, 40000000, 20000, 40, "[########################] 100%  40.0 of 40.0 MB  20000 messages  500/s  left 0:00"},
    {40000000, 50000000, 1, 1, "[########################] 100%  50.0 of 40.0 MB  1 messages  1/s  left 0:00"},
    {100000000000, 10000000000, 5000000, 1000, "[##                      ]  10%  10000.0 of 100000.0 MB  5000000 messages  5000/s  left 2:30:00"},
    {0, 1500000, 300, 2, "1.5 MB  300 messages  150/s"},
};

START_TEST(the_line_tells_how_far_it_has_got)
{
    const struct progress progress = {.what = "messages", .size = lines[_i].size};
    char line[160];

    progress_line(&progress, lines[_i].bytes, lines[_i].count, lines[_i].seconds, line, sizeof(line));
    ck_assert_str_eq(line, lines[_i].line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl/progress");
    TCase *tc = tcase_create("progress");

    tcase_add_loop_test(tc, the_line_tells_how_far_it_has_got, 0, sizeof(lines) / sizeof(lines[0]));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
