/* A server on the loop: one listening socket and its connections, its peers.
 *
 * Shared by all protocols that libevent carries; what is said stands in struct
 * protocol. Peers are bounded in number, in silence, in what is read ahead
 * (SERVER_INPUT_MAX) and in what they have not taken yet: whoever reads no
 * answers is not read either. A peer that has said its last still gets its
 * answers. Without file descriptors the server pauses for a second.
 *
 * A protocol keeps a state for each peer, which it makes in begin and frees in
 * gone; what is under way for a peer may outlive it, the peer never outlives
 * gone. The loop's thread.
 */
#ifndef SUPPRESSD_DAEMON_SERVER_H
#define SUPPRESSD_DAEMON_SERVER_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/listen.h"

#include <stddef.h>

#define SERVER_INPUT_MAX 65536 /* bytes of a peer that are taken at a time */

struct event_base;
struct peer;
struct server;

enum goodbye { GOODBYE_SILENT, GOODBYE_STOP };

/* All of it borrowed for the server's life. */
struct protocol {
    size_t output_max; /* unsent bytes beyond which a peer is not read */
    int backlog;
    const char *busy; /* said to whom is turned away; NULL: nothing */
    enum counter connections, refused, idle;
    /* The state of a new peer, which may be spoken to at once. */
    void *(*begin)(struct peer *peer, void *context);
    /* How many of the bytes were taken; 0: wants more beside them. */
    size_t (*take)(void *state, const char *bytes, size_t length);
    /* It was silent for too long, or the server stops: a last word. NULL: none. */
    void (*goodbye)(void *state, enum goodbye why);
    void (*gone)(void *state);
};

struct server_limits {
    long connections_max;
    long idle_timeout; /* seconds */
};

/* What it stands on: borrowed for its life. */
struct server_rooms {
    struct event_base *base;
    struct counters *counters;
};

/* context is begin's. NULL and error. */
struct server *server_open(const struct server_rooms *rooms, const struct listen_spec *spec,
                           const struct protocol *protocol, const struct server_limits *limits, void *context,
                           struct error *error) must_check;

/* For new connections. */
void server_set_limits(struct server *server, const struct server_limits *limits);

/* Nothing more is taken from anybody; what is said is still sent. */
void server_stop(struct server *server);

/* Takes leave of all peers; what is unsent goes as far as the kernel takes it at once. */
void server_close(struct server **server);

void peer_say(struct peer *peer, const char *bytes, size_t length);

/* Nothing is taken until peer_go_on, which may end the peer: it is the last call of a callback. */
void peer_wait(struct peer *peer);
void peer_go_on(struct peer *peer);

/* Nothing more is taken: it ends when all is said. Calls nothing back. */
void peer_end(struct peer *peer);

/* From now on it may be silent as long as it likes. */
void peer_be_patient(struct peer *peer);

int peer_descriptor(const struct peer *peer);

#endif
