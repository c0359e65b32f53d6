/* See gate_server.h. */
#include "config.h"

#include "daemon/gate/gate_server.h"

#include "base/mem.h"
#include "daemon/gate/desk.h"
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

#define INPUT_MAX 65536  /* bytes of a connection that are taken at a time */
#define OUTPUT_MAX 65536 /* unsent answers beyond which it is not read */
#define BACKLOG 511      /* all of an MTA's processes may come at once */

struct connection {
    struct gate_server *server;
    struct bufferevent *stream;
    struct dialogue *dialogue;
    struct errand *errand; /* the question that is with the desk, or NULL */
    int ended;             /* the client has said its last */
    int over;              /* nothing more is taken: ends when all is said */
    struct connection *next, **link;
};

struct gate_server {
    struct gate_rooms rooms;
    enum dialogue_kind kind;
    const char *option; /* the setting's name */
    struct settings *settings;
    struct evconnlistener *listener;
    struct event *again; /* listens again after a lack of descriptors */
    struct connection *connections;
    long count;
    char *path;
};

static void connection_free(struct connection *connection)
{
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    connection->server->count--;
    desk_forget(&connection->errand);
    bufferevent_free(connection->stream);
    dialogue_free(&connection->dialogue);
    free(connection);
}

static size_t unsent(const struct connection *connection)
{
    return evbuffer_get_length(bufferevent_get_output(connection->stream));
}

static void say(struct connection *connection, const char *data)
{
    char *reply = dialogue_answer(connection->dialogue, data);

    bufferevent_write(connection->stream, reply, strlen(reply));
    free(reply);
}

static void go_on(struct connection *connection);

static void on_answer(const char *data, void *context)
{
    struct connection *connection = context;

    connection->errand = NULL;
    say(connection, data);
    go_on(connection); /* what has come meanwhile */
}

static void take_question(struct connection *connection)
{
    struct gate_server *server = connection->server;
    struct question question;
    int fault;

    question = dialogue_question(connection->dialogue, &fault);
    counters_add(server->rooms.counters,
                 server->kind == DIALOGUE_POLICY ? COUNTER_POLICY_REQUESTS : COUNTER_SOCKETMAP_REQUESTS, 1);
    counters_add(server->rooms.counters, COUNTER_GATE_FAULTS, (uint64_t)fault);
    if (question.kind == QUESTION_NONE) {
        say(connection, NULL);
        question_clear(&question);
        return;
    }
    connection->errand = desk_ask(server->rooms.desk, server->settings, question, on_answer, connection);
}

/* Bounded: the buffer holds INPUT_MAX at the most. */
static void take_input(struct connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    size_t length, taken;

    while (!connection->errand && !connection->over && unsent(connection) < OUTPUT_MAX &&
           (length = evbuffer_get_contiguous_space(input))) {
        const char *bytes = (const char *)evbuffer_pullup(input, (ev_ssize_t)length);
        enum dialogue_step step = dialogue_take(connection->dialogue, bytes, length, &taken);

        evbuffer_drain(input, taken);
        if (step == DIALOGUE_QUESTION)
            take_question(connection);
        if (step == DIALOGUE_OVER) {
            counters_add(connection->server->rooms.counters, COUNTER_GATE_FAULTS, 1);
            connection->over = 1;
        }
    }
}

