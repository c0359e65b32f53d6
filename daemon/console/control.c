/* See control.h. */
#include "config.h"

#include "daemon/console/control.h"

#include "base/mem.h"
#include "daemon/console/change.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/writer.h"
#include "daemon/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <jansson.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define CONNECTIONS_MAX 64
#define IDLE_SECONDS 60

struct client {
    struct control *control;
    struct bufferevent *stream;
    char *who;
    int waiting;         /* a change of this client is with the writer */
    int closed;          /* gone while it waited: freed when the answer comes */
    struct client *next; /* all clients */
};

/* An answer on its way from the writer's thread to the loop. */
struct answer {
    struct client *client;
    int result, changed;
    struct error error;
    struct answer *next;
};

struct control {
    struct control_rooms rooms;
    struct evconnlistener *listener;
    struct event *arrived; /* answers have arrived */
    pthread_mutex_t lock;  /* guards answers */
    struct answer *answers;
    struct client *clients;
    int count;
    char *path;
    void (*facts)(struct control_facts *facts_r, void *context);
    void *context;
};

static void client_free(struct client *client)
{
    struct client **link = &client->control->clients;

    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    client->control->count--;
    if (client->stream)
        bufferevent_free(client->stream);
    free(client->who);
    free(client);
}

/* The connection is over; a client whose answer is due stays until it comes. */
static void client_close(struct client *client)
{
    client->closed = 1;
    if (client->waiting) {
        bufferevent_free(client->stream);
        client->stream = NULL;
        return;
    }
    client_free(client);
}

static void reply(struct client *client, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    if (!text)
        abort(); /* out of memory: what we pack is always valid */
    bufferevent_write(client->stream, text, strlen(text));
    bufferevent_write(client->stream, "\n", 1);
    free(text);
}

static void reply_error(struct client *client, const char *error)
{
    /* A text that was cut within a character is no JSON string. */
    json_t *text = json_string(error);

    reply(client, json_pack("{s:b, s:o}", "ok", 0, "error", text ? text : json_string("bad input")));
}

/* Runs in the writer's thread: hands the result to the loop. */
static void change_done(struct record *record, int result, const struct error *error)
{
    struct client *client = record->waiter;
    struct control *control = client->control;
    struct answer *answer = xcalloc(1, sizeof(*answer));

    answer->client = client;
    answer->result = result;
    answer->changed = record->changed_r;
    answer->error = *error;
    record_free(&record);
    pthread_mutex_lock(&control->lock);
    answer->next = control->answers;
    control->answers = answer;
    pthread_mutex_unlock(&control->lock);
    event_active(control->arrived, EV_TIMEOUT, 0);
}

static struct answer *take_answers(struct control *control)
{
    struct answer *answers;

    pthread_mutex_lock(&control->lock);
    answers = control->answers;
    control->answers = NULL;
    pthread_mutex_unlock(&control->lock);
    return answers;
}

static void give_answer(const struct answer *answer)
{
    struct client *client = answer->client;

    client->waiting = 0;
    if (client->closed) {
        client_free(client);
        return;
    }
    if (answer->result)
        reply_error(client, answer->error.text);
    else
        reply(client, json_pack("{s:b, s:b}", "ok", 1, "changed", answer->changed));
    bufferevent_enable(client->stream, EV_READ);
    bufferevent_trigger(client->stream, EV_READ, 0); /* lines that have come meanwhile */
}

static void on_arrived(evutil_socket_t fd, short what, void *argument)
{
    struct answer *answer = take_answers(argument);

    (void)fd, (void)what;
    while (answer) {
        struct answer *next = answer->next;

        give_answer(answer);
        free(answer);
        answer = next;
    }
}

static void command_change(struct client *client, json_t *request, int suppress)
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

    record = suppress ? change_suppress(&change, rooms->strict_local_part, now, &error)
                      : change_release(&change, rooms->strict_local_part, now, &error);
    if (!record) {
        reply_error(client, error.text);
        return;
    }
    record->changed_r = 1;
    record->waiter = client;
    record->done = change_done;
    if (writer_submit(rooms->writer, record, &error)) {
        record_free(&record);
        reply_error(client, error.text);
        return;
    }
    client->waiting = 1; /* one at a time: the next line is read after the answer */
    bufferevent_disable(client->stream, EV_READ);
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
    else if (!strcmp(command, "suppress") || !strcmp(command, "release"))
        command_change(client, request, !strcmp(command, "suppress"));
    else
        reply_error(client, "unknown command");
    json_decref(request);
}

