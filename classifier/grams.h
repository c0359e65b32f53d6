/* grams: four bytes in a row, by which words are known.
 *
 * Of each word the four bytes that are rarest in sample texts stand for it. A text is
 * looked at four bytes at a time: one look into a table, at the same cost for any number
 * of words, says whether a word's gram may stand there, and a second one whether the
 * bytes around it are the word's. No look waits for the one before, as in an automaton
 * of Aho and Corasick, and hardly a branch can be guessed wrong.
 *
 * Besides, every gram of the text leaves a mark; words that are only asked for now and
 * then need no place in the table.
 *
 * What is found is likely, not certain: words may differ farther away, and two grams may
 * share a number or a mark. A word whose gram or mark is not found is certainly not
 * there. Read-only once made; any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_GRAMS_H
#define SUPPRESSD_CLASSIFIER_GRAMS_H

#include <stddef.h>
#include <stdint.h>

#define GRAM_SIZE 4
#define GRAM_WORD_MIN 3 /* bytes of a word that can be known by one */
#define GRAM_PADDING 8  /* bytes before and behind a text that must be readable */
#define GRAM_ROOM 128   /* hits that are written and not counted */
#define GRAM_MARKS 8192

struct grams;

/* The numbers that stand for a word: of three bytes it may have several, since any byte
 * may follow. */
struct gram_word {
    unsigned offset; /* of the gram in the word */
    unsigned count;
    uint16_t ids[64];
};

/* A gram's number, above 0, and where it stands. */
struct gram_hit {
    uint32_t id, at;
};

#define GRAM_MARK_ANY GRAM_MARKS /* every text has this one */

/* The marks of a text: those that hold its number. So they need not be wiped off between
 * texts, but for once in 255 of them. */
struct gram_marks {
    unsigned char text; /* 0: there was none yet */
    unsigned char of[GRAM_MARKS + 1];
};

/* Knows no word yet; samples tell which bytes are common. */
struct grams *grams_create(const char *const *samples, size_t count);
void grams_free(struct grams **grams);

/* How common a word is likely to be, by its gram: a number to compare with others'. */
unsigned long grams_commonness(const struct grams *grams, const char *word);

/* Makes a word one that is looked for. -1: there are too many (65,535 grams). */
int grams_add(struct grams *grams, const char *word, struct gram_word *word_r);

/* The mark of a word of GRAM_SIZE bytes or more, whether it is looked for or not. */
uint16_t grams_mark(const struct grams *grams, const char *word);

/* No more words: what only served to judge them is freed. Nothing but grams_scan,
 * grams_count and grams_free may be called then. */
void grams_seal(struct grams *grams);

/* Numbers are below this. */
size_t grams_count(const struct grams *grams);

/* Returns how many hits there are, in the order of the text; hits has room for length +
 * GRAM_ROOM of them. The marks become those of this text. */
size_t grams_scan(const struct grams *grams, const char *text, size_t length, struct gram_hit *hits,
                  struct gram_marks *marks);

static inline int gram_marked(const struct gram_marks *marks, uint16_t mark)
{
    return marks->of[mark] == marks->text;
}

#endif
