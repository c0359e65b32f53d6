/* See gate_server.h. */
#include "config.h"

#include "daemon/gate/gate_server.h"

#include "base/mem.h"
#include "daemon/gate/desk.h"
#include "daemon/server.h"

#include <stdlib.h>
#include <string.h>

struct connection {
    struct gate_server *gates;
    struct peer *peer;
    struct dialogue *dialogue;
    struct errand *errand; /* the question that is with the desk, or NULL */
};

struct gate_server {
    struct gate_rooms rooms;
    enum dialogue_kind kind;
    struct settings *settings;
    struct server *server;
};

static void say(struct connection *connection, const char *data)
{
    char *reply = dialogue_answer(connection->dialogue, data);

    peer_say(connection->peer, reply, strlen(reply));
    free(reply);
}

static void on_answer(const char *data, void *context)
{
    struct connection *connection = context;

    connection->errand = NULL;
    say(connection, data);
    peer_go_on(connection->peer); /* what has come meanwhile */
}

static void take_question(struct connection *connection)
{
    struct gate_server *gates = connection->gates;
    struct question question;
    int fault;

    question = dialogue_question(connection->dialogue, &fault);
    counters_add(gates->rooms.counters,
                 gates->kind == DIALOGUE_POLICY ? COUNTER_POLICY_REQUESTS : COUNTER_SOCKETMAP_REQUESTS, 1);
    counters_add(gates->rooms.counters, COUNTER_GATE_FAULTS, (uint64_t)fault);
    if (question.kind == QUESTION_NONE) {
        say(connection, NULL);
        question_clear(&question);
        return;
    }
    peer_wait(connection->peer);
    connection->errand = desk_ask(gates->rooms.desk, gates->settings, question, on_answer, connection);
}

static size_t take(void *state, const char *bytes, size_t length)
{
    struct connection *connection = state;
    size_t taken;

    switch (dialogue_take(connection->dialogue, bytes, length, &taken)) {
    case DIALOGUE_MORE:
        break;
    case DIALOGUE_QUESTION:
        take_question(connection);
        break;
    case DIALOGUE_OVER:
        counters_add(connection->gates->rooms.counters, COUNTER_GATE_FAULTS, 1);
        peer_end(connection->peer);
    }
    return taken;
}

static void *begin(struct peer *peer, void *context)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));
    struct gate_server *gates = context;

    connection->gates = gates;
    connection->peer = peer;
    connection->dialogue = dialogue_new(gates->kind);
    return connection;
}

static void gone(void *state)
{
    struct connection *connection = state;

    desk_forget(&connection->errand);
    dialogue_free(&connection->dialogue);
    free(connection);
}

static const struct protocol protocol = {
    .output_max = 65536,
    .backlog = 511, /* all of an MTA's processes may come at once */
    .connections = COUNTER_GATE_CONNECTIONS,
    .refused = COUNTER_GATE_CONNECTIONS_REFUSED,
    .idle = COUNTER_GATE_IDLE,
    .begin = begin,
    .take = take,
    .gone = gone,
};

static struct server_limits limits_of(const struct settings *settings)
{
    return (struct server_limits){settings->gate_connections_max, settings->gate_idle_timeout};
}

struct gate_server *gate_server_open(const struct gate_rooms *rooms, enum dialogue_kind kind,
                                     const struct listen_spec *spec, struct settings *settings, struct error *error)
{
    const struct server_rooms server_rooms = {rooms->base, rooms->counters};
    const struct server_limits limits = limits_of(settings);
    struct gate_server *gates = xcalloc(1, sizeof(*gates));

    gates->rooms = *rooms;
    gates->kind = kind;
    gates->settings = settings_ref(settings);
    if (!(gates->server = server_open(&server_rooms, spec, &protocol, &limits, gates, error)))
        gate_server_close(&gates);
    return gates;
}

void gate_server_set_settings(struct gate_server *gates, struct settings *settings)
{
    const struct server_limits limits = limits_of(settings);

    settings_unref(&gates->settings);
    gates->settings = settings_ref(settings);
    server_set_limits(gates->server, &limits);
}

void gate_server_close(struct gate_server **gates)
{
    struct gate_server *old = *gates;

    *gates = NULL;
    if (!old)
        return;
    server_close(&old->server);
    settings_unref(&old->settings);
    free(old);
}
