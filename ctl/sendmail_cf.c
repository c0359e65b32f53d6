/* See sendmail_cf.h. */
#include "config.h"

#include "ctl/sendmail_cf.h"

#include "base/mem.h"
#include "ctl/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX (1 << 20)
#define BLANK " \t"

static void add_line(struct sendmail_cf *cf, const char *start, size_t length)
{
    cf->lines = xrealloc(cf->lines, (cf->count + 1) * sizeof(*cf->lines));
    cf->lines[cf->count++] = xstrndup(start, length);
}

/* A line that begins with a blank continues the one before. */
static void fold_line(struct sendmail_cf *cf, const char *start, size_t length)
{
    char **last = &cf->lines[cf->count - 1];
    char *joined = xasprintf("%s %.*s", *last, (int)length, start);

    free(*last);
    *last = joined;
}

void sendmail_cf_parse(const char *text, struct sendmail_cf *cf_r)
{
    *cf_r = (struct sendmail_cf){0};
    while (*text) {
        size_t length = strcspn(text, "\n"), blank = strspn(text, BLANK);

        if (blank && blank < length && cf_r->count)
            fold_line(cf_r, text + blank, length - blank);
        else if (length && *text != '#' && !blank)
            add_line(cf_r, text, length);
        text += length + (text[length] == '\n');
    }
}

static int read_file(const char *file, char **text_r, struct error *error)
{
    FILE *in = fopen(file, "r");
    char *text;
    size_t length;
    int failed;

    if (!in)
        return error_set(error, ERROR_INPUT, "%s: %s", file, strerror(errno));
    text = xcalloc(1, FILE_MAX + 1);
    length = fread(text, 1, FILE_MAX + 1, in);
    failed = ferror(in);
    fclose(in);
    if (!failed && length <= FILE_MAX && !memchr(text, '\0', length)) {
        *text_r = text;
        return 0;
    }
    free(text);
    return error_set(error, ERROR_INPUT, "%s: %s", file,
                     failed ? "cannot be read" : length > FILE_MAX ? "too big" : "not a text");
}

static int is_macros(const char *file)
{
    const char *dot = strrchr(file, '.');

    return dot && (!strcmp(dot, ".mc") || !strcmp(dot, ".m4"));
}

/* A relative include is one from the folder of the .mc file. */
static int run_m4(const char *file, char **text_r, struct error *error)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup(".");
    const char *const m4[] = {"m4", "-I", folder, "--", file, NULL};
    int result = run_output(m4, text_r, error);

    free(folder);
    return result;
}

int sendmail_cf_load(const char *file, struct sendmail_cf *cf_r, struct error *error)
{
    char *text;

    if (is_macros(file) ? run_m4(file, &text, error) : read_file(file, &text, error))
        return -1;
    sendmail_cf_parse(text, cf_r);
    free(text);
    /* Every cf states its version (V) and its rules (S); a .mc that includes no cf.m4 neither. */
    if (sendmail_cf_next(cf_r, "V", &(size_t){0}) && sendmail_cf_next(cf_r, "S", &(size_t){0}))
        return 0;
    sendmail_cf_clear(cf_r);
    return error_set(error, ERROR_INPUT, "%s: is no Sendmail configuration%s", file,
                     is_macros(file) ? ": it does not include cf.m4; name the .cf made from it" : "");
}

void sendmail_cf_clear(struct sendmail_cf *cf)
{
    for (size_t i = 0; i < cf->count; i++)
        free(cf->lines[i]);
    free(cf->lines);
    *cf = (struct sendmail_cf){0};
}

const char *sendmail_cf_next(const struct sendmail_cf *cf, const char *start, size_t *at_io)
{
    while (*at_io < cf->count) {
        const char *line = cf->lines[(*at_io)++];

        if (!strncmp(line, start, strlen(start)))
            return line;
    }
    return NULL;
}

const char *sendmail_cf_option(const struct sendmail_cf *cf, const char *name)
{
    const char *line, *value = NULL;
    size_t at = 0, length = strlen(name);

    while ((line = sendmail_cf_next(cf, "O", &at))) {
        line++;
        line += strspn(line, BLANK);
        if (strncasecmp(line, name, length) || line[length + strspn(line + length, BLANK)] != '=')
            continue;
        value = strchr(line + length, '=') + 1;
        value += strspn(value, BLANK);
    }
    return value;
}

char *sendmail_cf_equate(const char *line, const char *key)
{
    size_t length = strlen(key);

    while ((line = strchr(line, ','))) {
        size_t end;

        line += 1 + strspn(line + 1, BLANK);
        if (strncasecmp(line, key, length) || line[length] != '=')
            continue;
        line += length + 1;
        line += strspn(line, BLANK);
        end = strcspn(line, ",");
        while (end && strchr(BLANK, line[end - 1]))
            end--;
        return xstrndup(line, end);
    }
    return NULL;
}

int sendmail_cf_lists(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (list += strspn(list, ",; \t"); *list; list += strspn(list, ",; \t")) {
        size_t end = strcspn(list, ",; \t");

        if (end == length && !strncasecmp(list, word, length))
            return 1;
        list += end;
    }
    return 0;
}
