/* daemon/settings: what is read, what is refused and how the refusal names it,
 * and that sample and dump are settings files themselves. */
#include "config.h"

#include "daemon/settings.h"

#include "daemon/ledger/policy.h"
#include "daemon/log.h"
#include "tests/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/suppressd-settings-XXXXXX";

static void make_path(void)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_path(void)
{
    unlink(path);
    strcpy(strstr(path, "-settings-"), "-settings-XXXXXX");
}

static struct settings *load(const char *text, struct error *error)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
    return settings_load(path, error);
}

static const struct {
    const char *text, *error; /* error: what stands behind "FILE" */
} refused[] = {
    {"gate_mode = sometimes", ":1: gate_mode: 'sometimes' is none of: off, shadow, enforce"},
    {"\n\nqueue_max = 0", ":3: queue_max must lie between 1 and 1000000"},
    {"queue_max = many", ":1: queue_max: 'many' is no number"},
    {"queue_max = 5k", ":1: queue_max: '5k' is no number"},
    {"queue_max = 99999999999999999999", ":1: queue_max: '99999999999999999999' is no number"},
    {"queue_max = -1", ":1: queue_max: '-1' is no number"},
    {"sent_keep = 3x", ":1: sent_keep: unknown unit in '3x' (one of smhdw)"},
    {"sent_keep = 9999d", ":1: sent_keep must lie between 0 and 315360000"},
    {"report_size_max = 1", ":1: report_size_max must lie between 16384 and 104857600"},
    {"milter_socket_mode = 9", ":1: milter_socket_mode: '9' is no octal number"},
    {"database = \"\"", ":1: database must not be empty"},
    {"trusted_networks = {\"10.0.0.1/8\"}", ":1: trusted_networks: '10.0.0.1/8' has bits set behind its /8"},
#ifdef HAVE_SYSTEMD
    {"mail_log = \"journal:unit=x\"", ":1: mail_log: 'journal:unit=x': a word behind journal: is no match, as FIELD=VALUE is"},
#endif
    {"gate_reply = \"250 2.0.0 ok\"", ":1: gate_reply: the code must be 4yz or 5yz, not 250"},
    {"no_such_option = 1", ":1: no such option 'no_such_option'"},
    {"stream_port = \"587\"", ":1: stream_port: '587' is no PORT=STREAM"},
    {"stop_all_reasons = \"moved, gone\"", ":1: stop_all_reasons: there is no reason 'gone' in the taxonomy"},
    {"policy \"ip-reputation\" {\naction = suppress\n}",
     ":2: policy \"ip-reputation\": action suppress is not allowed, for ip-reputation is not the recipient's fault "
     "(subject: sender-ip)"},
    {"policy \"remote\" { action = count }",
     ":1: policy \"remote\": action count is not allowed, for protocol-error is not the recipient's fault "
     "(subject: sender-setup)"},
    {"policy \"nonsense\" { }", ":1: policy \"nonsense\": there is no such reason or family"},
    {"\npolicy \"moved\" {\n  days = many\n}", ":3: days: 'many' is no number"},
    {"policy \"moved\" { days = 9999 }", ":1: days must lie between 0 and 3650"},
    {"policy \"moved\" { for = 3y }", ":1: for: '3y' is no time (30d, 12h)"},
    {"policy \"moved\" { for = 9999d }", ":1: for must lie between 1 and 315360000"},
    {"policy \"moved\" { stream = \"\" }", ":1: stream must have 1 to 200 bytes"},
    {"policy \"moved\" { mode = maybe }", ":1: mode: 'maybe' is none of: enforce, shadow"},
    {"policy \"moved\" { color = red }", ":1: no such option 'color'"},
    {"policy { action = none }", ":1: missing title for section 'policy'"},
    {"gate_mode", NULL},
};

