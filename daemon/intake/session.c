/* See session.h. */
#include "config.h"

#include "daemon/intake/session.h"

#include "base/mem.h"
#include "daemon/intake/collect.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/writer.h"
#include "daemon/log.h"
#include "daemon/report/address.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGE_ID_MAX 998 /* a line, RFC 5322 2.1.1 */
#define STREAM_MAX 200

struct session {
    const struct session_rooms *rooms;
    struct settings *settings;
    int internal; /* not by SMTP: the MTA's own mail, or sendmail(1) */
    int trusted;  /* the client lies in a trusted network */
    char *mta;    /* the MTA's own host name, or NULL */

    /* one message */
    char *sender;      /* without brackets; "" is the null sender */
    char *stream;
    char *message_id;
    char **keys;       /* recipients that passed the gate, as compared */
    size_t keys_count, keys_size;
    int submitted;     /* mail that is being sent from here */
    int is_report;     /* decided at the end of the headers; before: it may be one */
    struct collect *collect; /* what may be a report */
};

/* Postfix speaks for mail that did not come by SMTP as localhost, 127.0.0.1,
 * port 0 (cleanup(8)); a TCP client cannot have port 0. */
static int is_internal(const char *hostname, const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

    return address && address->sa_family == AF_INET && !v4->sin_port &&
           v4->sin_addr.s_addr == htonl(INADDR_LOOPBACK) && hostname && !strcmp(hostname, "localhost");
}

struct session *session_open(const struct session_rooms *rooms, struct settings *settings,
                             const char *hostname, const struct sockaddr *address, const char *mta)
{
    struct session *session = xcalloc(1, sizeof(*session));

    session->rooms = rooms;
    session->settings = settings_ref(settings);
    session->internal = is_internal(hostname, address);
    session->trusted =
        network_contains(settings->trusted_networks, settings->trusted_networks_count, address);
    session->mta = xstrdup(mta);
    counters_add(rooms->counters, COUNTER_SESSIONS, 1);
    return session;
}

void session_abort(struct session *session)
{
    for (size_t i = 0; i < session->keys_count; i++)
        free(session->keys[i]);
    free(session->keys);
    free(session->sender);
    free(session->stream);
    free(session->message_id);
    collect_free(&session->collect);
    session->keys = NULL;
    session->sender = session->stream = session->message_id = NULL;
    session->keys_count = session->keys_size = 0;
    session->submitted = session->is_report = 0;
}

void session_close(struct session **session)
{
    struct session *old = *session;

    *session = NULL;
    if (!old)
        return;
    session_abort(old);
    settings_unref(&old->settings);
    free(old->mta);
    free(old);
}

/* "<a@b>" without its brackets. */
static char *without_brackets(const char *text, size_t max)
{
    size_t length = strlen(text);

    if (length >= 2 && text[0] == '<' && text[length - 1] == '>') {
        text++;
        length -= 2;
    }
    return xstrndup(text, length < max ? length : max);
}

void session_mail(struct session *session, const char *sender, int authenticated)
{
    const char *at;

    session_abort(session);
    session->sender = without_brackets(sender, ADDRESS_SIZE);
    session->submitted = *session->sender &&
        (session->internal || session->trusted || (authenticated && session->settings->trust_authenticated));
    session->collect = collect_new((size_t)session->settings->report_size_max, session->rooms->counters);
    at = strrchr(session->sender, '@');
    session->stream = xstrdup(at ? at + 1 : "");
}

static void remember_recipient(struct session *session, const char *key)
{
    if (session->keys_count >= (size_t)session->settings->message_recipients_max)
        return;
    if (session->keys_count == session->keys_size) {
        session->keys_size = session->keys_size ? session->keys_size * 2 : 4;
        session->keys = xrealloc(session->keys, session->keys_size * sizeof(*session->keys));
    }
    session->keys[session->keys_count++] = xstrdup(key);
}

enum session_answer session_rcpt(struct session *session, const char *recipient, int64_t now,
                                 struct gate_reply *reply_r)
{
    struct address address;
    struct error error;

