/* ctl/csv: every row of a table, whatever stands in it, and none costs another. */
#include "config.h"

#include "ctl/column.h"
#include "ctl/csv.h"

#include "tests/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIG (10u << 20)

static char path[] = "/tmp/suppressd-test-XXXXXX";
static struct error error;

static struct window *window_on(const char *bytes, size_t length)
{
    FILE *file;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(file = fdopen(mkstemp(path), "w"));
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
    return window_open(path, &error);
}

/* All fields of all rows: "a|b/c|d/", "!" for a row that is bad. */
static void read_all(const char *bytes, size_t length, char text_r[1000], char *raw_r)
{
    struct window *window = window_on(bytes, length);
    struct csv *csv;
    struct csv_row row;
    int found;

    ck_assert_msg(window != NULL, "%s", error.text);
    ck_assert_ptr_nonnull(csv = csv_new(window, &error));
    text_r[0] = raw_r[0] = '\0';
    while ((found = csv_next(csv, &row, &error))) {
        ck_assert(found > 0 || error.code == ERROR_INPUT);
        for (size_t i = 0; found > 0 && i < row.count; i++)
            snprintf(text_r + strlen(text_r), 1000 - strlen(text_r), "%s%s", i ? "|" : "", csv_value(csv, i));
        strcat(text_r, found > 0 ? "/" : "!");
        if (found > 0)
            strncat(raw_r, row.bytes, row.length);
    }
    csv_free(&csv);
    window_close(&window);
    unlink(path);
}

static const struct {
    const char *text, *fields;
    size_t length; /* 0: of the text */
    int whole;     /* the raw rows are the file again */
} cases[] = {
    {"a,b\nc,d\n", "a|b/c|d/", 0, 1},
    {"a,b\r\nc,d\r\n", "a|b/c|d/", 0, 1},
    {"a,b\nc,d", "a|b/c|d/", 0, 1},
    {"a;b;c,d\n;;\n", "a|b|c,d/||/", 0, 1},
    {"a\tb\n", "a|b/", 0, 1},
    {"one\n\ntwo", "one//two/", 0, 1},
    {"\"a,b\",\"say \"\"hi\"\"\"\n", "a,b|say \"hi\"/", 0, 1},
    {"\"two\r\nlines\",b\nc,d\n", "two\r\nlines|b/c|d/", 0, 1},
    {"a,5\" pipe\n", "a|5\" pipe/", 0, 1},
    {"a,\"\"\nb,c\n", "a|/b|c/", 0, 1},
    {"a,b\n\"open,c\nd,e\n", "a|b/!d|e/", 0, 0},
    {"a,b\n\"shut\"x,c\nd,e", "a|b/!d|e/", 0, 0},
    {"a,b\nc\0,d\ne,f\n", "a|b/!e|f/", 13, 0},
    {"\xef\xbb\xbf" "a,b\n", "a|b/", 0, 0},
    {"", "", 0, 1},
    {",", "|/", 0, 1},
    {"\"", "!", 0, 0},
};

START_TEST(rows)
{
    char fields[1000], raw[1000];

    read_all(cases[_i].text, cases[_i].length ? cases[_i].length : strlen(cases[_i].text), fields, raw);
    ck_assert_str_eq(fields, cases[_i].fields);
    if (cases[_i].whole)
        ck_assert_str_eq(raw, cases[_i].text);
}
END_TEST

START_TEST(a_line_of_ten_megabytes_costs_itself)
{
    char *text = malloc(BIG + 20), fields[1000], raw[1000];

    memset(text, 'x', BIG);
    strcpy(text + BIG, "\na,b\n");
    text[5] = ',';
    read_all(text, BIG + 5, fields, raw);
    ck_assert_str_eq(fields, "!a|b/");
    text[0] = '"';
    read_all(text, BIG + 5, fields, raw);
    ck_assert_str_eq(fields, "!a|b/");
    memset(text, ',', BIG);
    read_all(text, BIG + 5, fields, raw);
    ck_assert_str_eq(fields, "!a|b/");
    free(text);
}
END_TEST

START_TEST(utf_16_is_refused)
{
    static const char *const texts[] = {"\xff\xfe" "a\0b\0", "\xfe\xff\0a\0b", "a\0b\0c\0", "\0a\0b\0c"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_ptr_null(window_on(texts[i], 6));
        ck_assert(error.code == ERROR_INPUT && strstr(error.text, "UTF-16") && strstr(error.text, path));
        unlink(path);
    }
}
END_TEST

static const struct {
    const char *first, *wanted;
    int index, header; /* index -1: an error */
} columns[] = {
    {"Name,E-Mail,City\n", NULL, 1, 1},
    {"Joe,joe@example.com\n", NULL, 1, 0},
    {"email\n", NULL, 0, 1},
    {"joe@example.com\n", NULL, 0, 0},
    {"Joe,Smith\n", NULL, -1, 0},
    {"Joe,Contact\n", "contact", 1, 1},
    {"Joe,Contact\n", "2", 1, 1},
    {"a@b.example,c@d.example\n", "2", 1, 0},
    {"Joe,Contact\n", "email", -1, 0},
    {"Joe,Contact\n", "3", -1, 0},
};

START_TEST(the_column_of_the_addresses)
{
    struct window *window = window_on(columns[_i].first, strlen(columns[_i].first));
    struct csv *csv = csv_new(window, &error);
    struct column column;
    struct csv_row row;
    int failed;

    ck_assert_int_eq(csv_next(csv, &row, &error), 1);
    failed = column_find(csv, &row, columns[_i].wanted, &column, &error);
    ck_assert_int_eq(failed, columns[_i].index < 0 ? -1 : 0);
    if (!failed) {
        ck_assert_int_eq((int)column.index, columns[_i].index);
        ck_assert_int_eq(column.header, columns[_i].header);
    }
    csv_free(&csv);
    window_close(&window);
    unlink(path);
}
END_TEST

START_TEST(names_of_columns)
{
    ck_assert(csv_same_name("E-Mail Address", "email_address"));
    ck_assert(csv_same_name("created_at", "CreatedAt"));
    ck_assert(!csv_same_name("email", "email2"));
    ck_assert(!csv_same_name("email", ""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tcase = tcase_create("csv");

    tcase_add_loop_test(tcase, rows, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tcase, a_line_of_ten_megabytes_costs_itself);
    tcase_add_test(tcase, utf_16_is_refused);
    tcase_add_loop_test(tcase, the_column_of_the_addresses, 0, sizeof(columns) / sizeof(columns[0]));
    tcase_add_test(tcase, names_of_columns);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
