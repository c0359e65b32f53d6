/* A text file that was compiled into the program (see embed.sh). */
#ifndef SUPPRESSD_BASE_EMBED_H
#define SUPPRESSD_BASE_EMBED_H

#include <stddef.h>

struct embedded {
    const char *name; /* file name without folder; NULL ends a list */
    const char *text; /* the bytes, with a NUL behind them */
    size_t length;    /* bytes without that NUL */
};

#endif
