/* daemon/gate/dialogue, socketmap and policy: what is asked, what is said, and
 * what is no conversation. */
#include "config.h"

#include "daemon/gate/dialogue.h"

#include "daemon/gate/policy.h"
#include "daemon/gate/socketmap.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>

#define NO_MAP "77:PERM no such map: suppression, recipient-access and delivery-status are there,"
#define RCPT "request=smtpd_access_policy\nprotocol_state=RCPT\n"
#define DUNNO "action=DUNNO\n\n"

static const struct {
    enum dialogue_kind kind;
    const char *input;
    enum question_kind asked;
    const char *text, *sender, *client; /* NULL: not said */
    int authenticated;
    const char *answered, *unanswered; /* with "550 no"; with nothing to say */
} cases[] = {
    {DIALOGUE_SOCKETMAP, "27:suppression joe@example.com,", QUESTION_TRANSPORT, "joe@example.com", NULL, NULL, 0,
     "9:OK 550 no,", "9:NOTFOUND ,"},
    {DIALOGUE_SOCKETMAP, "20:recipient-access a b,", QUESTION_ACCESS, "a b", NULL, NULL, 0, "9:OK 550 no,", "9:NOTFOUND ,"},
    {DIALOGUE_SOCKETMAP, "26:delivery-status 5.1.1 no: ,", QUESTION_STATUS, "5.1.1 no: ", NULL, NULL, 0, "9:OK 550 no,",
     "9:NOTFOUND ,"},
    {DIALOGUE_SOCKETMAP, "11:suppression,", QUESTION_NONE, NULL, NULL, NULL, 0, "9:OK 550 no,", "9:NOTFOUND ,"},
    {DIALOGUE_SOCKETMAP, "12:suppression ,", QUESTION_NONE, NULL, NULL, NULL, 0, "9:OK 550 no,", "9:NOTFOUND ,"},
    {DIALOGUE_SOCKETMAP, "13:Suppression a,", QUESTION_NONE, NULL, NULL, NULL, 0, NO_MAP, NO_MAP},
    {DIALOGUE_SOCKETMAP, "0:,", QUESTION_NONE, NULL, NULL, NULL, 0, NO_MAP, NO_MAP},
    {DIALOGUE_POLICY, RCPT "recipient=a@b.example\nsender=c@d.example\nclient_address=192.0.2.1\nsize=1\nstress=\n\n",
     QUESTION_SUBMISSION, "a@b.example", "c@d.example", "192.0.2.1", 0, "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, RCPT "recipient=a=b@c.example\nsender=\nclient_address=2001:db8::1\nsasl_username=joe\n\n",
     QUESTION_SUBMISSION, "a=b@c.example", "", "2001:db8::1", 1, "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, "recipient=a@b.example\nrecipient=c@d.example\nsasl_method=plain\n" RCPT "\n",
     QUESTION_SUBMISSION, "a@b.example", "", NULL, 1, "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, RCPT "\n", QUESTION_NONE, NULL, NULL, NULL, 0, "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, RCPT "recipient=\n\n", QUESTION_NONE, NULL, NULL, NULL, 0, "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, "request=smtpd_access_policy\nprotocol_state=DATA\nrecipient=a@b.example\n\n", QUESTION_NONE, NULL,
     NULL, NULL, 0, "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, "request=junk_policy\nprotocol_state=RCPT\nrecipient=a@b.example\n\n", QUESTION_NONE, NULL, NULL,
     NULL, 0, "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, RCPT "recipient=a@b.example\nand what is this\n\n", QUESTION_NONE, NULL, NULL, NULL, 0,
     "action=550 no\n\n", DUNNO},
    {DIALOGUE_POLICY, "\n", QUESTION_NONE, NULL, NULL, NULL, 0, "action=550 no\n\n", DUNNO},
};

static void same(const char *found, const char *expected)
{
    ck_assert_int_eq(found == NULL, expected == NULL);
    if (found)
        ck_assert_str_eq(found, expected);
}

/* Asks, in pieces, and answers. */
static void converse(struct dialogue *dialogue, int i, const char *data, const char *reply)
{
    const char *input = cases[i].input;
    size_t left = strlen(input), taken;
    struct question question;
    char *said;
    int fault;

    while (left > 3) {
        ck_assert_int_eq(dialogue_take(dialogue, input, 3, &taken), left == 3 ? DIALOGUE_QUESTION : DIALOGUE_MORE);
        ck_assert_uint_eq(taken, 3);
        input += taken;
        left -= taken;
    }
    ck_assert_int_eq(dialogue_take(dialogue, input, left, &taken), DIALOGUE_QUESTION);
    ck_assert_uint_eq(taken, left);
    question = dialogue_question(dialogue, &fault);
    ck_assert_int_eq(question.kind, cases[i].asked);
    same(question.text, cases[i].text);
    same(question.sender, cases[i].sender);
    same(question.client, cases[i].client);
    ck_assert_int_eq(question.authenticated, cases[i].authenticated);
    question_clear(&question);
    said = dialogue_answer(dialogue, data);
    ck_assert_str_eq(said, reply);
    free(said);
}

