/* How far a long import has got: one line on standard error that is written
 * anew, on a terminal only.
 */
#ifndef SUPPRESSD_CTL_PROGRESS_H
#define SUPPRESSD_CTL_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what; /* is counted: "messages" */
    uint64_t size;    /* bytes in all; 0: not known */
    double started, shown; /* seconds of the monotonic clock */
    int visible;
};

void progress_begin(struct progress *progress, const char *what, uint64_t size);
/* Shows it, a few times a second at the most. */
void progress_at(struct progress *progress, uint64_t bytes, uint64_t count);
/* The same for work that is measured in what it counts. */
void progress_rows(struct progress *progress, uint64_t count, uint64_t total);
/* Takes the line away; the seconds that it took. */
double progress_end(struct progress *progress);

/* The line itself, for so many seconds of work; size of 160 is enough. */
void progress_line(const struct progress *progress, uint64_t bytes, uint64_t count, double seconds, char *line_r, size_t size);

#endif
