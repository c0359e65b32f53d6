/* unwrap: find the remote server's own words in a log or Diagnostic-Code text.
 *
 * Part of reply.c's work, apart because each MTA wraps in its own way.
 */
#ifndef SUPPRESSD_CLASSIFIER_UNWRAP_H
#define SUPPRESSD_CLASSIFIER_UNWRAP_H

#include "classifier/classify.h"

/* A piece of somebody else's text. */
struct span {
    const char *at, *end;
};

/* Narrows the span to what the remote server said, and returns the stage that
 * the wrapping names. A span that is no wrapping known here stays as it is. Without
 * "(" or ";" in it some wrappings need not be looked for. */
enum stage unwrap(struct span *span, int has_paren, int has_semicolon);

/* A three-digit reply code at the start of the span (2yz, 4yz or 5yz followed
 * by a space, a hyphen, a colon or the end), or 0. */
int span_code(struct span span);

/* Length of an enhanced status at the start of the span, or 0. */
size_t span_status(struct span span);

#endif
