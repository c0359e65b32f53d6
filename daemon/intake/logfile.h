/* A log file that is being written and rotated, as one stream of lines.
 *
 * A file is known again by its inode (rotation by rename) or by its first
 * bytes (by copy and truncation). At the end of a file that is no longer the
 * one at the path, reading goes on in the next newer one (rotated.h). So what
 * is written while nobody reads is found when the position is taken up again,
 * over several rotations too. A file that has been renamed is left only when
 * it gave nothing more at two visits, for its writer may be late to notice; one
 * visit never gives lines of two files. A rotated file that has been compressed
 * is not read any more: if it was that of the position, that is a gap, and
 * reading goes on in the oldest rotated file that was written to since.
 *
 * A last line without an end waits; only of a file that is left for good it is
 * taken as it is. Lines are cut as lines.h says. One owner, no loop, no clock.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_LOGFILE_H
#define SUPPRESSD_DAEMON_INTAKE_LOGFILE_H

#include "base/error.h"
#include "daemon/ledger/record.h"
#include "daemon/report/span.h"

struct logfile;

/* Goes on at from. NULL: the first time; begins at the end of the file, or with
 * its first line when there is none yet. Never fails: a file that is absent or
 * unreadable is tried again by logfile_next. */
struct logfile *logfile_open(const char *path, const struct log_position *from);
void logfile_close(struct logfile **file);

/* The next line, valid until the next call: 1, or 0 when there is none now. */
int logfile_next(struct logfile *file, struct span *line_r);

/* Behind the last line that logfile_next gave: 1, or 0 when no file has been seen yet. */
int logfile_position(const struct logfile *file, struct log_position *position_r);

/* Times that something was missing: no file had what the position promised, or
 * a file was truncated and no copy found. */
unsigned logfile_gaps(const struct logfile *file);
/* Why the file cannot be read now; NULL when it can. */
const char *logfile_problem(const struct logfile *file);

#endif
