/* See server.h. */
#include "config.h"

#include "daemon/server.h"

#include "base/mem.h"
#include "daemon/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    struct server *server;
    struct bufferevent *stream;
    void *state;
    int waiting; /* for us, which is no silence */
    int ended;   /* has said its last */
    int over;    /* nothing more is taken: ends when all is said */
    struct peer *next, **link;
};

struct server {
    struct server_rooms rooms;
    const struct protocol *protocol;
    struct server_limits limits;
    void *context;
    char *option; /* the setting's name */
    struct evconnlistener *listener;
    struct event *again; /* listens again after a lack of descriptors */
    struct peer *peers;
    long count;
    int stopping;
    char *path;
};

static void peer_free(struct peer *peer)
{
    *peer->link = peer->next;
    if (peer->next)
        peer->next->link = peer->link;
    peer->server->count--;
    bufferevent_free(peer->stream);
    peer->server->protocol->gone(peer->state);
    free(peer);
}

static size_t unsent(const struct peer *peer)
{
    return evbuffer_get_length(bufferevent_get_output(peer->stream));
}

static int is_held(const struct peer *peer)
{
    return peer->waiting || peer->over || unsent(peer) >= peer->server->protocol->output_max;
}

/* Bounded: the buffer holds SERVER_INPUT_MAX at the most. */
static void take_input(struct peer *peer)
{
    struct evbuffer *input = bufferevent_get_input(peer->stream);
    size_t length, taken = 1;

    while (taken && !is_held(peer) && (length = evbuffer_get_length(input))) {
        taken = peer->server->protocol->take(peer->state, (const char *)evbuffer_pullup(input, -1), length);
        evbuffer_drain(input, taken);
    }
    if (peer->ended && !is_held(peer))
        peer->over = 1;
}

/* Reads on, waits, or ends, as things stand. May free the peer. */
static void go_on(struct peer *peer)
{
    if (peer->server->stopping)
        return;
    take_input(peer);
    if (peer->over && !peer->waiting && !unsent(peer))
        peer_free(peer);
    else if (peer->ended || is_held(peer))
        bufferevent_disable(peer->stream, EV_READ);
    else
        bufferevent_enable(peer->stream, EV_READ);
}

static void on_readable(struct bufferevent *stream, void *argument)
{
    (void)stream;
    go_on(argument);
}

/* All that was said has been sent. */
static void on_written(struct bufferevent *stream, void *argument)
{
    (void)stream;
    go_on(argument);
}

static void on_event(struct bufferevent *stream, short what, void *argument)
{
    struct peer *peer = argument;
    const struct protocol *protocol = peer->server->protocol;

    (void)stream;
    if (what & BEV_EVENT_TIMEOUT)
        counters_add(peer->server->rooms.counters, protocol->idle, 1);
    if (!(what & BEV_EVENT_READING) || what & BEV_EVENT_ERROR) {
        peer_free(peer);
        return;
    }
    peer->ended = 1;
    if (what & BEV_EVENT_TIMEOUT) {
        if (protocol->goodbye)
            protocol->goodbye(peer->state, GOODBYE_SILENT);
        peer->over = 1;
    }
    go_on(peer);
}

static struct peer *peer_new(struct server *server, evutil_socket_t fd)
{
    const struct timeval idle = {.tv_sec = server->limits.idle_timeout};
    struct peer *peer = xcalloc(1, sizeof(*peer));

    peer->server = server;
    peer->link = &server->peers;
    if ((peer->next = server->peers))
        peer->next->link = &peer->next;
    server->peers = peer;
    server->count++;
    if (!(peer->stream = bufferevent_socket_new(server->rooms.base, fd, BEV_OPT_CLOSE_ON_FREE)))
        abort(); /* out of memory */
    bufferevent_setcb(peer->stream, on_readable, on_written, on_event, peer);
    bufferevent_setwatermark(peer->stream, EV_READ, 0, SERVER_INPUT_MAX);
    bufferevent_set_timeouts(peer->stream, &idle, &idle);
    bufferevent_enable(peer->stream, EV_READ | EV_WRITE);
    return peer;
}

