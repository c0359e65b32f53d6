/* The user that the daemon is.
 *
 * Started by root it becomes its own user before it opens a socket, a database
 * or a log, and before there is a second thread: what it cannot reach then
 * stops the start, or is warned of, and not the first reload. There is no way
 * back, which is tried out; nor does a program that it starts gain anything by a
 * set-user-ID or set-group-ID bit. Started as some other user, or with user "",
 * it stays who it is.
 */
#ifndef SUPPRESSD_DAEMON_PRIVILEGE_H
#define SUPPRESSD_DAEMON_PRIVILEGE_H

#include "base/error.h"

#include <sys/types.h>

/* For root, before privilege_drop: makes the folder that path lies in for the
 * user, with this mode, where there is none. One that is there stays as it is.
 * For others, and with user "", nothing. */
int privilege_folder(const char *user, const char *path, mode_t mode, struct error *error) must_check;

/* All groups of the user, as initgroups(3) knows them, and no others. -1: it
 * may be half root, and must end. */
int privilege_drop(const char *user, struct error *error) must_check;

#endif
