/* See milter.h. */
#include "config.h"

#include "daemon/intake/milter.h"

#include "base/mem.h"
#include "daemon/listen.h"
#include "daemon/log.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Steps that are of no use here, and answers that the MTA need not wait for. */
#define STEPS_NOT_WANTED (SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN)
#define ANSWERS_NOT_GIVEN (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR)

struct milter {
    const struct session_rooms *rooms;
    pthread_mutex_t lock; /* guards settings */
    struct settings *settings;
    void (*ended)(void *context);
    void *context;
    atomic_int stopping; /* the rooms are not to be entered any more */
    atomic_int inside;   /* callbacks that are in them */
    atomic_long sessions; /* there are */
    char *socket_path; /* of a unix socket; NULL for inet */
};

/* What libmilter keeps for each connection. */
struct connection {
    struct session *session; /* NULL until the connect step */
    unsigned long steps;     /* what was agreed on with the MTA */
};

static struct milter *the_milter; /* set before libmilter starts, cleared after it has ended */

static sfsistat silent(const struct connection *connection, unsigned long step)
{
    return connection->steps & step ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* Connections outlive libmilter's end; what they may no longer use when the
 * daemon stops stands between enter and leave. 0: it stops, stay out. */
static int enter_rooms(void)
{
    atomic_fetch_add(&the_milter->inside, 1);
    if (!the_milter->stopping)
        return 1;
    atomic_fetch_sub(&the_milter->inside, 1);
    return 0;
}

static void leave_rooms(void)
{
    atomic_fetch_sub(&the_milter->inside, 1);
}

static struct session *session_of(SMFICTX *ctx)
{
    struct connection *connection = smfi_getpriv(ctx);

    return connection ? connection->session : NULL;
}

/* Only the envelope is ever changed, and only where senders are signed. */
static unsigned long wanted_actions(void)
{
    unsigned long actions;

    pthread_mutex_lock(&the_milter->lock);
    actions = *the_milter->settings->tag_domains ? SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_DELRCPT : 0;
    pthread_mutex_unlock(&the_milter->lock);
    return actions;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                             unsigned long unused2, unsigned long unused3, unsigned long *actions_r,
                             unsigned long *steps_r, unsigned long *unused2_r, unsigned long *unused3_r)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));

    (void)unused2, (void)unused3;
    connection->steps = steps & (STEPS_NOT_WANTED | ANSWERS_NOT_GIVEN | SMFIP_SKIP);
    smfi_setpriv(ctx, connection);
    *actions_r = actions & wanted_actions();
    *steps_r = connection->steps;
    *unused2_r = *unused3_r = 0;
    smfi_setsymlist(ctx, SMFIM_CONNECT, (char[]){"j {daemon_port} {daemon_name}"});
    smfi_setsymlist(ctx, SMFIM_ENVFROM, (char[]){"{auth_type} {auth_authen}"});
    smfi_setsymlist(ctx, SMFIM_EOM, (char[]){"i"});
    return SMFIS_CONTINUE;
}

static void close_session(struct connection *connection)
{
    if (connection->session)
        atomic_fetch_sub(&the_milter->sessions, 1);
    session_close(&connection->session);
}

static sfsistat on_connect(SMFICTX *ctx, char *hostname, _SOCK_ADDR *address)
{
    struct connection *connection = smfi_getpriv(ctx);
    struct settings *settings;

    if (!connection) { /* an MTA that does not negotiate */
        connection = xcalloc(1, sizeof(*connection));
        smfi_setpriv(ctx, connection);
    }
    pthread_mutex_lock(&the_milter->lock);
    settings = settings_ref(the_milter->settings);
    pthread_mutex_unlock(&the_milter->lock);
    close_session(connection);
    connection->session = session_open(the_milter->rooms, settings, hostname,
                                       (const struct sockaddr *)address,
                                       smfi_getsymval(ctx, (char[]){"j"}));
    if (atomic_fetch_add(&the_milter->sessions, 1) >= settings->milter_connections_max)
        session_crowd_out(connection->session);
    session_daemon(connection->session, smfi_getsymval(ctx, (char[]){"{daemon_port}"}),
                   smfi_getsymval(ctx, (char[]){"{daemon_name}"}));
    settings_unref(&settings);
    return silent(connection, SMFIP_NR_CONN);
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    struct connection *connection = smfi_getpriv(ctx);
    int authenticated = smfi_getsymval(ctx, (char[]){"{auth_authen}"}) != NULL ||
                        smfi_getsymval(ctx, (char[]){"{auth_type}"}) != NULL;

    if (!connection || !connection->session)
        return SMFIS_ACCEPT;
    session_mail(connection->session, arguments[0], authenticated);
    return silent(connection, SMFIP_NR_MAIL);
}

