/* suppressctl: ask the suppression records, change them, and understand replies.
 *
 * This file takes the global options, finds the command in the table and runs
 * it. What a command does stands in the file that bears its name.
 */
#include "config.h"

#include "ctl/command.h"

#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "daemon/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"check", "ADDR...", "may mail go to these recipients?",
     "Exit code 0: to all of them; 1: at least one is suppressed.", command_check},
    {"list", "[--vocabulary NAME] [REASON]", "who is suppressed now, and why",
     "NAME is powermta, sparkpost, ses, kumomta or sisimai: adds what the reason is called there.",
     command_list},
    {"show", "ADDR", "all that is known of a recipient",
     "Every delivery result with the remote's words, who told of it, the rule that decided and the\n"
     "decision in words; every change of its suppression. Exit code 1: nothing is known of it.", command_show},
    {"add", "[--reason R] [--stream S] [--until WHEN] [--note TEXT] ADDR...", "suppress recipients by hand",
     "ADDR may be \"@\" and a domain. WHEN is a date (2027-01-31) or a time from now (30d, 12h);\n"
     "without it the suppression has no end. Goes through the running daemon, else directly.",
     command_add},
    {"remove", "[--stream S] [--note TEXT] ADDR...", "release recipients",
     "Exit code 1: at least one was not suppressed. What was recorded stays on record.", command_remove},
    {"allow", "add|remove|list [--note TEXT] [ADDR...]", "recipients that are never refused",
     "ADDR may be \"@\" and a domain. Outranks every suppression, a person's too; what is suppressed\n"
     "stays on record. Exit code 1: at least one was not on the list.", command_allow},
    {"policy", "[test [OPTION...] ADDR REPLY | report]", "what follows from which failure?",
     "Without more: for each reason, stream and provider what is done, and which line says so.\n"
     "test [--stream S] [--provider P] [--status E] [--mta HOST] ADDR REPLY: what would follow if\n"
     "this reply came now as a final failure, from what is on record; nothing is changed.\n"
     "report: whom the lines in shadow mode and what is held would suppress, and how many messages\n"
     "went to them since.", command_policy},
    {"incident", "list [--all] | show ID | close ID | rollback ID", "a provider's trouble, and what it holds",
     "While an incident is open its suppressions are held: recorded, not enforced. It closes when all\n"
     "has been normal for some hours, or by close. Who has failed again by then is suppressed, the\n"
     "others wait: the next failure suppresses, a delivery drops it. rollback closes it and releases\n"
     "all that its failures suppressed. list tells of those that are open, --all of every one.\n"
     "Exit code 1: there is no such incident, or it was closed already.", command_incident},
    {"history", "[--since DATE] [ADDR]", "who changed which suppression, when and why",
     "Time, what, recipient, reason, stream, who, change set, and the note or else the remote's\n"
     "words: what was suppressed and released, by whomever; what incidents held, dropped and let\n"
     "wait; where counting began anew; and, without ADDR, changes of the policy. ADDR may be \"@\" and\n"
     "a domain. Nothing is ever overwritten. Exit code 1: no change.", command_history},
    {"erase", "ADDR...", "forget a person",
     "Removes the address from every table: delivery results, bounce record, changes, what incidents\n"
     "hold, submitted messages and the messages kept aside that name it. Only a hash stays, keyed by the file beside the database\n"
     "(DATABASE.key), under which it is suppressed, or allowed, as it was; remove ADDR still releases\n"
     "it. Large tables are searched piece by piece, and nobody waits. What comes in later is recorded\n"
     "again. This cannot be undone. Exit code 1: nothing was known of one.", command_erase},
    {"undo", "[CHANGE-SET]", "take back what was changed at once",
     "Puts all that the change set touched back as it was: an add, a remove, an import, an allow, a\n"
     "reclassify, or an incident closed or rolled back; without a number the newest. Whom somebody has\n"
     "changed since, or a delivery or failure has, is named and left alone (exit code 1). A large set\n"
     "is undone part by part; broken off, it goes on when asked again. history shows the numbers.\n"
     "Goes through the running daemon, else directly.",
     command_undo},
    {"reclassify", "[--since DATE] [--apply]", "whom would today's rules suppress, and whom release?",
     "Runs the rules and the policy in force over every final failure and complaint on record, and\n"
     "shows whose automatic suppression they do not bear out and whom they would suppress, and why:\n"
     "the decision is made as for a new result, with what else is on record of the recipient. Who is\n"
     "suppressed changes, not for how long. A person's word and a complaint outrank it: manual and\n"
     "imported suppressions stay; nobody is added who was released by hand since, is on the allow-list,\n"
     "took mail since, or failed while an incident was open. Where results that counted have been let\n"
     "go of (events_keep) nobody is released for want of them, and a domain stays as long as any\n"
     "result of it blames the domain. --apply does it as one change set, which undo takes back. Mail goes on meanwhile; what is to\n"
     "be recorded waits while the set is committed, some seconds for each hundred thousand changes.\n"
     "Results keep the verdict of their day. Exit code 1: there are differences, and none was applied.",
     command_reclassify},
    {"ingest", "[--own | --log [--host NAME]] [FILE...]", "read the bounces and complaints of a mailbox, or old mail logs",
     "FILE is an mbox, a single message, a Maildir, an MH folder, or - for standard input, which is\n"
     "also what is read without any. What no sent message proves suppresses nobody;\n"
     "with --own this host's own bounces count: delivery reports in its name (mail_log_host, or the\n"
     "machine's) with a null Return-Path whose Received fields were all written by it, for mail that\n"
     "began on it. Goes through the running daemon, else directly. Whatever is read again, after an\n"
     "interruption too, is not counted again. Exit code 1: some could not be understood and were\n"
     "kept aside.\n\n"
     "With --log FILE is a mail log of Postfix or Sendmail, plain or compressed (gzip, bzip2, xz,\n"
     "zstd). Several are read in the order of their times, so that mail.log* will do. No line counts\n"
     "twice: what was read of a file is known by its first 1024 bytes, whether it was ingested or\n"
     "followed, and under whatever name; what suppressd is about to read of mail_log is left to it.\n"
     "--host is the MTA's name for itself where the lines have another; default: mail_log_host.", command_ingest},
    {"import", "[--format F] [--reason R] [--stream S] [--column C] FILE|-...", "take over the suppression list of another service",
     "F is csv, ndjson, ses, sendgrid-bounces, sendgrid-blocks, sendgrid-spam-reports,\n"
     "sendgrid-unsubscribes, mailgun-bounces, mailgun-complaints, mailgun-unsubscribes, postmark,\n"
     "sparkpost, mailchimp-cleaned or mailchimp-unsubscribed, as CSV or JSON; without it the names of\n"
     "the columns tell. R is for all entries, in place of what the list says. S is the stream that\n"
     "they are suppressed in; Mailgun's tags are streams without it. C is the column of a CSV file\n"
     "that holds the addresses. Where an entry quotes a reply the rules decide: what is not the\n"
     "recipient's fault for good is left out and counted, and nothing of sendgrid-blocks is taken.\n"
     "What is suppressed already, and as long, stays as it is. Goes through the running daemon, else\n"
     "directly. Exit code 1: some entries were bad (each is named) or left out.", command_import},
    {"export", "[--format F] [--csv] [--reason R] [--vocabulary NAME]", "write down who is suppressed",
     "F is one of import's; csv without it, or ndjson with --json. --csv: a service's list as CSV\n"
     "in place of JSON. The lists of SendGrid, Mailgun and Mailchimp hold what their names say. NAME,\n"
     "as of list, adds what the reason is called there. Exit code 1: some were left out, for the\n"
     "service has no domains, no streams, or nothing that ends by itself.", command_export},
    {"scrub", "[--column C] [--stream S] [--suppressed FILE] [LIST] > CLEAN", "take the suppressed off a mailing list",
     "LIST (or standard input) is CSV, TSV or one address a line. Rows that may be sent to go to\n"
     "standard output, byte for byte; suppressed ones to FILE, with reason and time as two columns\n"
     "more. C is the name or number of the column that holds the addresses, where it has no usual\n"
     "name. What is suppressed in every stream counts, and with --stream what is in that one.\n"
     "Exit code 0: done; 1: done, but rows that have no address or cannot be read were named and\n"
     "left out; 2: the list cannot be read; 3: the records cannot. After 2 and 3 CLEAN is not whole.",
     command_scrub},
    {"parse", "[--log] FILE...", "what do these messages or logs say of which recipient?",
     "Each FILE holds one message, or with --log a mail log of Postfix or Sendmail; - is standard\n"
     "input. One JSON object a message, or one a recipient of a delivery line; \"doubtful\" is a\n"
     "line of which an outsider may have written a part. Nothing is recorded.", command_parse},
    {"aside", "[show ID | retry [ID...] | drop ID...|--before DATE]", "reports that could not be understood",
     "Lists them, the newest first: number, the last time it came, how often, bytes, evidence,\n"
     "envelope sender, problem. show: prints the message. retry: reads them (or all) again; what\n"
     "is understood by now is recorded with the time and evidence it came with and is no longer\n"
     "kept. drop: lets go of these, or of all that came before DATE (2027-01-31) only.\n"
     "Exit code 1: one is not there, or is still not understood.", command_aside},
    {"key", "rotate|show", "the keys of the signed envelope sender",
     "rotate puts a new key in front in tag_key_file; the one before stays good until the next\n"
     "rotation, so wait proof_age between two. The daemon takes it into use on reload. show prints\n"
     "when each was made and a fingerprint, never the key. Exit code 1: there is none.", command_key},
    {"hash", "", "keep no address in the database, but keyed hashes of them",
     "For a database that was made with addresses = plain. Set addresses = hashed, stop suppressd,\n"
     "run this as root or as suppressd's user, and start suppressd again: there is no way back. Each\n"
     "address becomes the token that is all of it that stays, with its domain; the messages of\n"
     "reports kept aside are let go, their causes stay. The key is made beside the database, with\n"
     ".key behind its name: keep a copy of it apart. Exit code 1: it was hashed already.", command_hash},
    {"status", "", "is the daemon well, and what does it know?",
     "Exit code 1: no daemon runs.", command_status},
    {"classify", "[--vocabulary NAME] < REPLIES", "tell why, for each reply on standard input",
     "REPLIES are lines, or objects {\"reply\", \"status\", \"mta\", \"domain\", \"id\"} of which only the\n"
     "reply must be there. One JSON object a line. NAME (powermta, sparkpost, ses, kumomta,\n"
     "sisimai) adds \"category\", what the reason is called there, and the version of that mapping.",
     command_classify},
    {"explain", "[--mta HOST] [--status S] REPLY | --questions", "tell what a reply means and what to do",
     "HOST is the mail exchanger that replied: the same words may mean different things at two of\n"
     "them. --questions prints the replies that people ask about most, as a page.", command_explain},
    {"rules", "lint|test|list|show|diff ...", "look after the rules",
     "lint [--alone] [FILE|FOLDER...]: every fault of the rules in force, or of these as local\n"
     "rules before the shipped ones; --alone: as a whole set. Exit code 1: there are some.\n"
     "test [--mta HOST] [--status S] REPLY: every rule that matches, which decides, and why.\n"
     "list [--reason R] [--provider P]: the rules in force, in the order in which they win.\n"
     "show ID: one rule.\n"
     "diff OLD NEW < REPLIES: whose verdict changes from one folder of rules to the other (-: the\n"
     "rules compiled in). Exit code 1: some do.", command_rules},
    {"unclassified", "[--since DAYS] [--limit N] [- < REPLIES]", "which rules are missing?",
     "Groups the recorded replies whose reason nothing tells, the most frequent first, and drafts\n"
     "a rule for each: set its reason, trim its pattern, put it into the local rules. What the\n"
     "rules in force know by now is left out. With - the replies come from standard input.",
     command_unclassified},
    {"repair", "[--check | --force]", "save what can be read of a damaged database",
     "Only while no daemon runs. Reads every page that can be read into a new database, tells for each\n"
     "table how many rows were saved, restored from what else tells of them, and are known to be lost,\n"
     "and puts it in the place of the damaged one, which is kept untouched beside it. A sound database\n"
     "is left alone, but with --force. --check: only tells whether it is sound; a daemon may run.\n"
     "Exit code 1: something is lost, or may be; with --check: it is damaged.", command_repair},
    {"setup", "postfix|sendmail ...", "put suppressd beside an MTA",
     "postfix [--apply|--remove] [--config-dir DIR] [--socket SPEC]: looks at the Postfix of this\n"
     "machine and prints the lines that add suppressd to it. --apply runs them, keeping a copy of\n"
     "main.cf; --remove takes back exactly what --apply added. DIR is the instance's configuration\n"
     "directory; SPEC is the daemon's milter_socket.\n"
     "sendmail [--mc FILE] [--bounce-domain DOMAIN]: prints the lines for sendmail.mc. --mc: tells\n"
     "instead what this .mc or .cf file lacks, and what in it would stop mail. DOMAIN is the one\n"
     "that bounces come back to. Nothing is changed. Exit code 1: there are problems.",
     command_setup},
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

