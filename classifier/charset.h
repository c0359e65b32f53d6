/* charset: whatever bytes a reply holds, made into valid UTF-8.
 *
 * Replies come in UTF-8, cut UTF-8, ISO-2022-JP (sometimes with its escape
 * bytes lost on the way), GB18030, the two Cyrillic code pages and Latin-1,
 * and hardly ever say which. The guess is by shape of the bytes; a wrong guess
 * costs some letters and nothing else. Pure, any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_CHARSET_H
#define SUPPRESSD_CLASSIFIER_CHARSET_H

#include <stddef.h>

/* 1 when the bytes need no repair: valid UTF-8 without traces of ISO-2022-JP. */
int charset_is_good(const char *text, size_t length);

/* Writes at most size bytes of valid UTF-8 to out (not ended by a NUL) and
 * returns how many. What does not fit is cut between characters. */
size_t charset_repair(const char *text, size_t length, char *out, size_t size);

#endif