START_TEST(questions_and_answers)
{
    struct dialogue *dialogue = dialogue_new(cases[_i].kind);

    converse(dialogue, _i, "550 no", cases[_i].answered);
    converse(dialogue, _i, NULL, cases[_i].unanswered);
    dialogue_free(&dialogue);
}
END_TEST

static const struct {
    enum dialogue_kind kind;
    const char *input;
} faults[] = {
    {DIALOGUE_SOCKETMAP, ":suppression a,"},
    {DIALOGUE_SOCKETMAP, "13:suppression a;"},
    {DIALOGUE_SOCKETMAP, "100001:"},
    {DIALOGUE_SOCKETMAP, "0000000:,"},
    {DIALOGUE_SOCKETMAP, "-1:,"},
    {DIALOGUE_SOCKETMAP, "GET / HTTP/1.1\r\n\r\n"},
};

START_TEST(what_is_no_conversation_ends_it)
{
    struct dialogue *dialogue = dialogue_new(faults[_i].kind);
    size_t taken;

    ck_assert_int_eq(dialogue_take(dialogue, faults[_i].input, strlen(faults[_i].input), &taken), DIALOGUE_OVER);
    ck_assert_int_eq(dialogue_take(dialogue, "13:suppression a,", 17, &taken), DIALOGUE_OVER);
    ck_assert_uint_eq(taken, 0);
    dialogue_free(&dialogue);
}
END_TEST

START_TEST(requests_are_bounded)
{
    struct dialogue *dialogue = dialogue_new(DIALOGUE_POLICY);
    static char filler[1000];
    size_t taken, given = 0;

    memset(filler, 'x', sizeof(filler));
    while (dialogue_take(dialogue, filler, sizeof(filler), &taken) == DIALOGUE_MORE)
        given += taken;
    ck_assert_uint_lt(given, POLICY_REQUEST_MAX + sizeof(filler));
    dialogue_free(&dialogue);
}
END_TEST

START_TEST(the_largest_request_of_a_socketmap)
{
    static const char head[] = "100000:delivery-status ";
    struct dialogue *dialogue = dialogue_new(DIALOGUE_SOCKETMAP);
    size_t rest = SOCKETMAP_REQUEST_MAX - strlen("delivery-status "), taken, at = 0;
    char *input = malloc(sizeof(head) + rest + 1);
    struct question question;
    int fault;

    strcpy(input, head);
    memset(input + strlen(head), 'x', rest);
    strcpy(input + strlen(head) + rest, ",");
    while (dialogue_take(dialogue, input + at, strlen(input) - at, &taken) == DIALOGUE_MORE)
        at += taken;
    question = dialogue_question(dialogue, &fault);
    ck_assert_uint_eq(strlen(question.text), rest);
    question_clear(&question);
    free(dialogue_answer(dialogue, NULL));
    free(input);
    dialogue_free(&dialogue);
}
END_TEST

/* One question at a time, though more have come. */
START_TEST(several_requests_at_once)
{
    static const char input[] = "13:suppression a,13:suppression b,4:none,";
    struct dialogue *dialogue = dialogue_new(DIALOGUE_SOCKETMAP);
    static const char *const texts[] = {"a", "b", NULL};
    size_t at = 0, taken;

    for (int i = 0; i < 3; i++) {
        struct question question;
        int fault;

        ck_assert_int_eq(dialogue_take(dialogue, input + at, strlen(input) - at, &taken), DIALOGUE_QUESTION);
        at += taken;
        question = dialogue_question(dialogue, &fault);
        ck_assert_int_eq(fault, i == 2);
        same(question.text, texts[i]);
        question_clear(&question);
        free(dialogue_answer(dialogue, NULL));
    }
    ck_assert_uint_eq(at, strlen(input));
    dialogue_free(&dialogue);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dialogue");
    TCase *tc = tcase_create("dialogue");

    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, questions_and_answers, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_loop_test(tc, what_is_no_conversation_ends_it, 0, (int)(sizeof(faults) / sizeof(faults[0])));
    tcase_add_test(tc, requests_are_bounded);
    tcase_add_test(tc, the_largest_request_of_a_socketmap);
    tcase_add_test(tc, several_requests_at_once);
    return run_suite(suite);
}
