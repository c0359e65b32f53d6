/* See settings.h.
 *
 * The file gives every option as text (or a list of texts); the table says how a
 * text becomes a value.
 */
#include "config.h"

#include "daemon/settings_private.h"

#include "base/mem.h"
#include "daemon/console/announce.h"
#include "daemon/gate/gate_reply.h"
#include "daemon/gate/status_filter.h"
#include "daemon/intake/feed.h"
#include "daemon/intake/stream.h"
#include "daemon/ledger/policy.h"
#include "daemon/log.h"
#include "daemon/report/maillog.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct choice yes_no[] = {{"no", 0}, {"yes", 1}, {"false", 0}, {"true", 1}, {NULL, 0}};
static const struct choice gate_modes[] = {
    {"off", GATE_OFF}, {"shadow", GATE_SHADOW}, {"enforce", GATE_ENFORCE}, {NULL, 0}};
static const struct choice address_forms[] = {{"plain", 0}, {"hashed", 1}, {NULL, 0}};
static const struct choice lmtp_trusts[] = {{"none", LMTP_TRUST_NONE}, {"own", LMTP_TRUST_OWN}, {NULL, 0}};
static const struct choice returns_refused[] = {
    {"none", REFUSE_NONE}, {"wrong", REFUSE_WRONG}, {"untagged", REFUSE_UNTAGGED}, {NULL, 0}};
static const struct choice log_levels[] = {
    {"error", LOG_ERROR}, {"warning", LOG_WARN}, {"notice", LOG_NOTE}, {"detail", LOG_DETAIL}, {NULL, 0}};

#define AT(field) offsetof(struct settings, field)
#define DAY 86400L
#define MIB (1024L * 1024L)

