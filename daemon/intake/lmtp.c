/* See lmtp.h. */
#include "config.h"

#include "daemon/intake/lmtp.h"

#include "base/mem.h"
#include "daemon/acks.h"
#include "daemon/intake/lmtp_dialogue.h"
#include "daemon/log.h"
#include "daemon/server.h"

#include <stdlib.h>
#include <time.h>

/* Lives as long as its peer, and while its message is with the writer. */
struct connection {
    struct lmtp *lmtp;
    struct peer *peer; /* NULL: gone while it waited */
    struct lmtp_dialogue *dialogue;
    char *own_host; /* whose DSNs are believed; NULL: none */
    int waiting;    /* its message is with the writer */
};

struct lmtp {
    struct lmtp_rooms rooms;
    struct settings *settings;
    struct server *server;
    struct acks *acks;
};

static void connection_free(struct connection *connection)
{
    lmtp_dialogue_free(&connection->dialogue);
    free(connection->own_host);
    free(connection);
}

/* Its answer is still due where it waits. */
static void gone(void *state)
{
    struct connection *connection = state;

    connection->peer = NULL;
    if (!connection->waiting)
        connection_free(connection);
}

static void send_replies(struct connection *connection)
{
    struct span replies = lmtp_dialogue_replies(connection->dialogue);

    peer_say(connection->peer, replies.start, replies.length);
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
    enum collected collected;
    struct record *record;
    struct error error;

    collected = collect_record(message, &origin, (int64_t)time(NULL), &record);
    if (collected != COLLECTED_REPORT) {
        answer(connection, collected == COLLECTED_ORDINARY);
    } else if (acks_submit(connection->lmtp->acks, record, connection, 0, &error)) {
        log_line(LOG_WARN, "lmtp: a report is put off: %s", error.text);
        answer(connection, 0);
    } else {
        connection->waiting = 1;
        peer_wait(connection->peer);
    }
}

static size_t take(void *state, const char *bytes, size_t length)
{
    struct connection *connection = state;
    size_t taken;
    enum lmtp_step step = lmtp_dialogue_take(connection->dialogue, bytes, length, &taken);

    if (step == LMTP_MESSAGE)
        take_message(connection);
    else if (step == LMTP_OVER)
        peer_end(connection->peer);
    send_replies(connection);
    return taken;
}

static void on_ack(const struct ack *ack, void *context)
{
    struct connection *connection = ack->waiter;

    (void)context;
    if (ack->result)
        log_line(LOG_WARN, "lmtp: a report is put off: %s", ack->error.text);
    connection->waiting = 0;
    answer(connection, !ack->result);
    if (!connection->peer) {
        connection_free(connection);
        return;
    }
    send_replies(connection);
    peer_go_on(connection->peer); /* what has come meanwhile */
}

static void *begin(struct peer *peer, void *context)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));
    struct lmtp *lmtp = context;
    const struct settings *settings = lmtp->settings;
    const struct collect_limits limits = collect_limits_of(settings, lmtp->rooms.memory);
    const char *host = lmtp->rooms.host;

    connection->lmtp = lmtp;
    connection->peer = peer;
    connection->dialogue = lmtp_dialogue_new(host, &limits, lmtp->rooms.counters);
    connection->own_host = settings->lmtp_trust == LMTP_TRUST_OWN ? xstrdup(host) : NULL;
    send_replies(connection);
    return connection;
}

static void goodbye(void *state, enum goodbye why)
{
    struct connection *connection = state;

    lmtp_dialogue_end(connection->dialogue, why == GOODBYE_STOP ? "421 4.3.2 suppressd stops, come again"
                                                                : "421 4.4.2 Silent for too long");
    send_replies(connection);
}

static const struct protocol protocol = {
    .output_max = 262144,
    .backlog = 128,
    .busy = "421 4.3.2 Too many connections, come again\r\n",
    .connections = COUNTER_LMTP_CONNECTIONS,
    .refused = COUNTER_LMTP_CONNECTIONS_REFUSED,
    .idle = COUNTER_LMTP_IDLE,
    .begin = begin,
    .take = take,
    .goodbye = goodbye,
    .gone = gone,
};

static struct server_limits limits_of(const struct settings *settings)
{
    return (struct server_limits){settings->lmtp_connections_max, settings->lmtp_idle_timeout};
}

struct lmtp *lmtp_open(const struct lmtp_rooms *rooms, struct settings *settings, struct error *error)
{
    const struct listen_spec spec = {
        .option = "lmtp_socket",
        .place = settings->lmtp_socket,
        .mode = settings->lmtp_socket_mode,
        .group = settings->lmtp_socket_group,
    };
    const struct server_rooms server_rooms = {rooms->base, rooms->counters};
    const struct server_limits limits = limits_of(settings);
    struct lmtp *lmtp = xcalloc(1, sizeof(*lmtp));

    lmtp->rooms = *rooms;
    lmtp->settings = settings_ref(settings);
    if (!(lmtp->acks = acks_new(rooms->base, rooms->writer, on_ack, lmtp, error)) ||
        !(lmtp->server = server_open(&server_rooms, &spec, &protocol, &limits, lmtp, error)))
        lmtp_close(&lmtp);
    return lmtp;
}

void lmtp_set_settings(struct lmtp *lmtp, struct settings *settings)
{
    const struct server_limits limits = limits_of(settings);

    settings_unref(&lmtp->settings);
    lmtp->settings = settings_ref(settings);
    server_set_limits(lmtp->server, &limits);
}

void lmtp_close(struct lmtp **lmtp)
{
    struct lmtp *old = *lmtp;

    *lmtp = NULL;
    if (!old)
        return;
    if (old->server) {
        server_stop(old->server); /* there is no writer any more */
        acks_flush(old->acks);
        server_close(&old->server);
    }
    acks_free(&old->acks);
    settings_unref(&old->settings);
    free(old);
}
