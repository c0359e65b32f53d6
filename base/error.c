/* See error.h. */
#include "config.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Control characters would let a hostile text forge lines in a log. */
static void one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

int error_set(struct error *error, enum error_code code, const char *format, ...)
{
    va_list ap;

    error->code = code;
    va_start(ap, format);
    vsnprintf(error->text, sizeof(error->text), format, ap);
    va_end(ap);
    one_line(error->text);
    return -1;
}

int error_prefix(struct error *error, const char *format, ...)
{
    char rest[sizeof(error->text)];
    size_t length;
    va_list ap;

    memcpy(rest, error->text, sizeof(rest));
    va_start(ap, format);
    vsnprintf(error->text, sizeof(error->text), format, ap);
    va_end(ap);
    length = strlen(error->text);
    snprintf(error->text + length, sizeof(error->text) - length, ": %s", rest);
    one_line(error->text);
    return -1;
}
