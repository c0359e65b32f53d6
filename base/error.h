/* The one way in which a function says what went wrong.
 *
 * A function that can fail returns 0 or -1 (or 1/0/-1 for row/none/failure),
 * is marked must_check and fills the caller's struct error. Whoever decides
 * what happens next logs it, once. Any thread; no allocation, no ownership.
 */
#ifndef SUPPRESSD_BASE_ERROR_H
#define SUPPRESSD_BASE_ERROR_H

#define must_check __attribute__((warn_unused_result))

enum error_code {
    ERROR_NONE = 0,
    ERROR_INPUT,       /* what came in is bad: count it, keep it aside, go on */
    ERROR_ENVIRONMENT, /* disk, network, library: the same call may succeed later */
    ERROR_DAMAGED,     /* what is on the disk is damaged: nothing more is written to it until a person has acted */
};

struct error {
    enum error_code code;
    char text[512]; /* one line, no newline, cut at the end if too long */
};

/* Sets code and text; returns -1, so that a function can end with it. */
int error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts what only this layer knows in front: "prefix: text". Returns -1. */
int error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
