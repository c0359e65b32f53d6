/* See log.h. */
#include "config.h"

#include "daemon/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static _Atomic int threshold = LOG_NOTE;

static const char *const words[] = {
    [LOG_ERROR] = "error: ", [LOG_WARN] = "warning: ", [LOG_NOTE] = "", [LOG_DETAIL] = "detail: ",
};

void log_set_level(enum log_level level)
{
    threshold = (int)level;
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    size_t start, length;
    va_list ap;

    if ((int)level > threshold)
        return;
    if (getenv("JOURNAL_STREAM"))
        start = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
    else
        start = (size_t)snprintf(line, sizeof(line), "suppressd[%d]: %s", (int)getpid(),
                                 words[level] ? words[level] : "");
    va_start(ap, format);
    vsnprintf(line + start, sizeof(line) - start - 1, format, ap);
    va_end(ap);
    length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    line[length++] = '\n';
    /* One write a line keeps lines of several threads apart. */
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* nowhere left to complain */
}
