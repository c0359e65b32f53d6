/* suppressd: learns why mail was refused and stops mail to dead addresses.
 *
 * A table of contents: options, settings, the rooms in order of dependency,
 * the ready notice, the loop, and all of it in exact reverse. HUP reloads
 * settings and rules, TERM and INT stop.
 */
#include "config.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/budget.h"
#include "daemon/console/announce.h"
#include "daemon/console/control.h"
#include "daemon/counters.h"
#include "daemon/gate/desk.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/gate_server.h"
#include "daemon/intake/follow.h"
#include "daemon/intake/lmtp.h"
#include "daemon/intake/milter.h"
#include "daemon/intake/own.h"
#include "daemon/intake/session.h"
#include "daemon/ledger/incident.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/policy.h"
#include "daemon/ledger/writer.h"
#include "daemon/keyring.h"
#include "daemon/log.h"
#include "daemon/policy_section.h"
#include "daemon/privilege.h"
#include "daemon/report/message.h"
#include "daemon/settings.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#include <sys/prctl.h>
#endif

/* The house. Connections that the MTA keeps open may count on until the
 * process ends, so the counters are not on main's stack. */
struct house {
    const char *file;
    struct settings *settings;
    struct ruleset *rules;
    struct event_base *base;
    struct event *on_hup, *on_term, *on_int, *on_ended;
    struct announce *announce;
    struct writer *writer;
    struct lookup_pool *pool;
    struct gate *gate;
    struct session_rooms rooms;
    struct milter *milter;
    struct follow *follow; /* NULL: no mail_log */
    struct lmtp *lmtp;     /* NULL: no lmtp_socket */
    struct desk *desk;     /* NULL: neither of the next two */
    struct gate_server *socketmap, *policy; /* NULL: no socketmap_socket, no policy_socket */
    char own_name[256];    /* of this host's MTA, in its bounces */
    struct control *control;
    struct keyring *keyring;
    struct counters *counters;
    struct budget memory; /* of messages that come in */
    char reload_error[512];
    int64_t started;
    int exit_code;
};

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
    sd_notify(0, state);
#else
    (void)state;
#endif
}

static struct ruleset *load_rules(const struct settings *settings, struct error *error)
{
    struct ruleset *rules = ruleset_load(settings->rules_dir, settings->local_rules_dir, error);

    malloc_trim(0); /* compiling takes far more memory than the result */
    return rules;
}

static int load_keys(struct house *house, const struct settings *settings, struct error *error)
{
    return keyring_load(house->keyring, settings->tag_key_file, *settings->tag_domains != '\0', settings->proof_age,
                        (int64_t)time(NULL), error);
}

static struct writer_limits writer_limits_of(const struct settings *settings)
{
    return (struct writer_limits){
        .sent_keep = settings->sent_keep,
        .rollup_keep = settings->rollup_keep,
        .events_keep = settings->events_keep,
        .unproven_keep = settings->unproven_keep,
        .aside_bytes_max = settings->aside_bytes_max,
        .reading = collect_limits_of(settings, NULL).reading,
    };
}

static const char *gate_mode_name(long mode)
{
    return mode == GATE_OFF ? "off" : mode == GATE_SHADOW ? "shadow" : "enforce";
}

static void fill_facts(struct control_facts *facts_r, void *context)
{
    const struct house *house = context;

    *facts_r = (struct control_facts){
        .version = PACKAGE_VERSION,
        .config = house->file,
        .rules_version = ruleset_version(house->rules),
        .rules = (long)ruleset_size(house->rules),
        .gate_mode = gate_mode_name(house->settings->gate_mode),
        .reload_error = house->reload_error,
        .own_host = house->own_name,
        .limits = collect_limits_of(house->settings, NULL),
        .started = house->started,
    };
}

/* Puts new settings and rules in force; both are known to be good. */
static void use(struct house *house, struct settings *settings, struct ruleset *rules)
{
    struct writer_limits limits = writer_limits_of(settings);
    struct record *record = record_new(RECORD_RULES, (int64_t)time(NULL));
    struct error error;

    record->ruleset = ruleset_ref(rules);
    record->policy = policy_ref(settings->policy);
    if (writer_submit(house->writer, record, &error)) {
        log_line(LOG_WARN, "reload: the rules stay as they were: %s", error.text);
        record_free(&record);
    }
    writer_set_limits(house->writer, &limits);
    budget_set(&house->memory, (size_t)settings->messages_memory_max);
    milter_set_settings(house->milter, settings);
    if (house->lmtp)
        lmtp_set_settings(house->lmtp, settings);
    if (house->desk)
        desk_set_rules(house->desk, rules);
    if (house->socketmap)
        gate_server_set_settings(house->socketmap, settings);
    if (house->policy)
        gate_server_set_settings(house->policy, settings);
    log_set_level((enum log_level)settings->log_level);
    settings_unref(&house->settings);
    ruleset_unref(&house->rules);
    house->settings = settings;
    house->rules = rules;
}

