/* clause: a set of words of which one must stand in a text.
 *
 * Lower case; what any pattern demands is broken down to such sets.
 */
#ifndef SUPPRESSD_CLASSIFIER_CLAUSE_H
#define SUPPRESSD_CLASSIFIER_CLAUSE_H

#include "classifier/rule.h"

#include <stddef.h>

#define CLAUSE_WORD_MAX 16 /* more says little more */

void clause_add(struct strings *set, const char *word);
void clause_add_all(struct strings *set, const struct strings *more);

/* How telling the weakest word is: two for each letter, one for anything else. */
size_t clause_strength(const struct strings *set);
/* How rare the words are likely to be: larger is rarer. */
long clause_worth(const struct strings *set);
/* Bytes of the longest word. */
size_t clause_longest(const struct strings *set);

/* Drops words that hold another one of the set; sorts. */
void clause_simplify(struct strings *set);
/* Cuts words to CLAUSE_WORD_MAX bytes. */
void clause_shorten(struct strings *set);

#endif
