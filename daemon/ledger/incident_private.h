/* What the files of the room incident share: the scopes and what is kept of
 * them. Nobody else includes it. */
#ifndef SUPPRESSD_DAEMON_LEDGER_INCIDENT_PRIVATE_H
#define SUPPRESSD_DAEMON_LEDGER_INCIDENT_PRIVATE_H

#include "daemon/ledger/incident.h"

#define INCIDENT_WINDOWS 3
#define INCIDENT_BUCKETS 4096 /* of the hash table; a power of two */

/* Exposure of the known, and of all; failures by kind. */
struct counts {
    double known, all;
    uint32_t failed[INCIDENT_KINDS];
};

struct past {
    double exposure, failed;
};

/* What is kept of a scope, and saved. */
struct history {
    char name[INCIDENT_NAME_SIZE];
    int32_t scope;
    int32_t used;
    int64_t heard;                     /* time of the newest result */
    int64_t turn[INCIDENT_WINDOWS];             /* number of the present half window */
    struct counts now[INCIDENT_WINDOWS], before[INCIDENT_WINDOWS];
    uint32_t tainted_now, tainted_before; /* of the longest: a bit for each kind */
    struct past past[INCIDENT_KINDS];
};

struct open {
    int64_t id;         /* 0: no incident of this kind is open */
    int64_t abnormal;   /* when it last was */
    int64_t from;
    int64_t seen;       /* results since */
};

struct slot {
    struct history history;
    struct open open[INCIDENT_KINDS];
    struct slot *next; /* in its bucket */
    struct slot *newer, *older; /* by history.heard */
};

struct incidents {
    struct incident_parameters parameters;
    struct slot *slots[2]; /* by scope */
    size_t used[2];
    struct slot *newest[2], *oldest[2];
    struct slot *buckets[INCIDENT_BUCKETS];
    int64_t latest; /* time of the newest result of any scope */
    int64_t behind; /* when the clock was first seen to be behind that; 0: it is not */
    int open_count;
};

/* How many slots there are, by scope. */
extern const size_t incident_slots[2];

/* NULL: that scope is not known. */
struct slot *incident_slot(const struct incidents *incidents, int scope, const char *name);
/* NULL: there is no room, for incidents are open in all. name is shorter than INCIDENT_NAME_SIZE. */
struct slot *incident_slot_add(struct incidents *incidents, int scope, const char *name);
/* A result of this time, which is newer than all before. */
void incident_slot_heard(struct incidents *incidents, struct slot *slot, int64_t time);

#endif
