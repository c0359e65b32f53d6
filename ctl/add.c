/* suppressctl add and remove: a person's changes. By way of the running daemon;
 * where none runs, directly and under the store's lock. */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "30d", "12h", or a date: Unix seconds, -1 when it is neither. */
static int64_t parse_until(const char *text)
{
    struct tm date = {0};
    char *end;
    long count;

    if ((end = strptime(text, "%Y-%m-%d", &date)) && !*end)
        return (int64_t)timegm(&date);
    count = strtol(text, &end, 10);
    if (end == text || count <= 0 || count > 36500 || (strcmp(end, "d") && strcmp(end, "h")))
        return -1;
    return (int64_t)time(NULL) + count * (*end == 'd' ? 86400 : 3600);
}

static int parse_options(int argc, char **argv, struct change *change_r)
{
    static const struct option options[] = {
        {"reason", required_argument, NULL, 'r'}, {"stream", required_argument, NULL, 's'},
        {"note", required_argument, NULL, 'n'},   {"until", required_argument, NULL, 'u'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'r')
            change_r->reason = optarg;
        else if (option == 's')
            change_r->stream = optarg;
        else if (option == 'n')
            change_r->note = optarg;
        else if (option == 'u')
            change_r->until = parse_until(optarg);
        else
            return -1;
    }
    return 0;
}

static void print_result(struct ctl *ctl, const char *recipient, const char *done, int changed)
{
    if (ctl->json) {
        ask_print_json(json_pack("{s:o, s:b}", "recipient", ask_json(recipient), "changed", changed));
        return;
    }
    ask_print(recipient);
    printf(": %s\n", changed ? done : "was not suppressed");
}

static int change_all(struct ctl *ctl, const char *command, const char *done, int argc, char **argv)
{
    struct change change = {0};
    struct error error = {0};
    int code = EXIT_YES, result;

    if (parse_options(argc, argv, &change))
        return EXIT_USAGE;
    if (change.until < 0)
        return ctl_fail(argv[0], EXIT_USAGE, "--until takes a date (2027-01-31) or a time (30d, 12h)");
    if (optind == argc)
        return ctl_fail(argv[0], EXIT_USAGE, "name at least one address, or @ and a domain");
    for (int i = optind; i < argc; i++) {
        change.recipient = argv[i];
        result = ask_change(ctl, command, &change, &error);
        if (result < 0)
            code = ctl_fail(argv[0], error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s", error.text);
        else
            print_result(ctl, argv[i], done, result);
        if (!result && code == EXIT_YES)
            code = EXIT_NO;
    }
    return code;
}

int command_add(struct ctl *ctl, int argc, char **argv)
{
    return change_all(ctl, "suppress", "suppressed", argc, argv);
}

int command_remove(struct ctl *ctl, int argc, char **argv)
{
    return change_all(ctl, "release", "released", argc, argv);
}
