/* See control.h. */
#include "config.h"

#include "daemon/console/control.h"

#include "base/mem.h"
#include "daemon/acks.h"
#include "daemon/console/change.h"
#include "daemon/console/edit_request.h"
#include "daemon/console/log_block.h"
#include "daemon/intake/ingest.h"
#include "daemon/intake/piece.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/writer.h"
#include "daemon/server.h"

#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDLE_SECONDS 60

/* Lives as long as its peer, and while anything of it is with the writer. */
struct client {
    struct control *control;
    struct peer *peer; /* NULL: gone while it waited */
    char *who;
    int waiting;         /* a change of this client is with the writer */
    unsigned in_flight;  /* messages of this client that are */
    struct collect *message; /* that is being read; NULL: a line is */
    size_t message_left;
    json_int_t message_id;
    int message_own;
    struct log_block *log; /* that is being read */
};

struct control {
    struct control_rooms rooms;
    struct server *server;
    struct acks *acks;
    struct piece *piece; /* of logs that are handed in */
    void (*facts)(struct control_facts *facts_r, void *context);
    void *context;
};

static void client_free(struct client *client)
{
    collect_free(&client->message);
    log_block_free(&client->log);
    free(client->who);
    free(client);
}

/* A client whose answer is due stays until it comes. */
static void release(struct client *client)
{
    if (!client->peer && !client->waiting && !client->in_flight)
        client_free(client);
}

static void gone(void *state)
{
    struct client *client = state;

    client->peer = NULL;
    release(client);
}

static void reply(struct client *client, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    if (!text)
        abort(); /* out of memory: what we pack is always valid */
    peer_say(client->peer, text, strlen(text));
    peer_say(client->peer, "\n", 1);
    free(text);
}

static void reply_error(struct client *client, const char *error)
{
    /* A text that was cut within a character is no JSON string. */
    json_t *text = json_string(error);

    reply(client, json_pack("{s:b, s:o}", "ok", 0, "error", text ? text : json_string("bad input")));
}

static void reply_ingested(struct client *client, json_int_t id, enum ingested ingested)
{
    reply(client, json_pack("{s:b, s:I, s:s}", "ok", 1, "id", id, "result", ingested_name(ingested)));
}

static int takes_more(const struct client *client)
{
    return !client->waiting && client->in_flight < CONTROL_IN_FLIGHT_MAX;
}

static void on_ack(const struct ack *ack, void *context)
{
    struct client *client = ack->waiter;
    int is_message = ack->kind == RECORD_REPORT || ack->kind == RECORD_ASIDE;

    (void)context;
    if (is_message)
        client->in_flight--;
    else
        client->waiting = 0;
    if (!client->peer) {
        release(client);
        return;
    }
    if (ack->result)
        reply_error(client, ack->error.text);
    else if (is_message)
        reply_ingested(client, (json_int_t)ack->id, ingest_result(ack->kind, ack->changed));
    else if (ack->kind == RECORD_IMPORT)
        reply(client, json_pack("{s:b, s:i, s:I}", "ok", 1, "added", ack->changed, "set", (json_int_t)ack->set));
    else if (ack->kind == RECORD_INCIDENT)
        reply(client, json_pack("{s:b, s:i}", "ok", 1, "count", ack->changed));
    else if (ack->kind == RECORD_LOG)
        reply(client, json_pack("{s:b, s:i}", "ok", 1, "events", ack->changed));
    else if (ack->kind == RECORD_APPLY || ack->kind == RECORD_UNDO || ack->kind == RECORD_ERASE)
        reply(client, json_pack("{s:b, s:b, s:b, s:I}", "ok", 1, "changed", ack->changed, "more", ack->changed > 1, "set",
                                (json_int_t)ack->set));
    else
        reply(client, json_pack("{s:b, s:b}", "ok", 1, "changed", ack->changed));
    peer_go_on(client->peer); /* what has come meanwhile */
}

/* To the writer; the answer comes when it is on disk. record NULL: error says why. */
static void submit(struct client *client, struct record *record, struct error *error)
{
    if (!record) {
        reply_error(client, error->text);
        return;
    }
    record->changed_r = 1;
    if (acks_submit(client->control->acks, record, client, 0, error))
        reply_error(client, error->text);
    else
        client->waiting = 1; /* one at a time: the next line is read after the answer */
}

static void command_aside(struct client *client, json_t *request, int drop)
{
    const json_t *list = json_object_get(request, "ids"), *id;
    int64_t ids[CHANGE_ASIDE_MAX];
    struct error error;
    size_t i;

    json_array_foreach(list, i, id)
        if (i < CHANGE_ASIDE_MAX)
            ids[i] = (int64_t)json_integer_value(id);
    submit(client, change_aside(drop, ids, json_array_size(list), (int64_t)time(NULL), &error), &error);
}

