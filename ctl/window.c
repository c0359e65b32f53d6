/* See window.h. */
#include "config.h"

#include "ctl/window.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAPACITY (4 * WINDOW_MAX) /* so that bytes are seldom moved to the front */

struct window {
    char *name;
    int fd, ended, marked;
    char *buffer;
    size_t start, end;
    uint64_t line, taken, size;
};

/* What the first bytes say of the encoding; without a mark, an ASCII letter beside a NUL tells. */
static int check_encoding(struct window *window, struct error *error)
{
    const unsigned char *at = (const unsigned char *)window->buffer;
    size_t length = window->end;

    if (length >= 3 && !memcmp(at, "\xef\xbb\xbf", 3)) {
        window_drop(window, 3);
        window->marked = 1;
    } else if (length >= 2 && ((at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff) ||
                               (!at[0] != !at[1]))) {
        return error_set(error, ERROR_INPUT, "%s: is in UTF-16, not UTF-8 (iconv -f UTF-16 -t UTF-8 makes it so)",
                         window->name);
    }
    return 0;
}

struct window *window_open(const char *name, struct error *error)
{
    struct window *window = xcalloc(1, sizeof(*window));
    int standard = !strcmp(name, "-");
    struct stat status;

    window->name = xstrdup(standard ? "standard input" : name);
    window->line = 1;
    window->buffer = xmalloc(CAPACITY);
    window->fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(name, O_RDONLY | O_CLOEXEC);
    if (window->fd < 0 || fstat(window->fd, &status)) {
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", window->name, strerror(errno));
        window_close(&window);
        return NULL;
    }
    window->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    while (window->end < 4 && !window->ended)
        if (window_more(window, error) < 0) {
            window_close(&window);
            return NULL;
        }
    if (check_encoding(window, error))
        window_close(&window);
    return window;
}

void window_close(struct window **window)
{
    struct window *old = *window;

    *window = NULL;
    if (!old)
        return;
    if (old->fd >= 0)
        close(old->fd);
    free(old->buffer);
    free(old->name);
    free(old);
}

const char *window_bytes(const struct window *window, size_t *length_r)
{
    *length_r = window->end - window->start;
    return window->buffer + window->start;
}

int window_more(struct window *window, struct error *error)
{
    size_t held = window->end - window->start;
    ssize_t n;

    if (window->ended || held >= WINDOW_MAX)
        return 0;
    if (CAPACITY - window->end < WINDOW_MAX) {
        memmove(window->buffer, window->buffer + window->start, held);
        window->start = 0;
        window->end = held;
    }
    do
        n = read(window->fd, window->buffer + window->end, CAPACITY - window->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", window->name, strerror(errno));
    window->ended = !n;
    window->end += (size_t)n;
    return n > 0;
}

void window_drop(struct window *window, size_t length)
{
    const char *at = window->buffer + window->start, *end = at + length;

    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        window->line++;
        at++;
    }
    window->start += length;
    window->taken += length;
}

int window_ended(const struct window *window)
{
    return window->ended;
}

int window_marked(const struct window *window)
{
    return window->marked;
}

const char *window_name(const struct window *window)
{
    return window->name;
}

uint64_t window_line(const struct window *window)
{
    return window->line;
}

uint64_t window_taken(const struct window *window)
{
    return window->taken;
}

uint64_t window_size(const struct window *window)
{
    return window->size;
}
