/* The lists of the manual pages that come from tables: commands and reasons. */
#include "config.h"

#include "ctl/command.h"

#include "classifier/reason.h"

#include <stdio.h>

/* Text for man(7): no line is taken for a request, no backslash for an escape. */
static void print_roff(const char *text)
{
    int line_start = 1;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '"')
            fputs("\\(dq", stdout);
        else if (*text != '\n' || text[1])
            putchar(*text);
        line_start = *text == '\n';
    }
}

void manual_commands(const struct command *commands)
{
    for (; commands->name; commands++) {
        printf(".TP\n\\fB%s\\fR ", commands->name);
        print_roff(commands->synopsis);
        putchar('\n');
        print_roff(commands->summary);
        putchar('\n');
        if (commands->help) {
            fputs(".IP\n", stdout);
            print_roff(commands->help);
            putchar('\n');
        }
    }
}

void manual_reasons(void)
{
    const struct reason_info *info;
    int i;

    for (i = 0; i < REASON_COUNT; i++) {
        info = reason_info(i);
        printf(".TP\n.B %s\n", info->name);
        printf("(%s; %s; %s)\n", info->family, info->subject, hygiene_name(info->hygiene));
        print_roff(info->means);
        putchar('\n');
        print_roff(info->todo);
        putchar('\n');
    }
}