static int reload(struct house *house, struct error *error)
{
    struct settings *settings = settings_load(house->file, error);
    struct ruleset *rules;
    const char *name;

    if (!settings)
        return -1;
    if (!(rules = load_rules(settings, error)) || load_keys(house, settings, error)) {
        ruleset_unref(&rules);
        settings_unref(&settings);
        return -1;
    }
    if (settings_need_restart(house->settings, settings, &name))
        log_line(LOG_WARN, "reload: %s has changed; that takes a restart to have effect", name);
    use(house, settings, rules);
    return 0;
}

static void on_hup(evutil_socket_t fd, short what, void *context)
{
    struct house *house = context;
    struct error error;

    (void)fd, (void)what;
    notify("RELOADING=1");
    if (reload(house, &error)) {
        counters_add(house->counters, COUNTER_RELOADS_FAILED, 1);
        snprintf(house->reload_error, sizeof(house->reload_error), "%s", error.text);
        log_line(LOG_ERROR, "reload: everything stays as it was: %s", error.text);
    } else {
        counters_add(house->counters, COUNTER_RELOADS, 1);
        house->reload_error[0] = '\0';
        log_line(LOG_NOTE, "reloaded %s: %zu rules, version %s, gate %s", house->file,
                 ruleset_size(house->rules), ruleset_version(house->rules),
                 gate_mode_name(house->settings->gate_mode));
    }
    notify("READY=1");
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
    struct house *house = context;

    (void)fd, (void)what;
    event_base_loopbreak(house->base);
}

static void on_ended(evutil_socket_t fd, short what, void *context)
{
    struct house *house = context;

    (void)fd, (void)what;
    house->exit_code = EXIT_FAILURE;
    event_base_loopbreak(house->base);
}

/* Called by the milter's thread. */
static void milter_ended(void *context)
{
    struct house *house = context;

    event_active(house->on_ended, EV_TIMEOUT, 0);
}

static int open_loop(struct house *house, struct error *error)
{
    if (evthread_use_pthreads() || !(house->base = event_base_new()))
        return error_set(error, ERROR_ENVIRONMENT, "no event loop");
    house->on_hup = evsignal_new(house->base, SIGHUP, on_hup, house);
    house->on_term = evsignal_new(house->base, SIGTERM, on_stop, house);
    house->on_int = evsignal_new(house->base, SIGINT, on_stop, house);
    house->on_ended = event_new(house->base, -1, 0, on_ended, house);
    if (!house->on_hup || !house->on_term || !house->on_int || !house->on_ended ||
        event_add(house->on_hup, NULL) || event_add(house->on_term, NULL) || event_add(house->on_int, NULL))
        return error_set(error, ERROR_ENVIRONMENT, "no signal events");
    return 0;
}

static struct incident_parameters incident_parameters_of(const struct settings *settings)
{
    struct incident_parameters parameters = incident_defaults;

    parameters.ratio = (double)settings->incident_ratio;
    parameters.alpha = pow(10, -(double)settings->incident_chance);
    parameters.failures_min = (int)settings->incident_failures_min;
    parameters.baseline = settings->incident_baseline;
    parameters.quiet = settings->incident_quiet;
    return parameters;
}

static int open_announce(struct house *house, struct error *error)
{
    const struct announce_options options = {
        .base = house->base,
        .counters = house->counters,
        .program = house->settings->incident_program,
        .address = house->settings->incident_address,
        .seconds = 30,
    };

    house->announce = announce_open(&options, error);
    return house->announce ? 0 : -1;
}

static int open_ledger(struct house *house, struct error *error)
{
    const struct settings *settings = house->settings;
    const struct incident_parameters parameters = incident_parameters_of(settings);
    const struct ledger_options ledger_options = {
        .incidents = &parameters,
        .database = settings->database,
        .strict_local_part = (int)settings->strict_local_part,
        .hashed = (int)settings->addresses_hashed,
        .ruleset = house->rules,
        .policy = settings->policy,
        .counters = house->counters,
        .keyring = house->keyring,
    };
    const struct writer_options options = {
        .queue_max = (size_t)settings->queue_max,
        .queue_bytes_max = (size_t)settings->queue_bytes_max,
        .batch_max = (size_t)settings->batch_max,
        .counters = house->counters,
    };
    const struct writer_limits limits = writer_limits_of(settings);
    struct ledger *ledger = ledger_open(&ledger_options, error);

    if (ledger)
        ledger_listen(ledger, announce_listen, house->announce);
    if (!ledger || !(house->writer = writer_start(ledger, &options, &limits, error)))
        return -1;
    house->pool = lookup_pool_new(settings->database);
    return 0;
}

