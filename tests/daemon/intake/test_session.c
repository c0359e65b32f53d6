/* daemon/intake/session: who is asked about at the gate, what is remembered,
 * whose reports count, and what is put off when the disk fails. */
#include "config.h"

#include "daemon/intake/session.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/writer.h"
#include "daemon/budget.h"
#include "daemon/keyring.h"
#include "daemon/report/message.h"
#include "daemon/tag.h"
#include "tests/daemon/database.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define DSN_TYPE "multipart/report; report-type=delivery-status;\n\tboundary=\"b\""
#define DSN_BODY(mta, recipient)                                                                    \
    "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"                                             \
    "--b\r\nContent-Type: message/delivery-status\r\n\r\n"                                          \
    "Reporting-MTA: dns; " mta "\r\nX-Postfix-Queue-ID: Q1\r\n\r\n"                                 \
    "Final-Recipient: rfc822; " recipient "\r\nAction: failed\r\nStatus: 5.1.1\r\n"                 \
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n"                                         \
    "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <m1@example.org>\r\n\r\nHello\r\n--b--\r\n"

static struct ruleset *rules;
static struct settings *settings;
static struct counters counters;
static struct session_rooms rooms;
static struct lookup_pool *pool;
static struct error error;
static char key_path[140];

static void setup(void)
{
    struct ledger_options ledger_options = {.ruleset = rules, .counters = &counters};
    struct writer_options options = {.queue_max = 100, .batch_max = 100, .counters = &counters};
    struct writer_limits limits = {.sent_keep = 1000000, .aside_bytes_max = 1000000};
    struct ledger *ledger;

    database_make();
    settings = settings_defaults();
    settings->ack_timeout = 1;
    ledger_options.database = database_path;
    ledger = ledger_open(&ledger_options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
    pool = lookup_pool_new(database_path);
    rooms.counters = &counters;
    rooms.writer = writer_start(ledger, &options, &limits, &error);
    rooms.gate = gate_new(pool, &counters);
    snprintf(key_path, sizeof(key_path), "%s.key", database_path);
    rooms.keyring = keyring_new();
    ck_assert_int_eq(keyring_load(rooms.keyring, key_path, 1, 30 * 86400, 1000, &error), 0);
}

static void teardown(void)
{
    gate_free(&rooms.gate);
    keyring_free(&rooms.keyring);
    unlink(key_path);
    writer_stop(&rooms.writer);
    lookup_pool_free(&pool);
    settings_unref(&settings);
    database_remove();
}

static void suppress_stream(const char *key, const char *stream)
{
    struct record *record = record_new(RECORD_SUPPRESS, 1000);

    record->key = xstrdup(key);
    record->stream = xstrdup(stream);
    record->reason = xstrdup("no-such-user");
    record->note = xstrdup("");
    record->who = xstrdup("test");
    ck_assert_int_eq(writer_record(rooms.writer, record, 20, &error), 0);
}

static void suppress(const char *key)
{
    suppress_stream(key, "");
}

/* Internal mail: localhost, port 0. */
static struct session *open_session(const char *host, const char *ip, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    ck_assert_int_eq(inet_pton(AF_INET, ip, &address.sin_addr), 1);
    return session_open(&rooms, settings, host, (struct sockaddr *)&address, "mail.example.org");
}

static const struct {
    const char *what, *host, *ip;
    int port;
    const char *sender;
    int authenticated;
    enum gate_mode mode;
    enum session_answer answer; /* to the suppressed recipient */
    int remembered;             /* recipients, of two */
} clients[] = {
    {"trusted network", "app", "127.0.0.1", 4000, "<n@example.org>", 0, GATE_ENFORCE, SESSION_REFUSE, 1},
    {"logged in", "cafe", "203.0.113.5", 4000, "<n@example.org>", 1, GATE_ENFORCE, SESSION_REFUSE, 1},
    {"shadow", "app", "127.0.0.1", 4000, "<n@example.org>", 0, GATE_SHADOW, SESSION_CONTINUE, 2},
    {"off", "app", "127.0.0.1", 4000, "<n@example.org>", 0, GATE_OFF, SESSION_CONTINUE, 2},
    {"from the internet", "mx", "203.0.113.5", 4000, "<n@example.org>", 0, GATE_ENFORCE, SESSION_CONTINUE, 0},
    {"null sender", "app", "127.0.0.1", 4000, "<>", 1, GATE_ENFORCE, SESSION_CONTINUE, 0},
    {"sendmail(1)", "localhost", "127.0.0.1", 0, "<n@example.org>", 0, GATE_ENFORCE, SESSION_CONTINUE, 2},
};

START_TEST(the_gate_acts_on_mail_that_is_being_sent)
{
    struct session *session;
    struct gate_reply reply;

    suppress("dead@example.com");
    settings->gate_mode = clients[_i].mode;
    session = open_session(clients[_i].host, clients[_i].ip, clients[_i].port);
    session_mail(session, clients[_i].sender, clients[_i].authenticated);
    ck_assert_msg(session_rcpt(session, "<Dead@Example.com>", 2000, &reply) == clients[_i].answer, "%s", clients[_i].what);
    ck_assert_int_eq(session_rcpt(session, "<alive@example.com>", 2000, &reply), SESSION_CONTINUE);
    session_header(session, "Message-ID", "<m1@example.org>");
    session_end_of_headers(session);
    ck_assert_int_eq(session_end_of_message(session, "Q1", 2000), SESSION_ACCEPT);
    session_close(&session);
    writer_stop(&rooms.writer); /* all is on disk */
    ck_assert_int_eq(database_number("SELECT count(*) FROM sent_recipient"), clients[_i].remembered);
}
END_TEST

static void set_text(char **setting, const char *text)
{
    free(*setting);
    *setting = xstrdup(text);
}

/* dead@ is suppressed for all streams, news@ for the stream "news". */
static const struct {
    const char *what, *headers, *bypass, *ports; /* settings */
    int authenticated;
    enum gate_mode mode;
    const char *field, *value;                   /* of the message */
    const char *recipients[3];
    const char *answers; /* a letter each, at RCPT TO and at last at the end of the headers: c or r */
    enum counter counted;
    const char *stream;  /* remembered; "": none is */
} late[] = {
    {"the header names the stream", "X-Stream", "", "", 0, GATE_ENFORCE, "X-Stream", "news",
     {"<news@example.com>"}, "cr", COUNTER_GATE_REFUSED, ""},
    {"another stream", "X-Stream", "", "", 0, GATE_ENFORCE, "X-Stream", "receipts",
     {"<news@example.com>"}, "cc", COUNTER_GATE_ASKED, "receipts"},
    {"no header: the sender's domain", "X-Stream", "", "", 0, GATE_ENFORCE, "Subject", "news",
     {"<news@example.com>"}, "cc", COUNTER_GATE_ASKED, "example.org"},
    {"of all streams: at RCPT TO", "X-Stream", "", "", 0, GATE_ENFORCE, "X-Stream", "receipts",
     {"<dead@example.com>", "<alive@example.com>"}, "rcc", COUNTER_GATE_REFUSED, "receipts"},
    {"beside others it passes", "X-Stream", "", "", 0, GATE_ENFORCE, "X-Stream", "news",
     {"<news@example.com>", "<alive@example.com>"}, "ccc", COUNTER_GATE_LATE, "news"},
    {"beside what is no address it passes", "X-Stream", "", "", 0, GATE_ENFORCE, "X-Stream", "news",
     {"<news@example.com>", "<root>"}, "ccc", COUNTER_GATE_LATE, "news"},
    {"shadow mode", "X-Stream", "", "", 0, GATE_SHADOW, "X-Stream", "news",
     {"<news@example.com>", "<dead@example.com>"}, "ccc", COUNTER_GATE_SHADOWED, "news"},
    {"List-Id", "X-Stream, List-Id", "", "", 0, GATE_ENFORCE, "list-id", " The news <news>",
     {"<news@example.com>"}, "cr", COUNTER_GATE_REFUSED, ""},
    {"Feedback-ID", "Feedback-ID", "", "", 0, GATE_ENFORCE, "Feedback-ID", "c1:x:y:news",
     {"<news@example.com>"}, "cr", COUNTER_GATE_REFUSED, ""},
    {"the port", "", "", "587=receipts, 2525=news", 0, GATE_ENFORCE, "Subject", "",
     {"<news@example.com>", "<alive@example.com>"}, "rcc", COUNTER_GATE_REFUSED, "news"},
    {"the daemon's name", "", "", "SMTP-News=news", 0, GATE_ENFORCE, "Subject", "",
     {"<news@example.com>", "<alive@example.com>"}, "rcc", COUNTER_GATE_REFUSED, "news"},
    {"bypass", "", "X-Critical", "", 1, GATE_ENFORCE, "x-critical", "yes",
     {"<dead@example.com>", "<alive@example.com>"}, "ccc", COUNTER_GATE_BYPASSED, "example.org"},
    {"bypass of one alone", "", "X-Critical", "", 1, GATE_ENFORCE, "x-critical", "",
     {"<dead@example.com>"}, "cc", COUNTER_GATE_BYPASSED, "example.org"},
    {"logged in without the header", "", "X-Critical", "", 1, GATE_ENFORCE, "Subject", "",
     {"<dead@example.com>"}, "cr", COUNTER_GATE_REFUSED, ""},
    {"the header, but not logged in", "", "X-Critical", "", 0, GATE_ENFORCE, "X-Critical", "yes",
     {"<dead@example.com>", "<alive@example.com>"}, "rcc", COUNTER_GATE_REFUSED, "example.org"},
};

START_TEST(what_the_headers_say_is_heeded_at_their_end)
{
    uint64_t before = counters_get(&counters, late[_i].counted);
    const char *expected = late[_i].answers;
    struct session *session;
    struct gate_reply reply;

    suppress("dead@example.com");
    suppress_stream("news@example.com", "news");
    set_text(&settings->stream_header, late[_i].headers);
    set_text(&settings->bypass_header, late[_i].bypass);
    set_text(&settings->stream_port, late[_i].ports);
    settings->gate_mode = late[_i].mode;
    session = open_session("app", "127.0.0.1", 4000);
    session_daemon(session, "2525", "smtp-news");
    session_mail(session, "<n@example.org>", late[_i].authenticated);
    for (int i = 0; late[_i].recipients[i]; i++, expected++)
        ck_assert_msg(session_rcpt(session, late[_i].recipients[i], 2000, &reply) ==
                      (*expected == 'r' ? SESSION_REFUSE : SESSION_CONTINUE), "%s: RCPT %d", late[_i].what, i);
    session_header(session, late[_i].field, late[_i].value);
    session_header(session, late[_i].field, "a second one does not count");
    ck_assert_msg(session_gate(session, 2000, &reply) == (*expected == 'r' ? SESSION_REFUSE : SESSION_CONTINUE), "%s",
                  late[_i].what);
    ck_assert_msg(counters_get(&counters, late[_i].counted) > before, "%s", late[_i].what);
    if (*expected == 'c')
        session_end_of_message(session, "Q1", 2000);
    session_close(&session);
    writer_stop(&rooms.writer);
    ck_assert_str_eq(database_text("SELECT stream FROM sent"), late[_i].stream);
}
END_TEST

START_TEST(what_is_sent_is_remembered)
{
    struct session *session = open_session("app", "127.0.0.1", 4000);
    struct gate_reply reply;

    suppress("dead@example.com");
    session_mail(session, "<news@example.org>", 0);
    ck_assert_int_eq(session_rcpt(session, "<dead@example.com>", 2000, &reply), SESSION_REFUSE);
    ck_assert_str_eq(reply.code, "550");
    ck_assert_str_eq(reply.text, "<dead@example.com> suppressed: no-such-user since 1970-01-01 (suppressd)");
    ck_assert_int_eq(session_rcpt(session, "<b@example.com>", 2000, &reply), SESSION_CONTINUE);
    ck_assert_int_eq(session_rcpt(session, "<not an address>", 2000, &reply), SESSION_CONTINUE);
    session_header(session, "Message-ID", " <m1@example.org>");
    ck_assert_int_eq(session_end_of_headers(session), SESSION_SKIP);
    ck_assert_int_eq(session_end_of_message(session, "Q1", 2000), SESSION_ACCEPT);
    session_close(&session);
    writer_stop(&rooms.writer);
    ck_assert_str_eq(database_text("SELECT queue_id || ' ' || message_id || ' ' || stream || ' ' || several FROM sent"),
                     "Q1 m1@example.org example.org 1"); /* what is no address was taken by the MTA */
    ck_assert_str_eq(database_text("SELECT group_concat(key) FROM sent_recipient"), "b@example.com");
}
END_TEST

/* More than may be remembered pass like all others, and prove nothing. */
START_TEST(what_is_remembered_of_a_message_is_bounded)
{
    struct session *session;
    struct gate_reply reply;
    char name[40];

    settings->message_recipients_max = 3;
    session = open_session("app", "127.0.0.1", 4000);
    session_mail(session, "<news@example.org>", 0);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "<r%d@example.com>", i);
        ck_assert_int_eq(session_rcpt(session, name, 2000, &reply), SESSION_CONTINUE);
    }
    ck_assert_int_eq(session_end_of_message(session, "Q1", 2000), SESSION_ACCEPT);
    session_close(&session);
    writer_stop(&rooms.writer);
    ck_assert_int_eq(database_number("SELECT count(*) FROM sent_recipient"), 3);
    ck_assert_int_eq(database_number("SELECT several FROM sent"), 1);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_SENT_CUT), 2);
}
END_TEST

