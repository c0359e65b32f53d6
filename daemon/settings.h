/* The settings: declared once, in the option table of settings.c.
 *
 * Parser, bounds, `--check`, `--dump`, the sample file and the manual's option
 * list all come from that table. A loaded struct settings never changes; it is
 * counted and may be shared by threads. A reload loads a new one and swaps; a
 * bad file leaves the old one in force.
 */
#ifndef SUPPRESSD_DAEMON_SETTINGS_H
#define SUPPRESSD_DAEMON_SETTINGS_H

#include "base/error.h"
#include "daemon/network.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#define SETTINGS_FILE SYSCONFDIR "/suppressd/suppressd.conf"

struct policy;

enum lmtp_trust { LMTP_TRUST_NONE, LMTP_TRUST_OWN };
enum refuse_returns { REFUSE_NONE, REFUSE_WRONG, REFUSE_UNTAGGED };
enum gate_mode { GATE_OFF, GATE_SHADOW, GATE_ENFORCE };

/* Durations in seconds, sizes in bytes. Meaning of each: settings.c. */
struct settings {
    char *user;
    char *database;
    char *control_socket;
    char *milter_socket;
    long milter_socket_mode;
    char *milter_socket_group;
    long milter_timeout;
    long milter_connections_max;
    long control_connections_max;
    char *lmtp_socket;
    long lmtp_socket_mode;
    char *lmtp_socket_group;
    long lmtp_connections_max;
    long lmtp_idle_timeout;
    long lmtp_trust; /* enum lmtp_trust */
    char *socketmap_socket;
    long socketmap_socket_mode;
    char *socketmap_socket_group;
    char *policy_socket;
    long policy_socket_mode;
    char *policy_socket_group;
    long gate_connections_max;
    long gate_idle_timeout;
    long gate_deadline; /* milliseconds */
    char *status_retry;  /* names of reasons */
    char *status_return;
    struct network *trusted_networks;
    size_t trusted_networks_count;
    long trust_authenticated;
    char *user_daemons;
    long gate_mode; /* enum gate_mode */
    char *gate_reply;
    long strict_local_part;
    long addresses_hashed;
    char *mail_log;
    char *mail_log_host;
    long log_line_max;
    long keep_delivered;
    char *stream_header;
    char *stream_port;
    char *stop_all_reasons;
    char *bypass_header;
    long trial_messages;
    long trial_quiet;
    long suppress_longest;
    long sent_is_delivered;
    long incident_ratio;
    long incident_chance;
    long incident_failures_min;
    long incident_baseline;
    long incident_quiet;
    char *incident_program;
    char *incident_address;
    char *rules_dir;
    char *local_rules_dir;
    long messages_memory_max;
    long report_size_max;
    long header_size_max;
    long mime_parts_max;
    long mime_depth_max;
    long report_recipients_max;
    long message_recipients_max;
    long sent_keep;
    long proof_age;
    char *tag_domains;
    char *tag_delimiter;
    char *tag_key_file;
    long refuse_returns; /* enum refuse_returns */
    long rollup_keep;
    long events_keep;
    long unproven_keep;
    long aside_bytes_max;
    long queue_max;
    long queue_bytes_max;
    long batch_max;
    long ack_timeout;
    long log_level; /* enum log_level */
    struct policy *policy; /* of all that, and of the policy sections */
    atomic_int count; /* holders */
};

/* NULL and error ("file:line: why") when the file is missing or wrong. Main
 * thread only (the file parser keeps state of its own). */
struct settings *settings_load(const char *file, struct error *error) must_check;
struct settings *settings_defaults(void);
struct settings *settings_ref(struct settings *settings);
void settings_unref(struct settings **settings);

/* 1 when going from old to new wants a restart: *name_r is the first such option. */
int settings_need_restart(const struct settings *old, const struct settings *new,
                          const char **name_r);

void settings_dump(const struct settings *settings, FILE *out);
void settings_sample(FILE *out); /* every option with its meaning and default, commented out */
void settings_manual(FILE *out); /* the option list in man(7) macros */

#endif
