/* See lmtp.h. */
#include "config.h"

#include "daemon/intake/lmtp.h"

#include "base/mem.h"
#include "daemon/acks.h"
#include "daemon/intake/collect.h"
#include "daemon/intake/lmtp_dialogue.h"
#include "daemon/listen.h"
#include "daemon/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 65536   /* bytes of a connection that are taken at a time */
#define OUTPUT_MAX 262144 /* unsent replies beyond which it is not read */
#define BACKLOG 128
#define BUSY_REPLY "421 4.3.2 Too many connections, come again\r\n"

struct connection {
    struct lmtp *lmtp;
    struct bufferevent *stream; /* NULL: gone while it waited */
    struct lmtp_dialogue *dialogue;
    char *own_host;             /* whose DSNs are believed; NULL: none */
    int waiting;                /* its message is with the writer */
    int over;                   /* ends when all is said */
    struct connection *next, **link;
};

struct lmtp {
    struct lmtp_rooms rooms;
    struct settings *settings;
    struct evconnlistener *listener;
    struct event *again; /* listens again after a lack of descriptors */
    struct acks *acks;
    struct connection *connections;
    long count;
    int closing; /* there is no writer any more */
    char *path;
};

static void connection_free(struct connection *connection)
{
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    connection->lmtp->count--;
    if (connection->stream)
        bufferevent_free(connection->stream);
    lmtp_dialogue_free(&connection->dialogue);
    free(connection->own_host);
    free(connection);
}

/* A connection whose answer is due stays until it comes. */
static void hang_up(struct connection *connection)
{
    if (!connection->waiting) {
        connection_free(connection);
        return;
    }
    bufferevent_free(connection->stream);
    connection->stream = NULL;
}

static size_t unsent(struct connection *connection)
{
    return evbuffer_get_length(bufferevent_get_output(connection->stream));
}

static void send_replies(struct connection *connection)
{
    struct span replies = lmtp_dialogue_replies(connection->dialogue);

    if (replies.length)
        bufferevent_write(connection->stream, replies.start, replies.length);
    lmtp_dialogue_said(connection->dialogue);
}

static void answer(struct connection *connection, int recorded)
{
    lmtp_dialogue_answer(connection->dialogue, recorded);
    if (!recorded)
        counters_add(connection->lmtp->rooms.counters, COUNTER_REPORTS_TEMPFAILED, 1);
}

static void take_message(struct connection *connection)
{
    struct collect_origin origin = {.source = SOURCE_LMTP, .own_host = connection->own_host};
    struct collect *message = lmtp_dialogue_message(connection->dialogue, &origin.sender, &origin.tagged);
    struct record *record = collect_record(message, &origin, (int64_t)time(NULL));
    struct error error;

    if (!record) {
        answer(connection, 1);
    } else if (acks_submit(connection->lmtp->acks, record, connection, 0, &error)) {
        log_line(LOG_WARN, "lmtp: a report is put off: %s", error.text);
        answer(connection, 0);
    } else {
        connection->waiting = 1;
    }
}

/* Bounded: the buffer holds INPUT_MAX at the most. */
static void take_input(struct connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    size_t length, taken;

    while (!connection->waiting && !connection->over && unsent(connection) < OUTPUT_MAX &&
           (length = evbuffer_get_contiguous_space(input))) {
        const char *bytes = (const char *)evbuffer_pullup(input, (ev_ssize_t)length);
        enum lmtp_step step = lmtp_dialogue_take(connection->dialogue, bytes, length, &taken);

        evbuffer_drain(input, taken);
        if (step == LMTP_MESSAGE)
            take_message(connection);
        connection->over = step == LMTP_OVER;
        send_replies(connection);
    }
}