static const struct {
    const char *what, *domains, *sender, *recipients;
    int signed_, known; /* what the journal has a tag of */
} submissions[] = {
    {"signed", "example.org", "<news@example.org>", "a@example.com", 1, 1},
    {"to two", "example.net, example.org", "<news@example.org>", "a@example.com b@example.com", 1, 1},
    {"another domain", "example.org", "<news@example.net>", "a@example.com", 0, 0},
    {"no domain is", "", "<news@example.org>", "a@example.com", 0, 0},
    {"too long", "example.org", "<nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn@example.org>", "a@example.com", 0, 0},
    {"signed before", "example.org", "<news+p0abcdefgh234567abcd@example.org>", "a@example.com", 0, 0},
    {"to nobody known", "example.org", "<news@example.org>", "", 0, 0},
};

static void set_domains(const char *domains)
{
    free(settings->tag_domains);
    settings->tag_domains = xstrdup(domains);
}

START_TEST(submitted_mail_gets_a_signed_sender)
{
    struct session *session = open_session("app", "127.0.0.1", 4000);
    char *list = xstrdup(submissions[_i].recipients), *rest = NULL;
    struct session_envelope envelope;
    struct gate_reply reply;
    struct keys keys;
    struct tag tag;

    set_domains(submissions[_i].domains);
    session_mail(session, submissions[_i].sender, 0);
    for (char *one = strtok_r(list, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        for (int twice = 0; twice < 2; twice++)
            ck_assert_int_eq(session_rcpt(session, one, 2000, &reply), SESSION_CONTINUE);
    session_end_of_headers(session);
    session_envelope(session, 2000, &envelope);
    ck_assert_msg((envelope.sender != NULL) == submissions[_i].signed_, "%s", submissions[_i].what);
    if (envelope.sender) {
        keyring_get(rooms.keyring, &keys);
        ck_assert_int_eq(tag_parse(envelope.sender, &tag), 1);
        ck_assert_int_eq(tag_check(&tag, &keys, 2000), TAG_GOOD);
        ck_assert_int_eq(tag_proves(&tag, &keys, "a@example.com", 2000), !strchr(submissions[_i].recipients, ' '));
    }
    ck_assert_int_eq(session_end_of_message(session, "Q1", 2000), SESSION_ACCEPT);
    session_close(&session);
    writer_stop(&rooms.writer);
    ck_assert_int_eq(database_number("SELECT count(*) FROM sent WHERE tag IS NOT NULL"), submissions[_i].known);
    free(list);
}
END_TEST

/* {} is a good tag for news@example.org, [] one that is 40 days old. */
static const struct {
    const char *what, *ip;
    int port;
    const char *sender, *recipient;
    enum refuse_returns refuse;
    enum session_answer answer;
    const char *becomes; /* NULL: it stays */
} returns[] = {
    {"a good tag", "203.0.113.5", 9, "<>", "<news+{}@example.org>", REFUSE_UNTAGGED, SESSION_CONTINUE, "news@example.org"},
    {"with a sender", "203.0.113.5", 9, "<a@b>", "<news+{}@example.org>", REFUSE_WRONG, SESSION_CONTINUE, "news@example.org"},
    {"an old one", "203.0.113.5", 9, "<>", "<news+[]@example.org>", REFUSE_WRONG, SESSION_REFUSE, NULL},
    {"an old one, let in", "203.0.113.5", 9, "<>", "<news+[]@example.org>", REFUSE_NONE, SESSION_CONTINUE, "news@example.org"},
    {"an old one, by our MTA", "127.0.0.1", 0, "<>", "<news+[]@example.org>", REFUSE_UNTAGGED, SESSION_CONTINUE, "news@example.org"},
    {"another's", "203.0.113.5", 9, "<>", "<sales+{}@example.org>", REFUSE_WRONG, SESSION_REFUSE, NULL},
    {"another's, let in", "203.0.113.5", 9, "<>", "<sales+{}@example.org>", REFUSE_NONE, SESSION_CONTINUE, NULL},
    {"a domain that is not ours", "203.0.113.5", 9, "<>", "<news+{}@example.net>", REFUSE_UNTAGGED, SESSION_CONTINUE, NULL},
    {"no tag", "203.0.113.5", 9, "<>", "<news@example.org>", REFUSE_UNTAGGED, SESSION_REFUSE, NULL},
    {"no tag, with a sender", "203.0.113.5", 9, "<a@b>", "<news@example.org>", REFUSE_UNTAGGED, SESSION_CONTINUE, NULL},
    {"no tag, let in", "203.0.113.5", 9, "<>", "<news@example.org>", REFUSE_WRONG, SESSION_CONTINUE, NULL},
    {"the postmaster", "203.0.113.5", 9, "<>", "<Postmaster@example.org>", REFUSE_UNTAGGED, SESSION_CONTINUE, NULL},
    {"no tag, by our MTA", "127.0.0.1", 0, "<>", "<news@example.org>", REFUSE_UNTAGGED, SESSION_CONTINUE, NULL},
};

static void fill_tag(const char *pattern, char *text_r, size_t size)
{
    const char *hole = strpbrk(pattern, "{[");
    char joe[] = "joe@example.com", *one = joe, tagged[ADDRESS_SIZE];
    struct keys keys;
    struct tag tag;

    keyring_get(rooms.keyring, &keys);
    ck_assert_int_eq(tag_write(&keys, "news@example.org", &one, 1, 0,
                               hole && *hole == '[' ? 60 * 86400 : 100 * 86400, '+', tagged), 1);
    ck_assert_int_eq(tag_parse(tagged, &tag), 1);
    if (hole)
        snprintf(text_r, size, "%.*s%s%s", (int)(hole - pattern), pattern, tag.text, hole + 2);
    else
        snprintf(text_r, size, "%s", pattern);
}

START_TEST(what_comes_back_to_a_signed_sender)
{
    struct session *session = open_session("localhost", returns[_i].ip, returns[_i].port);
    char recipient[ADDRESS_SIZE + 2];
    struct session_envelope envelope;
    struct gate_reply reply;

    set_domains("example.org");
    settings->refuse_returns = returns[_i].refuse;
    session_close(&session);
    session = open_session("localhost", returns[_i].ip, returns[_i].port);
    fill_tag(returns[_i].recipient, recipient, sizeof(recipient));
    session_mail(session, returns[_i].sender, 0);
    ck_assert_msg(session_rcpt(session, recipient, 100 * 86400, &reply) == returns[_i].answer, "%s", returns[_i].what);
    if (returns[_i].answer == SESSION_REFUSE) {
        ck_assert_str_eq(reply.code, "550");
        ck_assert_str_eq(reply.status, "5.7.1");
    }
    ck_assert_int_ne(session_end_of_headers(session), returns[_i].becomes ? SESSION_ACCEPT : -1);
    session_envelope(session, 100 * 86400, &envelope);
    ck_assert_ptr_null(envelope.sender);
    ck_assert_int_eq(envelope.count, returns[_i].becomes != NULL);
    if (returns[_i].becomes) {
        ck_assert_str_eq(envelope.from[0], recipient);
        ck_assert_str_eq(envelope.to[0], returns[_i].becomes);
    }
    session_close(&session);
}
END_TEST

static const char *report_daemon; /* {daemon_name} of the session that gives it */

static enum session_answer give_report(const char *host, const char *ip, int port, const char *sender,
                                       const char *type, const char *body)
{
    struct session *session = open_session(host, ip, port);
    enum session_answer answer;
    struct gate_reply reply;

    session_daemon(session, NULL, report_daemon);
    session_mail(session, sender, 0);
    ck_assert_int_eq(session_rcpt(session, "<news@example.org>", 2000, &reply), SESSION_CONTINUE);
    session_header(session, "From", strcmp(type, DSN_TYPE) ? "friend@example.net" : "MAILER-DAEMON@example.org");
    session_header(session, "Content-Type", type);
    if ((answer = session_end_of_headers(session)) == SESSION_CONTINUE) {
        session_body(session, body, strlen(body));
        answer = session_end_of_message(session, "R1", 2000);
    }
    session_close(&session);
    return answer;
}

static const struct {
    const char *what, *host, *ip;
    int port;
    const char *sender, *body, *evidence; /* NULL: no event */
    const char *daemon;
} reports[] = {
    {"the MTA's own", "localhost", "127.0.0.1", 0, "<>", DSN_BODY("mail.example.org", "a@example.com"), "local", NULL},
    {"the MTA's own, of a named daemon", "localhost", "127.0.0.1", 0, "<>", DSN_BODY("mail.example.org", "a@example.com"), "local",
     "bounce"},
    {"by a user with sendmail(1)", "localhost", "127.0.0.1", 0, "<>", DSN_BODY("mail.example.org", "a@example.com"), "unproven",
     "pickup"},
    {"in another host's name", "localhost", "127.0.0.1", 0, "<>", DSN_BODY("other.example", "a@example.com"), "unproven", NULL},
    {"own, but with a sender", "localhost", "127.0.0.1", 0, "<u@example.org>", DSN_BODY("mail.example.org", "a@example.com"), NULL, NULL},
    {"by SMTP on this host", "localhost", "127.0.0.1", 4000, "<>", DSN_BODY("mail.example.org", "a@example.com"), "unproven", NULL},
    {"by SMTP from outside", "mx", "203.0.113.5", 4000, "<>", DSN_BODY("mail.example.org", "a@example.com"), "unproven", NULL},
    {"from outside with a sender", "mx", "203.0.113.5", 4000, "<md@mx>", DSN_BODY("mx.example", "a@example.com"), "unproven", NULL},
};

START_TEST(only_the_mtas_own_report_is_local)
{
    const char *expected = reports[_i].evidence ? reports[_i].evidence : "";

    report_daemon = reports[_i].daemon;
    ck_assert_int_ne(give_report(reports[_i].host, reports[_i].ip, reports[_i].port, reports[_i].sender,
                                 DSN_TYPE, reports[_i].body), SESSION_PUT_OFF);
    ck_assert_msg(!strcmp(database_text("SELECT evidence FROM event"), expected), "%s", reports[_i].what);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), !strcmp(expected, "local"));
}
END_TEST

