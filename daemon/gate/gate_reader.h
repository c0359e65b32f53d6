/* A reader: what is the answer to a question at a gate?
 *
 * Carries a classifier of the rules that it was asked with last, and so belongs
 * to one thread. May wait for the disk.
 */
#ifndef SUPPRESSD_DAEMON_GATE_GATE_READER_H
#define SUPPRESSD_DAEMON_GATE_GATE_READER_H

#include "daemon/counters.h"
#include "daemon/gate/question.h"
#include "daemon/settings.h"

struct gate;
struct gate_reader;
struct ruleset;

/* Both borrowed. */
struct gate_reader *gate_reader_new(struct gate *gate, struct counters *counters);
void gate_reader_free(struct gate_reader **reader);

/* NULL: nothing to say. Owned by the caller. Of rules a count is taken. */
char *gate_reader_answer(struct gate_reader *reader, struct ruleset *rules, const struct settings *settings,
                         const struct question *question);

#endif
