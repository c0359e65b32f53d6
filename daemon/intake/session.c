/* See session.h. */
#include "config.h"

#include "daemon/intake/session.h"

#include "base/mem.h"
#include "daemon/intake/collect.h"
#include "daemon/intake/stream.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/writer.h"
#include "daemon/log.h"
#include "daemon/report/address.h"
#include "daemon/tag.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGE_ID_MAX 998 /* a line, RFC 5322 2.1.1 */
#define RETURNS_MAX 1000 /* tagged recipients of one message */

struct session {
    const struct session_rooms *rooms;
    struct settings *settings;
    struct collect_limits limits;
    int internal; /* not by SMTP: the MTA's own mail, or sendmail(1) */
    int crowded;  /* it only passes mail, and puts reports off */
    int by_user;  /* of it the latter, as far as the MTA tells */
    int trusted;  /* the client lies in a trusted network */
    char *mta;    /* the MTA's own host name, or NULL */
    char *port_stream; /* of the port that the client came to, or NULL */

    /* one message */
    char *sender;      /* without brackets; "" is the null sender */
    char *stream;
    int stream_place;  /* of the field that named it; STREAM_NONE: none did */
    int may_bypass;    /* a bypass header would count ... */
    int bypasses;      /* ... and is there */
    size_t recipients; /* that passed, addresses or not */
    char *message_id;
    char **keys;       /* recipients that passed the gate, as compared */
    size_t keys_count, keys_size;
    size_t others;     /* that passed and are not remembered */
    char *signed_sender; /* NULL: as it is */
    int64_t tag;       /* of signed_sender */
    char **tagged, **untagged; /* recipients with a good tag, and without it */
    size_t tagged_count;
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
    session->limits = collect_limits_of(settings, rooms->memory);
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
    for (size_t i = 0; i < session->tagged_count; i++) {
        free(session->tagged[i]);
        free(session->untagged[i]);
    }
    free(session->tagged);
    free(session->untagged);
    free(session->signed_sender);
    session->tagged = session->untagged = NULL;
    session->signed_sender = NULL;
    session->tagged_count = session->others = 0;
    session->tag = 0;
    session->keys = NULL;
    session->sender = session->stream = session->message_id = NULL;
    session->keys_count = session->keys_size = 0;
    session->submitted = session->is_report = session->may_bypass = session->bypasses = 0;
    session->stream_place = STREAM_NONE;
    session->recipients = 0;
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
    free(old->port_stream);
    free(old);
}

void session_daemon(struct session *session, const char *port, const char *name)
{
    free(session->port_stream);
    session->port_stream = stream_of_port(session->settings->stream_port, port, name);
    session->by_user = name && stream_field(session->settings->user_daemons, name) != STREAM_NONE;
}

void session_crowd_out(struct session *session)
{
    session->crowded = 1;
    counters_add(session->rooms->counters, COUNTER_SESSIONS_CROWDED, 1);
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
    if (session->crowded)
        return;
    session->submitted = gate_is_submission(session->settings, session->sender,
                                            session->internal || session->trusted, authenticated);
    session->collect = collect_new(&session->limits, session->rooms->counters);
    at = strrchr(session->sender, '@');
    session->stream = xstrdup(session->port_stream ? session->port_stream : at ? at + 1 : "");
    session->may_bypass = session->submitted && authenticated && *session->settings->bypass_header;
}

static int is_asked_late(const struct session *session)
{
    return session->may_bypass || *session->settings->stream_header;
}

/* What is known at RCPT TO. In shadow mode nothing is refused, and each
 * recipient is to be told of once. */
static enum gate_answer ask_early(struct session *session, const struct address *address, int64_t now,
                                  struct gate_reply *reply_r)
{
    const char *stream = *session->settings->stream_header ? "" : session->stream;

    if (session->internal || session->may_bypass ||
        (is_asked_late(session) && session->settings->gate_mode == GATE_SHADOW))
        return GATE_PASS;
    return gate_ask(session->rooms->gate, session->settings, address, stream, now, reply_r);
}

static void remember_recipient(struct session *session, const char *key)
{
    if (session->keys_count >= (size_t)session->settings->message_recipients_max) {
        counters_add(session->rooms->counters, COUNTER_SENT_CUT, 1);
        session->others++;
        return;
    }
    if (session->keys_count == session->keys_size) {
        session->keys_size = session->keys_size ? session->keys_size * 2 : 4;
        session->keys = xrealloc(session->keys, session->keys_size * sizeof(*session->keys));
    }
    session->keys[session->keys_count++] = xstrdup(key);
}

static void keep_tagged(struct session *session, const char *recipient, const char *original)
{
    size_t size = (session->tagged_count + 1) * sizeof(char *);

    if (session->tagged_count == RETURNS_MAX)
        return;
    session->tagged = xrealloc(session->tagged, size);
    session->untagged = xrealloc(session->untagged, size);
    session->tagged[session->tagged_count] = xstrdup(recipient);
    session->untagged[session->tagged_count++] = xstrdup(original);
}

