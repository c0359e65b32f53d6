/* suppressctl: ask the suppression records, change them, and understand replies.
 *
 * This file takes the global options, finds the command in the table and runs
 * it. What a command does stands in the file that bears its name.
 */
#include "config.h"

#include "ctl/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {NULL, NULL, NULL, NULL, NULL},
};

int ctl_fail(const char *command, enum exit_code code, const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "suppressctl %s: ", command);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    return code;
}

static void usage(FILE *out)
{
    const struct command *command;

    fputs("usage: suppressctl [-c FILE] [--json] COMMAND [ARGUMENT...]\n\n", out);
    for (command = commands; command->name; command++)
        fprintf(out, "  %-12s %s\n", command->name, command->summary);
}

int main(int argc, char **argv)
{
    struct ctl ctl = {0};
    const struct command *command;
    int count = 0, i;

    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            ctl.json = 1;
        else if (!strcmp(argv[i], "-c") && i + 1 < argc)
            ctl.config = argv[++i];
        else
            argv[count++] = argv[i];
    }
    if (count)
        for (command = commands; command->name; command++)
            if (!strcmp(command->name, argv[0]))
                return command->run(&ctl, count, argv);
    usage(count ? stderr : stdout);
    return count ? EXIT_USAGE : EXIT_YES;
}