/* libmilter takes a percent sign for the start of a macro unless it is doubled. */
static void double_percent(const char *text, char *copy_r, size_t size)
{
    size_t length = 0;

    for (; *text && length + 3 < size; text++) {
        if (*text == '%')
            copy_r[length++] = '%';
        copy_r[length++] = *text;
    }
    copy_r[length] = '\0';
}

static sfsistat refuse(SMFICTX *ctx, struct gate_reply *reply)
{
    char text[sizeof(reply->text) * 2];

    double_percent(reply->text, text, sizeof(text));
    if (smfi_setreply(ctx, reply->code, reply->status, text) != MI_SUCCESS)
        log_line(LOG_WARN, "gate: the reply \"%s %s %s\" was not taken", reply->code, reply->status, text);
    return reply->code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    struct session *session = session_of(ctx);
    enum session_answer answer;
    struct gate_reply reply;

    if (!session || !enter_rooms())
        return SMFIS_CONTINUE;
    answer = session_rcpt(session, arguments[0], (int64_t)time(NULL), &reply);
    leave_rooms();
    return answer == SESSION_REFUSE ? refuse(ctx, &reply) : SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct connection *connection = smfi_getpriv(ctx);

    if (!connection || !connection->session)
        return SMFIS_ACCEPT;
    session_header(connection->session, name, value);
    return silent(connection, SMFIP_NR_HDR);
}

static sfsistat on_end_of_headers(SMFICTX *ctx)
{
    struct session *session = session_of(ctx);
    enum session_answer answer = SESSION_CONTINUE;
    struct gate_reply reply;

    if (!session)
        return SMFIS_ACCEPT;
    if (enter_rooms()) {
        answer = session_gate(session, (int64_t)time(NULL), &reply);
        leave_rooms();
    }
    if (answer == SESSION_REFUSE)
        return refuse(ctx, &reply);
    return session_end_of_headers(session) == SESSION_ACCEPT ? SMFIS_ACCEPT : SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *bytes, size_t length)
{
    struct connection *connection = smfi_getpriv(ctx);

    if (!connection || !connection->session)
        return SMFIS_ACCEPT;
    if (session_body(connection->session, (const char *)bytes, length) == SESSION_SKIP &&
        connection->steps & SMFIP_SKIP)
        return SMFIS_SKIP;
    return SMFIS_CONTINUE;
}

static char *in_brackets(const char *address)
{
    return *address == '<' ? xstrdup(address) : xasprintf("<%s>", address);
}

/* A sender that stays unsigned, and a tag that is not taken off, are no reason to stop a message. */
static void change_envelope(SMFICTX *ctx, struct session *session, int64_t now)
{
    struct session_envelope envelope;
    char *address;

    session_envelope(session, now, &envelope);
    if (envelope.sender) {
        address = in_brackets(envelope.sender);
        counters_add(the_milter->rooms->counters, smfi_chgfrom(ctx, address, NULL) == MI_SUCCESS
                                                      ? COUNTER_TAGS_WRITTEN : COUNTER_TAGS_LEFT_OUT, 1);
        free(address);
    }
    for (size_t i = 0; i < envelope.count; i++) {
        address = in_brackets(envelope.to[i]);
        if (smfi_addrcpt(ctx, address) != MI_SUCCESS || smfi_delrcpt(ctx, envelope.from[i]) != MI_SUCCESS)
            log_line(LOG_WARN, "the MTA keeps the tag of %s", envelope.from[i]);
        free(address);
    }
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    struct session *session = session_of(ctx);
    enum session_answer answer;

    if (!session)
        return SMFIS_ACCEPT;
    if (enter_rooms()) {
        change_envelope(ctx, session, (int64_t)time(NULL));
        answer = session_end_of_message(session, smfi_getsymval(ctx, (char[]){"i"}), (int64_t)time(NULL));
        leave_rooms();
    } else {
        answer = session_give_up(session);
    }
    return answer == SESSION_PUT_OFF ? SMFIS_TEMPFAIL : SMFIS_ACCEPT;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct session *session = session_of(ctx);

    if (session)
        session_abort(session);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct connection *connection = smfi_getpriv(ctx);

    if (connection) {
        close_session(connection);
        free(connection);
        smfi_setpriv(ctx, NULL);
    }
    return SMFIS_CONTINUE;
}