struct ruleset *ctl_ruleset(struct ctl *ctl, struct error *error)
{
    struct settings *settings = ask_settings(ctl, error);

    return settings ? ruleset_load(settings->rules_dir, settings->local_rules_dir, error) : NULL;
}

static void usage(FILE *out)
{
    const struct command *command;

    fputs("usage: suppressctl [-c FILE] [--json] COMMAND [ARGUMENT...]\n\n", out);
    for (command = commands; command->name; command++)
        fprintf(out, "  %-12s %s\n", command->name, command->summary);
    fputs("\n'suppressctl COMMAND --help' tells more; suppressctl(1) tells all.\n", out);
}

static int command_help(const struct command *command)
{
    printf("usage: suppressctl [-c FILE] [--json] %s %s\n%s\n", command->name, command->synopsis,
           command->summary);
    if (command->help)
        printf("\n%s\n", command->help);
    return EXIT_YES;
}

static int asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help"))
            return 1;
    return 0;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    const struct command *command = commands;

    while (command->name && strcmp(command->name, argv[0]))
        command++;
    if (!command->name)
        return ctl_fail(argv[0], EXIT_USAGE, "there is no such command (suppressctl --help lists them)");
    if (asks_for_help(argc, argv))
        return command_help(command);
    return command->run(ctl, argc, argv);
}

int main(int argc, char **argv)
{
    struct ctl ctl = {0};
    int count = 0, i, code = EXIT_YES;

    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            ctl.json = 1;
        else if (!strcmp(argv[i], "-c") && i + 1 < argc)
            ctl.config = argv[++i];
        else
            argv[count++] = argv[i];
    }
    if (!count) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[0], "--help"))
        usage(stdout);
    else if (!strcmp(argv[0], "--version"))
        puts("suppressctl " PACKAGE_VERSION);
    else if (!strcmp(argv[0], "--manual-commands"))
        manual_commands(commands);
    else if (!strcmp(argv[0], "--manual-reasons"))
        manual_reasons();
    else
        code = run(&ctl, count, argv);
    if (fflush(stdout) && code == EXIT_YES)
        code = ctl_fail(argv[0], EXIT_FAILED, "cannot write the output");
    return code;
}
