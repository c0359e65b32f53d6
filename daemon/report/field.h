/* Header fields (RFC 5322 2.2) and blocks of them, as delivery reports use
 * them too (RFC 3464 2.1). Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_FIELD_H
#define SUPPRESSD_DAEMON_REPORT_FIELD_H

#include "daemon/report/span.h"

#define FIELD_NAME_MAX 77 /* RFC 5322 leaves it open; longer is text with a colon in it */
#define HEADER_FIELDS_MAX 400 /* fields of one header that are looked at */
#define HEADER_BYTES_MAX (1u << 20) /* of a message's header; what is longer has no body */
#define HEADER_VALUE_MAX 65536 /* bytes of one value that are looked at, up to a blank or comma */

struct field {
    struct span name;
    struct span value; /* raw: folds and comments included, no final line end */
};

enum field_kind {
    FIELD_END,   /* nothing is left */
    FIELD_BLANK, /* an empty line */
    FIELD_JUNK,  /* a line that is no field: name is none, value the line */
    FIELD_FOUND
};

/* Takes the next line with its continuations off *rest_io. Blanks before the
 * colon are let through ("Action : failed"). */
enum field_kind field_next(struct span *rest_io, struct field *field_r);

/* A whole header, found again by name. */
struct header {
    struct span text; /* the block with its line ends, without the blank line */
    size_t count;
    int cut; /* it has no end within the bytes that are looked at */
    struct field fields[HEADER_FIELDS_MAX];
};

/* Reads a header off *rest_io, up to and with its blank line, or up to the
 * first line that cannot belong to one. An mbox "From " line is passed over.
 * Behind a header that has no end within max bytes nothing is left; a field at
 * whose end it was cut off, without a line end, is not one. */
void header_read(struct span *rest_io, size_t max, struct header *header_r);

/* The first field of that name; SPAN_NONE when there is none. Linear. */
struct span header_get(const struct header *header, const char *name);

/* As a C string: unfolded, encoded words (RFC 2047) decoded, control characters
 * made spaces, valid UTF-8, trimmed, at most max bytes. Owned by the caller;
 * NULL when there is nothing left. */
char *field_text(struct span value, size_t max);

/* The same without decoding words: for addresses, where they mean themselves. */
char *field_plain(struct span value, size_t max);

/* Seconds since 1970, or 0 when it is no date (RFC 5322 3.3). */
long long field_date(struct span value);

/* "name=value" or name="quoted value" behind a semicolon (RFC 2045 5.1); 1 or 0. */
int field_parameter(struct span value, const char *name, char *out_r, size_t size);

#endif
