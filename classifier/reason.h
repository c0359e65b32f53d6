/* The reasons: why a recipient was refused, and whose fault it is.
 *
 * The taxonomy is one table; documentation, command line and database take
 * their words from it. Constant data, any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_REASON_H
#define SUPPRESSD_CLASSIFIER_REASON_H

enum reason {
    REASON_NO_SUCH_USER,
    REASON_INACTIVE_MAILBOX,
    REASON_MOVED,
    REASON_MAILBOX_FULL,
    REASON_RECIPIENT_REFUSED,
    REASON_RECIPIENT_SUPPRESSED,
    REASON_MALFORMED_ADDRESS,
    REASON_NO_SUCH_DOMAIN,
    REASON_DOMAIN_NOT_ACCEPTING,
    REASON_IP_REPUTATION,
    REASON_IP_BLOCKLISTED,
    REASON_DOMAIN_REPUTATION,
    REASON_DOMAIN_BLOCKLISTED,
    REASON_NO_REVERSE_DNS,
    REASON_BAD_HELO,
    REASON_SPF_FAIL,
    REASON_DKIM_FAIL,
    REASON_DMARC_FAIL,
    REASON_UNAUTHENTICATED,
    REASON_AUTH_REQUIRED,
    REASON_TLS_REQUIRED,
    REASON_RELAYING_DENIED,
    REASON_SENDER_REJECTED,
    REASON_SPAM_CONTENT,
    REASON_URL_BLOCKLISTED,
    REASON_VIRUS,
    REASON_ATTACHMENT_BLOCKED,
    REASON_MESSAGE_TOO_LARGE,
    REASON_MALFORMED_MESSAGE,
    REASON_RATE_LIMITED,
    REASON_TOO_MANY_CONNECTIONS,
    REASON_TOO_MANY_RECIPIENTS,
    REASON_GREYLISTED,
    REASON_POLICY,
    REASON_PROTOCOL_ERROR,
    REASON_ROUTING_ERROR,
    REASON_ROUTING_LOOP,
    REASON_SYSTEM_ERROR,
    REASON_SYSTEM_FULL,
    REASON_CONNECTION_FAILED,
    REASON_TIMEOUT,
    REASON_DNS_FAILURE,
    REASON_EXPIRED,
    REASON_COMPLAINT,
    REASON_OPT_OUT,
    REASON_NOT_SPAM,
    REASON_AUTO_REPLY,
    REASON_CHALLENGE_RESPONSE,
    REASON_DELIVERED,
    REASON_UNCLASSIFIED,
    REASON_COUNT
};

enum persistence { PERSISTENCE_NONE, PERSISTENCE_TRANSIENT, PERSISTENCE_PERMANENT };

/* What hygiene does by default: never act, count failures, act at once. */
enum hygiene { HYGIENE_NONE, HYGIENE_COUNT, HYGIENE_SUPPRESS };

/* Other tools' words for the same reasons. */
enum vocabulary {
    VOCABULARY_POWERMTA,
    VOCABULARY_SPARKPOST,
    VOCABULARY_SES,
    VOCABULARY_KUMOMTA,
    VOCABULARY_SISIMAI,
    VOCABULARY_COUNT
};

struct reason_info {
    const char *name;             /* "no-such-user": stable, stored, shown */
    const char *family;           /* "address", "reputation", ... */
    const char *subject;          /* whose fault: "recipient", "sender-ip", ... */
    enum persistence persistence; /* where the reply does not say */
    enum hygiene hygiene;
    const char *means;            /* one sentence: what happened */
    const char *todo;             /* one sentence: what to do about it */
    const char *vocabulary[VOCABULARY_COUNT];
};

/* Never NULL for a reason below REASON_COUNT. */
const struct reason_info *reason_info(enum reason reason);

/* 1 and *reason_r, or 0 when there is no such name. */
int reason_from_name(const char *name, enum reason *reason_r);

const char *persistence_name(enum persistence persistence); /* "permanent", "transient", "none" */
const char *hygiene_name(enum hygiene hygiene);             /* "suppress", "count", "none" */

/* 1 and *vocabulary_r for "powermta", "sparkpost", ..., or 0. */
int vocabulary_from_name(const char *name, enum vocabulary *vocabulary_r);

const char *vocabulary_name(enum vocabulary vocabulary); /* "powermta", "sparkpost", ... */

/* "powermta/1": the number grows whenever a word of the mapping changes, so that
 * figures which were made with different mappings are never compared. */
const char *vocabulary_version(enum vocabulary vocabulary);

#endif
