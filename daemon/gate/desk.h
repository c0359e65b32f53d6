/* The desk: questions of the loop's connections, answered by a few threads.
 *
 * A question wants the database or the classifier; the loop must wait for
 * neither disk nor regular expressions, so threads of the desk do (READERS of
 * them, each with a classifier of its own; connections come from the gate's
 * pool), and the loop is woken with the answer. More threads would only wait
 * for the same disk.
 *
 * The loop keeps the clock: what is not answered gate_deadline after it was
 * asked has no answer ("go on as if we were not there"), whatever its thread
 * still waits for. That is counted, and logged once until a question is answered
 * in time again. The same holds when QUEUE_MAX questions wait already.
 *
 * All calls are the loop's.
 */
#ifndef SUPPRESSD_DAEMON_GATE_DESK_H
#define SUPPRESSD_DAEMON_GATE_DESK_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/gate/question.h"
#include "daemon/settings.h"

struct desk;
struct errand;
struct event_base;
struct gate;
struct ruleset;

/* Borrowed for the desk's life; of rules a count is taken. */
struct desk_rooms {
    struct event_base *base;
    struct gate *gate;
    struct counters *counters;
    struct ruleset *rules;
};

struct desk *desk_open(const struct desk_rooms *rooms, struct error *error) must_check;

/* Questions asked from now on are judged by these; a count is taken. */
void desk_set_rules(struct desk *desk, struct ruleset *rules);

/* The strings of question become the desk's. done is called by the loop, once,
 * never within desk_ask: data is borrowed, NULL when there is nothing to say.
 * Then, or by desk_forget, the errand ends. */
struct errand *desk_ask(struct desk *desk, struct settings *settings, struct question question_take,
                        void (*done)(const char *data, void *context), void *context);

/* Whoever asked has gone: done is not called. */
void desk_forget(struct errand **errand);

/* All errands have ended or are forgotten. Waits for the threads. */
void desk_close(struct desk **desk);

#endif
