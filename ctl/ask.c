/* See ask.h. */
#include "config.h"

#include "ctl/ask.h"

#include "base/mem.h"
#include "daemon/console/edit_request.h"
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

static struct ledger *open_ledger(struct ctl *ctl, struct ruleset *ruleset, struct error *error)
{
    static struct counters counters; /* which nobody reads */
    struct settings *settings = ask_settings(ctl, error);
    struct ledger_options options = {.counters = &counters, .ruleset = ruleset};

    if (!settings)
        return NULL;
    options.database = settings->database;
    options.strict_local_part = (int)settings->strict_local_part;
    options.hashed = (int)settings->addresses_hashed;
    options.policy = settings->policy;
    return ledger_open(&options, error);
}

/* 0 and what the ledger has set in the record, -1. */
static int record_directly(struct ledger *ledger, struct record *record, struct error *error)
{
    record->changed_r = 1;
    if (!ledger || ledger_begin(ledger, error))
        return -1;
    if (!ledger_record(ledger, record, error) && !ledger_commit(ledger, error))
        return 0;
    ledger_rollback(ledger);
    return -1;
}

int ask_directly(struct ctl *ctl, struct ruleset *ruleset, struct record *record_take, struct error *error)
{
    struct ledger *ledger = open_ledger(ctl, ruleset, error);
    int result = record_directly(ledger, record_take, error) ? -1 : record_take->changed_r;

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

/* Kept open between the parts of a plan, for opening costs more than a part does. */
static struct ledger *kept;

static void close_kept(void)
{
    ledger_close(&kept);
}

static int edit_directly(struct ctl *ctl, const json_t *request, struct edited *edited_r, struct error *error)
{
    struct settings *settings = ask_settings(ctl, error);
    struct record *record = edit_request(request, own_name(), (int)settings->strict_local_part, (int64_t)time(NULL), error);
    int failed = 1;

    if (record && !kept && (kept = open_ledger(ctl, NULL, error)))
        atexit(close_kept);
    if (record && !(failed = record_directly(kept, record, error)))
        *edited_r = (struct edited){record->set_r, record->changed_r != 0, record->changed_r > 1};
    record_free(&record);
    return failed ? -1 : 0;
}

static int read_edited(json_t *answer_take, struct edited *edited_r, struct error *error)
{
    int changed;

    *edited_r = (struct edited){.set = (int64_t)json_integer_value(json_object_get(answer_take, "set")),
                                .more = json_is_true(json_object_get(answer_take, "more"))};
    if ((changed = ask_changed(answer_take, error)) < 0)
        return -1;
    edited_r->changed = changed;
    return 0;
}

int ask_edit(struct ctl *ctl, json_t *request_take, struct edited *edited_r, struct error *error)
{
    json_t *answer = NULL;
    int asked = kept ? 0 : ask_daemon(ctl, request_take, &answer, error), failed = -1;

    if (!asked)
        failed = edit_directly(ctl, request_take, edited_r, error);
    else if (asked > 0)
        failed = read_edited(answer, edited_r, error);
    json_decref(request_take);
    return failed;
}

int64_t ask_date(const char *text)
{
    struct tm day = {0};
    const char *end = strptime(text, "%Y-%m-%d", &day);

    return end && !*end ? (int64_t)timegm(&day) : -1;
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
