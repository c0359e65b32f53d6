/* The milter socket from both sides: where suppressd listens, and what Postfix
 * must call the same place from inside its chroot.
 *
 * Postfix runs smtpd and cleanup with the queue directory as working directory
 * and, on Debian, as root directory too. A socket below the queue directory is
 * named relative to it, which is right with and without chroot. A socket
 * elsewhere is out of a chrooted service's reach. One thread.
 */
#ifndef SUPPRESSD_CTL_POSTFIX_SOCKET_H
#define SUPPRESSD_CTL_POSTFIX_SOCKET_H

#include "base/error.h"
#include "ctl/findings.h"
#include "ctl/postfix_conf.h"
#include "ctl/postfix_list.h"

struct milter_place {
    char *listens; /* the daemon's milter_socket: "unix:/path" or "inet:port@host" */
    char *reached; /* Postfix's name: "unix:suppressd/milter.sock" or "inet:host:port" */
    char *path;    /* of a unix socket, absolute; NULL for inet */
    int in_queue;  /* the path lies below the queue directory */
};

/* Reads spec, the daemon's form ("unix:/path", "local:/path", "inet:port@host",
 * "inet6:port@host") or Postfix's "inet:host:port". ERROR_INPUT otherwise. */
int milter_place_read(const char *spec, const char *queue_directory, struct milter_place *place_r,
                      struct error *error) must_check;
void milter_place_clear(struct milter_place *place);

/* 1 and the item if the milter list names this place, in any spelling Postfix takes. */
int milter_place_listed(const struct milter_place *place, const char *list, struct span *item_r);

/* Looks whether Postfix's own user can connect: chroot, directories, socket. */
void milter_place_inspect(const struct milter_place *place, const struct postfix *postfix,
                          struct findings *findings);

#endif
