/* reason: the taxonomy as one constant table, and its lookups by name. */
#include "config.h"

#include "classifier/reason.h"

#include <string.h>

#define PERMANENT PERSISTENCE_PERMANENT
#define TRANSIENT PERSISTENCE_TRANSIENT
#define SUPPRESS HYGIENE_SUPPRESS
#define COUNT HYGIENE_COUNT
#define NEVER HYGIENE_NONE

/* Vocabularies in the order of enum vocabulary. PowerMTA: bounce categories;
 * SparkPost: number and name of its bounce classification codes; SES: bounceType
 * and bounceSubType; KumoMTA: the predefined classes of its bounce classifier;
 * Sisimai: its reason names. "" where the other tool has no word. */
#define WORDS(powermta, sparkpost, ses, kumomta, sisimai) \
    {powermta, sparkpost, ses, kumomta, sisimai}

static const struct reason_info table[REASON_COUNT] = {
    [REASON_NO_SUCH_USER] = {
        "no-such-user", "address", "recipient", PERMANENT, SUPPRESS,
        "The receiving server knows no such mailbox, user or alias.",
        "Stop sending to the address and take it off the list; it may have been mistyped at sign-up.",
        WORDS("bad-mailbox", "10 Invalid Recipient", "Permanent/NoEmail", "InvalidRecipient",
              "userunknown")},
    [REASON_INACTIVE_MAILBOX] = {
        "inactive-mailbox", "address", "recipient", PERMANENT, SUPPRESS,
        "The mailbox exists or existed, but it is disabled, suspended or abandoned.",
        "Stop sending; only its owner or provider can bring it back to life.",
        WORDS("inactive-mailbox", "10 Invalid Recipient", "Permanent/General", "InactiveMailbox",
              "suspend")},
    [REASON_MOVED] = {
        "moved", "address", "recipient", PERMANENT, SUPPRESS,
        "The person has moved to another address.",
        "Stop sending here; ask for the new address rather than guess it.",
        WORDS("bad-mailbox", "10 Invalid Recipient", "Permanent/General", "InvalidRecipient",
              "hasmoved")},
    [REASON_MAILBOX_FULL] = {
        "mailbox-full", "address", "recipient", TRANSIENT, COUNT,
        "The mailbox is over its quota and takes no more mail for now.",
        "Try again later; a mailbox that stays full for weeks is most likely abandoned.",
        WORDS("quota-issues", "22 Mailbox Full", "Transient/MailboxFull", "QuotaIssues",
              "mailboxfull")},
    [REASON_RECIPIENT_REFUSED] = {
        "recipient-refused", "address", "recipient", PERMANENT, COUNT,
        "This recipient, group or list does not accept mail from this sender.",
        "Ask the recipient or the list's owner to allow your address.",
        WORDS("policy-related", "25 Admin Failure", "Permanent/General", "PolicyRelated",
              "filtered")},
    [REASON_RECIPIENT_SUPPRESSED] = {
        "recipient-suppressed", "address", "recipient", PERMANENT, SUPPRESS,
        "A sending service on the way holds the address on its own suppression list.",
        "Stop sending; if the owner wants mail again, remove the address from that service's list.",
        WORDS("bad-mailbox", "26 Smart Send Suppression", "Permanent/OnAccountSuppressionList",
              "InvalidRecipient", "suppressed")},
    [REASON_MALFORMED_ADDRESS] = {
        "malformed-address", "address", "recipient", PERMANENT, SUPPRESS,
        "The recipient address is not a valid mail address.",
        "Correct the address at its source and check the syntax when addresses are collected.",
        WORDS("bad-mailbox", "10 Invalid Recipient", "Permanent/General", "InvalidRecipient",
              "userunknown")},
    [REASON_NO_SUCH_DOMAIN] = {
        "no-such-domain", "domain", "recipient-domain", PERMANENT, SUPPRESS,
        "The domain does not exist or has no server for mail.",
        "Stop sending; look for a typing mistake in the domain.",
        WORDS("bad-domain", "21 DNS Failure", "Permanent/General", "BadDomain", "hostunknown")},
    [REASON_DOMAIN_NOT_ACCEPTING] = {
        "domain-not-accepting", "domain", "recipient-domain", PERMANENT, SUPPRESS,
        "The domain exists, but it takes no mail at all.",
        "Stop sending to every address of this domain.",
        WORDS("bad-domain", "10 Invalid Recipient", "Permanent/General", "BadDomain",
              "notaccept")},
    [REASON_IP_REPUTATION] = {
        "ip-reputation", "reputation", "sender-ip", TRANSIENT, NEVER,
        "The receiver itself distrusts or blocks the sending IP address.",
        "Slow down, find what caused complaints, then ask the provider's postmaster page for removal.",
        WORDS("spam-related", "51 Spam Block", "Transient/General", "SpamBlock",
              "badreputation")},
    [REASON_IP_BLOCKLISTED] = {
        "ip-blocklisted", "reputation", "sender-ip", TRANSIENT, NEVER,
        "A public or vendor's blocklist holds the sending IP address.",
        "Look the address up at the list that is named, cure the cause, then ask for delisting.",
        WORDS("spam-related", "51 Spam Block", "Transient/General", "SpamBlock", "blocked")},
    [REASON_DOMAIN_REPUTATION] = {
        "domain-reputation", "reputation", "sender-domain", TRANSIENT, NEVER,
        "The receiver distrusts or blocks the sending domain.",
        "Send less and only to people who open your mail until the domain's standing recovers.",
        WORDS("spam-related", "50 Mail Block", "Transient/General", "SpamBlock",
              "badreputation")},
    [REASON_DOMAIN_BLOCKLISTED] = {
        "domain-blocklisted", "reputation", "sender-domain", TRANSIENT, NEVER,
        "A blocklist holds the sender's domain.",
        "Look the domain up at the list that is named, cure the cause, then ask for delisting.",
        WORDS("spam-related", "51 Spam Block", "Transient/General", "SpamBlock", "rejected")},
    [REASON_NO_REVERSE_DNS] = {
        "no-reverse-dns", "reputation", "sender-ip", TRANSIENT, NEVER,
        "The sending IP address has no fitting host name in the DNS, or one that looks like a home line.",
        "Give the address a PTR record with a proper name that resolves back to it.",
        WORDS("policy-related", "50 Mail Block", "Transient/General", "BadConfiguration",
              "requireptr")},
    [REASON_BAD_HELO] = {
        "bad-helo", "reputation", "sender-setup", TRANSIENT, NEVER,
        "The receiver refuses the name with which your server greeted it.",
        "Set the HELO name to the server's real, resolvable host name.",
        WORDS("policy-related", "50 Mail Block", "Transient/General", "BadConfiguration",
              "blocked")},
    [REASON_SPF_FAIL] = {
        "spf-fail", "authentication", "sender-domain", TRANSIENT, NEVER,
        "The sender domain's SPF record does not allow this server, or is faulty.",
        "Add the sending server to the SPF record, or correct the record.",
        WORDS("policy-related", "50 Mail Block", "Transient/General", "AuthenticationFailed",
              "authfailure")},
    [REASON_DKIM_FAIL] = {
        "dkim-fail", "authentication", "sender-domain", TRANSIENT, NEVER,
        "The DKIM signature is missing or does not verify.",
        "Sign with a published key, and see that nothing changes the message after signing.",
        WORDS("policy-related", "50 Mail Block", "Transient/General", "AuthenticationFailed",
              "authfailure")},
    [REASON_DMARC_FAIL] = {
        "dmarc-fail", "authentication", "sender-domain", TRANSIENT, NEVER,
        "The message fails the DMARC policy that the From domain publishes.",
        "Make SPF or DKIM pass for the very domain that stands in From.",
        WORDS("policy-related", "50 Mail Block", "Transient/General", "AuthenticationFailed",
              "authfailure")},
    [REASON_UNAUTHENTICATED] = {
        "unauthenticated", "authentication", "sender-domain", TRANSIENT, NEVER,
        "The message proves its origin by neither SPF nor DKIM.",
        "Set up SPF and DKIM for the sending domain and align them with From.",
        WORDS("policy-related", "50 Mail Block", "Transient/General", "AuthenticationFailed",
              "authfailure")},
    [REASON_AUTH_REQUIRED] = {
        "auth-required", "authentication", "sender-setup", TRANSIENT, NEVER,
        "The server wants a login before it takes this mail, or the login failed.",
        "Correct user name, password and port of the relay that your server uses.",
        WORDS("relaying-issues", "54 Relaying Denied", "Permanent/General", "RelayingDenied",
              "securityerror")},
    [REASON_TLS_REQUIRED] = {
        "tls-required", "authentication", "sender-setup", TRANSIENT, NEVER,
        "The connection could not be encrypted as one side demands.",
        "Turn on STARTTLS, or look at the certificate, DANE or MTA-STS record that failed.",
        WORDS("policy-related", "25 Admin Failure", "Transient/General", "BadConfiguration",
              "failedstarttls")},
    [REASON_RELAYING_DENIED] = {
        "relaying-denied", "authentication", "sender-setup", TRANSIENT, NEVER,
        "The server that was asked does not handle this domain and forwards nothing for strangers.",
        "Check that mail goes to the domain's real MX, and that your relay lets your server in.",
        WORDS("relaying-issues", "54 Relaying Denied", "Permanent/General", "RelayingDenied",
              "norelaying")},
    [REASON_SENDER_REJECTED] = {
        "sender-rejected", "sender", "sender-domain", TRANSIENT, NEVER,
        "The receiver refuses the sender address or its domain.",
        "Send from an address that exists, takes replies and whose domain resolves.",
        WORDS("invalid-sender", "50 Mail Block", "Transient/General", "InvalidSender",
              "rejected")},
    [REASON_SPAM_CONTENT] = {
        "spam-content", "content", "message", TRANSIENT, NEVER,
        "A filter took the message for spam.",
        "Look at text, links and layout of this message, and at who is on the list.",
        WORDS("spam-related", "52 Spam Content", "Transient/ContentRejected", "SpamContent",
              "spamdetected")},
    [REASON_URL_BLOCKLISTED] = {
        "url-blocklisted", "content", "message", TRANSIENT, NEVER,
        "A link in the message stands on a blocklist.",
        "Find the link, remove it, or get its domain delisted.",
        WORDS("spam-related", "52 Spam Content", "Transient/ContentRejected", "SpamContent",
              "spamdetected")},
    [REASON_VIRUS] = {
        "virus", "content", "message", TRANSIENT, NEVER,
        "A scanner found malware or phishing in the message.",
        "Stop this message and search your own systems for the source.",
        WORDS("virus-related", "52 Spam Content", "Transient/ContentRejected", "VirusRelated",
              "virusdetected")},
    [REASON_ATTACHMENT_BLOCKED] = {
        "attachment-blocked", "content", "message", TRANSIENT, NEVER,
        "The receiver refuses attachments of this type or name.",
        "Send a link to the file, or another format.",
        WORDS("content-related", "53 Prohibited Attachment", "Transient/AttachmentRejected",
              "ProhibitedAttachment", "securityerror")},
    [REASON_MESSAGE_TOO_LARGE] = {
        "message-too-large", "content", "message", PERMANENT, NEVER,
        "The message is larger than the receiver allows.",
        "Make the message smaller.",
        WORDS("content-related", "23 Too Large", "Transient/MessageTooLarge", "ContentRelated",
              "emailtoolarge")},
    [REASON_MALFORMED_MESSAGE] = {
        "malformed-message", "content", "message", PERMANENT, NEVER,
        "The message breaks the format rules for mail.",
        "Correct the headers, line lengths or encoding that your software writes.",
        WORDS("content-related", "25 Admin Failure", "Transient/ContentRejected",
              "ContentRelated", "notcompliantrfc")},
    [REASON_RATE_LIMITED] = {
        "rate-limited", "rate", "sender-ip", TRANSIENT, NEVER,
        "Too much mail came in too short a time.",
        "Send more slowly to this provider and retry later.",
        WORDS("policy-related", "20 Soft Bounce", "Transient/General", "TransientFailure",
              "ratelimited")},
    [REASON_TOO_MANY_CONNECTIONS] = {
        "too-many-connections", "rate", "sender-ip", TRANSIENT, NEVER,
        "Your server holds more connections at once than the receiver allows.",
        "Lower the number of parallel connections to this destination.",
        WORDS("bad-connection", "20 Soft Bounce", "Transient/General", "TransientFailure",
              "ratelimited")},
    [REASON_TOO_MANY_RECIPIENTS] = {
        "too-many-recipients", "rate", "message", TRANSIENT, NEVER,
        "One message or session names more recipients than the receiver allows.",
        "Lower the number of recipients in one delivery.",
        WORDS("policy-related", "25 Admin Failure", "Transient/General", "PolicyRelated",
              "ratelimited")},
    [REASON_GREYLISTED] = {
        "greylisted", "rate", "sender-ip", TRANSIENT, NEVER,
        "The receiver puts off the first contact and waits for a second attempt.",
        "Nothing: the next regular retry should pass.",
        WORDS("policy-related", "20 Soft Bounce", "Transient/General", "TransientFailure",
              "ratelimited")},
    [REASON_POLICY] = {
        "policy", "policy", "sender-setup", TRANSIENT, NEVER,
        "The receiver's own rules refuse the message, and it does not say which.",
        "Ask the receiver's postmaster, quoting the reply.",
        WORDS("policy-related", "25 Admin Failure", "Transient/General", "PolicyRelated",
              "policyviolation")},
    [REASON_PROTOCOL_ERROR] = {
        "protocol-error", "remote", "sender-setup", TRANSIENT, NEVER,
        "The two servers misunderstood each other in the SMTP dialogue.",
        "Look for a faulty MTA, proxy or firewall that alters SMTP commands.",
        WORDS("protocol-errors", "25 Admin Failure", "Transient/General", "ProtocolErrors",
              "syntaxerror")},
    [REASON_ROUTING_ERROR] = {
        "routing-error", "remote", "recipient-domain", TRANSIENT, COUNT,
        "Mail for this destination finds no way: its routing is set up wrongly.",
        "Tell the domain's owner; check your own transport maps as well.",
        WORDS("routing-errors", "25 Admin Failure", "Transient/General", "RoutingErrors",
              "networkerror")},
    [REASON_ROUTING_LOOP] = {
        "routing-loop", "remote", "recipient-domain", TRANSIENT, COUNT,
        "The message went in circles between servers.",
        "Tell the domain's owner; a forward most likely points back to itself.",
        WORDS("routing-errors", "25 Admin Failure", "Transient/General", "RoutingErrors",
              "networkerror")},
    [REASON_SYSTEM_ERROR] = {
        "system-error", "remote", "remote-system", TRANSIENT, NEVER,
        "The receiving system has a fault of its own.",
        "Wait and retry; it is not the recipient's fault, nor yours.",
        WORDS("bad-configuration", "20 Soft Bounce", "Transient/General", "TransientFailure",
              "systemerror")},
    [REASON_SYSTEM_FULL] = {
        "system-full", "remote", "remote-system", TRANSIENT, NEVER,
        "The receiving server has run out of disk space.",
        "Wait and retry.",
        WORDS("bad-configuration", "20 Soft Bounce", "Transient/General", "TransientFailure",
              "systemfull")},
    [REASON_CONNECTION_FAILED] = {
        "connection-failed", "network", "network", TRANSIENT, COUNT,
        "No connection to the receiving server came about, or it broke.",
        "Wait and retry; if it lasts, look at your firewall and the domain's MX.",
        WORDS("bad-connection", "20 Soft Bounce", "Transient/General", "BadConnection",
              "networkerror")},
    [REASON_TIMEOUT] = {
        "timeout", "network", "network", TRANSIENT, COUNT,
        "The receiving server did not answer in time.",
        "Wait and retry.",
        WORDS("no-answer-from-host", "24 Timeout", "Transient/General", "NoAnswerFromHost",
              "expired")},
    [REASON_DNS_FAILURE] = {
        "dns-failure", "network", "network", TRANSIENT, COUNT,
        "The DNS gave no usable answer about the domain for now.",
        "Wait and retry; check your resolver if many domains fail.",
        WORDS("bad-connection", "21 DNS Failure", "Transient/General", "DnsFailure",
              "networkerror")},
    [REASON_EXPIRED] = {
        "expired", "network", "network", TRANSIENT, COUNT,
        "Delivery was tried again and again until the message grew too old.",
        "Look in the log for what the earlier attempts met.",
        WORDS("message-expired", "24 Timeout", "Transient/General", "MessageExpired", "expired")},
    [REASON_COMPLAINT] = {
        "complaint", "feedback", "recipient", PERMANENT, SUPPRESS,
        "The recipient marked the message as spam.",
        "Never send to this person again unless they ask for it.",
        WORDS("spam-related", "51 Spam Block", "Complaint/abuse", "SpamBlock", "feedback")},
    [REASON_OPT_OUT] = {
        "opt-out", "feedback", "recipient", PERMANENT, SUPPRESS,
        "The recipient asked to be unsubscribed.",
        "Take the address off the list.",
        WORDS("other", "90 Unsubscribe", "Complaint/opt-out", "Unsubscribe", "feedback")},
    [REASON_NOT_SPAM] = {
        "not-spam", "feedback", "none", PERSISTENCE_NONE, NEVER,
        "The recipient says that a message was no spam.",
        "Nothing.",
        WORDS("other", "1 Undetermined", "Complaint/not-spam", "Uncategorized", "feedback")},
    [REASON_AUTO_REPLY] = {
        "auto-reply", "feedback", "none", PERSISTENCE_NONE, NEVER,
        "A machine answers for the recipient, who is away.",
        "Nothing: the message was delivered.",
        WORDS("other", "60 Auto-Reply", "Transient/General", "AutoReply", "vacation")},
    [REASON_CHALLENGE_RESPONSE] = {
        "challenge-response", "feedback", "none", PERSISTENCE_NONE, NEVER,
        "The recipient's system wants the sender to confirm that a person is writing.",
        "Confirm by hand if this recipient matters.",
        WORDS("other", "100 Challenge-Response", "Transient/General", "ChallengeResponse",
              "undefined")},
    [REASON_DELIVERED] = {
        "delivered", "none", "none", PERSISTENCE_NONE, NEVER,
        "The message was delivered or handed on.",
        "Nothing.",
        WORDS("success", "", "Delivery", "", "delivered")},
    [REASON_UNCLASSIFIED] = {
        "unclassified", "none", "unknown", PERSISTENCE_NONE, NEVER,
        "The reply does not tell why.",
        "Read the reply; if it tells a person more, write a local rule for it.",
        WORDS("other", "1 Undetermined", "Undetermined/Undetermined", "Uncategorized",
              "undefined")},
};