static void command_change(struct client *client, json_t *request, const char *command)
{
    const struct control_rooms *rooms = &client->control->rooms;
    const struct change change = {
        .recipient = json_string_value(json_object_get(request, "recipient")),
        .stream = json_string_value(json_object_get(request, "stream")),
        .reason = json_string_value(json_object_get(request, "reason")),
        .note = json_string_value(json_object_get(request, "note")),
        .until = (int64_t)json_integer_value(json_object_get(request, "until")),
        .who = client->who,
    };
    int64_t now = (int64_t)time(NULL);
    struct record *record;
    struct error error;

    record = change_make(command, &change, rooms->strict_local_part, now, &error);
    submit(client, record, &error);
}

static void command_import(struct client *client, const json_t *request)
{
    const int strict = client->control->rooms.strict_local_part;
    struct error error;

    submit(client, change_import(request, client->who, strict, (int64_t)time(NULL), &error), &error);
}

static void command_incident(struct client *client, const json_t *request)
{
    struct record *record = record_new(RECORD_INCIDENT, (int64_t)time(NULL));
    struct error error;

    record->incident = json_integer_value(json_object_get(request, "incident"));
    record->rollback = json_is_true(json_object_get(request, "rollback"));
    record->who = xstrdup(client->who);
    submit(client, record, &error);
}

static void command_edit(struct client *client, const json_t *request)
{
    struct error error;
    struct record *record = edit_request(request, client->who, client->control->rooms.strict_local_part,
                                         (int64_t)time(NULL), &error);

    submit(client, record, &error);
}

static void command_ingest(struct client *client, json_t *request)
{
    json_int_t size = json_integer_value(json_object_get(request, "size"));
    struct control *control = client->control;
    struct control_facts facts;

    if (size <= 0 || size > CONTROL_MESSAGE_MAX) {
        reply_error(client, "the message has no size, or is too large");
        peer_end(client->peer); /* what follows would be read as requests */
        return;
    }
    control->facts(&facts, control->context);
    client->message = collect_new(&facts.limits, control->rooms.counters);
    client->message_left = (size_t)size;
    client->message_id = json_integer_value(json_object_get(request, "id"));
    client->message_own = json_is_true(json_object_get(request, "own"));
    peer_be_patient(client->peer); /* a mailbox may come out of a slow pipe */
}

static void end_message(struct client *client)
{
    struct control *control = client->control;
    struct control_facts facts;
    struct record *record;
    struct error error;

    control->facts(&facts, control->context);
    record = ingest_record(client->message, client->message_own ? facts.own_host : NULL, (int64_t)time(NULL));
    collect_free(&client->message);
    if (!record)
        reply_ingested(client, client->message_id, INGESTED_ORDINARY);
    else if (acks_submit(control->acks, record, client, (uint64_t)client->message_id, &error))
        reply_error(client, error.text);
    else
        client->in_flight++;
}

static size_t take_message(struct client *client, const char *bytes, size_t length)
{
    length = length < client->message_left ? length : client->message_left;
    collect_append(client->message, bytes, length);
    client->message_left -= length;
    if (!client->message_left)
        end_message(client);
    return length;
}

static void end_log(struct client *client)
{
    struct control *control = client->control;
    struct record *record = log_block_record(client->log, control->piece);
    struct error error;

    log_block_free(&client->log);
    if (acks_submit(control->acks, record, client, 0, &error))
        reply_error(client, error.text);
    else
        client->waiting = 1;
}

static void command_ingest_log(struct client *client, const json_t *request)
{
    struct error error;

    if (!(client->log = log_block_new(request, &error))) {
        reply_error(client, error.text);
        peer_end(client->peer); /* what follows would be read as requests */
    } else if (!log_block_wants(client->log)) {
        end_log(client);
    }
}

static size_t take_log(struct client *client, const char *bytes, size_t length)
{
    size_t wanted = log_block_wants(client->log);

    length = length < wanted ? length : wanted;
    log_block_add(client->log, bytes, length);
    if (length == wanted)
        end_log(client);
    return length;
}