START_TEST(prose_is_never_local_evidence)
{
    ck_assert_int_eq(give_report("localhost", "127.0.0.1", 0, "<>", DSN_TYPE,
                                 "--b\r\nContent-Type: text/plain\r\n\r\n"
                                 "This is the mail system at host mail.example.org.\r\n\r\n"
                                 "<a@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown\r\n"
                                 "    (in reply to RCPT TO command)\r\n--b--\r\n"),
                     SESSION_ACCEPT);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event WHERE trusted"), 0);
}
END_TEST

START_TEST(ordinary_mail_is_left_alone)
{
    ck_assert_int_eq(give_report("mx", "203.0.113.5", 4000, "<friend@example.net>", "text/plain", "Hello"), SESSION_ACCEPT);
    ck_assert_int_eq(give_report("mx", "203.0.113.5", 4000, "<>", "text/plain", "Thank you, see you on Monday.\r\n"), SESSION_ACCEPT);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 0);
}
END_TEST

START_TEST(what_cannot_be_understood_is_kept_aside)
{
    ck_assert_int_eq(give_report("localhost", "127.0.0.1", 0, "<>", DSN_TYPE,
                                 "--b\r\nContent-Type: message/delivery-status\r\n\r\nnothing of use\r\n--b--\r\n"),
                     SESSION_ACCEPT);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 1);
    ck_assert_str_eq(database_text("SELECT problem FROM aside"), "the delivery status names no recipient and action");
}
END_TEST

