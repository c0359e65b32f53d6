/* suppressctl setup sendmail: the lines that put suppressd beside a Sendmail.
 *
 * They are those of conf/sendmail.mc, with the sockets of the settings in
 * force. --mc checks a configuration. Nothing is changed: a .mc file is m4, and
 * where a line belongs in it only its owner knows.
 */
#include "config.h"

#include "ctl/command.h"

#include "base/embed.h"
#include "base/mem.h"
#include "ctl/ask.h"
#include "ctl/sendmail_check.h"
#include "ctl/setup.h"
#include "daemon/settings.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SAMPLE_MILTER "local:/run/suppressd/milter.sock"
#define SAMPLE_LMTP "FILE /run/suppressd/lmtp.sock"
#define SAMPLE_DOMAIN "bounces.example.com"

extern const struct embedded sendmail_sample[]; /* conf/sendmail.mc */

struct options {
    const char *file, *domain;
};

struct plan {
    struct sendmail_wish wish;
    struct findings findings;
    char *lines; /* for sendmail.mc */
};

static const char usage[] =
    "usage: suppressctl setup sendmail [--mc FILE] [--bounce-domain DOMAIN]\n";

static int read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--mc") && i + 1 < argc)
            options->file = argv[++i];
        else if (!strcmp(argv[i], "--bounce-domain") && i + 1 < argc)
            options->domain = argv[++i];
        else
            return -1;
    }
    return 0;
}

static void check_settings(const struct settings *settings, struct findings *findings)
{
    if (!*settings->mail_log)
        findings_add(findings, FINDING_WARNING, "mail_log is not set: results are not learned from "
                     "Sendmail's log (Debian: mail_log = \"/var/log/mail.log\")");
    if (!*settings->lmtp_socket)
        findings_add(findings, FINDING_WARNING, "lmtp_socket is not set: Sendmail's own bounces do "
                     "not reach suppressd (lmtp_socket = \"unix:/run/suppressd/lmtp.sock\")");
    else if (settings->lmtp_trust != LMTP_TRUST_OWN)
        findings_add(findings, FINDING_WARNING, "lmtp_trust is not \"own\": what comes by LMTP, "
                     "Sendmail's own bounces too, suppresses nobody");
}

/* A socket below a folder that others may write to is "unsafe" to Sendmail, which
 * then does not read its configuration to the end. */
static void check_folders(const char *option, const char *spec, struct findings *findings)
{
    char *path = strncmp(spec, "unix:", 5) ? NULL : xstrdup(spec + 5);
    char *slash;
    struct stat folder;

    while (path && (slash = strrchr(path, '/')) && slash > path) {
        *slash = '\0';
        if (stat(path, &folder))
            findings_add(findings, FINDING_WARNING, "%s: %s: %s", option, path, strerror(errno));
        else if (folder.st_mode & (S_IWGRP | S_IWOTH))
            findings_add(findings, FINDING_BLOCK, "%s: Sendmail does not start with a socket "
                         "below %s, which %s may write to", option, path,
                         folder.st_mode & S_IWOTH ? "everybody" : "its group");
    }
    free(path);
}

/* text with each "was" as "becomes". */
static char *replaced(char *text, const char *was, const char *becomes)
{
    char *at;

    while (strcmp(was, becomes) != 0 && (at = strstr(text, was))) {
        char *next = xasprintf("%.*s%s%s", (int)(at - text), text, becomes, at + strlen(was));

        free(text);
        text = next;
    }
    return text;
}

/* The sample's paragraphs without the first, which is about the file, and
 * without the last, which is about LMTP, where that is not used. */
static char *make_lines(const struct sendmail_wish *wish)
{
    const char *text = strstr(sendmail_sample[0].text, "\n\n") + 2, *end = text + strlen(text);
    char *lines;

    if (!wish->lmtp)
        for (const char *at = text; (at = strstr(at, "\n\n")); at++)
            end = at + 1;
    lines = xstrndup(text, (size_t)(end - text));
    lines = replaced(lines, SAMPLE_MILTER, wish->milter);
    if (wish->lmtp)
        lines = replaced(lines, SAMPLE_LMTP, wish->lmtp);
    if (wish->domain)
        lines = replaced(lines, SAMPLE_DOMAIN, wish->domain);
    return lines;
}

static int make_plan(struct ctl *ctl, const struct options *options, struct plan *plan_r,
                     struct error *error)
{
    const struct settings *settings = ask_settings(ctl, error);
    struct sendmail_cf cf;

    if (!settings || sendmail_wish_make(settings->milter_socket, settings->lmtp_socket,
                                        &plan_r->wish, error))
        return -1;
    plan_r->wish.domain = options->domain;
    plan_r->wish.ack_timeout = settings->ack_timeout;
    plan_r->lines = make_lines(&plan_r->wish);
    check_settings(settings, &plan_r->findings);
    check_folders("milter_socket", settings->milter_socket, &plan_r->findings);
    check_folders("lmtp_socket", settings->lmtp_socket, &plan_r->findings);
    if (!options->file)
        return 0;
    if (sendmail_cf_load(options->file, &cf, error))
        return -1;
    sendmail_check(&cf, &plan_r->wish, &plan_r->findings);
    sendmail_cf_clear(&cf);
    return 0;
}

static void clear_plan(struct plan *plan)
{
    sendmail_wish_clear(&plan->wish);
    findings_clear(&plan->findings);
    free(plan->lines);
}

static void print_json(const struct plan *plan)
{
    json_t *findings = json_array();

    for (size_t i = 0; i < plan->findings.count; i++)
        json_array_append_new(findings,
                              json_pack("{s:s, s:o}", "weight",
                                        finding_word(plan->findings.list[i].weight), "text",
                                        ask_json(plan->findings.list[i].text)));
    ask_print_json(json_pack("{s:o, s:o}", "lines", ask_json(plan->lines), "findings", findings));
}

/* With a file in question its faults are the answer, else the lines. Comments
 * are those of m4, so that all of it may be pasted. */
static void print_plan(const struct plan *plan, const char *file)
{
    for (size_t i = 0; i < plan->findings.count; i++)
        printf("%s%s: %s\n", file ? "" : "dnl ", finding_word(plan->findings.list[i].weight),
               plan->findings.list[i].text);
    if (!file)
        printf("dnl For sendmail.mc, above the first MAILER line, without what is there already;\n"
               "dnl then make sendmail.cf anew and restart Sendmail.\n\n%s", plan->lines);
    else if (!plan->findings.count)
        puts("nothing is missing");
}

int setup_sendmail(struct ctl *ctl, int argc, char **argv)
{
    struct options options = {0};
    struct plan plan = {0};
    struct error error;
    int code;

    if (read_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (make_plan(ctl, &options, &plan, &error)) {
        code = ctl_fail("setup", error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s", error.text);
    } else {
        if (ctl->json)
            print_json(&plan);
        else
            print_plan(&plan, options.file);
        code = findings_count(&plan.findings, FINDING_BLOCK) ? EXIT_NO : EXIT_YES;
    }
    clear_plan(&plan);
    return code;
}