static const char *const vocabularies[VOCABULARY_COUNT] = {
    [VOCABULARY_POWERMTA] = "powermta", [VOCABULARY_SPARKPOST] = "sparkpost",
    [VOCABULARY_SES] = "ses",           [VOCABULARY_KUMOMTA] = "kumomta",
    [VOCABULARY_SISIMAI] = "sisimai",
};

const struct reason_info *reason_info(enum reason reason)
{
    return &table[(unsigned)reason < REASON_COUNT ? reason : REASON_UNCLASSIFIED];
}

int reason_from_name(const char *name, enum reason *reason_r)
{
    int i;

    for (i = 0; i < REASON_COUNT; i++) {
        if (!strcmp(table[i].name, name)) {
            *reason_r = (enum reason)i;
            return 1;
        }
    }
    return 0;
}

const char *persistence_name(enum persistence persistence)
{
    switch (persistence) {
    case PERSISTENCE_TRANSIENT:
        return "transient";
    case PERSISTENCE_PERMANENT:
        return "permanent";
    case PERSISTENCE_NONE:
        break;
    }
    return "none";
}

const char *hygiene_name(enum hygiene hygiene)
{
    switch (hygiene) {
    case HYGIENE_COUNT:
        return "count";
    case HYGIENE_SUPPRESS:
        return "suppress";
    case HYGIENE_NONE:
        break;
    }
    return "none";
}

int vocabulary_from_name(const char *name, enum vocabulary *vocabulary_r)
{
    int i;

    for (i = 0; i < VOCABULARY_COUNT; i++) {
        if (!strcmp(vocabularies[i], name)) {
            *vocabulary_r = (enum vocabulary)i;
            return 1;
        }
    }
    return 0;
}

const char *vocabulary_name(enum vocabulary vocabulary)
{
    return vocabularies[vocabulary];
}

const char *vocabulary_version(enum vocabulary vocabulary)
{
    static const char *const versions[VOCABULARY_COUNT] = {
        "powermta/1", "sparkpost/1", "ses/1", "kumomta/1", "sisimai/1",
    };

    return versions[vocabulary];
}
