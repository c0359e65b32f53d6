/* What holds of a gate's dialogue, whichever protocol: wherever the input is
 * cut, the same is asked and said; a question is whole or none. */
#ifndef SUPPRESSD_TESTS_FUZZ_FUZZ_GATE_H
#define SUPPRESSD_TESTS_FUZZ_FUZZ_GATE_H

#include "daemon/gate/dialogue.h"
#include "tests/fuzz/target.h"

#include <string.h>

static inline void gate_note(char **course_io, size_t *length_io, const char *text)
{
    size_t length = text ? strlen(text) + 1 : 1;

    must_hold((*course_io = realloc(*course_io, *length_io + length)) != NULL);
    if (text)
        memcpy(*course_io + *length_io, text, length);
    else
        (*course_io)[*length_io] = '\1';
    *length_io += length;
}

static inline void gate_hold_question(struct dialogue *dialogue, char **course_io, size_t *length_io)
{
    int fault;
    struct question question = dialogue_question(dialogue, &fault);
    char *reply = dialogue_answer(dialogue, question.text && strlen(question.text) % 2 ? "550 5.1.1 no" : NULL);

    must_hold((question.kind == QUESTION_NONE) == (question.text == NULL));
    must_hold(!question.text || *question.text);
    must_hold((question.kind == QUESTION_SUBMISSION) == (question.sender != NULL));
    must_hold(!fault || question.kind == QUESTION_NONE);
    gate_note(course_io, length_io, question.text);
    gate_note(course_io, length_io, question.sender);
    gate_note(course_io, length_io, question.client);
    gate_note(course_io, length_io, reply);
    free(reply);
    question_clear(&question);
}

/* All that is asked and said, one after the other. */
static inline char *gate_run(enum dialogue_kind kind, const char *bytes, size_t size, size_t piece, size_t *length_r)
{
    struct dialogue *dialogue = dialogue_new(kind);
    enum dialogue_step step = DIALOGUE_MORE;
    char *course = NULL;

    *length_r = 0;
    while (size && step != DIALOGUE_OVER) {
        size_t given = piece && piece < size ? piece : size, taken;

        step = dialogue_take(dialogue, bytes, given, &taken);
        must_hold(taken <= given && (taken == given || step != DIALOGUE_MORE));
        bytes += taken;
        size -= taken;
        if (step == DIALOGUE_QUESTION)
            gate_hold_question(dialogue, &course, length_r);
    }
    dialogue_free(&dialogue);
    return course;
}

static inline int gate_target(enum dialogue_kind kind, const uint8_t *data, size_t size)
{
    size_t length, cut_length;
    char *whole, *cut;

    if (size > 200000)
        return 0;
    whole = gate_run(kind, (const char *)data, size, 0, &length);
    for (size_t piece = size > 4096 ? 1000 : 1; piece <= 2000; piece = piece * 3 + 1) {
        cut = gate_run(kind, (const char *)data, size, piece, &cut_length);
        must_hold(cut_length == length && (!length || !memcmp(cut, whole, length)));
        free(cut);
    }
    free(whole);
    return 0;
}

#endif
