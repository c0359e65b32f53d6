/* See ask.h. */
#include "config.h"

#include "ctl/ask.h"

#include "base/mem.h"
#include "daemon/counters.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/record.h"
#include "daemon/settings.h"

#include <errno.h>
#include <glib.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 65536
#define ANSWER_SECONDS 60

struct settings *ask_settings(struct ctl *ctl, struct error *error)
{
    static struct settings *settings;

    if (settings)
        return settings;
    if (!ctl->config && access(SETTINGS_FILE, F_OK))
        settings = settings_defaults();
    else
        settings = settings_load(ctl->config ? ctl->config : SETTINGS_FILE, error);
    return settings;
}

struct lookup *ask_lookup(struct ctl *ctl, struct error *error)
{
    struct settings *settings = ask_settings(ctl, error);

    return settings ? lookup_open(settings->database, error) : NULL;
}

/* 1 and *fd_r; 0 when nobody listens; -1. */
static int connect_daemon(const char *path, int *fd_r, struct error *error)
{
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
        return error_set(error, ERROR_ENVIRONMENT, "%s: cannot be connected to", path);
    strcpy(address.sun_path, path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        *fd_r = fd;
        return 1;
    }
    close(fd);
    if (errno == ENOENT || errno == ECONNREFUSED)
        return 0;
    return error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
}

static int send_line(int fd, json_t *request, struct error *error)
{
    char *text = json_dumps(request, JSON_COMPACT);
    char *line = xasprintf("%s\n", text ? text : "");
    size_t length = strlen(line), sent = 0;

    while (sent < length) {
        ssize_t n = send(fd, line + sent, length - sent, MSG_NOSIGNAL);

        if (n < 0)
            break;
        sent += (size_t)n;
    }
    free(line);
    free(text);
    return sent == length ? 0 : error_set(error, ERROR_ENVIRONMENT, "daemon: %s", strerror(errno));
}

static json_t *read_answer(int fd, struct error *error)
{
    char *text = xmalloc(ANSWER_MAX);
    size_t length = 0;
    json_error_t problem;
    json_t *answer;
    ssize_t n;

    while (length < ANSWER_MAX && (n = read(fd, text + length, ANSWER_MAX - length)) > 0) {
        length += (size_t)n;
        if (text[length - 1] == '\n')
            break;
    }
    answer = json_loadb(text, length, 0, &problem);
    free(text);
    if (!answer)
        (void)error_set(error, ERROR_ENVIRONMENT, "the daemon gave no answer");
    return answer;
}

int ask_connect(struct ctl *ctl, int *fd_r, struct error *error)
{
    struct settings *settings = ask_settings(ctl, error);

    return settings ? connect_daemon(settings->control_socket, fd_r, error) : -1;
}

int ask_daemon(struct ctl *ctl, json_t *request, json_t **answer_r, struct error *error)
{
    int fd = -1, connected = ask_connect(ctl, &fd, error);

    if (connected <= 0)
        return connected;
    *answer_r = send_line(fd, request, error) ? NULL : read_answer(fd, error);
    close(fd);
    return *answer_r ? 1 : -1;
}

static const char *own_name(void)
{
    const struct passwd *user = getpwuid(getuid());

    return user ? user->pw_name : "unknown";
}

int ask_directly(struct ctl *ctl, struct ruleset *ruleset, struct record *record_take, struct error *error)
{
    struct settings *settings = ask_settings(ctl, error);
    struct counters counters = {0};
    struct ledger_options options = {.counters = &counters, .ruleset = ruleset};
    struct ledger *ledger = NULL;
    int result = -1;

    record_take->changed_r = 1;
    if (settings) {
        options.database = settings->database;
        options.strict_local_part = (int)settings->strict_local_part;
        options.hashed = (int)settings->addresses_hashed;
        options.policy = settings->policy;
        ledger = ledger_open(&options, error);
    }
    if (ledger && !ledger_begin(ledger, error)) {
        if (ledger_record(ledger, record_take, error) || ledger_commit(ledger, error))
            ledger_rollback(ledger);
        else
            result = record_take->changed_r;
    }
    ledger_close(&ledger);
    record_free(&record_take);
    return result;
}

static int change_directly(struct ctl *ctl, const char *command, const struct change *change, struct error *error)
{
    int strict = (int)ask_settings(ctl, error)->strict_local_part;
    struct change mine = *change;
    struct record *record;

    mine.who = own_name();
    record = change_make(command, &mine, strict, (int64_t)time(NULL), error);
    return record ? ask_directly(ctl, NULL, record, error) : -1;
}

static json_t *change_request(const char *command, const struct change *change)
{
    return json_pack("{s:s, s:o, s:o, s:o*, s:o*, s:I}", "command", command, "recipient",
                     ask_json(change->recipient), "stream", ask_json(change->stream), "reason",
                     change->reason ? ask_json(change->reason) : NULL, "note",
                     change->note ? ask_json(change->note) : NULL, "until", (json_int_t)change->until);
}

int ask_changed(json_t *answer_take, struct error *error)
{
    const char *problem = json_string_value(json_object_get(answer_take, "error"));
    int result = json_is_true(json_object_get(answer_take, "changed"));

    if (!json_is_true(json_object_get(answer_take, "ok")))
        result = error_set(error, ERROR_ENVIRONMENT, "%s", problem ? problem : "refused");
    json_decref(answer_take);
    return result;
}

int ask_change(struct ctl *ctl, const char *command, const struct change *change, struct error *error)
{
    json_t *request = change_request(command, change), *answer = NULL;
    int result = ask_daemon(ctl, request, &answer, error);

    json_decref(request);
    if (!result)
        return change_directly(ctl, command, change, error);
    return result > 0 ? ask_changed(answer, error) : -1;
}

const char *ask_time(int64_t time, char text_r[32])
{
    time_t t = (time_t)time;
    struct tm utc;

    text_r[0] = '\0';
    if (time && gmtime_r(&t, &utc))
        strftime(text_r, 32, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return text_r;
}

void ask_print(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

json_t *ask_json(const char *text)
{
    char *valid;
    json_t *value;

    if (!text)
        text = "";
    if ((value = json_string(text)))
        return value;
    valid = g_utf8_make_valid(text, -1);
    value = json_string(valid);
    g_free(valid);
    return value;
}

void ask_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}