/* libmilter's signal thread waits for HUP, TERM and INT and stops on each. The
 * kernel gives a signal to main, unless another one is on its way to main
 * already: then it went to that thread, and a HUP behind a TERM, or a TERM
 * behind an INT, was a failure of the milter. This takes the place of the C
 * library's function for the whole program, in which nobody else calls it. */
int sigwait(const sigset_t *set, int *signal_r)
{
    (void)set, (void)signal_r;
    for (;;)
        pause();
}

static void *milter_main(void *argument)
{
    struct milter *milter = argument;
    int result = smfi_main();

    if (!milter->stopping) {
        log_line(LOG_ERROR, "libmilter has ended by itself (%d)", result);
        milter->ended(milter->context);
    }
    return NULL;
}

static int start_thread(struct milter *milter, struct error *error)
{
    sigset_t all, old;
    pthread_t thread;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (!(failed = pthread_create(&thread, NULL, milter_main, milter)))
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failed ? error_set(error, ERROR_ENVIRONMENT, "milter thread: %s", strerror(failed)) : 0;
}

static int bind_socket(const struct settings *settings, char **path_r, struct error *error)
{
    static char name[] = "suppressd";
    static struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_DELRCPT,
        .xxfi_negotiate = on_negotiate,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = on_header,
        .xxfi_eoh = on_end_of_headers,
        .xxfi_body = on_body,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
    };
    const char *spec = settings->milter_socket;
    const struct listen_spec unix_spec = {
        .option = "milter_socket",
        .place = spec,
        .mode = settings->milter_socket_mode,
        .group = settings->milter_socket_group,
    };
    mode_t mask;
    int bound;

    *path_r = strncmp(spec, "unix:", 5) ? NULL : xstrdup(spec + 5);
    if (!*path_r && strncmp(spec, "inet:", 5) && strncmp(spec, "inet6:", 6))
        return error_set(error, ERROR_INPUT, "milter_socket: '%s' is none of unix:PATH, inet:PORT@HOST, "
                         "inet6:PORT@HOST", spec);
    if (smfi_register(description) != MI_SUCCESS || smfi_setconn((char *)(uintptr_t)spec) != MI_SUCCESS)
        return error_set(error, ERROR_ENVIRONMENT, "milter_socket: '%s' was not taken by libmilter", spec);
    smfi_settimeout((int)settings->milter_timeout);
    mask = umask(0777); /* nobody connects before it has its mode and group */
    bound = smfi_opensocket(1);
    umask(mask);
    if (bound != MI_SUCCESS)
        return error_set(error, ERROR_ENVIRONMENT, "milter_socket: cannot listen on '%s': %s", spec,
                         strerror(errno));
    return *path_r ? listen_give(&unix_spec, *path_r, error) : 0;
}

struct milter *milter_start(const struct session_rooms *rooms, struct settings *settings,
                            void (*ended)(void *context), void *context, struct error *error)
{
    struct milter *milter = xcalloc(1, sizeof(*milter));

    milter->rooms = rooms;
    milter->settings = settings_ref(settings);
    milter->ended = ended;
    milter->context = context;
    pthread_mutex_init(&milter->lock, NULL);
    the_milter = milter;
    if (!bind_socket(settings, &milter->socket_path, error) && !start_thread(milter, error))
        return milter;
    the_milter = NULL;
    settings_unref(&milter->settings);
    pthread_mutex_destroy(&milter->lock);
    free(milter->socket_path);
    free(milter);
    return NULL;
}

void milter_set_settings(struct milter *milter, struct settings *settings)
{
    struct settings *old;

    pthread_mutex_lock(&milter->lock);
    old = milter->settings;
    milter->settings = settings_ref(settings);
    pthread_mutex_unlock(&milter->lock);
    settings_unref(&old);
}

/* Whoever waits for the disk gets the answer first; ack_timeout bounds it. */
static void wait_until_left(struct milter *milter)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000000L};

    while (milter->inside)
        nanosleep(&pause, NULL);
}

/* libmilter's threads are left as they are and end with the process; the
 * milter stays allocated for them. smfi_stop would wait up to five seconds for
 * the listener to look up, and unlocks a mutex that the listener destroys. */
void milter_stop(struct milter **milter)
{
    struct milter *old = *milter;

    *milter = NULL;
    if (!old)
        return;
    old->stopping = 1;
    if (old->socket_path)
        unlink(old->socket_path); /* the MTA finds nobody rather than a silent listener */
    wait_until_left(old);
}
