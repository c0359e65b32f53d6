/* The control socket: suppressctl's way into the running daemon.
 *
 * A unix stream socket, mode 0660. One JSON object a line each way:
 *   {"command": "status"}
 *   {"command": "suppress", "recipient": A, "stream": S, "reason": R, "note": N, "until": T}
 *   {"command": "release", "recipient": A, "stream": S, "note": N}
 * and back {"ok": true, ...} or {"ok": false, "error": "..."}. A change is
 * answered after it is on disk. recipient is an address, or "@" and a domain.
 * Who asked is taken from the socket (SO_PEERCRED), never from the request.
 * Lives on the main loop.
 */
#ifndef SUPPRESSD_DAEMON_CONSOLE_CONTROL_H
#define SUPPRESSD_DAEMON_CONSOLE_CONTROL_H

#include "base/error.h"
#include "daemon/counters.h"

#include <stdint.h>

struct control;
struct event_base;
struct writer;

struct control_rooms {
    struct event_base *base;
    struct writer *writer;
    const struct counters *counters;
    int strict_local_part;
};

/* What status reports beside the counters; asked for at each request. */
struct control_facts {
    const char *version, *config, *rules_version, *gate_mode;
    const char *reload_error; /* of the last reload; "" when it went well */
    int64_t started;
    long rules;
};

/* facts fills its argument; strings are read before the next event. rooms is copied. */
struct control *control_open(const char *path, const struct control_rooms *rooms,
                             void (*facts)(struct control_facts *facts_r, void *context),
                             void *context, struct error *error) must_check;
/* After writer_stop: answers that are still due are dropped with their connections. */
void control_close(struct control **control);

#endif