START_TEST(a_report_that_names_nobody_is_kept_aside)
{
    ck_assert_int_eq(give_report("localhost", "127.0.0.1", 0, "<>", DSN_TYPE,
                                 "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
                                 "Final-Recipient: rfc822; joe@mx..example\r\nAction: failed\r\n--b--\r\n"),
                     SESSION_ACCEPT);
    ck_assert_str_eq(database_text("SELECT problem FROM aside"), "no recipient that it names is an address");
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 0);
}
END_TEST

START_TEST(a_report_is_put_off_when_the_disk_fails_and_mail_is_not)
{
    struct session *session = open_session("app", "127.0.0.1", 4000);
    struct gate_reply reply;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(give_report("localhost", "127.0.0.1", 0, "<>", DSN_TYPE, DSN_BODY("mail.example.org", "a@example.com")),
                     SESSION_PUT_OFF);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_REPORTS_TEMPFAILED), 1);
    session_mail(session, "<news@example.org>", 0);
    ck_assert_int_eq(session_rcpt(session, "<b@example.com>", 2000, &reply), SESSION_CONTINUE);
    ck_assert_int_eq(session_end_of_headers(session), SESSION_SKIP);
    ck_assert_int_eq(session_end_of_message(session, "Q2", 2000), SESSION_ACCEPT);
    session_close(&session);
    sqlite3_close(db);
}
END_TEST