static const struct option options[] = {
    {"user", TYPE_TEXT, AT(user), "suppressd", 0, 32, NULL, 0,
     "Started by root, the daemon becomes this user, with all of its groups, before it opens anything; there is no way "
     "back, and no program that it starts gains a right by a set-user-ID bit. The folders of database and "
     "control_socket are made for the user where there are none. Empty: it stays who starts it. Under systemd the unit "
     "names the user."},
    {"database", TYPE_TEXT, AT(database), LOCALSTATEDIR "/lib/suppressd/suppressd.db", 1, 1000, NULL, 0,
     "The SQLite database. Its folder must be writable by the daemon and should be readable by the "
     "group that runs dashboards."},
    {"control_socket", TYPE_TEXT, AT(control_socket), "/run/suppressd/control.sock", 1, 100, NULL, 0,
     "Where suppressctl reaches the daemon; only its owner and group may."},
    {"control_connections_max", TYPE_NUMBER, AT(control_connections_max), "64", 1, 10000, NULL, 0,
     "Connections of suppressctl at a time; further ones are closed."},
    {"milter_socket", TYPE_TEXT, AT(milter_socket), "unix:/var/spool/postfix/suppressd/milter.sock", 1, 200, NULL, 0,
     "Where the MTA reaches the daemon: unix:PATH, inet:PORT@HOST or inet6:PORT@HOST. Whoever can "
     "connect is believed to be the MTA: prefer a unix socket, and never let an inet socket be "
     "reached by others."},
    {"milter_socket_mode", TYPE_OCTAL, AT(milter_socket_mode), "0660", 0, 0777, NULL, 0,
     "Permission bits of a unix milter socket."},
    {"milter_socket_group", TYPE_TEXT, AT(milter_socket_group), "", 0, 32, NULL, 0,
     "Group that a unix milter socket is given to; the daemon must be a member. Empty: the daemon's own."},
    {"milter_timeout", TYPE_TIME, AT(milter_timeout), "2h", 10, DAY, NULL, 0,
     "How long a silent MTA connection is kept."},
    {"milter_connections_max", TYPE_NUMBER, AT(milter_connections_max), "1000", 1, 100000, NULL, 1,
     "MTA connections at a time. On further ones mail passes and nobody is looked up; bounces are put off."},
    {"lmtp_socket", TYPE_TEXT, AT(lmtp_socket), "", 0, 200, NULL, 0,
     "Where an MTA hands over bounces by LMTP (Postfix: transport_maps, Sendmail: a mailer): unix:PATH, "
     "inet:PORT@HOST or inet6:PORT@HOST. Empty: nowhere."},
    {"lmtp_socket_mode", TYPE_OCTAL, AT(lmtp_socket_mode), "0660", 0, 0777, NULL, 0,
     "Permission bits of a unix LMTP socket."},
    {"lmtp_socket_group", TYPE_TEXT, AT(lmtp_socket_group), "", 0, 32, NULL, 0,
     "Group that a unix LMTP socket is given to; the daemon must be a member. Empty: the daemon's own."},
    {"lmtp_connections_max", TYPE_NUMBER, AT(lmtp_connections_max), "100", 1, 10000, NULL, 1,
     "LMTP connections at a time; further ones are told to come again. Each may hold report_size_max "
     "bytes of memory."},
    {"lmtp_idle_timeout", TYPE_TIME, AT(lmtp_idle_timeout), "5m", 1, DAY, NULL, 1,
     "How long a silent LMTP connection is kept."},
    {"lmtp_trust", TYPE_CHOICE, AT(lmtp_trust), "none", 0, 0, lmtp_trusts, 1,
     "none: what comes by LMTP counts only when a sent message proves it (proof_age); own: besides, a delivery report of "
     "this very host (mail_log_host, or the machine's name) with the null sender counts like a bounce by the "
     "milter, when its one Received field was written by this host for mail of its MTA's own. Needed for "
     "Sendmail, whose own bounces pass no milter. The risk: whoever can connect to lmtp_socket is believed; so is "
     "anybody where the MTA is told to leave out its Received fields."},
    {"socketmap_socket", TYPE_TEXT, AT(socketmap_socket), "", 0, 200, NULL, 0,
     "Where Postfix asks by socketmap_table(5): unix:PATH, inet:PORT@HOST or inet6:PORT@HOST. Its maps are "
     "suppression, for transport_maps; recipient-access, for check_recipient_access; and delivery-status, for "
     "default_delivery_status_filter. See suppressd(8). Empty: nowhere."},
    {"socketmap_socket_mode", TYPE_OCTAL, AT(socketmap_socket_mode), "0660", 0, 0777, NULL, 0,
     "Permission bits of a unix socketmap socket."},
    {"socketmap_socket_group", TYPE_TEXT, AT(socketmap_socket_group), "", 0, 32, NULL, 0,
     "Group that a unix socketmap socket is given to; the daemon must be a member. Empty: the daemon's own."},
    {"policy_socket", TYPE_TEXT, AT(policy_socket), "", 0, 200, NULL, 0,
     "Where Postfix asks by check_policy_service: unix:PATH, inet:PORT@HOST or inet6:PORT@HOST. Empty: nowhere."},
    {"policy_socket_mode", TYPE_OCTAL, AT(policy_socket_mode), "0660", 0, 0777, NULL, 0,
     "Permission bits of a unix policy socket."},
    {"policy_socket_group", TYPE_TEXT, AT(policy_socket_group), "", 0, 32, NULL, 0,
     "Group that a unix policy socket is given to; the daemon must be a member. Empty: the daemon's own."},
    {"gate_connections_max", TYPE_NUMBER, AT(gate_connections_max), "1000", 1, 100000, NULL, 1,
     "Connections at a time to the socketmap socket, and as many to the policy socket; further ones are closed. Each of "
     "Postfix's processes keeps one."},
    {"gate_idle_timeout", TYPE_TIME, AT(gate_idle_timeout), "10m", 1, DAY, NULL, 1,
     "How long a silent connection to these sockets is kept. Keep it above Postfix's smtpd_policy_service_max_idle (300s)."},
    {"gate_deadline", TYPE_NUMBER, AT(gate_deadline), "500", 1, 60000, NULL, 1,
     "Milliseconds within which a gate answers: whom it could not look up in that time passes."},
    {"status_retry", TYPE_TEXT, AT(status_retry), "", 0, 1000, NULL, 1,
     "Reasons, between commas, for which the map delivery-status turns a final failure (5.x.x) into one that Postfix "
     "tries again (4.x.x), such as \"rate-limited, ip-reputation\"; a server that says 550 to a sender who is too fast, "
     "or whose address has a bad name today, then costs no mail. It takes Postfix's maximal_queue_lifetime until such "
     "mail is returned. Empty: none."},
    {"status_return", TYPE_TEXT, AT(status_return), "", 0, 1000, NULL, 1,
     "Reasons, between commas, for which the map delivery-status turns a server's temporary refusal (4.x.x) into a final "
     "one (5.x.x): the mail is returned at once. Only no-such-user, inactive-mailbox, moved, no-such-domain and "
     "domain-not-accepting can be named. Such a failure is this host's decision, not the server's, and suppresses nobody. "
     "Empty: none."},
    {"trusted_networks", TYPE_NETWORKS, AT(trusted_networks), "127.0.0.0/8, ::1/128", 0, 1000, NULL, 1,
     "Clients in these networks are sending: the gate acts on their mail. Usually the same as Postfix's mynetworks."},
    {"trust_authenticated", TYPE_CHOICE, AT(trust_authenticated), "yes", 0, 0, yes_no, 1,
     "Whether clients that logged in (SMTP AUTH) are sending, wherever they come from."},
    {"user_daemons", TYPE_TEXT, AT(user_daemons), "pickup", 0, 300, NULL, 1,
     "Daemons of the MTA (macro {daemon_name}, in Postfix milter_macro_daemon_name), divided by commas, that take mail "
     "from this host's users by sendmail(1): a delivery report among it is a user's text, not the MTA's, and wants proof "
     "as one from elsewhere does. Postfix gives such mail no daemon of its own until master.cf says so, as "
     "\"suppressctl setup postfix\" has it do; until then whoever may run sendmail(1) is believed. Empty: none."},
    {"gate_mode", TYPE_CHOICE, AT(gate_mode), "enforce", 0, 0, gate_modes, 1,
     "enforce: suppressed recipients are refused; shadow: it is only logged and counted; off: nobody is looked up."},
    {"gate_reply", TYPE_REPLY, AT(gate_reply),
     "550 5.1.1 <%{address}> suppressed: %{reason} since %{date} (suppressd)", 1, 400, NULL, 1,
     "The refusal: reply code, enhanced status and text. %{address}, %{reason} and %{date} are filled in. "
     "A 4yz code makes the client keep the message and try again. Keep \"suppressed: ... since ... "
     "(suppressd)\" in it: by that a refusal which comes back in the log or in a bounce is known again, "
     "and leads to nothing."},
    {"strict_local_part", TYPE_CHOICE, AT(strict_local_part), "no", 0, 0, yes_no, 0,
     "Whether Joe@example.com and joe@example.com are different recipients. Fixed when the database is made."},
    {"addresses", TYPE_CHOICE, AT(addresses_hashed), "plain", 0, 0, address_forms, 0,
     "hashed: no address ever stands in the database, but a keyed hash in place of all that is left of its @. The key "
     "is the file beside it that ends in .key, which is made on first use; whoever loses it loses the suppressions. A "
     "database that holds addresses is hashed by 'suppressctl hash', and never becomes plain again. See suppressd(8)."},
    {"mail_log", TYPE_TEXT, AT(mail_log), "", 0, 1000, NULL, 0,
     "The MTA's log, which is followed from now on: a file, also when it is rotated, or journal: for the "
     "systemd journal. Behind journal: may stand, with a space between, a folder of journal files, and "
     "what to take: a unit (postfix@-.service), a program (sm-mta), or FIELD=VALUE as in journalctl(1); "
     "with none, all of the mail facility. The daemon's user must be able to read it: the unit puts "
     "it into the group adm, whose are /var/log/mail.log and the journal in Debian. Failed deliveries count like "
     "bounces; delivered and deferred ones are counted by "
     "hour. Whoever can write there is believed: in the journal any local user can write in a program's "
     "name, but not in a unit's. Empty: none."},
    {"mail_log_host", TYPE_TEXT, AT(mail_log_host), "", 0, 255, NULL, 0,
     "The MTA's name for itself in its bounces (Postfix: myhostname), where the log has a name that is "
     "not the beginning of it; so a failure in both is counted once. Its own bounces that come by LMTP or "
     "ingest are known by it, too. Empty: the name in the log; for bounces the machine's own."},
    {"log_line_max", TYPE_SIZE, AT(log_line_max), "64K", 1024, MAILLOG_LINE_MAX, NULL, 0,
     "Bytes of a line of the log that are read. What a longer one tells is recorded as unproven."},
    {"keep_delivered", TYPE_CHOICE, AT(keep_delivered), "no", 0, 0, yes_no, 0,
     "Whether each message that the log tells to be delivered or deferred gets a record of its own, as each "
     "failure does, besides being counted. The database then grows with all mail."},
    {"stream_header", TYPE_TEXT, AT(stream_header), "", 0, 300, NULL, 1,
     "Header fields of submitted mail that name its stream (newsletter, receipts, ...), divided by commas; the "
     "first that the message has is taken: of List-Id the identifier, of Feedback-ID the last part, else all of "
     "it. At RCPT TO the header is still to come: what is suppressed for a single stream is then refused at the "
     "end of the headers, and only when no other recipient is left. Empty, or the message has none: stream_port "
     "tells, else the envelope sender's domain is the stream."},
    {"stream_port", TYPE_TEXT, AT(stream_port), "", 0, 1000, NULL, 1,
     "Streams by the port on which mail comes in, or the name of the MTA's daemon (macros {daemon_port} and "
     "{daemon_name}), divided by commas: \"587=receipts, 2525=news\"."},
    {"stop_all_reasons", TYPE_TEXT, AT(stop_all_reasons),
     "no-such-user, inactive-mailbox, moved, recipient-suppressed, malformed-address, no-such-domain, "
     "domain-not-accepting", 0, 1000, NULL, 1,
     "Reasons that stop every stream, also where a policy says streams = one: nobody is there, whatever is sent."},
    {"bypass_header", TYPE_TEXT, AT(bypass_header), "", 0, 100, NULL, 1,
     "Header field by which a client that logged in (SMTP AUTH) sends to suppressed recipients all the same; its "
     "value does not matter. Each is logged and counted. Where it is set, such a client's suppressed recipients "
     "are refused at the end of the headers only, and only when no other recipient is left. Empty: none."},
    {"trial_messages", TYPE_NUMBER, AT(trial_messages), "2", 0, 1000, NULL, 1,
     "When an automatic suppression has expired, so many messages are let through (a few more where they come at "
     "the same moment). Delivery releases the recipient; a failure suppresses it again, for twice as long; until "
     "one of them is known further mail is refused. 0: what has expired is over. Needs sent_keep."},
    {"trial_quiet", TYPE_TIME, AT(trial_quiet), "7d", 60, 3650 * DAY, NULL, 1,
     "A recipient that has not failed for so long after the last of these messages is released, too."},
    {"suppress_longest", TYPE_TIME, AT(suppress_longest), "365d", 3600, 3650 * DAY, NULL, 1,
     "A suppression that is doubled again and again grows no longer than this."},
    {"sent_is_delivered", TYPE_CHOICE, AT(sent_is_delivered), "yes", 0, 0, yes_no, 1,
     "Whether what mail_log tells to be delivered reached the recipient. It then ends a trial, and failures from "
     "before count no more. no: where a relay (smart host) takes all mail, and its bounces come later."},
    {"incident_ratio", TYPE_NUMBER, AT(incident_ratio), "3", 2, 1000, NULL, 0,
     "So many times a provider's usual share of failures is still normal. Beyond that, where chance is ruled "
     "out, an incident opens, and what its failures would suppress is held. Needs mail_log, which tells how "
     "much is delivered and to whom."},
    {"incident_chance", TYPE_NUMBER, AT(incident_chance), "7", 3, 100, NULL, 0,
     "An incident opens when chance would do the same in less than one of 10 to this power of cases."},
    {"incident_failures_min", TYPE_NUMBER, AT(incident_failures_min), "5", 2, 1000000, NULL, 0,
     "Fewer failures than these open no incident."},
    {"incident_baseline", TYPE_TIME, AT(incident_baseline), "14d", DAY, 365 * DAY, NULL, 0,
     "How far back what is usual reaches: after so long a past day counts for a third of today."},
    {"incident_quiet", TYPE_TIME, AT(incident_quiet), "4h", 60, 30 * DAY, NULL, 0,
     "An incident closes when for so long nothing has been unusual."},
    {"incident_program", TYPE_TEXT, AT(incident_program), "", 0, 1000, NULL, 0,
     "A program that is run, without a shell, when an incident opens and when it closes; its arguments are open "
     "or close, the incident's number, its kind, provider or domain, and the name of that. It has the daemon's rights and "
     "no more: sendmail(1) of Postfix, which wants a set-group-ID bit, does not work in it, SMTP to localhost does; "
     "under the unit it can write to the database's folder and its own /tmp only. Empty: none."},
    {"incident_address", TYPE_TEXT, AT(incident_address), "", 0, 1000, NULL, 0,
     "An address (http://HOST[:PORT][/PATH]) that gets the same by POST, as a JSON object. "
     "The unit lets the daemon reach this host only: IPAddressAllow= in a drop-in names another. Empty: none."},
    {"rules_dir", TYPE_TEXT, AT(rules_dir), "", 0, 1000, NULL, 1,
     "Folder of rule files to use instead of the built-in ones. Empty: built in."},
    {"local_rules_dir", TYPE_TEXT, AT(local_rules_dir), SYSCONFDIR "/suppressd/rules.d", 0, 1000, NULL, 1,
     "Folder of this site's own rule files (*.rules); they come before all others."},
    {"messages_memory_max", TYPE_SIZE, AT(messages_memory_max), "64M", MIB, 100000 * MIB, NULL, 1,
     "Memory that all messages which come in at the same time may take, beside the first 64 KB of each; what lies "
     "behind these takes twice its size, for it is read. Where there is no room a bounce is put off (it comes again)."},
    {"report_size_max", TYPE_SIZE, AT(report_size_max), "1M", 16384, 100 * MIB, NULL, 1,
     "Bytes of a bounce that are kept and read; what lies behind is the returned message."},
    {"header_size_max", TYPE_SIZE, AT(header_size_max), "1M", 16384, 100 * MIB, NULL, 1,
     "Bytes of a message's header that are read; a message whose header is longer has no body."},
    {"mime_parts_max", TYPE_NUMBER, AT(mime_parts_max), "200", 10, 100000, NULL, 1,
     "MIME parts of a message that are looked at; those of a bounce come first."},
    {"mime_depth_max", TYPE_NUMBER, AT(mime_depth_max), "20", 2, 200, NULL, 1,
     "How deep MIME parts are followed one within another."},
    {"report_recipients_max", TYPE_NUMBER, AT(report_recipients_max), "10000", 1, 1000000, NULL, 1,
     "Recipients that are read out of one report. One with more is kept aside besides; suppressctl aside retry reads "
     "the rest when the limit has been raised."},
    {"message_recipients_max", TYPE_NUMBER, AT(message_recipients_max), "50000", 1, 1000000, NULL, 1,
     "Recipients of one submitted message that are remembered."},
    {"sent_keep", TYPE_TIME, AT(sent_keep), "35d", 0, 3650 * DAY, NULL, 1,
     "How long submitted messages are remembered for matching with what comes back; 0: not at all."},
    {"proof_age", TYPE_TIME, AT(proof_age), "30d", 0, 500 * DAY, NULL, 1,
     "How long a sent message proves a bounce or complaint that others send: by its tag (tag_domains), or, no "
     "longer than sent_keep, by its Message-ID. Only a message to one "
     "recipient proves, and by its Message-ID only when no other with it went to anybody else. What is "
     "older, or proves nothing, suppresses nobody. Keep it below sent_keep by more than a mailing takes."},
    {"tag_domains", TYPE_TEXT, AT(tag_domains), "", 0, 1000, NULL, 1,
     "Sender domains, with commas between: mail that is submitted in their name gets a signed envelope sender, "
     "news+p0TAG@example.com, by which what comes back is proved. Bounces must come back by way of this "
     "daemon, and the MTA must take the detail behind tag_delimiter (Postfix: recipient_delimiter). A local "
     "part of more than 43 octets stays unsigned. Empty: none."},
    {"tag_delimiter", TYPE_TEXT, AT(tag_delimiter), "+", 1, 1, NULL, 1,
     "What stands between the sender's local part and the tag: one of the MTA's recipient delimiters."},
    {"tag_key_file", TYPE_TEXT, AT(tag_key_file), LOCALSTATEDIR "/lib/suppressd/tag.key", 1, 1000, NULL, 1,
     "The keys of the tags, made on first use with mode 0600; suppressctl key rotate renews them. Hosts that "
     "send for the same domains share one file's content."},
    {"refuse_returns", TYPE_CHOICE, AT(refuse_returns), "none", 0, 0, returns_refused, 1,
     "wrong: mail by SMTP to an address of tag_domains with a wrong or expired tag is refused (550 5.7.1); "
     "untagged: so is mail with the null sender to an untagged one, but postmaster's: backscatter. Only where "
     "all mail of these domains is sent through this daemon or another with the same keys; mind callers-back "
     "who ask for the address in the From field. none: nothing is refused."},
    {"rollup_keep", TYPE_TIME, AT(rollup_keep), "7d", DAY, 3650 * DAY, NULL, 1,
     "How long counts are kept by hour and recipient domain; older ones are folded into days and providers."},
    {"events_keep", TYPE_TIME, AT(events_keep), "400d", DAY, 36500 * DAY, NULL, 1,
     "How long the record of each delivery result is kept, and longer while a policy line may still ask for it (twice "
     "its days); what it counted for stays counted. Results that a change of a suppression rests on, and the last of "
     "each bounce record, are kept for as long as these."},
    {"unproven_keep", TYPE_TIME, AT(unproven_keep), "30d", DAY, 36500 * DAY, NULL, 1,
     "How long results without proof are kept, which anybody can send."},
    {"aside_bytes_max", TYPE_SIZE, AT(aside_bytes_max), "64M", 0, 100000 * MIB, NULL, 1,
     "Bytes that reports which could not be understood may take, compressed. What came without "
     "proof goes first, then the oldest."},
    {"queue_max", TYPE_NUMBER, AT(queue_max), "10000", 1, 1000000, NULL, 0,
     "Records that may wait for the disk. Beyond that a bounce is put off (it comes again) and a "
     "submitted message is not remembered; mail is never stopped."},
    {"queue_bytes_max", TYPE_SIZE, AT(queue_bytes_max), "64M", MIB, 100000 * MIB, NULL, 0,
     "Memory that these records may take; beyond that it is the same."},
    {"batch_max", TYPE_NUMBER, AT(batch_max), "500", 1, 100000, NULL, 0,
     "Records that one transaction takes at the most."},
    {"ack_timeout", TYPE_TIME, AT(ack_timeout), "20s", 1, 3600, NULL, 1,
     "How long a bounce waits for the disk before it is put off. Keep it below the MTA's milter_content_timeout."},
    {"log_level", TYPE_CHOICE, AT(log_level), "notice", 0, 0, log_levels, 1,
     "error, warning, notice or detail."},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

const struct option *settings_option(size_t which)
{
    return which < OPTIONS ? &options[which] : NULL;
}

void *settings_value(const struct settings *settings, const struct option *option)
{
    return (char *)(uintptr_t)settings + option->offset;
}

static size_t *networks_count(const struct settings *settings)
{
    return (size_t *)(uintptr_t)&settings->trusted_networks_count;
}

static int bounded(const struct option *option, long value, long *value_r, struct error *error)
{
    if (value < option->min || value > option->max)
        return error_set(error, ERROR_INPUT, "%s must lie between %ld and %ld", option->name,
                         option->min, option->max);
    *value_r = value;
    return 0;
}

/* A number with a unit behind it: one letter of units, worth the factor beside it. */
static int parse_scaled(const struct option *option, const char *text, const char *units,
                        const long *factors, long *value_r, struct error *error)
{
    char *end;
    long value, factor = 1;
    const char *unit;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || errno || value < 0)
        return error_set(error, ERROR_INPUT, "%s: '%s' is no number", option->name, text);
    if (*end && *units) {
        if (!(unit = strchr(units, *end)) || end[1])
            return error_set(error, ERROR_INPUT, "%s: unknown unit in '%s' (one of %s)", option->name,
                             text, units);
        factor = factors[unit - units];
    } else if (*end) {
        return error_set(error, ERROR_INPUT, "%s: '%s' is no number", option->name, text);
    }
    if (value > option->max / factor)
        value = option->max + 1, factor = 1;
    return bounded(option, value * factor, value_r, error);
}

