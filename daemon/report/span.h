/* A part of somebody else's bytes: not owned, not ended by a NUL, of any content.
 *
 * The parsers cut a message into spans and copy only what they hand out.
 * Comparisons are those of mail: ASCII letters match in either case. Any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_SPAN_H
#define SUPPRESSD_DAEMON_REPORT_SPAN_H

#include <stddef.h>

struct span {
    const char *start; /* NULL where there is none */
    size_t length;
};

#define SPAN_NONE ((struct span){NULL, 0})

struct span span_of(const char *text);               /* of a C string; NULL gives SPAN_NONE */
struct span span_from(struct span text, size_t skip);  /* what is left behind skip bytes */
struct span span_to(struct span text, const char *end); /* up to end, which lies within */
struct span span_trim(struct span text);             /* without white space around */

int span_is(struct span text, const char *word);
int span_starts(struct span text, const char *prefix);
int span_ends(struct span text, const char *suffix);

/* First place of a NUL-terminated needle, or NULL. span_find_case wants the
 * needle in lower case. */
const char *span_find(struct span text, const char *needle);
const char *span_find_case(struct span text, const char *needle);

/* Takes the next line off *rest_io: 1 and the line without its end (LF, CRLF,
 * CRCRLF), or 0 when nothing is left. */
int span_line(struct span *rest_io, struct span *line_r);

int span_char(char c, const char *set); /* c is one of set; a NUL never is */

char *span_dup(struct span text); /* owned by the caller; NULL for SPAN_NONE */

#endif
