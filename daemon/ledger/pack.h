/* A message made smaller, and whole again.
 *
 * zlib, for two reasons: GLib brings it into the process already, and the
 * sqlite3 shell reads its format with sqlar_uncompress(). A message that does
 * not shrink is kept as it is: packed bytes of the message's own size are the
 * message. Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_PACK_H
#define SUPPRESSD_DAEMON_LEDGER_PACK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define PACK_SIZE_MAX (256u << 20) /* no message is larger; what claims to be is refused */

/* *packed_r is the caller's (free). Returns how many bytes it holds: size when
 * nothing was gained. */
size_t pack_message(const char *bytes, size_t size, char **packed_r) must_check;

/* The message of size bytes, ended by a NUL that is not counted; the caller's
 * (free). NULL and error when it is damaged, or gives more or less than size. */
char *pack_restore(const void *packed, size_t length, int64_t size, struct error *error) must_check;

#endif
