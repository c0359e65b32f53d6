/* Passages of running text: paragraphs, and where in them a failure is told. Pure. */
#ifndef SUPPRESSD_DAEMON_REPORT_PASSAGE_H
#define SUPPRESSD_DAEMON_REPORT_PASSAGE_H

#include "daemon/report/span.h"

/* Up to the next empty line; the first line belongs to it even when it is empty. */
struct span passage_paragraph(struct span text);

/* From the line with the first reply code (else status) on to the end of its
 * paragraph; SPAN_NONE without one. */
struct span passage_coded(struct span text);

/* More than a code or a mark: at least six letters of any script. */
int passage_has_words(struct span text);

/* Without white space around and punctuation in front. */
struct span passage_bare(struct span text);

#endif