static int open_follow(struct house *house, struct error *error)
{
    const struct settings *settings = house->settings;
    struct follow_options options = {
        .base = house->base,
        .writer = house->writer,
        .counters = house->counters,
        .path = settings->mail_log,
        .host = settings->mail_log_host,
        .keep_delivered = (int)settings->keep_delivered,
        .line_max = settings->log_line_max,
    };
    struct log_position from;
    struct lookup *lookup;
    int known;

    if (!*settings->mail_log)
        return 0;
    if (!(lookup = lookup_open(settings->database, error)))
        return -1;
    known = lookup_position(lookup, settings->mail_log, &from, error);
    lookup_close(&lookup);
    if (known < 0)
        return -1;
    options.from = known ? &from : NULL;
    house->follow = follow_open(&options, error);
    return house->follow ? 0 : -1;
}

static int open_lmtp(struct house *house, struct error *error)
{
    const struct lmtp_rooms rooms = {
        .base = house->base,
        .writer = house->writer,
        .counters = house->counters,
        .memory = &house->memory,
        .host = *house->own_name ? house->own_name : "localhost",
    };

    if (!*house->settings->lmtp_socket)
        return 0;
    house->lmtp = lmtp_open(&rooms, house->settings, error);
    return house->lmtp ? 0 : -1;
}

static int open_gate(struct house *house, enum dialogue_kind kind, const struct listen_spec *spec,
                     struct gate_server **server_r, struct error *error)
{
    const struct desk_rooms desk_rooms = {house->base, house->gate, house->counters, house->rules};
    struct gate_rooms rooms = {.base = house->base, .counters = house->counters};

    if (!*spec->place)
        return 0;
    if (!house->desk && !(house->desk = desk_open(&desk_rooms, error)))
        return -1;
    rooms.desk = house->desk;
    *server_r = gate_server_open(&rooms, kind, spec, house->settings, error);
    return *server_r ? 0 : -1;
}

static int open_gates(struct house *house, struct error *error)
{
    const struct settings *settings = house->settings;
    const struct listen_spec socketmap = {"socketmap_socket", settings->socketmap_socket,
                                          settings->socketmap_socket_mode, settings->socketmap_socket_group};
    const struct listen_spec policy = {"policy_socket", settings->policy_socket, settings->policy_socket_mode,
                                       settings->policy_socket_group};

    if (open_gate(house, DIALOGUE_SOCKETMAP, &socketmap, &house->socketmap, error))
        return -1;
    return open_gate(house, DIALOGUE_POLICY, &policy, &house->policy, error);
}

static int open_rooms(struct house *house, struct error *error)
{
    struct control_rooms control_rooms = {
        .counters = house->counters,
        .keep_delivered = (int)house->settings->keep_delivered,
        .strict_local_part = (int)house->settings->strict_local_part,
        .connections_max = house->settings->control_connections_max,
        .line_max = house->settings->log_line_max,
    };

    if (!(house->rules = load_rules(house->settings, error)))
        return error_prefix(error, "rules");
    house->keyring = keyring_new();
    budget_set(&house->memory, (size_t)house->settings->messages_memory_max);
    if (load_keys(house, house->settings, error))
        return error_prefix(error, "tag_key_file");
    own_name(house->settings->mail_log_host, house->own_name, sizeof(house->own_name));
    if (open_loop(house, error) || open_announce(house, error) || open_ledger(house, error))
        return -1;
    control_rooms.base = house->base;
    control_rooms.writer = house->writer;
    if (!(house->control = control_open(house->settings->control_socket, &control_rooms, fill_facts, house, error)))
        return -1;
    house->gate = gate_new(house->pool, house->counters);
    house->rooms = (struct session_rooms){
        .gate = house->gate, .writer = house->writer, .counters = house->counters, .keyring = house->keyring,
        .memory = &house->memory};
    house->milter = milter_start(&house->rooms, house->settings, milter_ended, house, error);
    if (!house->milter || open_gates(house, error) || open_follow(house, error))
        return -1;
    return open_lmtp(house, error);
}

static void close_rooms(struct house *house)
{
    milter_stop(&house->milter);
    gate_server_close(&house->socketmap);
    gate_server_close(&house->policy);
    desk_close(&house->desk);
    gate_free(&house->gate);
    writer_stop(&house->writer); /* what is queued is recorded and acknowledged */
    follow_close(&house->follow);
    lmtp_close(&house->lmtp);
    lookup_pool_free(&house->pool);
    keyring_free(&house->keyring);
    control_close(&house->control);
    announce_close(&house->announce);
    if (house->base) {
        event_free(house->on_hup);
        event_free(house->on_term);
        event_free(house->on_int);
        event_free(house->on_ended);
        event_base_free(house->base);
    }
    ruleset_unref(&house->rules);
    settings_unref(&house->settings);
    libevent_global_shutdown();
}