static int parse_number(const struct option *option, const char *text, long *value_r, struct error *error)
{
    static const long sizes[] = {1024, 1024, MIB, 1024 * MIB};
    static const long times[] = {1, 60, 3600, DAY, 7 * DAY};
    char *end;
    long value;

    switch (option->type) {
    case TYPE_SIZE:
        return parse_scaled(option, text, "kKMG", sizes, value_r, error);
    case TYPE_TIME:
        return parse_scaled(option, text, "smhdw", times, value_r, error);
    case TYPE_OCTAL:
        value = strtol(text, &end, 8);
        if (end == text || *end)
            return error_set(error, ERROR_INPUT, "%s: '%s' is no octal number", option->name, text);
        return bounded(option, value, value_r, error);
    default:
        return parse_scaled(option, text, "", NULL, value_r, error);
    }
}

static int parse_choice(const struct option *option, const char *text, long *value_r, struct error *error)
{
    char known[200] = "";

    for (const struct choice *choice = option->choices; choice->name; choice++) {
        if (!strcmp(choice->name, text)) {
            *value_r = choice->value;
            return 0;
        }
        snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", *known ? ", " : "", choice->name);
    }
    return error_set(error, ERROR_INPUT, "%s: '%s' is none of: %s", option->name, text, known);
}

