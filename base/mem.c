/* See mem.h. */
#include "config.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *pointer)
{
    if (!pointer) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return pointer;
}

void *xmalloc(size_t size)
{
    return check(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *pointer, size_t size)
{
    return check(realloc(pointer, size ? size : 1));
}

char *xstrdup(const char *text)
{
    return text ? check(strdup(text)) : NULL;
}

char *xstrndup(const char *text, size_t length)
{
    return text ? check(strndup(text, length)) : NULL;
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    int length;

    va_start(ap, format);
    length = vasprintf(&text, format, ap);
    va_end(ap);
    return check(length < 0 ? NULL : text);
}
