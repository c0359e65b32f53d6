/* Which parts of a log file are still to be read, so that no line counts twice.
 *
 * What has been read of it before, ingested or followed, stands in the records,
 * known by the file's first bytes. Of the log that the daemon follows
 * (mail_log), what is still ahead of it is the daemon's: the rest of the file
 * that it is in, and the plain files that it will come to. A compressed file
 * is never the daemon's.
 */
#ifndef SUPPRESSD_CTL_LOG_PART_H
#define SUPPRESSD_CTL_LOG_PART_H

#include "base/error.h"
#include "ctl/command.h"
#include "ctl/log_reader.h"

#include <stddef.h>
#include <stdint.h>

struct log_parts {
    struct log_position *rows; /* read before: from since up to offset */
    size_t count;
    int ahead;  /* the last of the rows is the daemon's, to the end of the file */
    int follow; /* the daemon is to follow from where this file ends: it is mail_log, never read before */
};

/* name: as the reader was opened. The caller frees rows. */
int log_parts_find(struct ctl *ctl, const char *name, const struct log_reader *reader,
                   struct log_parts *parts_r, struct error *error) must_check;

int log_parts_have(const struct log_parts *parts, uint64_t offset);  /* the line there was read, or is the daemon's */
int log_parts_ahead(const struct log_parts *parts, uint64_t offset); /* it is the daemon's, and all behind it */

#endif