/* Everything but the settings is opened by the user; they will be, at a reload. */
static int settle_user(const struct house *house, struct error *error)
{
    const struct settings *settings = house->settings;

    if (privilege_folder(settings->user, settings->database, 0750, error) ||
        privilege_folder(settings->user, settings->control_socket, 0700, error) ||
        privilege_drop(settings->user, error))
        return -1;
    if (geteuid() == 0)
        log_line(LOG_WARN, "runs as root, since user = \"\"");
    if (access(house->file, R_OK))
        return error_set(error, ERROR_ENVIRONMENT, "%s: user %s cannot read it, so that a reload would fail: %s",
                         house->file, settings->user, strerror(errno));
    return 0;
}

/* What a shell allows is little; beyond its limit libmilter would try in vain without a pause. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        log_line(LOG_WARN, "the limit of open files stays as it is: %s", strerror(errno));
}

static int run(struct house *house)
{
    struct error error;

    umask(0027);
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log file that may not grow is no reason to end */
    mallopt(M_MMAP_THRESHOLD, 256 << 10); /* what a large message took goes back to the system, whoever frees it */
    message_init();
    house->started = (int64_t)time(NULL);
    if (settle_user(house, &error) || open_rooms(house, &error)) {
        log_line(LOG_ERROR, "cannot start: %s", error.text);
        house->exit_code = EXIT_FAILURE;
    } else {
        log_line(LOG_NOTE, "suppressd ready: version %s, %s, %zu rules (%s), gate %s", PACKAGE_VERSION,
                 house->settings->milter_socket, ruleset_size(house->rules),
                 ruleset_version(house->rules), gate_mode_name(house->settings->gate_mode));
        notify("READY=1");
        event_base_dispatch(house->base);
        notify("STOPPING=1");
        log_line(LOG_NOTE, "stopping");
    }
    close_rooms(house);
    return house->exit_code;
}

/* Without exit handlers: libmilter's destroys what its threads, which are still
 * there, may use. The leak checker is one of them, so it is called by name. */
static _Noreturn void end_process(int code)
{
#ifdef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 1); /* or it may not look at a process that was root's */
    __lsan_do_leak_check();
#endif
    _exit(code);
}

static int check(struct house *house)
{
    struct error error;

    if (!(house->rules = load_rules(house->settings, &error))) {
        fprintf(stderr, "suppressd: rules: %s\n", error.text);
        return EXIT_FAILURE;
    }
    printf("%s is good; %zu rules, version %s\n", house->file, ruleset_size(house->rules),
           ruleset_version(house->rules));
    ruleset_unref(&house->rules);
    return EXIT_SUCCESS;
}

static void usage(FILE *out)
{
    fputs("usage: suppressd [-c FILE] [--check | --dump]\n"
          "       suppressd --sample | --version | --help\n\n"
          "  -c FILE    settings (default " SETTINGS_FILE ")\n"
          "  --check    validate settings and rules, then exit\n"
          "  --dump     print the settings in effect, then exit\n"
          "  --sample   print a settings file with every option and its default\n", out);
}

/* Those that need no settings. 1 when one of them was meant. */
static int print_only(const char *option)
{
    if (!strcmp(option, "--sample"))
        settings_sample(stdout);
    else if (!strcmp(option, "--manual-options"))
        settings_manual(stdout);
    else if (!strcmp(option, "--manual-policy"))
        policy_section_manual(stdout);
    else if (!strcmp(option, "--version"))
        puts("suppressd " PACKAGE_VERSION);
    else if (!strcmp(option, "--help"))
        usage(stdout);
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    static struct counters counters;
    static struct house house = {.file = SETTINGS_FILE, .counters = &counters};
    const char *mode = "";
    struct error error;

    for (int i = 1; i < argc; i++) {
        if (print_only(argv[i]))
            return EXIT_SUCCESS;
        if (!strcmp(argv[i], "-c") && i + 1 < argc) {
            house.file = argv[++i];
        } else if (!strcmp(argv[i], "--check") || !strcmp(argv[i], "--dump")) {
            mode = argv[i];
        } else {
            usage(stderr);
            return 2;
        }
    }
    if (!(house.settings = settings_load(house.file, &error))) {
        fprintf(stderr, "suppressd: %s\n", error.text);
        return EXIT_FAILURE;
    }
    log_set_level((enum log_level)house.settings->log_level);
    if (!strcmp(mode, "--dump")) {
        settings_dump(house.settings, stdout);
        return EXIT_SUCCESS;
    }
    if (!strcmp(mode, "--check"))
        return check(&house);
    end_process(run(&house));
}
