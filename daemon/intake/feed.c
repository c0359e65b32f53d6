/* See feed.h. */
#include "config.h"

#include "daemon/intake/feed.h"

#include "base/mem.h"
#include "daemon/intake/journal.h"
#include "daemon/intake/logfile.h"

#include <stdlib.h>

struct feed {
    struct journal *journal; /* one of the two */
    struct logfile *file;
};

int feed_check(const char *name, struct error *error)
{
    return journal_is(name) ? journal_check(name, error) : 0;
}

struct feed *feed_open(const char *name, const struct log_position *from)
{
    struct feed *feed = xcalloc(1, sizeof(*feed));

    if (journal_is(name))
        feed->journal = journal_open(name, from);
    else
        feed->file = logfile_open(name, from);
    return feed;
}

void feed_close(struct feed **feed)
{
    struct feed *old = *feed;

    *feed = NULL;
    if (!old)
        return;
    journal_close(&old->journal);
    logfile_close(&old->file);
    free(old);
}

int feed_next(struct feed *feed, struct span *line_r)
{
    return feed->journal ? journal_next(feed->journal, line_r) : logfile_next(feed->file, line_r);
}

int feed_position(const struct feed *feed, struct log_position *position_r)
{
    return feed->journal ? journal_position(feed->journal, position_r)
                           : logfile_position(feed->file, position_r);
}

unsigned feed_gaps(const struct feed *feed)
{
    return feed->journal ? journal_gaps(feed->journal) : logfile_gaps(feed->file);
}

const char *feed_gap(const struct feed *feed)
{
    return feed->journal ? "the entry read last has gone, vacuumed perhaps; entries may be missing"
                           : "the file read so far has gone and is none of the rotated ones; lines may be "
                             "missing. If it has been compressed, suppressctl ingest --log reads what is left";
}

const char *feed_problem(const struct feed *feed)
{
    return feed->journal ? journal_problem(feed->journal) : logfile_problem(feed->file);
}

int feed_fd(const struct feed *feed)
{
    return feed->journal ? journal_fd(feed->journal) : -1;
}
