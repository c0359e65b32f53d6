/* suppressctl repair: what can be read of a damaged database, in its place. */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "ctl/ask.h"
#include "daemon/ledger/database_file.h"
#include "daemon/ledger/salvage.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What is printed, and how much of it has been. */
struct output {
    struct ctl *ctl;
    int tables;
};

static void print_table(const struct salvage_table *table, void *context)
{
    struct output *output = context;

    if (!output->tables++ && !output->ctl->json)
        printf("%12s %12s %12s   table\n", "rows", "restored", "known lost");
    if (output->ctl->json)
        ask_print_json(json_pack("{s:s, s:I, s:I, s:I}", "table", table->name, "rows", (json_int_t)table->rows,
                                 "restored", (json_int_t)table->restored, "lost", (json_int_t)table->lost));
    else if (table->rows || table->restored || table->lost)
        printf("%12lld %12lld %12lld   %s\n", (long long)table->rows, (long long)table->restored,
               (long long)table->lost, table->name);
}

static void print_doubtful(const char *key, void *context)
{
    const struct output *output = context;

    if (output->ctl->json) {
        ask_print_json(json_pack("{s:o}", "left_out", ask_json(key)));
        return;
    }
    fputs("left out, nothing else speaks of this suppression: ", stdout);
    ask_print(key);
    putchar('\n');
}

static char *aside_name(const char *path)
{
    time_t now = time(NULL);
    char text[32] = "";
    struct tm utc;

    if (gmtime_r(&now, &utc))
        strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc);
    return xasprintf("%s.damaged-%s", path, text);
}

/* What the file's name says is not put in its place before it has been salvaged whole. */
static int salvage_and_replace(struct ctl *ctl, const char *path, struct salvage_report *report, struct error *error)
{
    char *into = xasprintf("%s.repaired", path), *aside = aside_name(path);
    int failed;

    failed = salvage(path, into, report, error);
    if (!failed && (failed = database_file_replace(path, into, aside, error)))
        (void)unlink(into);
    if (!failed && ctl->json)
        ask_print_json(json_pack("{s:o, s:i, s:i, s:I}", "kept", ask_json(aside), "pages", (int)report->pages,
                                 "unreadable", (int)report->unreadable, "lost", (json_int_t)report->lost));
    else if (!failed)
        printf("%u pages, %u of them unreadable. The new database is sound and in place; the damaged one is kept as\n"
               "%s\n", report->pages, report->unreadable, aside);
    free(into);
    free(aside);
    return failed;
}

static int repair(struct ctl *ctl, const char *path, int force)
{
    struct output output = {.ctl = ctl};
    struct salvage_report report = {.table = print_table, .doubtful = print_doubtful, .context = &output};
    int fd, sound, failed;
    struct error error;

    if ((fd = database_file_lock(path, &error)) < 0)
        return ctl_fail("repair", EXIT_FAILED, "%s", error.text);
    sound = force ? 0 : salvage_is_sound(path, &error);
    if (!sound && !force)
        fprintf(stderr, "suppressctl repair: %s: %s\n", path, error.text);
    failed = sound < 0 || (!sound && salvage_and_replace(ctl, path, &report, &error));
    close(fd);
    if (failed)
        return ctl_fail("repair", EXIT_FAILED, "%s: %s", path, error.text);
    if (sound && !ctl->json)
        printf("%s is sound: nothing to repair\n", path);
    return report.lost || report.unreadable ? EXIT_NO : EXIT_YES;
}

static int check(struct ctl *ctl, const char *path)
{
    struct error error;
    int sound = salvage_is_sound(path, &error);

    if (sound < 0)
        return ctl_fail("repair", EXIT_FAILED, "%s: %s", path, error.text);
    if (ctl->json)
        ask_print_json(json_pack("{s:b, s:o}", "sound", sound, "problem", ask_json(sound ? "" : error.text)));
    else if (sound)
        printf("%s is sound\n", path);
    else
        printf("%s: %s\n", path, error.text);
    return sound ? EXIT_YES : EXIT_NO;
}

int command_repair(struct ctl *ctl, int argc, char **argv)
{
    int only_check = argc == 2 && !strcmp(argv[1], "--check"), force = argc == 2 && !strcmp(argv[1], "--force");
    struct settings *settings;
    struct error error;

    if (argc > 2 || (argc == 2 && !only_check && !force))
        return ctl_fail("repair", EXIT_USAGE, "--check, --force or nothing?");
    if (!(settings = ask_settings(ctl, &error)))
        return ctl_fail("repair", EXIT_FAILED, "%s", error.text);
    return only_check ? check(ctl, settings->database) : repair(ctl, settings->database, force);
}