START_TEST(recipients_pass_when_the_database_is_gone)
{
    struct session *session;
    struct gate_reply reply;
    struct lookup_pool *nowhere = lookup_pool_new("/nonexistent/suppressd.db");

    gate_free(&rooms.gate);
    rooms.gate = gate_new(nowhere, &counters);
    session = open_session("app", "127.0.0.1", 4000);
    session_mail(session, "<news@example.org>", 0);
    ck_assert_int_eq(session_rcpt(session, "<b@example.com>", 2000, &reply), SESSION_CONTINUE);
    ck_assert_int_eq(session_rcpt(session, "<c@example.com>", 2000, &reply), SESSION_CONTINUE);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_TROUBLE), 2);
    session_close(&session);
    gate_free(&rooms.gate);
    lookup_pool_free(&nowhere);
}
END_TEST

START_TEST(a_huge_report_is_read_as_far_as_allowed)
{
    struct session *session;
    static char filler[65536];
    int chunks = 0;

    memset(filler, 'x', sizeof(filler));
    settings->report_size_max = 100000;
    session = open_session("mx", "203.0.113.5", 4000);
    session_mail(session, "<>", 0);
    session_header(session, "Content-Type", DSN_TYPE);
    ck_assert_int_eq(session_end_of_headers(session), SESSION_CONTINUE);
    while (session_body(session, filler, sizeof(filler)) == SESSION_CONTINUE)
        chunks++;
    ck_assert_int_eq(chunks, 1);
    ck_assert_int_eq(session_end_of_message(session, "R1", 2000), SESSION_ACCEPT);
    session_close(&session);
    ck_assert_int_le(database_number("SELECT coalesce(max(size), 0) FROM aside"), 100000);
}
END_TEST