static void on_readable(struct bufferevent *stream, void *argument)
{
    struct client *client = argument;
    struct evbuffer *input = bufferevent_get_input(stream);
    size_t length;
    char *line;

    while (!client->waiting && (line = evbuffer_readln(input, &length, EVBUFFER_EOL_LF))) {
        run_request(client, line, length);
        free(line);
    }
    if (!client->waiting && evbuffer_get_length(input) > LINE_MAX_BYTES)
        client_close(client);
}

static void on_over(struct bufferevent *stream, short what, void *argument)
{
    (void)stream, (void)what;
    client_close(argument);
}

/* "alice" or "uid 1000": whom the kernel says is at the other end. */
static char *peer_name(evutil_socket_t fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    struct passwd *user;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
        return xstrdup("unknown");
    user = getpwuid(peer.uid);
    return user ? xstrdup(user->pw_name) : xasprintf("uid %u", (unsigned)peer.uid);
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    const struct timeval idle = {.tv_sec = IDLE_SECONDS};
    struct control *control = argument;
    struct client *client;

    (void)listener, (void)address, (void)length;
    if (control->count >= CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    client = xcalloc(1, sizeof(*client));
    client->control = control;
    client->who = peer_name(fd);
    client->next = control->clients;
    control->clients = client;
    control->count++;
    if (!(client->stream = bufferevent_socket_new(control->rooms.base, fd, BEV_OPT_CLOSE_ON_FREE)))
        abort();
    bufferevent_setcb(client->stream, on_readable, NULL, on_over, client);
    bufferevent_setwatermark(client->stream, EV_READ, 0, LINE_MAX_BYTES + 1);
    bufferevent_set_timeouts(client->stream, &idle, &idle);
    bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

/* A socket file that nobody listens to any more is in the way; one that
 * answers is another daemon's. */
static int bind_socket(const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask;
    int failed;

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, fd < 0 ? strerror(errno) : "too long");
        goto fail;
    }
    strcpy(address.sun_path, path);
    if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: another suppressd answers there", path);
        goto fail;
    }
    if (unlink(path) && errno != ENOENT) {
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
        goto fail;
    }
    mask = umask(0117);
    failed = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (!failed)
        return fd;
    (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
fail:
    if (fd >= 0)
        close(fd);
    return -1;
}

struct control *control_open(const char *path, const struct control_rooms *rooms,
                             void (*facts)(struct control_facts *facts_r, void *context),
                             void *context, struct error *error)
{
    struct control *control;
    int fd = bind_socket(path, error);

    if (fd < 0) {
        (void)error_prefix(error, "control_socket");
        return NULL;
    }
    control = xcalloc(1, sizeof(*control));
    control->rooms = *rooms;
    control->facts = facts;
    control->context = context;
    control->path = xstrdup(path);
    pthread_mutex_init(&control->lock, NULL);
    control->arrived = event_new(rooms->base, -1, EV_PERSIST, on_arrived, control);
    control->listener = evconnlistener_new(rooms->base, on_client, control, LEV_OPT_CLOSE_ON_FREE, 16, fd);
    if (control->arrived && control->listener)
        return control;
    (void)error_set(error, ERROR_ENVIRONMENT, "control_socket: %s: %s", path, strerror(errno));
    if (!control->listener)
        close(fd);
    control_close(&control);
    return NULL;
}

void control_close(struct control **control)
{
    struct control *old = *control;
    struct answer *answer;

    *control = NULL;
    if (!old)
        return;
    for (answer = take_answers(old); answer;) {
        struct answer *next = answer->next;

        free(answer);
        answer = next;
    }
    while (old->clients)
        client_free(old->clients);
    if (old->listener)
        evconnlistener_free(old->listener);
    if (old->arrived)
        event_free(old->arrived);
    unlink(old->path);
    pthread_mutex_destroy(&old->lock);
    free(old->path);
    free(old);
}
