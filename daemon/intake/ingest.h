/* A message out of a mailbox, and what became of it.
 *
 * Shared by the control socket and by suppressctl when no daemon runs. Pure.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_INGEST_H
#define SUPPRESSD_DAEMON_INTAKE_INGEST_H

#include "daemon/intake/collect.h"

enum ingested {
    INGESTED_UNDERSTOOD, /* something new is on record */
    INGESTED_REPEATED,   /* all that it says was on record */
    INGESTED_ASIDE,      /* a report that could not be understood: kept */
    INGESTED_ORDINARY,   /* no report: nothing is kept of it */
    INGESTED_COUNT
};

/* NULL for what is ordinary. own_host: whose DSNs are believed, NULL: nobody's.
 * An event without a time of its own gets that of the message: a mailbox is
 * read long after the fact. */
struct record *ingest_record(struct collect *collect, const char *own_host, int64_t now) must_check;

/* After the commit; kind and changed_r of the record. */
enum ingested ingest_result(enum record_kind kind, int changed);

const char *ingested_name(enum ingested ingested);
/* 1 and *ingested_r, or 0 for a name that is none. NULL is none. */
int ingested_from_name(const char *name, enum ingested *ingested_r);

#endif
