/* expand: a pattern as several that are chains.
 *
 * "(user|e-?mail\w*) unknown" is no chain, since its group is more than some words;
 * "user unknown" and "e-?mail\w* unknown" are, and together they say the same.
 */
#ifndef SUPPRESSD_CLASSIFIER_EXPAND_H
#define SUPPRESSD_CLASSIFIER_EXPAND_H

#include "classifier/rule.h"

#define EXPAND_MAX 48 /* patterns that one may become */

/* 1 and the patterns, of which any matches where the given one does; 0 where that
 * cannot be done. The caller frees them in either case. */
int expand_pattern(const char *pattern, struct strings *variants_r);

#endif