static enum session_answer refuse_return(struct session *session, const char *recipient, const char *why,
                                         struct gate_reply *reply_r)
{
    counters_add(session->rooms->counters, COUNTER_RETURNS_REFUSED, 1);
    *reply_r = (struct gate_reply){.code = "550", .status = "5.7.1"};
    snprintf(reply_r->text, sizeof(reply_r->text), "%.330s %s (suppressd)", recipient, why);
    return SESSION_REFUSE;
}

/* Somebody's mail to an address that may be a signed sender of ours. Our MTA's
 * own bounces are let in whatever their tag. */
static enum session_answer take_return(struct session *session, const char *recipient, int64_t now,
                                       struct gate_reply *reply_r)
{
    const struct settings *settings = session->settings;
    enum tag_state state;
    struct keys keys;
    struct tag tag;

    if (!tag_listed(settings->tag_domains, recipient))
        return SESSION_CONTINUE;
    if (!tag_parse(recipient, &tag))
        return settings->refuse_returns == REFUSE_UNTAGGED && !session->internal && !*session->sender &&
                       strncasecmp(recipient + (*recipient == '<'), "postmaster@", 11) != 0
                   ? refuse_return(session, recipient, "sent nothing: no message of ours bears this return path", reply_r)
                   : SESSION_CONTINUE;
    keyring_get(session->rooms->keyring, &keys);
    state = tag_check(&tag, &keys, now);
    if (state != TAG_GOOD)
        counters_add(session->rooms->counters, state == TAG_WRONG ? COUNTER_TAGS_WRONG : COUNTER_TAGS_EXPIRED, 1);
    if (state != TAG_GOOD && settings->refuse_returns != REFUSE_NONE && !session->internal)
        return refuse_return(session, recipient, state == TAG_WRONG ? "has a wrong tag" : "has expired", reply_r);
    if (state != TAG_WRONG)
        keep_tagged(session, recipient, tag.original);
    return SESSION_CONTINUE;
}

enum session_answer session_rcpt(struct session *session, const char *recipient, int64_t now,
                                 struct gate_reply *reply_r)
{
    struct address address;
    struct error error;

    if (session->crowded)
        return SESSION_CONTINUE;
    if (!session->submitted)
        return take_return(session, recipient, now, reply_r);
    /* What is no address is the MTA's to judge, not ours. */
    if (address_parse(recipient, strlen(recipient), (int)session->settings->strict_local_part, &address, &error)) {
        session->recipients++;
        session->others++;
        return SESSION_CONTINUE;
    }
    if (ask_early(session, &address, now, reply_r) == GATE_REFUSE)
        return SESSION_REFUSE;
    session->recipients++;
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

/* The foremost of the fields that name a stream; of two alike the first. */
static void take_stream(struct session *session, const char *name, const char *value)
{
    int place = stream_field(session->settings->stream_header, name);

    if (place == STREAM_NONE || (session->stream_place != STREAM_NONE && place >= session->stream_place))
        return;
    free(session->stream);
    session->stream = stream_of_field(name, value);
    session->stream_place = place;
}

void session_header(struct session *session, const char *name, const char *value)
{
    if (session->submitted) {
        while (*value == ' ' || *value == '\t')
            value++;
        if (!strcasecmp(name, "Message-ID") && !session->message_id)
            session->message_id = without_brackets(value, MESSAGE_ID_MAX);
        take_stream(session, name, value);
        if (session->may_bypass && !strcasecmp(name, session->settings->bypass_header))
            session->bypasses = 1;
        return;
    }
    if (!strcasecmp(name, "Content-Type") && contains_ignoring_case(value, "multipart/report"))
        session->is_report = 1;
    if (session->crowded)
        return;
    collect_append(session->collect, name, strlen(name));
    collect_append(session->collect, ": ", 2);
    collect_append(session->collect, value, strlen(value));
    collect_append(session->collect, "\n", 1);
}

/* A suppressed recipient of a message that goes on. */
static void let_through(struct session *session, const struct address *address, const struct gate_finding *finding)
{
    counters_add(session->rooms->counters, session->bypasses ? COUNTER_GATE_BYPASSED : COUNTER_GATE_LATE, 1);
    log_line(LOG_NOTE, "gate: let <%s> through (%s): %s", address->given, finding->reason,
             session->bypasses ? "the message bypasses the gate" : "it has other recipients, and its stream came late");
}

static enum gate_answer answer_one(struct session *session, const struct address *address,
                                   const struct gate_finding *finding, int all, struct gate_reply *reply_r)
{
    if (session->settings->gate_mode == GATE_SHADOW || (all && !session->bypasses))
        return gate_refuse(session->rooms->gate, session->settings, address, finding, reply_r);
    let_through(session, address, finding);
    return GATE_PASS;
}

/* All recipients, now that the message has said what it is. */
static enum gate_answer ask_late(struct session *session, int64_t now, struct gate_reply *reply_r)
{
    struct gate_finding *findings = xcalloc(session->keys_count + 1, sizeof(*findings));
    enum gate_answer answer = GATE_PASS;
    struct address address;
    struct error error;
    size_t found = 0;

