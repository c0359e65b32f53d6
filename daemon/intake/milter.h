/* The milter: libmilter's threads on one side, sessions on the other.
 *
 * The only room that knows libmilter. It keeps its state in one static pointer,
 * because libmilter's callbacks carry none. libmilter waits for HUP, TERM and
 * INT itself and would stop on each: its threads run with these blocked, and
 * its waiting is taken from it (see sigwait in milter.c), so that main owns
 * them.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_MILTER_H
#define SUPPRESSD_DAEMON_INTAKE_MILTER_H

#include "base/error.h"
#include "daemon/intake/session.h"
#include "daemon/settings.h"

struct milter;

/* Binds the socket and starts to serve. rooms is borrowed until milter_stop.
 * ended is called from another thread if libmilter gives up by itself. NULL
 * and error when the socket cannot be had. One milter a process. */
struct milter *milter_start(const struct session_rooms *rooms, struct settings *settings,
                            void (*ended)(void *context), void *context,
                            struct error *error) must_check;

/* New connections see these settings; a count is taken. Any thread. */
void milter_set_settings(struct milter *milter, struct settings *settings);

/* Takes the socket away and waits until no callback uses rooms: at most as
 * long as ack_timeout. libmilter itself ends with the process; what the MTA
 * says until then on connections it keeps open: mail passes, bounces are put
 * off. */
void milter_stop(struct milter **milter);

#endif
