/* The taxonomy table: complete, consistent, found by name. */
#include "config.h"

#include "classifier/reason.h"

#include "tests/run.h"

#include <string.h>

START_TEST(every_reason_is_complete)
{
    const struct reason_info *info = reason_info((enum reason)_i);
    enum reason found;
    int v;

    ck_assert_ptr_nonnull(info->name);
    ck_assert_ptr_nonnull(info->family);
    ck_assert_ptr_nonnull(info->subject);
    ck_assert_int_eq(info->means[strlen(info->means) - 1], '.');
    ck_assert_int_eq(info->todo[strlen(info->todo) - 1], '.');
    for (v = 0; v < VOCABULARY_COUNT; v++)
        ck_assert_ptr_nonnull(info->vocabulary[v]);
    ck_assert_int_eq(reason_from_name(info->name, &found), 1);
    ck_assert_int_eq(found, _i);
}
END_TEST

/* Nothing but the recipient, its domain or what lies on the way there may ever suppress. */
START_TEST(only_the_recipients_side_suppresses)
{
    const struct reason_info *info = reason_info((enum reason)_i);

    if (info->hygiene == HYGIENE_SUPPRESS)
        ck_assert(!strncmp(info->subject, "recipient", 9));
    if (!strncmp(info->subject, "sender", 6) || !strcmp(info->subject, "message"))
        ck_assert_int_eq(info->hygiene, HYGIENE_NONE);
}
END_TEST

static const struct {
    const char *name, *family, *subject, *persistence, *hygiene;
} samples[] = {
    {"no-such-user", "address", "recipient", "permanent", "suppress"},
    {"mailbox-full", "address", "recipient", "transient", "count"},
    {"recipient-refused", "address", "recipient", "permanent", "count"},
    {"domain-not-accepting", "domain", "recipient-domain", "permanent", "suppress"},
    {"bad-helo", "reputation", "sender-setup", "transient", "none"},
    {"message-too-large", "content", "message", "permanent", "none"},
    {"routing-loop", "remote", "recipient-domain", "transient", "count"},
    {"complaint", "feedback", "recipient", "permanent", "suppress"},
    {"auto-reply", "feedback", "none", "none", "none"},
    {"unclassified", "none", "unknown", "none", "none"},
};

START_TEST(samples_stand_as_documented)
{
    enum reason reason;
    const struct reason_info *info;

    ck_assert_int_eq(reason_from_name(samples[_i].name, &reason), 1);
    info = reason_info(reason);
    ck_assert_str_eq(info->family, samples[_i].family);
    ck_assert_str_eq(info->subject, samples[_i].subject);
    ck_assert_str_eq(persistence_name(info->persistence), samples[_i].persistence);
    ck_assert_str_eq(hygiene_name(info->hygiene), samples[_i].hygiene);
}
END_TEST

START_TEST(unknown_names_are_refused)
{
    enum reason reason;
    enum vocabulary vocabulary;

    ck_assert_int_eq(reason_from_name("no-such-reason", &reason), 0);
    ck_assert_int_eq(vocabulary_from_name("ses", &vocabulary), 1);
    ck_assert_int_eq(vocabulary, VOCABULARY_SES);
    ck_assert_int_eq(vocabulary_from_name("sendgrid", &vocabulary), 0);
}
END_TEST

/* Whoever changes a word of a mapping gives it a new version, here and in reason.c. */
static const struct {
    const char *version;
    unsigned long long words; /* FNV-1a over the mapping's words */
} mappings[VOCABULARY_COUNT] = {
    {"powermta/1", 0x2656760cf02194d8u},
    {"sparkpost/1", 0xb38e54fb67760909u},
    {"ses/1", 0x3456592aeeb561ecu},
    {"kumomta/1", 0x1fc3d99a96209bd5u},
    {"sisimai/1", 0xfca8eae4b22d4556u},
};

START_TEST(a_changed_mapping_has_a_new_version)
{
    unsigned long long sum = 0xcbf29ce484222325u;
    int reason;

    for (reason = 0; reason < REASON_COUNT; reason++) {
        const char *word = reason_info((enum reason)reason)->vocabulary[_i];

        do
            sum = (sum ^ (unsigned char)*word) * 0x100000001b3u;
        while (*word++);
    }
    ck_assert_str_eq(vocabulary_version((enum vocabulary)_i), mappings[_i].version);
    ck_assert_msg(sum == mappings[_i].words, "%s: the words are now 0x%llx", mappings[_i].version, sum);
    ck_assert_int_eq(strncmp(vocabulary_version((enum vocabulary)_i), vocabulary_name((enum vocabulary)_i),
                             strlen(vocabulary_name((enum vocabulary)_i))), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reason");
    TCase *tcase = tcase_create("table");

    tcase_add_loop_test(tcase, every_reason_is_complete, 0, REASON_COUNT);
    tcase_add_loop_test(tcase, only_the_recipients_side_suppresses, 0, REASON_COUNT);
    tcase_add_loop_test(tcase, samples_stand_as_documented, 0,
                        (int)(sizeof(samples) / sizeof(*samples)));
    tcase_add_test(tcase, unknown_names_are_refused);
    tcase_add_loop_test(tcase, a_changed_mapping_has_a_new_version, 0, VOCABULARY_COUNT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