    /* What is no address is the MTA's to judge, not ours. */
    if (!session->submitted ||
        address_parse(recipient, strlen(recipient), (int)session->settings->strict_local_part, &address, &error))
        return SESSION_CONTINUE;
    if (!session->internal && gate_ask(session->rooms->gate, session->settings, &address,
                                       session->stream, now, reply_r) == GATE_REFUSE)
        return SESSION_REFUSE;
    remember_recipient(session, address.key);
    return SESSION_CONTINUE;
}

static int contains_ignoring_case(const char *text, const char *what)
{
    size_t length = strlen(what);

    for (; *text; text++)
        if (!strncasecmp(text, what, length))
            return 1;
    return 0;
}

void session_header(struct session *session, const char *name, const char *value)
{
    if (session->submitted) {
        while (*value == ' ' || *value == '\t')
            value++;
        if (!strcasecmp(name, "Message-ID") && !session->message_id)
            session->message_id = without_brackets(value, MESSAGE_ID_MAX);
        if (*session->settings->stream_header && !strcasecmp(name, session->settings->stream_header)) {
            free(session->stream);
            session->stream = xstrndup(value, STREAM_MAX);
        }
        return;
    }
    if (!strcasecmp(name, "Content-Type") && contains_ignoring_case(value, "multipart/report"))
        session->is_report = 1;
    collect_append(session->collect, name, strlen(name));
    collect_append(session->collect, ": ", 2);
    collect_append(session->collect, value, strlen(value));
    collect_append(session->collect, "\n", 1);
}

enum session_answer session_end_of_headers(struct session *session)
{
    if (session->submitted)
        return SESSION_SKIP;
    if (!*session->sender)
        session->is_report = 1; /* until its body says that it is none */
    if (!session->is_report)
        return SESSION_ACCEPT;
    collect_append(session->collect, "\n", 1);
    return SESSION_CONTINUE;
}

enum session_answer session_body(struct session *session, const char *bytes, size_t length)
{
    if (!session->is_report)
        return SESSION_SKIP;
    collect_append(session->collect, bytes, length);
    return collect_is_full(session->collect) ? SESSION_SKIP : SESSION_CONTINUE;
}

static enum session_answer take_report(struct session *session, const char *queue_id, int64_t now)
{
    const struct collect_origin origin = {
        .source = SOURCE_MILTER,
        .sender = session->sender,
        .queue_id = queue_id,
        .own_host = session->internal ? session->mta : NULL,
        .internal = 1,
    };
    struct record *record = collect_record(session->collect, &origin, now);
    struct error error;

    if (!record)
        return SESSION_ACCEPT;
    if (!writer_record(session->rooms->writer, record, (int)session->settings->ack_timeout, &error))
        return SESSION_ACCEPT;
    counters_add(session->rooms->counters, COUNTER_REPORTS_TEMPFAILED, 1);
    log_line(LOG_WARN, "report %s: put off: %s", queue_id ? queue_id : "?", error.text);
    return SESSION_PUT_OFF;
}

/* Does not wait: mail is never held up for the sake of the journal. */
static void remember_message(struct session *session, const char *queue_id, int64_t now)
{
    struct record *record;
    struct error error;

    if (!session->keys_count || !session->settings->sent_keep)
        return;
    record = record_new(RECORD_SENT, now);
    record->queue_id = xstrdup(queue_id ? queue_id : "");
    record->message_id = session->message_id;
    record->sender = session->sender;
    record->stream = session->stream;
    record->keys = session->keys;
    record->count = session->keys_count;
    session->message_id = session->sender = session->stream = NULL;
    session->keys = NULL;
    session->keys_count = session->keys_size = 0;
    if (writer_submit(session->rooms->writer, record, &error)) {
        counters_add(session->rooms->counters, COUNTER_SENT_DROPPED, 1);
        record_free(&record);
    }
}

enum session_answer session_end_of_message(struct session *session, const char *queue_id, int64_t now)
{
    enum session_answer answer = SESSION_ACCEPT;

    if (session->submitted)
        remember_message(session, queue_id, now);
    else if (session->is_report)
        answer = take_report(session, queue_id, now);
    session_abort(session);
    return answer;
}

enum session_answer session_give_up(struct session *session)
{
    enum session_answer answer = session->is_report ? SESSION_PUT_OFF : SESSION_ACCEPT;

    session_abort(session);
    return answer;
}