START_TEST(refusals_name_file_line_and_cause)
{
    char expected[300];
    struct error error;
    struct settings *settings = load(refused[_i].text, &error);

    ck_assert_ptr_null(settings);
    ck_assert_int_eq(error.code, ERROR_INPUT);
    snprintf(expected, sizeof(expected), "%s%s", path, refused[_i].error ? refused[_i].error : ":");
    if (refused[_i].error)
        ck_assert_str_eq(error.text, expected);
    else
        ck_assert_int_eq(strncmp(error.text, expected, strlen(expected)), 0);
}
END_TEST

START_TEST(values_are_read_with_their_units)
{
    struct error error;
    struct settings *settings = load(
        "gate_mode = shadow\nsent_keep = 2w\nreport_size_max = 2M\nack_timeout = 5\n"
        "milter_socket_mode = 0600\ntrust_authenticated = no\nlog_level = error\n"
        "database = '/x/y.db' # where it is\n"
        "trusted_networks = {\"10.0.0.0/8\", \"2001:db8::/32\"}\n", &error);

    ck_assert_ptr_nonnull(settings);
    ck_assert_int_eq(settings->gate_mode, GATE_SHADOW);
    ck_assert_int_eq(settings->sent_keep, 14 * 86400);
    ck_assert_int_eq(settings->report_size_max, 2 * 1024 * 1024);
    ck_assert_int_eq(settings->ack_timeout, 5);
    ck_assert_int_eq(settings->milter_socket_mode, 0600);
    ck_assert_int_eq(settings->trust_authenticated, 0);
    ck_assert_int_eq(settings->log_level, LOG_ERROR);
    ck_assert_str_eq(settings->database, "/x/y.db");
    ck_assert_uint_eq(settings->trusted_networks_count, 2);
    ck_assert_uint_eq(settings->trusted_networks[0].bits, 96 + 8);
    settings_unref(&settings);
    ck_assert_ptr_null(settings);
}
END_TEST

static char *dump(const struct settings *settings)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    settings_dump(settings, out);
    fclose(out);
    return text;
}

START_TEST(policy_lines_are_read_as_they_are_dumped)
{
    struct error error;
    struct settings *settings = load(
        "policy \"mailbox-full\" { action = count failures = 3 days = 14 for = 60d }\n"
        "policy \"mailbox-full\" {\n  stream = \"news\"\n  provider = \"google\"\n  mode = shadow\n}\n"
        "policy \"no-such-domain\" { scope = domain recipients = 4 after = 2d for = forever streams = one }\n"
        "trial_messages = 7\ntrial_quiet = 1h\nsuppress_longest = 2w\nsent_is_delivered = no\n", &error);
    char *first, *second;
    struct policy_rule rule;

    ck_assert_msg(settings != NULL, "%s", error.text);
    policy_find(settings->policy, REASON_MAILBOX_FULL, "other", "google", &rule);
    ck_assert_int_eq(rule.failures, 3);
    ck_assert_int_eq(rule.days, 14);
    ck_assert_int_eq(rule.duration, 60 * 86400);
    policy_find(settings->policy, REASON_MAILBOX_FULL, "news", "google", &rule);
    ck_assert_int_eq(rule.mode, POLICY_SHADOW);
    ck_assert_ptr_nonnull(strstr(rule.where, ":3"));
    policy_find(settings->policy, REASON_NO_SUCH_DOMAIN, "news", "google", &rule);
    ck_assert_int_eq(rule.recipients, 4);
    ck_assert_int_eq(rule.duration, 0);
    ck_assert_int_eq(rule.streams, POLICY_ALL_STREAMS); /* stop_all_reasons */
    ck_assert_int_eq(policy_trial(settings->policy)->sends, 7);
    ck_assert_int_eq(policy_trial(settings->policy)->quiet, 3600);
    ck_assert_int_eq(policy_trial(settings->policy)->longest, 14 * 86400);
    ck_assert_int_eq(policy_trial(settings->policy)->believes_sent, 0);
    first = dump(settings);
    settings_unref(&settings);
    settings = load(first, &error);
    ck_assert_msg(settings != NULL, "%s", error.text);
    second = dump(settings);
    ck_assert_str_eq(first, second);
    settings_unref(&settings);
    free(first);
    free(second);
}
END_TEST