    for (size_t i = 0; i < session->keys_count; i++)
        if (!address_parse(session->keys[i], strlen(session->keys[i]), 1, &address, &error))
            found += (size_t)gate_look(session->rooms->gate, session->settings, &address, session->stream, now,
                                       &findings[i]);
    for (size_t i = 0; i < session->keys_count; i++)
        if (*findings[i].reason && !address_parse(session->keys[i], strlen(session->keys[i]), 1, &address, &error) &&
            answer_one(session, &address, &findings[i], found == session->recipients, reply_r) == GATE_REFUSE)
            answer = GATE_REFUSE;
    free(findings);
    return answer;
}

enum session_answer session_gate(struct session *session, int64_t now, struct gate_reply *reply_r)
{
    return session->submitted && !session->internal && is_asked_late(session) &&
           ask_late(session, now, reply_r) == GATE_REFUSE ? SESSION_REFUSE : SESSION_CONTINUE;
}

enum session_answer session_end_of_headers(struct session *session)
{
    if (session->submitted)
        return SESSION_SKIP;
    if (!*session->sender)
        session->is_report = 1; /* until its body says that it is none */
    if (!session->is_report) {
        collect_free(&session->collect);
        return session->tagged_count ? SESSION_SKIP : SESSION_ACCEPT; /* a tag goes at the end */
    }
    if (session->crowded)
        return SESSION_SKIP;
    collect_append(session->collect, "\n", 1);
    return SESSION_CONTINUE;
}

enum session_answer session_body(struct session *session, const char *bytes, size_t length)
{
    if (!session->is_report || session->crowded)
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
        .own_host = session->internal && !session->by_user ? session->mta : NULL,
        .tagged = session->tagged_count ? session->tagged[0] : NULL,
        .internal = 1,
    };
    enum collected collected;
    struct record *record;
    struct error error;

    collected = collect_record(session->collect, &origin, now, &record);
    if (collected == COLLECTED_ORDINARY)
        return SESSION_ACCEPT;
    if (collected == COLLECTED_CROWDED)
        (void)error_set(&error, ERROR_ENVIRONMENT, "messages_memory_max leaves no room for it");
    else if (!writer_record(session->rooms->writer, record, (int)session->settings->ack_timeout, &error))
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
    record->several = session->others > 0;
    record->tag = session->tag;
    session->message_id = session->sender = session->stream = NULL;
    session->keys = NULL;
    session->keys_count = session->keys_size = 0;
    if (writer_submit(session->rooms->writer, record, &error)) {
        counters_add(session->rooms->counters, COUNTER_SENT_DROPPED, 1);
        record_free(&record);
    }
}

/* Puts each recipient once, and the rest out of sight of what is remembered. */
static void drop_repeated(struct session *session)
{
    size_t kept = 0;

    for (size_t i = 0; i < session->keys_count; i++)
        if (kept && !strcmp(session->keys[kept - 1], session->keys[i]))
            free(session->keys[i]);
        else
            session->keys[kept++] = session->keys[i];
    session->keys_count = kept;
}

static void sign(struct session *session, int64_t now)
{
    const struct settings *settings = session->settings;
    char tagged[ADDRESS_SIZE];
    struct keys keys;
    struct tag tag;

    if (!session->keys_count || !tag_listed(settings->tag_domains, session->sender) ||
        tag_parse(session->sender, &tag)) /* it passes a second time, behind a content filter */
        return;
    keyring_get(session->rooms->keyring, &keys);
    qsort(session->keys, session->keys_count, sizeof(*session->keys), tag_by_text);
    drop_repeated(session);
    if (!tag_write(&keys, session->sender, session->keys, session->keys_count, session->others, now,
                   *settings->tag_delimiter, tagged)) {
        counters_add(session->rooms->counters, COUNTER_TAGS_LEFT_OUT, 1);
        return;
    }
    session->signed_sender = xstrdup(tagged);
    session->tag = tag_parse(tagged, &tag) ? tag_number(&tag) : 0;
}

void session_envelope(struct session *session, int64_t now, struct session_envelope *envelope_r)
{
    if (session->submitted && !session->signed_sender)
        sign(session, now);
    *envelope_r = (struct session_envelope){
        .sender = session->signed_sender,
        .count = session->tagged_count,
        .from = session->tagged,
        .to = session->untagged,
    };
}

enum session_answer session_end_of_message(struct session *session, const char *queue_id, int64_t now)
{
    enum session_answer answer = SESSION_ACCEPT;

    if (session->crowded)
        return session_give_up(session);
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

    if (session->is_report)
        counters_add(session->rooms->counters, COUNTER_REPORTS_TEMPFAILED, 1);
    session_abort(session);
    return answer;
}