static int check_reasons(const char *text, struct error *error)
{
    struct policy *policy = policy_new();
    int failed = policy_stop_all(policy, text, error);

    policy_unref(&policy);
    return failed;
}

static int parse_text(const struct option *option, const char *text, char **value_r, struct error *error)
{
    size_t length = strlen(text);

    if (length < (size_t)option->min)
        return error_set(error, ERROR_INPUT, "%s must not be empty", option->name);
    if (length > (size_t)option->max)
        return error_set(error, ERROR_INPUT, "%s is longer than %ld bytes", option->name, option->max);
    if ((option->type == TYPE_REPLY && gate_reply_check(text, error)) ||
        (option->offset == AT(mail_log) && feed_check(text, error)) ||
        (option->offset == AT(incident_program) && announce_check_program(text, error)) ||
        (option->offset == AT(incident_address) && announce_check_address(text, error)) ||
        (option->offset == AT(stream_port) && stream_check_ports(text, error)) ||
        (option->offset == AT(stop_all_reasons) && check_reasons(text, error)) ||
        (option->offset == AT(status_retry) && status_filter_check(text, 0, error)) ||
        (option->offset == AT(status_return) && status_filter_check(text, 1, error)) ||
        (option->offset == AT(tag_delimiter) && !ispunct((unsigned char)*text) &&
         error_set(error, ERROR_INPUT, "'%s' is no punctuation mark", text)))
        return error_prefix(error, "%s", option->name);
    free(*value_r);
    *value_r = xstrdup(text);
    return 0;
}

