/* How sending services write down whom they do not send to.
 *
 * A format is a row of one table: what its columns (CSV) or members (JSON) are
 * called, which word of theirs means which of our reasons, and by what it is
 * known. Names are compared without regard to case, blanks and punctuation.
 * Constant data. Where the services describe them (ses, mailgun, postmark and SendGrid's
 * bounces were read there in November 2026; of the others the names are those of their
 * client libraries and exports, and want checking against a real file):
 *
 *   ses        docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListSuppressedDestinations.html
 *   sendgrid   docs.sendgrid.com/api-reference/bounces-api, .../blocks-api, .../spam-reports-api,
 *              .../suppressions-global-suppressions
 *   mailgun    documentation.mailgun.com/docs/mailgun/api-reference/openapi-final/tag/Bounces,
 *              .../tag/Complaints, .../tag/Unsubscribe
 *   postmark   postmarkapp.com/developer/api/suppressions-api
 *   sparkpost  developers.sparkpost.com/api/suppression-list
 *   mailchimp  mailchimp.com/help/about-cleaned-contacts (its CSV columns CLEAN_TIME and
 *              UNSUB_TIME as its exports have them)
 */
#ifndef SUPPRESSD_CTL_LIST_FORMAT_H
#define SUPPRESSD_CTL_LIST_FORMAT_H

#include "classifier/reason.h"

#include <stddef.h>

#define LIST_COLUMNS_MAX 8

enum list_shape { LIST_CSV, LIST_LINES, LIST_JSON };

/* What stands in a column. */
enum list_value {
    LIST_NOTHING, /* empty when written, not read */
    LIST_ADDRESS,
    LIST_WORD,    /* their word for the reason */
    LIST_REPLY,   /* the remote's words */
    LIST_STATUS,  /* enhanced status */
    LIST_CODE,    /* reply code */
    LIST_TIME,    /* of the entry: as ISO 8601 ... */
    LIST_UNIX,    /* ... in Unix seconds ... */
    LIST_MAIL_TIME, /* ... or as RFC 5322 has it */
    LIST_TAGS,    /* streams; "*": all */
    /* our own formats have */
    LIST_STREAM, LIST_REASON, LIST_UNTIL, LIST_ORIGIN, LIST_NOTE, LIST_CATEGORY,
};

struct list_column {
    const char *name;
    enum list_value value;
    const char *constant; /* written in place of it */
};

struct list_word {
    const char *word, *origin; /* origin: of Postmark, NULL: any */
    enum reason reason;
};

struct list_format {
    const char *name;
    enum list_shape shape;
    const char *member;     /* JSON: what holds the list; NULL: the document is the list */
    struct list_column columns[LIST_COLUMNS_MAX];
    const char *known_by[3]; /* columns that tell it from all formats below it in the table */
    size_t columns_max;      /* it has no more than that; 0: any number */
    enum reason reason;      /* of all entries; REASON_COUNT: by the words */
    const struct list_word *words; /* ended by a NULL word; the first of a reason is written */
    int others_fault;        /* holds what is no recipient's fault: nothing of it is taken */
    int doubtful;            /* without its name it may be one that does */
    int subscribed;          /* holds those who want mail: an error */
};

/* Ended by a row without a name. */
extern const struct list_format list_formats[];

/* NULL: there is none of that name. */
const struct list_format *list_format_named(const char *name);

/* By the names of the columns; the plain one of that shape where none fits. */
const struct list_format *list_format_guess(const char *const *names, size_t count, enum list_shape shape);

/* Column of the format with that value, or NULL. */
const char *list_column(const struct list_format *format, enum list_value value);

/* Their word; NULL where there is none. */
const char *list_word(const struct list_format *format, enum reason reason);

/* Whether an entry for this reason belongs into such a list. */
int list_holds(const struct list_format *format, enum reason reason);

#endif
