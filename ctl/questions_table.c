/* See questions.h. The replies are worded as servers word them. */
#include "config.h"

#include "ctl/questions.h"

#define OUTLOOK "example-com.mail.protection.outlook.com"
#define HOTMAIL "hotmail-com.olc.protection.outlook.com"
#define GMAIL "gmail-smtp-in.l.google.com"

const struct question questions[] = {
    {"550 relaying denied",
     "The server that was asked is not responsible for the recipient's domain and forwards nothing for "
     "strangers. That says nothing about the mailbox: a mail went to the wrong server, or the right one "
     "does not know its own domain.", NULL, 0},
    {NULL, "550 Relaying denied", NULL, REASON_RELAYING_DENIED},
    {NULL, "554 5.7.1 <joe@example.com>: Relay access denied", NULL, REASON_RELAYING_DENIED},
    {NULL, "550 5.7.1 Unable to relay for joe@example.com", NULL, REASON_RELAYING_DENIED},
    {NULL, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", NULL,
     REASON_RELAYING_DENIED},

    {"550 5.4.1: access denied, or routing?",
     "By the book 5.4.1 means that a host does not answer. Office 365 says it, together with \"Access "
     "denied\", of a recipient that its directory does not know. The words decide, not the status.",
     NULL, 0},
    {NULL, "550 5.4.1 Recipient address rejected: Access denied. [DB1EUR01FT003.eop-EUR01.prod.protection.outlook.com]",
     OUTLOOK, REASON_NO_SUCH_USER},
    {NULL, "550 5.4.1 Relay Access Denied [SN1NAM04FT012.eop-NAM04.prod.protection.outlook.com]", OUTLOOK,
     REASON_RELAYING_DENIED},
    {NULL, "550 5.4.1 Connection refused by mx.example.com", NULL, REASON_CONNECTION_FAILED},
    {NULL, "554 5.7.1 <joe@example.com>: Recipient address rejected: Access denied", "mx.example.com",
     REASON_RECIPIENT_REFUSED},

    {"550 5.5.0 mailbox unavailable, at Hotmail",
     "5.5.0 is a status for trouble with the protocol. At Hotmail and Outlook.com it comes with an address "
     "that does not exist.", NULL, 0},
    {NULL, "550 5.5.0 Requested action not taken: mailbox unavailable", HOTMAIL, REASON_NO_SUCH_USER},
    {NULL, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", HOTMAIL,
     REASON_NO_SUCH_USER},

    {"550 5.7.1 and its dozen meanings",
     "5.7.1 says \"not authorised\", and every server takes that to mean something else. Only the words "
     "tell whose fault it is; where they do not, nobody is suppressed.", NULL, 0},
    {NULL, "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", NULL,
     REASON_IP_BLOCKLISTED},
    {NULL, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet "
           "service provider since part of their network is on our block list (S3150).",
     HOTMAIL, REASON_IP_REPUTATION},
    {NULL, "550 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", NULL,
     REASON_NO_REVERSE_DNS},
    {NULL, "550 5.7.1 Message rejected due to SPF failure", NULL, REASON_SPF_FAIL},
    {NULL, "550 5.7.1 DKIM signature verification failed", NULL, REASON_DKIM_FAIL},
    {NULL, "550 5.7.1 Rejected by the DMARC policy of example.com", NULL, REASON_DMARC_FAIL},
    {NULL, "550 5.7.1 Authentication required", NULL, REASON_AUTH_REQUIRED},
    {NULL, "550 5.7.1 <news@example.net>: Sender address rejected: not owned by user", NULL,
     REASON_SENDER_REJECTED},
    {NULL, "550 5.7.1 This message looks like spam", NULL, REASON_SPAM_CONTENT},
    {NULL, "550 5.7.1 A link in the message is listed by URIBL", NULL, REASON_URL_BLOCKLISTED},
    {NULL, "550 5.7.1 This message contains a virus", NULL, REASON_VIRUS},
    {NULL, "550 5.7.1 This attachment type is not allowed", NULL, REASON_ATTACHMENT_BLOCKED},
    {NULL, "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", NULL, REASON_RECIPIENT_REFUSED},
    {NULL, "550 5.7.1 You do not have permission to post to this group", NULL, REASON_RECIPIENT_REFUSED},
    {NULL, "450 4.7.1 Greylisted, try again in 5 minutes", NULL, REASON_GREYLISTED},
    {NULL, "550 5.7.1 Access denied", NULL, REASON_POLICY},
    {NULL, "550 5.7.1", NULL, REASON_POLICY},

    {"554",
     "554 is \"transaction failed\" and nothing else: it closes the door on a whole message as well as on one "
     "recipient.", NULL, 0},
    {NULL, "554 5.7.1 Message refused by policy", NULL, REASON_POLICY},
    {NULL, "554 Message rejected: spam content", NULL, REASON_SPAM_CONTENT},
    {NULL, "554 delivery error: dd This user doesn't have a yahoo.com account (joe@yahoo.com) [0]", NULL,
     REASON_NO_SUCH_USER},
    {NULL, "554 5.4.6 Too many hops", NULL, REASON_ROUTING_LOOP},
    {NULL, "554 Transaction failed", NULL, REASON_UNCLASSIFIED},

    {"550 5.5.5",
     "By the book a wrong version of the protocol; some servers say it of an unknown recipient. Without words "
     "nobody can tell.", NULL, 0},
    {NULL, "550 5.5.5 Recipient unknown", NULL, REASON_NO_SUCH_USER},
    {NULL, "550 5.5.5", NULL, REASON_UNCLASSIFIED},

    {"550 5.1.10 RESOLVER.ADR.RecipientNotFound",
     "Exchange's words for an address that its directory does not hold.", NULL, 0},
    {NULL, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient joe@example.com not found by SMTP address lookup",
     NULL, REASON_NO_SUCH_USER},

    {"550 5.1.1",
     "The one status that nearly always means what it says. The words still come first: a full mailbox or a "
     "refused sender under 5.1.1 does not cost the recipient his address.", NULL, 0},
    {NULL, "550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown", NULL, REASON_NO_SUCH_USER},
    {NULL, "550-5.1.1 The email account that you tried to reach does not exist. - gsmtp", GMAIL,
     REASON_NO_SUCH_USER},
    {NULL, "550 5.1.1", NULL, REASON_NO_SUCH_USER},
    {NULL, "550 5.1.1 The mailbox is over quota", NULL, REASON_MAILBOX_FULL},

    {"550 Blocked, 550 Message rejected",
     "A verdict without a cause. It is put down to the receiver's policy, and no address is suppressed for it.",
     NULL, 0},
    {NULL, "550 Blocked", NULL, REASON_POLICY},
    {NULL, "550 Message rejected", NULL, REASON_POLICY},

    {"550 5.7.26",
     "Gmail's status for mail that proves its origin by neither SPF nor DKIM, or fails the DMARC policy of its "
     "domain.", NULL, 0},
    {NULL, "550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all "
           "senders to authenticate with either SPF or DKIM. - gsmtp", GMAIL, REASON_UNAUTHENTICATED},
    {NULL, "550-5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy. - gsmtp",
     GMAIL, REASON_DMARC_FAIL},
    {NULL, "550 5.7.26 Multiple authentication checks failed", NULL, REASON_UNAUTHENTICATED},

    {"550 5.7.509 and 5.7.515",
     "Microsoft's refusals of mail whose From domain fails DMARC, or does not meet what large senders must.",
     NULL, 0},
    {NULL, "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC "
           "policy of reject", OUTLOOK, REASON_DMARC_FAIL},
    {NULL, "550 5.7.515 Access denied, sending domain example.com doesn't meet the required authentication level",
     HOTMAIL, REASON_UNAUTHENTICATED},

    {"550 5.7.606 and its neighbours",
     "Microsoft 365 has banned the sending IP address. \"Access denied\" is said to the sender here, not of the "
     "recipient.", NULL, 0},
    {NULL, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", OUTLOOK, REASON_IP_REPUTATION},
    {NULL, "550 5.7.511 Access denied, banned sender[192.0.2.1]", OUTLOOK, REASON_IP_REPUTATION},

    {"553 sorry",
     "qmail is always sorry; what for stands behind it.", NULL, 0},
    {NULL, "553 sorry, no mailbox here by that name (#5.1.1)", NULL, REASON_NO_SUCH_USER},
    {NULL, "553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)", NULL, REASON_SENDER_REJECTED},

    {"A suppression list on the way",
     "A relay or sending service holds the address on a list of its own and never asked the mailbox's server.",
     NULL, 0},
    {NULL, "550 5.1.1 The recipient address is on the suppression list for your account", NULL,
     REASON_RECIPIENT_SUPPRESSED},
    {NULL, "605 Not delivering to previously bounced address", NULL, REASON_RECIPIENT_SUPPRESSED},

    {"A bare 550",
     "No words, no status: the mailbox may be gone, or your server unwelcome. It is not guessed.", NULL, 0},
    {NULL, "550", NULL, REASON_UNCLASSIFIED},
    {NULL, NULL, NULL, 0},
};
