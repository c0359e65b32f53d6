/* Announce: tells a program and a web address that an incident opens or closes.
 *
 * announce_listen may be called by the writer's thread and never waits: it puts
 * the notice into a queue of ANNOUNCE_QUEUE; what does not fit is counted and
 * left out. All else happens on the loop: one program and one request at a
 * time, in order, each ended after so many seconds.
 *
 * The program is started without a shell, with the arguments
 *     open|close ID KIND provider|domain NAME
 * and no other file than standard error. The web address gets the same as a
 * JSON object by POST. Failures are logged and counted, and not tried again.
 */
#ifndef SUPPRESSD_DAEMON_CONSOLE_ANNOUNCE_H
#define SUPPRESSD_DAEMON_CONSOLE_ANNOUNCE_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/ledger/watch.h"

#define ANNOUNCE_QUEUE 64

struct announce;
struct event_base;

/* All borrowed for the call but base and counters. "": none. */
struct announce_options {
    struct event_base *base;
    struct counters *counters;
    const char *program; /* a path */
    const char *address; /* http://HOST[:PORT][/PATH] */
    int seconds;         /* that each may take */
};

struct announce *announce_open(const struct announce_options *options, struct error *error) must_check;
/* After writer_stop: a program that still runs is left to itself. */
void announce_close(struct announce **announce);

/* An incident_listener; context is the struct announce. */
void announce_listen(const struct incident_notice *notice, void *context);

/* 0 when these can be used; -1 and why not. */
int announce_check_program(const char *program, struct error *error) must_check;
int announce_check_address(const char *address, struct error *error) must_check;

#endif
