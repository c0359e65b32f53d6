/* One conversation at a gate: bytes in, questions and replies out.
 *
 * Knows no socket, loop or clock: gate_server.c carries the bytes. Input may be
 * cut anywhere. One question at a time, as many as the client likes. Bounded: a
 * request (SOCKETMAP_REQUEST_MAX, POLICY_REQUEST_MAX). One owner.
 */
#ifndef SUPPRESSD_DAEMON_GATE_DIALOGUE_H
#define SUPPRESSD_DAEMON_GATE_DIALOGUE_H

#include "daemon/gate/question.h"

#include <stddef.h>

struct dialogue;

enum dialogue_kind { DIALOGUE_SOCKETMAP, DIALOGUE_POLICY };

enum dialogue_step {
    DIALOGUE_MORE,     /* all input was taken */
    DIALOGUE_QUESTION, /* wants dialogue_answer, takes nothing before */
    DIALOGUE_OVER      /* this is not the protocol: hang up; takes nothing more */
};

struct dialogue *dialogue_new(enum dialogue_kind kind);
void dialogue_free(struct dialogue **dialogue);

/* Takes *taken_r bytes of the input: all of them, unless a step is reached. */
enum dialogue_step dialogue_take(struct dialogue *dialogue, const char *bytes, size_t length, size_t *taken_r);

/* At DIALOGUE_QUESTION: the question, now the caller's; QUESTION_NONE has no
 * answer. *fault_r: it was not understood. */
struct question dialogue_question(struct dialogue *dialogue, int *fault_r);

/* Answers it: NULL when there is nothing to say. The bytes to be sent, owned by the caller. */
char *dialogue_answer(struct dialogue *dialogue, const char *data);

#endif
