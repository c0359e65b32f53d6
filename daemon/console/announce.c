/* See announce.h. */
#include "config.h"

#include "daemon/console/announce.h"

#include "base/mem.h"
#include "daemon/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct item {
    struct incident_notice notice; /* its name and who are these: */
    char name[256], who[64];
    struct item *next;
};

/* One way to tell: what waits for it, oldest first. */
struct lane {
    struct item *head;
    size_t count;
};

struct announce {
    struct event_base *base;
    struct counters *counters;
    int seconds;
    struct evdns_base *dns; /* NULL: no address */
    char *program;
    struct evhttp_uri *uri; /* NULL: none */
    struct event *wake;     /* the writer has queued something */
    struct evhttp_connection *connection; /* of the request under way, or of the last one */
    int waiting;            /* for its answer */
    struct event *ended;    /* the program that runs has ended, or takes too long; NULL: none runs */
    int pidfd;
    pid_t pid;
    pthread_mutex_t lock;   /* guards what the writer's thread touches too: */
    struct lane program_lane, address_lane;
};

static void item_put(struct announce *announce, struct lane *lane, const struct incident_notice *notice)
{
    struct item **end = &lane->head, *item;

    if (lane->count >= ANNOUNCE_QUEUE) {
        counters_add(announce->counters, COUNTER_ANNOUNCE_FAILED, 1);
        return;
    }
    item = xcalloc(1, sizeof(*item));
    item->notice = *notice;
    snprintf(item->name, sizeof(item->name), "%s", notice->name);
    snprintf(item->who, sizeof(item->who), "%s", notice->who);
    item->notice.name = item->name;
    item->notice.who = item->who;
    while (*end)
        end = &(*end)->next;
    *end = item;
    lane->count++;
}

static struct item *item_take(struct announce *announce, struct lane *lane)
{
    struct item *item;

    pthread_mutex_lock(&announce->lock);
    if ((item = lane->head)) {
        lane->head = item->next;
        lane->count--;
    }
    pthread_mutex_unlock(&announce->lock);
    return item;
}

void announce_listen(const struct incident_notice *notice, void *context)
{
    struct announce *announce = context;

    pthread_mutex_lock(&announce->lock);
    if (*announce->program)
        item_put(announce, &announce->program_lane, notice);
    if (announce->uri)
        item_put(announce, &announce->address_lane, notice);
    pthread_mutex_unlock(&announce->lock);
    event_active(announce->wake, EV_TIMEOUT, 0);
}

static void failed(struct announce *announce, const char *what, const char *why)
{
    counters_add(announce->counters, COUNTER_ANNOUNCE_FAILED, 1);
    log_line(LOG_WARN, "incidents: %s: %s", what, why);
}