START_TEST(a_large_report_without_room_is_put_off)
{
    static char filler[65536];
    struct budget memory = {.max = 100};
    struct session *session;

    memset(filler, 'x', sizeof(filler));
    rooms.memory = &memory;
    session = open_session("mx", "203.0.113.5", 4000);
    session_mail(session, "<>", 0);
    session_header(session, "Content-Type", DSN_TYPE);
    ck_assert_int_eq(session_end_of_headers(session), SESSION_CONTINUE);
    ck_assert_int_eq(session_body(session, filler, sizeof(filler)), SESSION_SKIP);
    ck_assert_int_eq(session_end_of_message(session, "R1", 2000), SESSION_PUT_OFF);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_REPORTS_TEMPFAILED), 1);
    session_close(&session);
    ck_assert_int_eq(give_report("localhost", "127.0.0.1", 0, "<>", DSN_TYPE, DSN_BODY("mail.example.org", "a@example.com")),
                     SESSION_ACCEPT);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
    ck_assert_uint_eq(budget_used(&memory), 0);
    rooms.memory = NULL;
}
END_TEST

/* One session too many: nothing is stopped, nothing lost. */
START_TEST(a_crowded_session_passes_mail_and_puts_reports_off)
{
    struct session *session = open_session("app", "127.0.0.1", 4000);
    struct gate_reply reply;

    suppress_stream("b@example.com", "");
    session_crowd_out(session);
    session_mail(session, "<news@example.org>", 0);
    ck_assert_int_eq(session_rcpt(session, "<b@example.com>", 2000, &reply), SESSION_CONTINUE);
    session_header(session, "Subject", "x");
    ck_assert_int_eq(session_end_of_headers(session), SESSION_ACCEPT);
    ck_assert_int_eq(session_end_of_message(session, "Q1", 2000), SESSION_ACCEPT);
    session_mail(session, "<>", 0);
    session_header(session, "Subject", "x");
    ck_assert_int_eq(session_end_of_headers(session), SESSION_SKIP);
    ck_assert_int_eq(session_body(session, "x", 1), SESSION_SKIP);
    ck_assert_int_eq(session_end_of_message(session, "Q2", 2000), SESSION_PUT_OFF);
    session_mail(session, "<abuse@example.net>", 0);
    session_header(session, "Content-Type", DSN_TYPE);
    ck_assert_int_eq(session_end_of_headers(session), SESSION_SKIP);
    ck_assert_int_eq(session_end_of_message(session, "Q3", 2000), SESSION_PUT_OFF);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_SESSIONS_CROWDED), 1);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_REPORTS_TEMPFAILED), 2);
    session_close(&session);
}
END_TEST

