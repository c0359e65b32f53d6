/* A person's change of the records, from names to a record for the ledger.
 *
 * Shared by the control socket and by suppressctl when it writes by itself.
 */
#ifndef SUPPRESSD_DAEMON_CONSOLE_CHANGE_H
#define SUPPRESSD_DAEMON_CONSOLE_CHANGE_H

#include "base/error.h"
#include "daemon/report/address.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CHANGE_ASIDE_MAX 20 /* messages a request: the writer's thread parses them */

struct record;

/* All borrowed; NULL where not given. */
struct change {
    const char *recipient; /* an address, or "@" and a domain */
    const char *stream;    /* NULL or "": every stream */
    const char *reason;    /* of the taxonomy; NULL: recipient-suppressed */
    const char *note;
    const char *who;
    int64_t until;         /* 0: for good */
};

/* The compared form of a recipient, or of "@" and a domain. -1: it is neither. */
int change_key(const char *recipient, int strict, char key_r[ADDRESS_SIZE], struct error *error) must_check;

/* By the command's name: "suppress", "release", "allow" or "disallow". */
int change_is_command(const char *command);
struct record *change_make(const char *command, const struct change *change, int strict, int64_t now,
                           struct error *error) must_check;

/* NULL and ERROR_INPUT when something in it is wrong. */
struct record *change_suppress(const struct change *change, int strict, int64_t now,
                               struct error *error) must_check;
/* Reads again, or lets go of, what is kept aside. count: 1 to CHANGE_ASIDE_MAX. */
struct record *change_aside(int drop, const int64_t *ids, size_t count, int64_t now,
                            struct error *error) must_check;
struct record *change_release(const struct change *change, int strict, int64_t now,
                              struct error *error) must_check;

/* Many of them: request is {"note": N, "entries": [{"recipient": A, "stream": S,
 * "reason": R, "note": N, "until": T}, ...]}; the notes of each are put together. */
struct record *change_import(const json_t *request, const char *who, int strict, int64_t now,
                             struct error *error) must_check;

#endif
