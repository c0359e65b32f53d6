/* Kept aside: reports that could not be understood, until a new version does.
 *
 * The store's part for them: all SQL that writes the table aside. Each message
 * is kept once, compressed; a repeat only raises its count, so that one that
 * comes a thousand times pushes no other out. What they take together is
 * bounded. When room is wanted, what came without proof goes before what came
 * with it, and the older before the newer: nobody outside can push out what
 * our own MTA reported.
 *
 * Where addresses are hidden (veil.h) a message is not kept, for it is full of
 * them, in whatever encoding: only when and how often it came, from where, its
 * size and why it was not understood.
 *
 * Belongs to the thread of the store, and works inside its transactions.
 * aside_wants and aside_pack are pure, for any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_ASIDE_H
#define SUPPRESSD_DAEMON_LEDGER_ASIDE_H

#include "base/error.h"
#include "daemon/ledger/record.h"

#include <sqlite3.h>
#include <stdint.h>

struct aside;
struct message_limits;
struct veil;

/* A report that claims to say something of deliveries and is not understood, or
 * names no recipient that is an address. Then its problem says why. */
int aside_wants(struct report *report);

/* Compresses the message of a RECORD_ASIDE: before it is submitted, for the
 * writer's thread has better to do. Once; again does nothing. */
void aside_pack(struct record *record);

struct aside *aside_open(sqlite3 *db, struct veil *veil); /* borrowed */
void aside_close(struct aside **aside);
void aside_rolled_back(struct aside *aside); /* after a rollback: what was counted is void */

/* Keeps a packed RECORD_ASIDE within bytes_max altogether. One that is larger by
 * itself is not kept. */
int aside_keep(struct aside *aside, const struct record *record, int64_t bytes_max,
               struct error *error) must_check;

/* Lets go of what exceeds bytes_max, a bounded number of messages. 1: there is more. */
int aside_trim(struct aside *aside, int64_t bytes_max, struct error *error) must_check;

/* Parses what is kept anew, within limits. 1 and *record_r (the caller's): as if it had come
 * with its time, source and evidence just now, a RECORD_REPORT when it is
 * understood, else a RECORD_ASIDE with the problem; 0: there is no such message; -1. */
int aside_read(struct aside *aside, int64_t id, const struct message_limits *limits, struct record **record_r,
               struct error *error) must_check;

/* How many it has let go of, or not kept, for want of room since this was asked last. */
uint64_t aside_dropped(struct aside *aside);

int aside_set_problem(struct aside *aside, int64_t id, const char *problem, struct error *error) must_check;
/* 1: gone; 0: there was none; -1. */
int aside_drop(struct aside *aside, int64_t id, struct error *error) must_check;

#endif
