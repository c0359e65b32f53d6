/* Changes of many suppressions at once, from a request to a record.
 *
 *   {"command": "stage", "token": T, "items": [{"recipient": KEY, "stream": S, "reason": R (none: release),
 *        "event": N, "until": T, "trial": N, "policy": LINE, "note": TEXT}, ...]}
 *   {"command": "apply", "token": T, "seen": N, "note": TEXT}
 *   {"command": "undo", "set": N}              0 or absent: the newest
 *   {"command": "erase", "recipient": A, "set": N}
 *
 * An undo takes back one part of a set, an erasure searches one piece of the
 * database; the answer's "more" asks for the next, of an erasure from its "set" on.
 * A plan (plan.h) is staged in parts, then applied. Shared by the control socket
 * and by suppressctl when it writes by itself.
 */
#ifndef SUPPRESSD_DAEMON_CONSOLE_EDIT_REQUEST_H
#define SUPPRESSD_DAEMON_CONSOLE_EDIT_REQUEST_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

struct record;

/* 1 when it is a command of this room. */
int edit_request_is(const char *command);

/* who: whom the kernel says. NULL and ERROR_INPUT when something in it is wrong. */
struct record *edit_request(const json_t *request, const char *who, int strict, int64_t now,
                            struct error *error) must_check;

#endif