/* Adds one network; a list in the file comes as several calls. */
static int add_network(struct settings *settings, const struct option *option, const char *text,
                       struct error *error)
{
    size_t *count = networks_count(settings);
    struct network network;

    if (*count >= (size_t)option->max)
        return error_set(error, ERROR_INPUT, "%s has more than %ld entries", option->name, option->max);
    if (network_parse(text, &network, error))
        return error_prefix(error, "%s", option->name);
    settings->trusted_networks =
        xrealloc(settings->trusted_networks, (*count + 1) * sizeof(network));
    settings->trusted_networks[(*count)++] = network;
    return 0;
}

int settings_set(struct settings *settings, const struct option *option, const char *text,
                 struct error *error)
{
    switch (option->type) {
    case TYPE_TEXT:
    case TYPE_REPLY:
        return parse_text(option, text, settings_value(settings, option), error);
    case TYPE_CHOICE:
        return parse_choice(option, text, settings_value(settings, option), error);
    case TYPE_NETWORKS:
        return add_network(settings, option, text, error);
    default:
        return parse_number(option, text, settings_value(settings, option), error);
    }
}

void settings_fill_policy(struct settings *settings)
{
    const struct policy_trial trial = {
        .sends = settings->trial_messages,
        .quiet = settings->trial_quiet,
        .longest = settings->suppress_longest,
        .believes_sent = (int)settings->sent_is_delivered,
    };
    struct error error;

    policy_set_trial(settings->policy, &trial);
    if (policy_stop_all(settings->policy, settings->stop_all_reasons, &error))
        abort();
}

