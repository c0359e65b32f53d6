/* See progress.h. */
#include "config.h"

#include "ctl/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define EVERY 0.2 /* seconds */
#define BAR 24    /* columns */

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put_left(double seconds, char *text_r, size_t size)
{
    long left = (long)(seconds + 0.5);

    if (left >= 3600)
        snprintf(text_r, size, "%ld:%02ld:%02ld", left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(text_r, size, "%ld:%02ld", left / 60, left % 60);
}

void progress_line(const struct progress *progress, uint64_t bytes, uint64_t count, double seconds, char *line_r, size_t size)
{
    static const char bar[] = "########################", blank[] = "                        ";
    double rate = seconds > 0 ? (double)count / seconds : 0, part = 0;
    char left[32] = "-";
    int done;

    if (!progress->size) {
        snprintf(line_r, size, "%.1f MB  %llu %s  %.0f/s", (double)bytes / 1e6, (unsigned long long)count, progress->what, rate);
        return;
    }
    part = bytes < progress->size ? (double)bytes / (double)progress->size : 1;
    if (part > 0)
        put_left(seconds / part - seconds, left, sizeof(left));
    done = (int)(part * BAR);
    snprintf(line_r, size, "[%.*s%.*s] %3.0f%%  %.1f of %.1f MB  %llu %s  %.0f/s  left %s", done, bar, BAR - done, blank,
             part * 100, (double)bytes / 1e6, (double)progress->size / 1e6, (unsigned long long)count,
             progress->what, rate, left);
}

void progress_begin(struct progress *progress, const char *what, uint64_t size)
{
    *progress = (struct progress){.what = what, .size = size, .started = seconds_now(), .visible = isatty(STDERR_FILENO)};
}

void progress_at(struct progress *progress, uint64_t bytes, uint64_t count)
{
    char line[160];
    double now;

    if (!progress->visible || (now = seconds_now()) < progress->shown + EVERY)
        return;
    progress->shown = now;
    progress_line(progress, bytes, count, now - progress->started, line, sizeof(line));
    fprintf(stderr, "\r%s\033[K", line);
}

void progress_rows(struct progress *progress, uint64_t count, uint64_t total)
{
    double now, part = total ? (double)count / (double)total : 1;
    char left[32] = "-";

    if (!progress->visible || (now = seconds_now()) < progress->shown + EVERY)
        return;
    progress->shown = now;
    if (part > 0)
        put_left((now - progress->started) * (1 / part - 1), left, sizeof(left));
    fprintf(stderr, "\r%3.0f%%  %llu of %llu %s  left %s\033[K", part * 100, (unsigned long long)count,
            (unsigned long long)total, progress->what, left);
    fflush(stderr);
}

double progress_end(struct progress *progress)
{
    if (progress->visible && progress->shown > 0)
        fputs("\r\033[K", stderr);
    return seconds_now() - progress->started;
}
