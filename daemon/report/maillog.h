/* One line of a mail log: who wrote it, when, and what became of whose mail.
 *
 * This is the front door: it reads what syslog puts in front (RFC 3164 or ISO
 * 8601 time, host, program, pid) and hands the text to the reader of that
 * program's lines (postfix_log.h, sendmail_log.h). Lines may hold any bytes;
 * beyond MAILLOG_LINE_MAX nothing is looked at. Nothing is allocated: a span
 * points into the line and lives as long as that.
 *
 * Addresses come from outside and may be made to look like the rest of a line.
 * Each reader's header says how it tells one from the other. Two things follow
 * for whoever acts on lines: one that can be read in two ways is no delivery
 * (MAILLOG_AMBIGUOUS), and one of which an outsider could have written a part
 * is marked doubtful: it proves nothing. So is one whose recipient has a "?",
 * which MTAs and syslog daemons write for a byte that they do not print, or
 * such a byte: it may be another recipient than it seems.
 *
 * Pure; any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_MAILLOG_H
#define SUPPRESSD_DAEMON_REPORT_MAILLOG_H

#include "daemon/report/delivery.h"
#include "daemon/report/maillog_time.h"
#include "daemon/report/span.h"

#include <stddef.h>
#include <stdint.h>

#define MAILLOG_LINE_MAX 65536    /* bytes; also the highest log_line_max */
#define MAILLOG_RECIPIENT_SIZE 2048 /* with the closing NUL; an address is far shorter */

enum maillog_kind {
    MAILLOG_OTHER,     /* says nothing of a delivery */
    MAILLOG_DELIVERY,
    MAILLOG_AMBIGUOUS, /* a delivery, but of whose mail cannot be told for certain */
    MAILLOG_EXPIRED,   /* the message (queue_id) goes back to its sender, whoever it was still deferred for */
};

/* A span without start: the line does not say. */
struct maillog_line {
    int64_t time;        /* Unix seconds */
    struct span host;
    struct span program; /* "postfix-out/smtp", "sm-mta" */
    struct span text;    /* what the program wrote */

    /* Of a delivery. */
    struct span queue_id;
    struct span recipients; /* as written; maillog_recipient takes them out */
    int list;               /* they are "<...>,<...>", not one address without brackets */
    struct span orig_to;    /* the recipient before aliases, without angle brackets */
    struct span relay;      /* "mx.example.net[192.0.2.1]:25", "local", "none" */
    struct span remote_mta; /* the host of it, where there is one */
    struct span status;     /* enhanced status: "5.1.1" */
    struct span reply;      /* all that stands in parentheses, or stat= or reply= */
    enum action action;
    int probe;    /* an address was tried (Postfix's verify), no message was sent */
    int doubtful; /* see above */
};

/* Reads one line, with or without its end. *line_r is filled as far as the
 * line could be read; what concerns deliveries only with MAILLOG_DELIVERY. */
enum maillog_kind maillog_read(const char *line, size_t length, struct maillog_clock *clock,
                               struct maillog_line *line_r);

/* Takes the next recipient off *rest_io, which starts as line->recipients: 1
 * and the address without angle brackets, its local part quoted where RFC 5321
 * wants that; 0 when there are no more. An overlong one is left out. */
int maillog_recipient(const struct maillog_line *line, struct span *rest_io,
                      char recipient_r[MAILLOG_RECIPIENT_SIZE]);

/* One recipient's result with strings of its own; delivery_clear frees them.
 * A byte that is not fit for text (NUL, control characters) becomes "?". */
void maillog_delivery(const struct maillog_line *line, const char *recipient, struct delivery *delivery_r);
char *maillog_text(struct span text); /* such a copy; NULL for SPAN_NONE */

/* For the readers. */

/* The closing bracket of an address that begins with "<": quoted strings
 * (RFC 5321 4.1.2) may hold anything. NULL when there is none. */
const char *maillog_address_end(struct span text);
/* "ID: " at the head of *rest_io: 1 and the id, letters and digits only. */
int maillog_queue_id(struct span *rest_io, struct span *id_r);
/* The span when it is an enhanced status (RFC 3463), else SPAN_NONE. */
struct span maillog_status(struct span text);
/* Whether this relay, "name[address]:port", "name. [address]" or "name[socket]", is on this machine. */
int maillog_is_here(struct span relay);
/* Whether an MTA, or a filter with one behind it, has taken the message into its queue, or
 * a filter has withheld it. */
int maillog_is_queued(struct span reply);

#endif