/* Reads on, waits, or ends, as things stand. May free the connection. */
static void go_on(struct connection *connection)
{
    take_input(connection);
    if (connection->over && !unsent(connection))
        hang_up(connection);
    else if (connection->waiting || connection->over || unsent(connection) >= OUTPUT_MAX)
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

static void on_event(struct bufferevent *stream, short what, void *argument)
{
    struct connection *connection = argument;

    (void)stream;
    if (what & BEV_EVENT_TIMEOUT)
        counters_add(connection->lmtp->rooms.counters, COUNTER_LMTP_IDLE, 1);
    if (!(what & BEV_EVENT_READING) || what & BEV_EVENT_ERROR) {
        hang_up(connection);
        return;
    }
    if (what & BEV_EVENT_TIMEOUT)
        lmtp_dialogue_end(connection->dialogue, "421 4.4.2 Silent for too long");
    connection->over = 1;
    send_replies(connection);
    if (!unsent(connection))
        hang_up(connection);
}

static void on_ack(const struct ack *ack, void *context)
{
    struct connection *connection = ack->waiter;

    (void)context;
    if (ack->result)
        log_line(LOG_WARN, "lmtp: a report is put off: %s", ack->error.text);
    connection->waiting = 0;
    answer(connection, !ack->result);
    if (!connection->stream) {
        connection_free(connection);
        return;
    }
    send_replies(connection);
    if (!connection->lmtp->closing)
        go_on(connection); /* what has come meanwhile */
}

static struct connection *connection_new(struct lmtp *lmtp, evutil_socket_t fd)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));
    const struct settings *settings = lmtp->settings;
    const char *host = lmtp->rooms.host;

    connection->lmtp = lmtp;
    connection->dialogue = lmtp_dialogue_new(host, (size_t)settings->report_size_max, lmtp->rooms.counters);
    connection->own_host = settings->lmtp_trust == LMTP_TRUST_OWN ? xstrdup(host) : NULL;
    connection->link = &lmtp->connections;
    if ((connection->next = lmtp->connections))
        connection->next->link = &connection->next;
    lmtp->connections = connection;
    lmtp->count++;
    if (!(connection->stream = bufferevent_socket_new(lmtp->rooms.base, fd, BEV_OPT_CLOSE_ON_FREE)))
        abort(); /* out of memory */
    return connection;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                          int length, void *argument)
{
    struct lmtp *lmtp = argument;
    const struct timeval idle = {.tv_sec = lmtp->settings->lmtp_idle_timeout};
    struct connection *connection;

    (void)listener, (void)address, (void)length;
    if (lmtp->count >= lmtp->settings->lmtp_connections_max) {
        counters_add(lmtp->rooms.counters, COUNTER_LMTP_CONNECTIONS_REFUSED, 1);
        (void)!send(fd, BUSY_REPLY, strlen(BUSY_REPLY), MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
        return;
    }
    counters_add(lmtp->rooms.counters, COUNTER_LMTP_CONNECTIONS, 1);
    connection = connection_new(lmtp, fd);
    bufferevent_setcb(connection->stream, on_readable, on_written, on_event, connection);
    bufferevent_setwatermark(connection->stream, EV_READ, 0, INPUT_MAX);
    bufferevent_set_timeouts(connection->stream, &idle, &idle);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
    send_replies(connection);
}

static void on_again(evutil_socket_t fd, short what, void *argument)
{
    struct lmtp *lmtp = argument;

    (void)fd, (void)what;
    evconnlistener_enable(lmtp->listener);
}

/* Without descriptors the listener would be called again and again. */
static void on_accept_failed(struct evconnlistener *listener, void *argument)
{
    const struct timeval pause = {.tv_sec = 1};
    struct lmtp *lmtp = argument;

    log_line(LOG_WARN, "lmtp_socket: cannot accept: %s", strerror(errno));
    counters_add(lmtp->rooms.counters, COUNTER_LMTP_CONNECTIONS_REFUSED, 1);
    evconnlistener_disable(listener);
    evtimer_add(lmtp->again, &pause);
}

static int start(struct lmtp *lmtp, struct error *error)
{
    const struct settings *settings = lmtp->settings;
    const struct listen_spec spec = {
        .option = "lmtp_socket",
        .place = settings->lmtp_socket,
        .mode = settings->lmtp_socket_mode,
        .group = settings->lmtp_socket_group,
    };
    int fd;

    if (!(lmtp->acks = acks_new(lmtp->rooms.base, lmtp->rooms.writer, on_ack, lmtp, error)) ||
        (fd = listen_bind(&spec, &lmtp->path, error)) < 0)
        return -1;
    lmtp->again = evtimer_new(lmtp->rooms.base, on_again, lmtp);
    lmtp->listener = evconnlistener_new(lmtp->rooms.base, on_connection, lmtp,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    if (!lmtp->listener || !lmtp->again) {
        if (!lmtp->listener)
            close(fd);
        return error_set(error, ERROR_ENVIRONMENT, "lmtp_socket: %s: %s", settings->lmtp_socket, strerror(errno));
    }
    evconnlistener_set_error_cb(lmtp->listener, on_accept_failed);
    return 0;
}

struct lmtp *lmtp_open(const struct lmtp_rooms *rooms, struct settings *settings, struct error *error)
{
    struct lmtp *lmtp = xcalloc(1, sizeof(*lmtp));

    lmtp->rooms = *rooms;
    lmtp->settings = settings_ref(settings);
    if (start(lmtp, error))
        lmtp_close(&lmtp);
    return lmtp;
}

void lmtp_set_settings(struct lmtp *lmtp, struct settings *settings)
{
    settings_unref(&lmtp->settings);
    lmtp->settings = settings_ref(settings);
}

/* As far as the kernel takes it at once. */
static void say_goodbye(struct connection *connection)
{
    struct evbuffer *output;

    if (!connection->stream)
        return;
    output = bufferevent_get_output(connection->stream);
    if (!connection->over)
        evbuffer_add_printf(output, "421 4.3.2 suppressd stops, come again\r\n");
    evbuffer_unfreeze(output, 1);
    evbuffer_write(output, bufferevent_getfd(connection->stream));
}

void lmtp_close(struct lmtp **lmtp)
{
    struct lmtp *old = *lmtp;

    *lmtp = NULL;
    if (!old)
        return;
    old->closing = 1;
    if (old->acks)
        acks_flush(old->acks);
    while (old->connections) {
        say_goodbye(old->connections);
        connection_free(old->connections);
    }
    if (old->listener)
        evconnlistener_free(old->listener);
    if (old->again)
        event_free(old->again);
    acks_free(&old->acks);
    if (old->path)
        unlink(old->path);
    settings_unref(&old->settings);
    free(old->path);
    free(old);
}