/* Reads on, waits, or ends, as things stand. May free the connection. */
static void go_on(struct connection *connection)
{
    take_input(connection);
    if (connection->ended && !connection->errand && !evbuffer_get_length(bufferevent_get_input(connection->stream)))
        connection->over = 1;
    if (connection->over && !connection->errand && !unsent(connection))
        connection_free(connection);
    else if (connection->errand || connection->ended || connection->over || unsent(connection) >= OUTPUT_MAX)
        bufferevent_disable(connection->stream, EV_READ);
    else
        bufferevent_enable(connection->stream, EV_READ);
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

/* A client that has said its last may still read the answers. */
static void on_event(struct bufferevent *stream, short what, void *argument)
{
    struct connection *connection = argument;

    (void)stream;
    if (what & BEV_EVENT_TIMEOUT)
        counters_add(connection->server->rooms.counters, COUNTER_GATE_IDLE, 1);
    if (what & (BEV_EVENT_TIMEOUT | BEV_EVENT_ERROR) || !(what & BEV_EVENT_READING)) {
        connection_free(connection);
        return;
    }
    connection->ended = 1;
    go_on(connection);
}

static struct connection *connection_new(struct gate_server *server, evutil_socket_t fd)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));

    connection->server = server;
    connection->dialogue = dialogue_new(server->kind);
    connection->link = &server->connections;
    if ((connection->next = server->connections))
        connection->next->link = &connection->next;
    server->connections = connection;
    server->count++;
    if (!(connection->stream = bufferevent_socket_new(server->rooms.base, fd, BEV_OPT_CLOSE_ON_FREE)))
        abort(); /* out of memory */
    return connection;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                          int length, void *argument)
{
    struct gate_server *server = argument;
    const struct timeval idle = {.tv_sec = server->settings->gate_idle_timeout};
    struct connection *connection;

    (void)listener, (void)address, (void)length;
    counters_add(server->rooms.counters, COUNTER_GATE_CONNECTIONS, 1);
    if (server->count >= server->settings->gate_connections_max) {
        counters_add(server->rooms.counters, COUNTER_GATE_CONNECTIONS_REFUSED, 1);
        close(fd);
        return;
    }
    connection = connection_new(server, fd);
    bufferevent_setcb(connection->stream, on_readable, on_written, on_event, connection);
    bufferevent_setwatermark(connection->stream, EV_READ, 0, INPUT_MAX);
    bufferevent_set_timeouts(connection->stream, &idle, &idle);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

static void on_again(evutil_socket_t fd, short what, void *argument)
{
    struct gate_server *server = argument;

    (void)fd, (void)what;
    evconnlistener_enable(server->listener);
}

/* Without descriptors the listener would be called again and again. */
static void on_accept_failed(struct evconnlistener *listener, void *argument)
{
    const struct timeval pause = {.tv_sec = 1};
    struct gate_server *server = argument;

    log_line(LOG_WARN, "%s: cannot accept: %s", server->option, strerror(errno));
    counters_add(server->rooms.counters, COUNTER_GATE_CONNECTIONS_REFUSED, 1);
    evconnlistener_disable(listener);
    evtimer_add(server->again, &pause);
}

static int start(struct gate_server *server, const struct listen_spec *spec, struct error *error)
{
    int fd = listen_bind(spec, &server->path, error);

    if (fd < 0)
        return -1;
    server->again = evtimer_new(server->rooms.base, on_again, server);
    server->listener = evconnlistener_new(server->rooms.base, on_connection, server,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    if (!server->listener || !server->again) {
        if (!server->listener)
            close(fd);
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s: %s", spec->option, spec->place, strerror(errno));
    }
    evconnlistener_set_error_cb(server->listener, on_accept_failed);
    return 0;
}

struct gate_server *gate_server_open(const struct gate_rooms *rooms, enum dialogue_kind kind,
                                     const struct listen_spec *spec, struct settings *settings, struct error *error)
{
    struct gate_server *server = xcalloc(1, sizeof(*server));

    server->rooms = *rooms;
    server->kind = kind;
    server->option = spec->option;
    server->settings = settings_ref(settings);
    if (start(server, spec, error))
        gate_server_close(&server);
    return server;
}

void gate_server_set_settings(struct gate_server *server, struct settings *settings)
{
    settings_unref(&server->settings);
    server->settings = settings_ref(settings);
}

void gate_server_close(struct gate_server **server)
{
    struct gate_server *old = *server;

    *server = NULL;
    if (!old)
        return;
    while (old->connections)
        connection_free(old->connections);
    if (old->listener)
        evconnlistener_free(old->listener);
    if (old->again)
        event_free(old->again);
    if (old->path)
        unlink(old->path);
    settings_unref(&old->settings);
    free(old->path);
    free(old);
}