static void turn_away(const struct server *server, evutil_socket_t fd)
{
    const char *busy = server->protocol->busy;

    counters_add(server->rooms.counters, server->protocol->refused, 1);
    if (busy)
        (void)!send(fd, busy, strlen(busy), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                          int length, void *argument)
{
    struct server *server = argument;
    struct peer *peer;

    (void)listener, (void)address, (void)length;
    if (server->count >= server->limits.connections_max) {
        turn_away(server, fd);
        return;
    }
    counters_add(server->rooms.counters, server->protocol->connections, 1);
    peer = peer_new(server, fd);
    peer->state = server->protocol->begin(peer, server->context);
}

static void on_again(evutil_socket_t fd, short what, void *argument)
{
    struct server *server = argument;

    (void)fd, (void)what;
    evconnlistener_enable(server->listener);
}

/* Without descriptors the listener would be called again and again. */
static void on_accept_failed(struct evconnlistener *listener, void *argument)
{
    const struct timeval pause = {.tv_sec = 1};
    struct server *server = argument;

    log_line(LOG_WARN, "%s: cannot accept: %s", server->option, strerror(errno));
    counters_add(server->rooms.counters, server->protocol->refused, 1);
    evconnlistener_disable(listener);
    evtimer_add(server->again, &pause);
}

static int start(struct server *server, const struct listen_spec *spec, struct error *error)
{
    int fd = listen_bind(spec, &server->path, error);

    if (fd < 0)
        return -1;
    server->again = evtimer_new(server->rooms.base, on_again, server);
    server->listener = evconnlistener_new(server->rooms.base, on_connection, server,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                          server->protocol->backlog, fd);
    if (!server->listener || !server->again) {
        if (!server->listener)
            close(fd);
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s: %s", spec->option, spec->place, strerror(errno));
    }
    evconnlistener_set_error_cb(server->listener, on_accept_failed);
    return 0;
}

struct server *server_open(const struct server_rooms *rooms, const struct listen_spec *spec,
                           const struct protocol *protocol, const struct server_limits *limits, void *context,
                           struct error *error)
{
    struct server *server = xcalloc(1, sizeof(*server));

    server->rooms = *rooms;
    server->protocol = protocol;
    server->limits = *limits;
    server->context = context;
    server->option = xstrdup(spec->option);
    if (start(server, spec, error))
        server_close(&server);
    return server;
}

void server_set_limits(struct server *server, const struct server_limits *limits)
{
    server->limits = *limits;
}

void server_stop(struct server *server)
{
    server->stopping = 1;
}

static void take_leave(struct peer *peer)
{
    struct evbuffer *output = bufferevent_get_output(peer->stream);

    if (!peer->over && peer->server->protocol->goodbye)
        peer->server->protocol->goodbye(peer->state, GOODBYE_STOP);
    evbuffer_unfreeze(output, 1);
    evbuffer_write(output, bufferevent_getfd(peer->stream));
    peer_free(peer);
}

void server_close(struct server **server)
{
    struct server *old = *server;

    *server = NULL;
    if (!old)
        return;
    while (old->peers)
        take_leave(old->peers);
    if (old->listener)
        evconnlistener_free(old->listener);
    if (old->again)
        event_free(old->again);
    if (old->path)
        unlink(old->path);
    free(old->option);
    free(old->path);
    free(old);
}

void peer_say(struct peer *peer, const char *bytes, size_t length)
{
    if (length)
        bufferevent_write(peer->stream, bytes, length);
}

void peer_wait(struct peer *peer)
{
    peer->waiting = 1;
}

void peer_go_on(struct peer *peer)
{
    peer->waiting = 0;
    go_on(peer);
}

void peer_end(struct peer *peer)
{
    peer->over = 1;
}

void peer_be_patient(struct peer *peer)
{
    bufferevent_set_timeouts(peer->stream, NULL, NULL);
}

int peer_descriptor(const struct peer *peer)
{
    return bufferevent_getfd(peer->stream);
}