/* No signal is blocked or ignored in it, and nothing of ours is open. */
static int spawn(const struct announce *announce, const struct incident_notice *notice, pid_t *pid_r)
{
    char id[24], *const arguments[] = {
        announce->program, (char *)(uintptr_t)notice->what, id, (char *)(uintptr_t)notice->kind,
        (char *)(uintptr_t)notice->scope, (char *)(uintptr_t)notice->name, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int code;

    snprintf(id, sizeof(id), "%lld", (long long)notice->id);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    code = posix_spawn(pid_r, announce->program, &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return code;
}

static void start_program(struct announce *announce);

static void on_ended(evutil_socket_t fd, short what, void *context)
{
    struct announce *announce = context;
    int status = 0;
    char why[64];

    (void)fd;
    if (what & EV_TIMEOUT)
        kill(-announce->pid, SIGKILL); /* it leads a group of its own */
    waitpid(announce->pid, &status, 0);
    event_free(announce->ended);
    announce->ended = NULL;
    close(announce->pidfd);
    if (WIFEXITED(status))
        snprintf(why, sizeof(why), "exit code %d", WEXITSTATUS(status));
    else
        snprintf(why, sizeof(why), "ended by signal %d%s", WTERMSIG(status), what & EV_TIMEOUT ? ", too slow" : "");
    if (status)
        failed(announce, announce->program, why);
    start_program(announce);
}

/* Its end makes the pidfd readable: no SIGCHLD, which libmilter's threads might get. */
static int attend(struct announce *announce)
{
    const struct timeval limit = {.tv_sec = announce->seconds};

    if ((announce->pidfd = pidfd_open(announce->pid, 0)) < 0)
        return -1;
    announce->ended = event_new(announce->base, announce->pidfd, EV_READ, on_ended, announce);
    if (announce->ended && !event_add(announce->ended, &limit))
        return 0;
    if (announce->ended)
        event_free(announce->ended);
    announce->ended = NULL;
    close(announce->pidfd);
    return -1;
}

static void start_program(struct announce *announce)
{
    struct item *item;
    int code;

    while (!announce->ended && (item = item_take(announce, &announce->program_lane))) {
        if ((code = spawn(announce, &item->notice, &announce->pid))) {
            failed(announce, announce->program, strerror(code));
        } else if (attend(announce)) {
            failed(announce, announce->program, strerror(errno));
            kill(-announce->pid, SIGKILL);
            waitpid(announce->pid, NULL, 0);
        }
        free(item);
    }
}

static void on_answer(struct evhttp_request *request, void *context)
{
    struct announce *announce = context;
    int code = request ? evhttp_request_get_response_code(request) : 0;
    char why[64];

    snprintf(why, sizeof(why), code ? "answered %d" : "cannot be reached", code);
    if (code < 200 || code > 299)
        failed(announce, evhttp_uri_get_host(announce->uri), why);
    announce->waiting = 0;
    event_active(announce->wake, EV_TIMEOUT, 0); /* the connection must not be freed in its own callback */
}

static char *json_of(const struct incident_notice *notice)
{
    json_t *object = json_pack(
        "{s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "event", notice->what, "incident", (json_int_t)notice->id,
        "kind", notice->kind, "scope", notice->scope, "name", notice->name, "time", (json_int_t)notice->time, "failures",
        (json_int_t)notice->failures, "got_through", (json_int_t)notice->concerned, "by", notice->who);
    char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    return text;
}

static int post(struct announce *announce, const struct incident_notice *notice)
{
    const char *host = evhttp_uri_get_host(announce->uri), *path = evhttp_uri_get_path(announce->uri);
    const char *query = evhttp_uri_get_query(announce->uri);
    int port = evhttp_uri_get_port(announce->uri), result;
    struct evhttp_request *request = evhttp_request_new(on_answer, announce);
    char *body = json_of(notice), *target;

    announce->connection = evhttp_connection_base_new(announce->base, announce->dns, host,
                                                      (unsigned short)(port < 0 ? 80 : port));
    if (!announce->connection || !request || !body) {
        if (request)
            evhttp_request_free(request);
        free(body);
        return -1;
    }
    evhttp_connection_set_timeout(announce->connection, announce->seconds);
    evhttp_connection_set_max_body_size(announce->connection, 65536);
    evhttp_connection_set_max_headers_size(announce->connection, 65536);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Host", host);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
    evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    evbuffer_add(evhttp_request_get_output_buffer(request), body, strlen(body));
    target = xasprintf("%s%s%s", path && *path ? path : "/", query ? "?" : "", query ? query : "");
    result = evhttp_make_request(announce->connection, request, EVHTTP_REQ_POST, target);
    free(target);
    free(body);
    return result;
}

static void start_request(struct announce *announce)
{
    struct item *item;

    while (!announce->waiting && (item = item_take(announce, &announce->address_lane))) {
        if (announce->connection)
            evhttp_connection_free(announce->connection);
        announce->waiting = 1;
        if (post(announce, &item->notice)) {
            failed(announce, evhttp_uri_get_host(announce->uri), "no request can be made");
            announce->waiting = 0;
        }
        free(item);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct announce *announce = context;

    (void)fd, (void)what;
    start_program(announce);
    start_request(announce);
}

int announce_check_program(const char *program, struct error *error)
{
    if (!*program || *program == '/')
        return 0;
    return error_set(error, ERROR_INPUT, "'%s' is no path that begins with /; arguments are not taken", program);
}

static struct evhttp_uri *parse_address(const char *address)
{
    struct evhttp_uri *uri = evhttp_uri_parse(address);

    if (uri && (!evhttp_uri_get_scheme(uri) || strcmp(evhttp_uri_get_scheme(uri), "http") != 0 ||
                !evhttp_uri_get_host(uri) || !*evhttp_uri_get_host(uri) || evhttp_uri_get_userinfo(uri))) {
        evhttp_uri_free(uri);
        uri = NULL;
    }
    return uri;
}

int announce_check_address(const char *address, struct error *error)
{
    struct evhttp_uri *uri = *address ? parse_address(address) : NULL;

    if (*address && !uri)
        return error_set(error, ERROR_INPUT, "'%s' is not http://HOST[:PORT][/PATH]", address);
    if (uri)
        evhttp_uri_free(uri);
    return 0;
}

static int open_address(struct announce *announce, const char *address, struct error *error)
{
    if (!*address)
        return 0;
    if (announce_check_address(address, error))
        return -1;
    announce->uri = parse_address(address);
    announce->dns = evdns_base_new(announce->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                   EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    return announce->dns ? 0 : error_set(error, ERROR_ENVIRONMENT, "no name servers are known");
}

struct announce *announce_open(const struct announce_options *options, struct error *error)
{
    struct announce *announce = xcalloc(1, sizeof(*announce));

    announce->base = options->base;
    announce->counters = options->counters;
    announce->seconds = options->seconds;
    announce->program = xstrdup(options->program);
    pthread_mutex_init(&announce->lock, NULL);
    if (announce_check_program(options->program, error) || open_address(announce, options->address, error)) {
        announce_close(&announce);
    } else if (!(announce->wake = event_new(announce->base, -1, 0, on_wake, announce))) {
        (void)error_set(error, ERROR_ENVIRONMENT, "no event");
        announce_close(&announce);
    }
    return announce;
}

static void lane_clear(struct announce *announce, struct lane *lane)
{
    struct item *item;

    while ((item = item_take(announce, lane)))
        free(item);
}

void announce_close(struct announce **announce)
{
    struct announce *old = *announce;

    *announce = NULL;
    if (!old)
        return;
    lane_clear(old, &old->program_lane);
    lane_clear(old, &old->address_lane);
    if (old->ended) {
        event_free(old->ended);
        close(old->pidfd);
    }
    if (old->connection)
        evhttp_connection_free(old->connection);
    if (old->dns)
        evdns_base_free(old->dns, 0);
    if (old->uri)
        evhttp_uri_free(old->uri);
    if (old->wake)
        event_free(old->wake);
    pthread_mutex_destroy(&old->lock);
    free(old->program);
    free(old);
}
