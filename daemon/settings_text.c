/* See settings.h: prints what is in force, the sample file and the manual's list. */
#include "config.h"

#include "daemon/settings_private.h"

#include "base/mem.h"
#include "daemon/policy_section.h"

#include <stdlib.h>
#include <string.h>

static const char *choice_name(const struct option *option, long value)
{
    const struct choice *choice = option->choices;

    while (choice->value != value)
        choice++;
    return choice->name;
}

static void print_networks(const struct settings *settings, FILE *out)
{
    fputs("{", out);
    for (size_t i = 0; i < settings->trusted_networks_count; i++) {
        const struct network *network = &settings->trusted_networks[i];
        char text[64];

        network_format(network, text, sizeof(text));
        fprintf(out, "%s\"%s\"", i ? ", " : "", text);
    }
    fputs("}", out);
}

static void print_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_value(const struct settings *settings, const struct option *option, FILE *out)
{
    const void *value = settings_value(settings, option);

    switch (option->type) {
    case TYPE_TEXT:
    case TYPE_REPLY:
        print_quoted(*(char *const *)value, out);
        break;
    case TYPE_NETWORKS:
        print_networks(settings, out);
        break;
    case TYPE_CHOICE:
        fputs(choice_name(option, *(const long *)value), out);
        break;
    case TYPE_OCTAL:
        fprintf(out, "%04lo", *(const long *)value);
        break;
    default:
        fprintf(out, "%ld%s", *(const long *)value, option->type == TYPE_TIME ? "s" : "");
    }
}

void settings_dump(const struct settings *settings, FILE *out)
{
    const struct option *option;

    for (size_t i = 0; (option = settings_option(i)); i++) {
        fprintf(out, "%s = ", option->name);
        print_value(settings, option, out);
        fputc('\n', out);
    }
    policy_section_dump(settings->policy, out);
}

/* Text for man(7): a quote is no end of an argument, a backslash no escape. */
static void print_roff(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || *text == '-')
            fputs(*text == '"' ? "\\(dq" : *text == '-' ? "\\-" : "\\e", out);
        else
            fputc(*text, out);
    }
}

/* Prints text as lines of at most width columns, each behind prefix. */
static void wrap(const char *text, const char *prefix, size_t width, FILE *out)
{
    while (*text) {
        size_t length = strlen(text);

        if (length > width) {
            for (length = width; length && text[length] != ' '; length--)
                ;
            if (!length)
                length = strlen(text);
        }
        fprintf(out, "%s%.*s\n", prefix, (int)length, text);
        for (text += length; *text == ' '; text++)
            ;
    }
}

static void print_standard(const struct option *option, FILE *out)
{
    char *list, *rest = NULL;

    if (option->type == TYPE_TEXT || option->type == TYPE_REPLY) {
        print_quoted(option->standard, out);
    } else if (option->type == TYPE_NETWORKS) {
        list = xstrdup(option->standard);
        fputs("{", out);
        for (char *one = strtok_r(list, ", ", &rest), *first = one; one; one = strtok_r(NULL, ", ", &rest))
            fprintf(out, "%s\"%s\"", one == first ? "" : ", ", one);
        fputs("}", out);
        free(list);
    } else {
        fputs(option->standard, out);
    }
}

void settings_sample(FILE *out)
{
    const struct option *option;

    fputs("# suppressd.conf: every setting with its default. A line without \"#\" sets it.\n"
          "# Those marked (restart) are read at the start only, the others also on reload (SIGHUP).\n"
          "# Check with: suppressd --check -c FILE\n", out);
    for (size_t i = 0; (option = settings_option(i)); i++) {
        fputc('\n', out);
        wrap(option->means, "# ", 76, out);
        if (!option->reloadable)
            fputs("# (restart)\n", out);
        fprintf(out, "#%s = ", option->name);
        print_standard(option, out);
        fputc('\n', out);
    }
    policy_section_sample(out);
}

void settings_manual(FILE *out)
{
    const struct option *option;

    for (size_t i = 0; (option = settings_option(i)); i++) {
        char *standard = NULL;
        size_t length = 0;
        FILE *memory = open_memstream(&standard, &length);

        if (!memory)
            abort(); /* out of memory */
        print_standard(option, memory);
        fclose(memory);
        fprintf(out, ".TP\n.B %s\nDefault: ", option->name);
        print_roff(standard, out);
        fputs(option->reloadable ? ".\n.br\n" : ". Read at the start only.\n.br\n", out);
        print_roff(option->means, out);
        fputc('\n', out);
        free(standard);
    }
}