/* The defaults of the table; they are part of the program, so a bad one is a bug. */
struct settings *settings_defaults(void)
{
    struct settings *settings = xcalloc(1, sizeof(*settings));
    struct error error;

    settings->count = 1;
    for (size_t i = 0; i < OPTIONS; i++) {
        if (options[i].type == TYPE_NETWORKS) {
            char *list = xstrdup(options[i].standard), *rest = NULL;

            for (char *one = strtok_r(list, ", ", &rest); one; one = strtok_r(NULL, ", ", &rest))
                if (settings_set(settings, &options[i], one, &error))
                    abort();
            free(list);
        } else if (settings_set(settings, &options[i], options[i].standard, &error)) {
            abort();
        }
    }
    settings->policy = policy_new();
    settings_fill_policy(settings);
    return settings;
}

struct settings *settings_ref(struct settings *settings)
{
    atomic_fetch_add(&settings->count, 1);
    return settings;
}

void settings_unref(struct settings **settings)
{
    struct settings *old = *settings;

    *settings = NULL;
    if (!old || atomic_fetch_sub(&old->count, 1) > 1)
        return;
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].type == TYPE_TEXT || options[i].type == TYPE_REPLY ||
            options[i].type == TYPE_NETWORKS)
            free(*(void **)settings_value(old, &options[i]));
    policy_unref(&old->policy);
    free(old);
}

static int same_value(const struct settings *a, const struct settings *b, const struct option *option)
{
    const void *x = settings_value(a, option), *y = settings_value(b, option);

    if (option->type == TYPE_TEXT || option->type == TYPE_REPLY)
        return !strcmp(*(char *const *)x, *(char *const *)y);
    return option->type == TYPE_NETWORKS || *(const long *)x == *(const long *)y;
}

int settings_need_restart(const struct settings *old, const struct settings *new, const char **name_r)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (!options[i].reloadable && !same_value(old, new, &options[i])) {
            *name_r = options[i].name;
            return 1;
        }
    return 0;
}
