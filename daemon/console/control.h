/* The control socket: suppressctl's way into the running daemon.
 *
 * A unix stream socket, mode 0660. One JSON object a line each way, a request
 * at most CONTROL_LINE_MAX long:
 *   {"command": "status"}
 *   {"command": "suppress", "recipient": A, "stream": S, "reason": R, "note": N, "until": T}
 *   {"command": "release", "recipient": A, "stream": S, "note": N}
 *   {"command": "import", "note": N, "entries": [...]}, see change_import
 *   {"command": "incident", "incident": ID, "rollback": true or false}: closes or rolls back
 *   {"command": "ingest", "id": N, "size": BYTES, "own": true or false}
 *   {"command": "stage" and the like}, see edit_request.h; "set" is in the answer
 *   {"command": "ingest-log", "size": BYTES, ...}, see log_block.h
 *   {"command": "aside-retry", "ids": [I, ...]}
 *   {"command": "aside-drop", "ids": [I, ...]}
 * and back {"ok": true, ...} or {"ok": false, "error": "..."}. A change is
 * answered after it is on disk. recipient is an address, or "@" and a domain.
 * Who asked is taken from the socket (SO_PEERCRED), never from the request.
 *
 * Behind the line of ingest stands the message, BYTES long, at most
 * CONTROL_MESSAGE_MAX; with own, this host's own DSNs are believed (own.h). It
 * is answered with its id and "result" (ingest.h) after the commit; so many as
 * CONTROL_IN_FLIGHT_MAX may be under way, and answers come in any order.
 * import is answered with the number of suppressions that are new, "added".
 * The lines of ingest-log are answered with the number of new "events".
 * Lives on the main loop (server.h).
 */
#ifndef SUPPRESSD_DAEMON_CONSOLE_CONTROL_H
#define SUPPRESSD_DAEMON_CONSOLE_CONTROL_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/intake/collect.h"

#include <stddef.h>
#include <stdint.h>

#define CONTROL_LINE_MAX 60000
#define CONTROL_MESSAGE_MAX (256u << 20)
#define CONTROL_IN_FLIGHT_MAX 64

struct control;
struct event_base;
struct writer;

struct control_rooms {
    struct event_base *base;
    struct writer *writer;
    struct counters *counters;
    int strict_local_part, keep_delivered;
    long connections_max;
    long line_max; /* of logs that are handed in */
};

/* What status reports beside the counters; asked for at each request. */
struct control_facts {
    const char *version, *config, *rules_version, *gate_mode;
    const char *reload_error; /* of the last reload; "" when it went well */
    const char *own_host;     /* name of this host's MTA */
    struct collect_limits limits; /* of a message that is handed in */
    int64_t started;
    long rules;
};

/* facts fills its argument; strings are read before the next event. rooms is copied. */
struct control *control_open(const char *path, const struct control_rooms *rooms,
                             void (*facts)(struct control_facts *facts_r, void *context),
                             void *context, struct error *error) must_check;
/* After writer_stop: gives the answers that have become due. */
void control_close(struct control **control);

#endif