START_TEST(an_empty_list_empties)
{
    struct error error;
    struct settings *settings = load("trusted_networks = {}", &error);

    ck_assert_ptr_nonnull(settings);
    ck_assert_uint_eq(settings->trusted_networks_count, 0);
    settings_unref(&settings);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    struct error error;

    ck_assert_ptr_null(settings_load("/nonexistent/suppressd.conf", &error));
    ck_assert_int_eq(error.code, ERROR_ENVIRONMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/suppressd.conf: No such file"));
}
END_TEST

static char *print(void (*print_to)(FILE *out))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    print_to(out);
    fclose(out);
    return text;
}

/* Takes the "#" away from the lines of the sample that set something. */
static void uncomment(char *text)
{
    for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (line[0] == '#' && line[1] != ' ')
            line[0] = ' ';
}

START_TEST(the_sample_sets_the_defaults)
{
    struct settings *defaults = settings_defaults(), *read;
    char *sample = print(settings_sample), *expected = dump(defaults), *got;
    struct error error;

    uncomment(sample);
    read = load(sample, &error);
    ck_assert_msg(read != NULL, "%s", error.text);
    got = dump(read);
    ck_assert_str_eq(got, expected);
    free(sample), free(expected), free(got);
    settings_unref(&read);
    settings_unref(&defaults);
}
END_TEST

START_TEST(a_dump_can_be_read_back)
{
    struct error error;
    struct settings *first = load("gate_reply = \"450 4.2.1 say \\\"no\\\" to %{address}\"\nsent_keep = 3h\n"
                                  "trusted_networks = {\"2001:db8::/32\"}\ngate_mode = off", &error);
    struct settings *second;
    char *one, *two;

    ck_assert_msg(first != NULL, "%s", error.text);
    one = dump(first);
    second = load(one, &error);
    ck_assert_msg(second != NULL, "%s", error.text);
    two = dump(second);
    ck_assert_str_eq(one, two);
    free(one), free(two);
    settings_unref(&first);
    settings_unref(&second);
}
END_TEST

START_TEST(the_manual_names_every_option)
{
    struct settings *defaults = settings_defaults();
    char *text = dump(defaults), *manual = print(settings_manual), *rest = NULL, name[80];

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        snprintf(name, sizeof(name), ".B %.*s\n", (int)strcspn(line, " "), line);
        ck_assert_msg(strstr(manual, name) != NULL, "%s", name);
    }
    free(text), free(manual);
    settings_unref(&defaults);
}
END_TEST

START_TEST(what_needs_a_restart_is_named)
{
    struct error error;
    const char *name = NULL;
    struct settings *old = settings_defaults();
    struct settings *reloadable = load("gate_mode = off\nsent_keep = 1d", &error);
    struct settings *fixed = load("database = '/elsewhere.db'", &error);

    ck_assert_int_eq(settings_need_restart(old, reloadable, &name), 0);
    ck_assert_int_eq(settings_need_restart(old, fixed, &name), 1);
    ck_assert_str_eq(name, "database");
    settings_unref(&old), settings_unref(&reloadable), settings_unref(&fixed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/settings");
    TCase *tc = tcase_create("settings");

    tcase_add_checked_fixture(tc, make_path, remove_path);
    tcase_add_loop_test(tc, refusals_name_file_line_and_cause, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tc, values_are_read_with_their_units);
    tcase_add_test(tc, policy_lines_are_read_as_they_are_dumped);
    tcase_add_test(tc, an_empty_list_empties);
    tcase_add_test(tc, a_missing_file_is_named);
    tcase_add_test(tc, the_sample_sets_the_defaults);
    tcase_add_test(tc, a_dump_can_be_read_back);
    tcase_add_test(tc, the_manual_names_every_option);
    tcase_add_test(tc, what_needs_a_restart_is_named);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