START_TEST(while_stopping_reports_are_put_off_and_mail_passes)
{
    struct session *session = open_session("mx", "203.0.113.5", 4000);

    session_mail(session, "<>", 0);
    session_end_of_headers(session);
    ck_assert_int_eq(session_give_up(session), SESSION_PUT_OFF);
    session_mail(session, "<friend@example.net>", 0);
    session_end_of_headers(session);
    ck_assert_int_eq(session_give_up(session), SESSION_ACCEPT);
    session_close(&session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/intake/session");
    TCase *tc = tcase_create("session");
    int failed;

    message_init();
    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, the_gate_acts_on_mail_that_is_being_sent, 0, sizeof(clients) / sizeof(clients[0]));
    tcase_add_test(tc, what_is_sent_is_remembered);
    tcase_add_test(tc, what_is_remembered_of_a_message_is_bounded);
    tcase_add_loop_test(tc, what_the_headers_say_is_heeded_at_their_end, 0, sizeof(late) / sizeof(late[0]));
    tcase_add_loop_test(tc, submitted_mail_gets_a_signed_sender, 0, sizeof(submissions) / sizeof(submissions[0]));
    tcase_add_loop_test(tc, what_comes_back_to_a_signed_sender, 0, sizeof(returns) / sizeof(returns[0]));
    tcase_add_loop_test(tc, only_the_mtas_own_report_is_local, 0, sizeof(reports) / sizeof(reports[0]));
    tcase_add_test(tc, prose_is_never_local_evidence);
    tcase_add_test(tc, ordinary_mail_is_left_alone);
    tcase_add_test(tc, what_cannot_be_understood_is_kept_aside);
    tcase_add_test(tc, a_report_that_names_nobody_is_kept_aside);
    tcase_add_test(tc, a_report_is_put_off_when_the_disk_fails_and_mail_is_not);
    tcase_add_test(tc, recipients_pass_when_the_database_is_gone);
    tcase_add_test(tc, a_huge_report_is_read_as_far_as_allowed);
    tcase_add_test(tc, a_large_report_without_room_is_put_off);
    tcase_add_test(tc, a_crowded_session_passes_mail_and_puts_reports_off);
    tcase_add_test(tc, while_stopping_reports_are_put_off_and_mail_passes);
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
