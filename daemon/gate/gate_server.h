/* The sockets of the gates that speak socketmap or policy delegation (server.h).
 *
 * Each connection has one question with the desk at a time. The loop's thread.
 */
#ifndef SUPPRESSD_DAEMON_GATE_GATE_SERVER_H
#define SUPPRESSD_DAEMON_GATE_GATE_SERVER_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/gate/dialogue.h"
#include "daemon/listen.h"
#include "daemon/settings.h"

struct desk;
struct event_base;
struct gate_server;

/* Borrowed for the server's life. */
struct gate_rooms {
    struct event_base *base;
    struct desk *desk;
    struct counters *counters;
};

/* Listens where spec says. NULL and error. */
struct gate_server *gate_server_open(const struct gate_rooms *rooms, enum dialogue_kind kind,
                                     const struct listen_spec *spec, struct settings *settings,
                                     struct error *error) must_check;

/* Questions from now on are answered by these; a count is taken. */
void gate_server_set_settings(struct gate_server *gates, struct settings *settings);

/* Before desk_close. Who waits for an answer gets none. */
void gate_server_close(struct gate_server **gates);

#endif
