/* The parts of a MIME message, in order, as places in its bytes.
 *
 * A scanner and not a tree of objects: a mail system's report is read once, of
 * any size and shape, by anyone's choice; a hostile one must cost no more
 * memory than its own bytes and bounded time. GMime does the decoding. A
 * returned message (message/rfc822) is one part and is not looked into. Pure,
 * any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_MIME_H
#define SUPPRESSD_DAEMON_REPORT_MIME_H

#include "daemon/report/field.h"

struct message_limits;

#define MIME_TYPE_MAX 63 /* bytes of "type/subtype" that are kept */

struct part {
    char type[MIME_TYPE_MAX + 1]; /* lower case; "text/plain" where none is given */
    struct span content_type;     /* the field's whole value, for field_parameter */
    struct span encoding;         /* Content-Transfer-Encoding */
    struct span body;             /* still encoded */
    int closed;                   /* a boundary or the message's true end follows */
};

struct mime {
    struct part *parts; /* leaves only */
    size_t count;
    size_t visited; /* multiparts included: what limits->parts bounds */
    int truncated; /* a multipart without its closing boundary, or beyond the limits */
    unsigned cut;  /* enum report_cut, or of it */
};

/* Never fails; mime_clear frees. header and body are the message's own. */
void mime_read(const struct header *header, struct span body, const struct message_limits *limits,
               struct mime *mime_r);
void mime_clear(struct mime *mime);

/* The part's bytes without transfer encoding, max at most. Borrowed from the
 * message where nothing had to be decoded, else *owned_r holds them (free). */
struct span part_content(const struct part *part, size_t max, char **owned_r);

/* The same, of a part that was cut off without its last, incomplete line. */
struct span part_lines(const struct part *part, size_t max, char **owned_r);

/* The same as part_content as UTF-8 text, from the part's character set. Always owned, ended by
 * a NUL that is not counted. */
char *part_text(const struct part *part, size_t max, size_t *length_r);

#endif
