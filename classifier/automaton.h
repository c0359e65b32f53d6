/* automaton: which of many words stand in a text?
 *
 * Aho and Corasick's automaton (CACM 18, 1975), every step one look-up: time
 * depends on the length of the text and on how many words it holds, never on how
 * many there are to find. To keep the table within the processor's caches it
 * tells 39 classes of bytes apart: letters without case, the space, all digits as
 * one, a few punctuation marks, eighths of the bytes above 0x7f, everything else. So a word that holds digits, say,
 * may be found where only its like stands.
 * Read-only once made; any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_AUTOMATON_H
#define SUPPRESSD_CLASSIFIER_AUTOMATON_H

#include <stddef.h>

struct automaton;

/* Makes a word the representative of all its likes. Returns 1 when it has none
 * but itself (and itself in other case). */
int automaton_fold(char *word);

/* Words are folded, not empty and differ from each other. NULL when they need more
 * than 65,536 states (the shipped rules need a sixth of that). */
struct automaton *automaton_create(const char *const *words, size_t count);
void automaton_free(struct automaton **automaton);

/* Calls found for every occurrence of every word, with the word's index and the
 * offset behind its last byte. */
void automaton_scan(const struct automaton *automaton, const char *text, size_t length,
                    void (*found)(void *context, unsigned word, unsigned end), void *context);

#endif