static void command_status(struct client *client)
{
    struct control *control = client->control;
    json_t *counters = json_object();
    struct control_facts facts;

    control->facts(&facts, control->context);
    for (int i = 0; i < COUNTER_COUNT; i++)
        json_object_set_new(counters, counter_name((enum counter)i),
                            json_integer((json_int_t)counters_get(control->rooms.counters, (enum counter)i)));
    reply(client, json_pack("{s:b, s:s, s:i, s:I, s:s, s:s, s:s, s:I, s:s, s:I, s:o}", "ok", 1,
                            "version", facts.version, "pid", (int)getpid(), "started",
                            (json_int_t)facts.started, "config", facts.config, "gate_mode",
                            facts.gate_mode, "rules_version", facts.rules_version, "rules",
                            (json_int_t)facts.rules, "reload_error", facts.reload_error, "queued",
                            (json_int_t)writer_queued(control->rooms.writer), "counters", counters));
}

static void run_request(struct client *client, const char *line, size_t length)
{
    json_error_t problem;
    json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    const char *command = json_string_value(json_object_get(request, "command"));

    if (!request)
        reply_error(client, problem.text);
    else if (!command)
        reply_error(client, "the request names no command");
    else if (!strcmp(command, "status"))
        command_status(client);
    else if (change_is_command(command))
        command_change(client, request, command);
    else if (!strcmp(command, "import"))
        command_import(client, request);
    else if (!strcmp(command, "incident"))
        command_incident(client, request);
    else if (!strcmp(command, "ingest"))
        command_ingest(client, request);
    else if (!strcmp(command, "ingest-log"))
        command_ingest_log(client, request);
    else if (!strcmp(command, "aside-retry") || !strcmp(command, "aside-drop"))
        command_aside(client, request, !strcmp(command, "aside-drop"));
    else if (edit_request_is(command))
        command_edit(client, request);
    else
        reply_error(client, "unknown command");
    json_decref(request);
}

/* One that is too long ends the connection. */
static size_t take_line(struct client *client, const char *bytes, size_t length)
{
    const char *end = memchr(bytes, '\n', length);
    size_t line = end ? (size_t)(end - bytes) : length;

    if (line > CONTROL_LINE_MAX)
        peer_end(client->peer);
    else if (end)
        run_request(client, bytes, line);
    return end ? line + 1 : 0;
}

static size_t take(void *state, const char *bytes, size_t length)
{
    struct client *client = state;
    size_t taken;

    if (client->message)
        taken = take_message(client, bytes, length);
    else if (client->log)
        taken = take_log(client, bytes, length);
    else
        taken = take_line(client, bytes, length);
    if (!takes_more(client))
        peer_wait(client->peer);
    return taken;
}

/* "alice" or "uid 1000": whom the kernel says is at the other end. */
static char *peer_name(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    struct passwd *user;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
        return xstrdup("unknown");
    user = getpwuid(peer.uid);
    return user ? xstrdup(user->pw_name) : xasprintf("uid %u", (unsigned)peer.uid);
}

static void *begin(struct peer *peer, void *context)
{
    struct client *client = xcalloc(1, sizeof(*client));

    client->control = context;
    client->peer = peer;
    client->who = peer_name(peer_descriptor(peer));
    return client;
}

static const struct protocol protocol = {
    .output_max = 1u << 20,
    .backlog = 16,
    .connections = COUNTER_CONTROL_CONNECTIONS,
    .refused = COUNTER_CONTROL_CONNECTIONS_REFUSED,
    .idle = COUNTER_CONTROL_IDLE,
    .begin = begin,
    .take = take,
    .gone = gone,
};

struct control *control_open(const char *path, const struct control_rooms *rooms,
                             void (*facts)(struct control_facts *facts_r, void *context),
                             void *context, struct error *error)
{
    char *place = xasprintf("unix:%s", path);
    const struct listen_spec spec = {.option = "control_socket", .place = place, .mode = 0660, .group = ""};
    const struct server_rooms server_rooms = {rooms->base, rooms->counters};
    const struct server_limits limits = {rooms->connections_max, IDLE_SECONDS};
    struct control *control = xcalloc(1, sizeof(*control));

    control->rooms = *rooms;
    control->facts = facts;
    control->context = context;
    control->piece = piece_new(rooms->counters, rooms->keep_delivered, rooms->line_max);
    if (!(control->acks = acks_new(rooms->base, rooms->writer, on_ack, control, error)) ||
        !(control->server = server_open(&server_rooms, &spec, &protocol, &limits, control, error)))
        control_close(&control);
    free(place);
    return control;
}

void control_close(struct control **control)
{
    struct control *old = *control;

    *control = NULL;
    if (!old)
        return;
    if (old->server) {
        server_stop(old->server); /* there is no writer any more */
        acks_flush(old->acks);
        server_close(&old->server);
    }
    acks_free(&old->acks);
    piece_free(&old->piece);
    free(old);
}
