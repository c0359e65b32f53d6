/* Sockets that the daemon listens on, named as the settings name them. */
#ifndef SUPPRESSD_DAEMON_LISTEN_H
#define SUPPRESSD_DAEMON_LISTEN_H

#include "base/error.h"

/* All borrowed. */
struct listen_spec {
    const char *option; /* the setting's name, for errors; that of mode and group is the same + _mode, _group */
    const char *place;  /* unix:PATH, inet:PORT@HOST, inet6:PORT@HOST; without @HOST: every address */
    long mode;          /* of a unix socket */
    const char *group;  /* that a unix socket is given to; "": the daemon's own */
};

/* A bound, non-blocking socket on which nobody listens yet, so that nobody
 * connects before it has mode and group. A unix socket that a dead process left
 * is replaced, one that answers is not. *path_r: the unix socket's (owned by
 * the caller), or NULL. -1 and error. */
int listen_bind(const struct listen_spec *spec, char **path_r, struct error *error) must_check;

/* Gives the unix socket at path its mode and group. */
int listen_give(const struct listen_spec *spec, const char *path, struct error *error) must_check;

#endif
