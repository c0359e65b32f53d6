/* What an MTA said of one recipient of one message.
 *
 * The arrow from report to classifier and ledger: plain structs without
 * behaviour. A report owns all its strings; report_clear frees them.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_DELIVERY_H
#define SUPPRESSD_DAEMON_REPORT_DELIVERY_H

#include <stddef.h>
#include <stdint.h>

enum action {
    ACTION_FAILED,
    ACTION_DELAYED,
    ACTION_DELIVERED,
    ACTION_RELAYED,
    ACTION_EXPANDED,
    ACTION_COMPLAINT,
    ACTION_AUTO_REPLY,
    ACTION_COUNT
};

/* Which intake brought it. */
enum source { SOURCE_MILTER, SOURCE_LMTP, SOURCE_LOG, SOURCE_INGEST, SOURCE_COUNT };

/* How far it may be trusted: nothing that is unproven ever acts. */
enum evidence {
    EVIDENCE_UNPROVEN, /* anyone could have sent it */
    EVIDENCE_PROVED,   /* it answers a message that we sent to that very recipient */
    EVIDENCE_LOCAL,    /* our own MTA says so */
    EVIDENCE_COUNT
};

/* Strings are NULL where the report does not say. */
struct delivery {
    char *recipient;          /* the address that failed, as the report names it (Final-Recipient,
                                 decoded from xtext or utf-8 form), without angle brackets */
    char *original_recipient; /* as the sender gave it (Original-Recipient), when reported */
    char *reply;              /* the remote's words: Diagnostic-Code without its type, unfolded;
                                 of a complaint "Feedback-Type: abuse", of a challenge
                                 "Challenge-Response: subject" */
    char *status;             /* enhanced status: "5.1.1" */
    char *remote_mta;         /* host name of the MTA that replied */
    int64_t time;             /* last attempt, Unix seconds; 0 unknown */
    enum action action;
};

enum report_kind {
    REPORT_DSN,        /* multipart/report; report-type=delivery-status */
    REPORT_BOUNCE,     /* a bounce without a usable delivery-status part */
    REPORT_COMPLAINT,  /* ARF */
    REPORT_AUTO_REPLY,
    REPORT_MDN,
    REPORT_ORDINARY,   /* none of these */
    REPORT_BROKEN,     /* claims to be a report and cannot be understood */
    REPORT_KIND_COUNT
};

/* What of a message lay beyond a limit (message.h) and was not looked at. */
enum report_cut {
    REPORT_CUT_HEADER = 1,
    REPORT_CUT_PARTS = 2,
    REPORT_CUT_DEPTH = 4,
    REPORT_CUT_RECIPIENTS = 8 /* of which there are more, or may be */
};

/* One message that reports on deliveries. */
struct report {
    enum report_kind kind;
    struct delivery *deliveries;
    size_t count;
    char *reporting_mta;       /* host name */
    char *queue_id;            /* the reported message's queue id at the reporting MTA */
    char *original_sender;     /* envelope sender of the reported message; "" is the null sender */
    char *original_message_id; /* Message-ID of the returned message, without angle brackets */
    char *complaint;           /* of a complaint its type, "abuse"; NULL: of a kind that nobody makes */
    char *problem;             /* why it is broken, or what had to be guessed: one line */
    int64_t time;              /* arrival of the report's own Date field; 0 unknown */
    unsigned cut;              /* enum report_cut, or of it */
    size_t max;                /* deliveries that it takes; 0: MESSAGE_RECIPIENTS_MAX */
};

void report_clear(struct report *report);
void delivery_clear(struct delivery *delivery); /* frees its strings, zeroes it */

const char *action_name(enum action action);           /* "failed", "delayed", ... */
const char *source_name(enum source source);           /* "milter", ... */
const char *evidence_name(enum evidence evidence);     /* "unproven", "proved", "local" */
const char *report_kind_name(enum report_kind kind);   /* "dsn", "bounce", ... */

/* Back from such a name; of any other text the one that says least: ingest, unproven. */
enum source source_from_name(const char *name);
enum evidence evidence_from_name(const char *name);

#endif
