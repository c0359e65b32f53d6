/* A file or pipe seen through a window: the bytes from where reading stands,
 * in one piece, as many as are wanted up to a limit.
 *
 * What reads lists looks ahead here and decides then how much it takes. A
 * UTF-8 byte order mark is stepped over; text in UTF-16 or UTF-32 is refused.
 * One owner.
 */
#ifndef SUPPRESSD_CTL_WINDOW_H
#define SUPPRESSD_CTL_WINDOW_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define WINDOW_MAX (256u << 10) /* bytes that can be looked at, thus of one row */

struct window;

/* name "-" is standard input. NULL and error. */
struct window *window_open(const char *name, struct error *error) must_check;
void window_close(struct window **window);

/* The bytes at hand, borrowed until the next call. */
const char *window_bytes(const struct window *window, size_t *length_r);

/* Makes more come into sight: 1; 0: there is no more, or it is WINDOW_MAX already; -1. */
int window_more(struct window *window, struct error *error) must_check;

void window_drop(struct window *window, size_t length); /* steps over bytes at hand */

int window_ended(const struct window *window); /* nothing comes behind the bytes at hand */
int window_marked(const struct window *window); /* the file began with a byte order mark */
const char *window_name(const struct window *window); /* for complaints */
uint64_t window_line(const struct window *window);    /* number of the line at hand, from 1 */
uint64_t window_taken(const struct window *window);   /* bytes stepped over */
uint64_t window_size(const struct window *window);    /* of the file; 0: not known */

#endif
