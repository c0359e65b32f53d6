/* The systemd journal as a stream of lines.
 *
 * NAME is "journal:" and words with a space between; none is needed:
 *   /FOLDER         read the journal files there, not the system's
 *   FIELD=VALUE     only such entries, as journalctl(1) has it
 *   UNIT.service    short for _SYSTEMD_UNIT=UNIT.service
 *   anything else   short for SYSLOG_IDENTIFIER=...
 * Of one field any value will do, of several fields all must fit. With no such
 * word it is the mail facility, SYSLOG_FACILITY=2. Any local user can write to
 * that; a field that begins with "_" is journald's own word for who wrote.
 *
 * An entry becomes the line that a syslog daemon would have written,
 * "TIME HOST PROGRAM[PID]: MESSAGE", so that it is read as such. The position is the
 * journal's cursor. When the entry that it names is no longer there, that is a
 * gap, unless the next one bears the next number. Rotation needs no care.
 *
 * One owner, no loop, no clock.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_JOURNAL_H
#define SUPPRESSD_DAEMON_INTAKE_JOURNAL_H

#include "base/error.h"
#include "daemon/ledger/record.h"
#include "daemon/report/span.h"

struct journal;

int journal_is(const char *name);
/* 0, or -1: a word that is no match, or this suppressd was built without systemd. */
int journal_check(const char *name, struct error *error) must_check;

/* As feed.h has them. */
struct journal *journal_open(const char *name, const struct log_position *from);
void journal_close(struct journal **journal);
int journal_next(struct journal *journal, struct span *line_r);
int journal_position(const struct journal *journal, struct log_position *position_r);
unsigned journal_gaps(const struct journal *journal);
const char *journal_problem(const struct journal *journal);
int journal_fd(const struct journal *journal);

#endif
