/* Lines out of a stream that comes in pieces, in bounded memory.
 *
 * A line longer than MAILLOG_LINE_MAX is handed out cut (one byte longer than
 * that, so that its reader notices) and its rest is skipped. What has no end
 * yet waits. One owner; no reading of its own, so that a file, a pipe and a
 * test feed it alike.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_LINES_H
#define SUPPRESSD_DAEMON_REPORT_LINES_H

#include "daemon/report/span.h"

#include <stddef.h>
#include <stdint.h>

struct lines;

struct lines *lines_new(void);
void lines_free(struct lines **lines);

/* Where to put what comes next: at least *room_r > 0 bytes, unless lines_next
 * has not been called until it gave 0. Ends the life of spans handed out. */
char *lines_space(struct lines *lines, size_t *room_r);
void lines_added(struct lines *lines, size_t length);

/* The next line without its LF: 1, or 0 when more must be added first. */
int lines_next(struct lines *lines, struct span *line_r);
/* What is left at the end of the stream, as a line: 1, or 0 when there is nothing. */
int lines_last(struct lines *lines, struct span *line_r);

/* Bytes of the stream that stand before the next line (or, of an overlong
 * one, that have been skipped). */
uint64_t lines_taken(const struct lines *lines);

/* Forgets what waits. skip: the stream begins anew in the middle of a line,
 * whose rest is not wanted. */
void lines_reset(struct lines *lines, int skip);

#endif
