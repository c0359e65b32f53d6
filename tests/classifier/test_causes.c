/* Whose fault? The same words of a dead mailbox, said of the sender, the client,
 * its greeting, its login or the message; beside them the nearest neighbours that
 * do mean the recipient.
 */
#include "config.h"

#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "tests/run.h"

#include <string.h>

static struct ruleset *ruleset;
static struct classifier *classifier;

static void open_classifier(void)
{
    struct error error = {0};

    ruleset = ruleset_load(NULL, NULL, &error);
    ck_assert_msg(ruleset != NULL, "%s", error.text);
    classifier = classifier_open(ruleset, &error);
    ck_assert_ptr_nonnull(classifier);
}

static void close_classifier(void)
{
    classifier_close(&classifier);
    ruleset_unref(&ruleset);
}

static const struct {
    enum reason reason;
    const char *text;
} cases[] = {
    {REASON_SENDER_REJECTED, "550 Sender unknown"},
    {REASON_SENDER_REJECTED, "550 5.1.1 Sender user unknown"},
    {REASON_SENDER_REJECTED, "550 Sender <news@example.net> does not exist"},
    {REASON_SENDER_REJECTED, "550 The domain of the sender could not be found"},
    {REASON_SENDER_REJECTED, "550 Invalid user in MAIL FROM"},
    {REASON_SENDER_REJECTED, "550 sender verify failed: no such user"},
    {REASON_SENDER_REJECTED, "550 5.1.1 Callback to sender: user unknown"},
    {REASON_SENDER_REJECTED, "550 5.1.8 your domain cannot be resolved, NXDOMAIN"},
    {REASON_SENDER_REJECTED, "550 reverse-path domain has no MX or A records"},
    {REASON_SENDER_REJECTED, "550 5.7.1 Return address news@example.net is undeliverable"},
    {REASON_SENDER_REJECTED, "553 5.7.1 The sender's mailbox is locked"},
    {REASON_SENDER_REJECTED, "550 Your mailbox has been disabled for outgoing mail due to abuse"},
    {REASON_SENDER_REJECTED, "554 your account has been suspended for sending spam"},
    {REASON_SENDER_REJECTED, "517-Domain does not exist: example.net."},
    {REASON_SENDER_REJECTED,
     "host mx.example.net[192.0.2.1] said: 550 mailbox unavailable (in reply to MAIL "
     "FROM command)"},
    {REASON_SENDER_REJECTED,
     "host mx.example.net[192.0.2.1] said: 550 5.2.1 account disabled (in reply to "
     "MAIL FROM command)"},
    {REASON_SENDER_REJECTED, "550 5.1.8 L'adresse de l'exp\303\251" "diteur est inconnue"},
    {REASON_SENDER_REJECTED, "550 5.1.8 Absenderadresse abgelehnt: Domain existiert nicht"},
    {REASON_SENDER_REJECTED, "550 El dominio del remitente no existe"},
    {REASON_SENDER_REJECTED, "550 Il dominio del mittente non esiste"},
    {REASON_SENDER_REJECTED, "550 Ihr Konto ist gesperrt: zu viele Nachrichten gesendet"},
    {REASON_NO_SUCH_USER, "550 5.1.1 User unknown; the sender was told"},
    {REASON_NO_SUCH_USER, "550 5.1.7 recipient unknown"},
    {REASON_NO_SUCH_USER, "550 5.1.1 Benutzer unbekannt"},
    {REASON_NO_SUCH_USER, "550 Il destinatario non esiste"},
    {REASON_INACTIVE_MAILBOX, "550 5.2.1 The mailbox is disabled"},
    {REASON_INACTIVE_MAILBOX, "550 Ce compte est suspendu"},
    {REASON_INACTIVE_MAILBOX, "550 Das Konto wurde deaktiviert"},
    {REASON_IP_REPUTATION, "550 user unknown in our reputation database"},
    {REASON_IP_REPUTATION, "550 address rejected: your IP 192.0.2.9 is blocked"},
    {REASON_IP_REPUTATION, "550 address 192.0.2.9 is disabled on this host due to abuse"},
    {REASON_IP_REPUTATION, "550 Die Adresse 192.0.2.9 ist gesperrt"},
    {REASON_IP_REPUTATION, "554 5.7.1 Votre adresse IP est bloqu\303\251" "e"},
    {REASON_IP_BLOCKLISTED,
     "550 5.1.1 <a@example.com>: Recipient address rejected: 192.0.2.9 listed at bl.example.org"},
    {REASON_NO_REVERSE_DNS, "550 5.1.1 your host name does not exist in DNS (192.0.2.9)"},
    {REASON_NO_REVERSE_DNS, "450 4.7.1 IP address 192.0.2.9 has no name; unknown host"},
    {REASON_BAD_HELO, "550 Host mail.internal in your HELO does not exist"},
    {REASON_BAD_HELO, "550 Host unknown (HELO mail.internal)"},
    {REASON_BAD_HELO, "550 The host name given in EHLO could not be found"},
    {REASON_NO_SUCH_DOMAIN,
     "550 5.1.2 <a@example.com>... Host unknown (Name server: example.com: not found)"},
    {REASON_AUTH_REQUIRED, "535 5.7.8 account disabled"},
    {REASON_AUTH_REQUIRED, "535 Benutzer unbekannt oder Passwort falsch"},
    {REASON_AUTH_REQUIRED, "535 authentication failed: user unknown"},
    {REASON_RELAYING_DENIED, "551 User not local; relaying denied"},
    {REASON_RELAYING_DENIED, "554 5.7.1 unknown domain, we relay only for our customers"},
    {REASON_DOMAIN_REPUTATION, "550 the domain example.net has been suspended from sending to us"},
    {REASON_DOMAIN_NOT_ACCEPTING, "550 mail service for example.com is suspended"},
    {REASON_POLICY, "550 5.7.1 mailbox unavailable for policy reasons"},
    {REASON_POLICY, "550 5.7.1 mailbox closed to external mail by company policy"},
    {REASON_SPAM_CONTENT, "550 No such user (spam detected)"},
    {REASON_SPAM_CONTENT, "550 mailbox unavailable: message identified as SPAM"},
    {REASON_SPF_FAIL, "550 SPF: example.net does not exist or has no valid record"},
    {REASON_DKIM_FAIL, "550 5.7.20 no such key: DKIM public key does not exist for selector s1"},
    {REASON_MESSAGE_TOO_LARGE, "550 5.2.3 recipient's mailbox does not accept messages over 10 MB"},
    {REASON_MALFORMED_MESSAGE, "550 invalid address in From header"},
    {REASON_RATE_LIMITED, "550 5.2.2 Sender over quota: you have sent too many messages today"},
    {REASON_MAILBOX_FULL, "550 5.2.2 user over quota"},
    {REASON_PROTOCOL_ERROR, "554 5.5.1 Error: no valid recipients"},
    {REASON_PROTOCOL_ERROR, "550 5.1.1 RCPT TO without MAIL FROM"},
    {REASON_GREYLISTED,
     "450 4.7.1 <a@example.com>: Recipient address rejected: put off, please try later"},
    {REASON_SYSTEM_ERROR, "550 Mailbox server not found, internal routing failed"},
    {REASON_SYSTEM_ERROR, "550 5.1.1 user lookup failed: LDAP server unavailable"},
    {REASON_SYSTEM_ERROR, "451 Could not complete recipient verify callout"},
    {REASON_RECIPIENT_REFUSED,
     "554 5.7.1 Recipient address rejected: not on the whitelist of this user"},
    {REASON_RECIPIENT_REFUSED,
     "550 5.7.1 <list@example.com>: only members of the club may post here"},
    {REASON_SENDER_REJECTED,
     "554 5.7.1 <a@example.com>: Recipient address rejected: listed sender"},
    {REASON_SENDER_REJECTED, "550 5.7.750 your tenant was barred from sending"},
    {REASON_MALFORMED_ADDRESS, "550 5.1.3 the recipient address is not RFC compliant"},
    {REASON_MALFORMED_MESSAGE, "550 5.7.1 the message is not RFC compliant"},
    {REASON_MAILBOX_FULL, "552 no space left in this user's mailbox"},
    {REASON_SYSTEM_FULL, "452 4.3.1 no space left on device"},
    {REASON_ROUTING_ERROR, "550 5.1.2 we are not set up to take mail for that domain"},
    {REASON_POLICY, "554 5.7.1 mail from your country is not accepted"},
    {REASON_POLICY, "550 5.7.1 command rejected"},
    {REASON_PROTOCOL_ERROR, "502 5.5.1 command rejected"},
    {REASON_IP_REPUTATION, "421 4.7.1 throttled because of the reputation of 192.0.2.9"},
    {REASON_RATE_LIMITED, "550 5.1.90 you have reached your daily limit for recipients"},
    {REASON_TOO_MANY_RECIPIENTS, "452 4.5.3 too many recipients; see our page on sending limits"},
    {REASON_AUTH_REQUIRED, "454 4.7.0 authentication failed for now: wrong user or password"},
    {REASON_ATTACHMENT_BLOCKED, "552 5.7.0 .exe files are not accepted"},
    {REASON_IP_REPUTATION, "421 your host has been banned for a day"},
    {REASON_IP_REPUTATION, "550 192.0.2.9 sends spam"},
    {REASON_IP_REPUTATION, "554 your machine is infected and was blocked"},
    {REASON_VIRUS, "554 5.7.0 infected attachment: Eicar"},
    {REASON_DOMAIN_REPUTATION, "553 sorry, your domain has been blocked"},
    {REASON_DOMAIN_NOT_ACCEPTING, "521 example.com does not accept mail"},
    {REASON_MAILBOX_FULL, "552 5.2.2 the mailbox is at its maximum size"},
    {REASON_UNAUTHENTICATED, "550 5.7.26 no SPF, no DKIM"},
    {REASON_UNCLASSIFIED, "550 unknown"},
    {REASON_UNCLASSIFIED, "550 disabled"},
    {REASON_SENDER_REJECTED, "550 you are not a customer of our system"},
    {REASON_SENDER_REJECTED, "553 this server denies the sender"},
    {REASON_SENDER_REJECTED, "550 sorry, no access for this user"},
    {REASON_NO_SUCH_USER, "553 not user of this server"},
    {REASON_NO_SUCH_USER, "550 5.1.1 could not find the mailbox"},
    {REASON_RELAYING_DENIED, "553 this host denies relay"},
    {REASON_AUTH_REQUIRED, "551 auth error"},
    {REASON_UNAUTHENTICATED, "550 5.7.26 multiple authentication checks failed"},
    {REASON_RATE_LIMITED, "450 4.7.1 too many recipients from mx.example.net[192.0.2.9]"},
    {REASON_MALFORMED_ADDRESS,
     "504 5.5.2 <joe>: Recipient address rejected: need fully-qualified address"},
    {REASON_SYSTEM_ERROR, "450 queue unavailable"},
    {REASON_MESSAGE_TOO_LARGE, "554 attachment is too long"},
    {REASON_NO_SUCH_USER, "550 Bad destination mailbox address"},
    {REASON_MALFORMED_ADDRESS, "501 Bad destination mailbox address syntax"},
    {REASON_NO_SUCH_DOMAIN, "550 Bad destination system address"},
    {REASON_SENDER_REJECTED, "550 Bad sender's system address"},
    {REASON_AUTH_REQUIRED, "550 only registered users may use this system"},
    {REASON_NO_SUCH_DOMAIN, "550 Die Domain des Empf\303\244ngers existiert nicht"},
    {REASON_SENDER_REJECTED, "550 Domena nadawcy nie istnieje"},
    {REASON_RECIPIENT_REFUSED, "550 El destinatario no acepta su correo"},
    {REASON_INACTIVE_MAILBOX, "550 La cuenta del destinatario est\303\241 suspendida"},
    {REASON_RATE_LIMITED, "450 Zu viele Nachrichten"},
    {REASON_MAILBOX_FULL, "550 Benutzer hat zuviele Mails auf dem Server"},
    {REASON_MESSAGE_TOO_LARGE, "552 El mensaje excede el tama\303\261o permitido"},
    {REASON_MAILBOX_FULL, "552 El buz\303\263n ha excedido su cuota"},
    {REASON_POLICY, "550 Acc\303\250s refus\303\251"},
    {REASON_SYSTEM_ERROR, "451 Fehler, bitte sp\303\244ter erneut versuchen"},
    {REASON_RATE_LIMITED, "550 5.7.1 Email quota exceeded. - gsmtp"},
    {REASON_MAILBOX_FULL, "552 5.2.2 The mailbox quota is exceeded - gsmtp"},
    {REASON_TLS_REQUIRED, "554 the certificate is not trusted"},
    {REASON_CONNECTION_FAILED, "451 4.4.1 no valid hosts (too many connection failures)"},
    {REASON_TOO_MANY_CONNECTIONS, "421 too many concurrent network connections"},
    {REASON_BAD_HELO, "517 DNS lookup failed for HELO name mail.internal"},
    {REASON_IP_BLOCKLISTED,
     "550 5.7.1 Recipient not authorized, your IP has been found on a block list"},
    {REASON_RECIPIENT_REFUSED, "550 5.7.1 refused by the recipient's sieve script"},
    {REASON_SYSTEM_ERROR, "451 4.3.0 <joe@example.com> Temporary internal failure"},
    {REASON_VIRUS, "554 5.7.0 Reject, id=7-1 - INFECTED: Eicar"},
    {REASON_ATTACHMENT_BLOCKED, "554 5.7.0 Reject, id=7-1 - BANNED: exe"},
    {REASON_MALFORMED_MESSAGE, "554 5.6.0 Reject, id=7-1 - BAD-HEADER"},
    {REASON_SENDER_REJECTED, "550 5.1.0 sender mailbox unavailable"},
    {REASON_SENDER_REJECTED, "550 we cannot answer, since your address is invalid"},
    {REASON_SENDER_REJECTED, "550 The user that sends this does not exist"},
    {REASON_SENDER_REJECTED, "550 account a@example.net, which you send from, has been disabled"},
    {REASON_SENDER_REJECTED, "550 mail from disabled accounts is not accepted"},
    {REASON_SENDER_REJECTED, "550 No such domain: example.net (sender)"},
    {REASON_NO_SUCH_USER, "550 5.1.1 The address you sent your message to does not exist"},
    {REASON_BAD_HELO,
     "host mx.example.net[192.0.2.1] said: 550 unknown host (in reply to EHLO command)"},
    {REASON_NO_REVERSE_DNS, "550 5.7.1 client name does not exist"},
    {REASON_NO_REVERSE_DNS, "550 5.7.1 no DNS entry for your address 192.0.2.9"},
    {REASON_NO_REVERSE_DNS, "550 your host has no valid name"},
    {REASON_IP_REPUTATION, "550 this address 192.0.2.9 is not allowed here"},
    {REASON_AUTH_REQUIRED, "550 5.7.1 unknown user, please log in"},
    {REASON_RELAYING_DENIED, "553 domain not in rcpthosts"},
    {REASON_MALFORMED_MESSAGE, "550 5.6.0 no recipient in To or Cc headers"},
    {REASON_RATE_LIMITED, "451 4.7.1 recipient over its hourly message limit"},
    {REASON_GREYLISTED, "451 4.7.1 unknown sender/recipient pair; greylisted"},
    {REASON_TLS_REQUIRED, "550 this mailbox only accepts encrypted connections"},
    {REASON_SYSTEM_ERROR, "451 mailbox locked by another process"},
    {REASON_SYSTEM_ERROR, "450 cannot determine whether the mailbox exists"},
    {REASON_SYSTEM_FULL, "452 mail server full, no space for user mail"},
    {REASON_ROUTING_LOOP, "554 mailbox forwards to itself: loop"},
    {REASON_PROTOCOL_ERROR, "501 RCPT TO: syntax error in parameters"},
    {REASON_PROTOCOL_ERROR, "503 no recipients given"},
    {REASON_PROTOCOL_ERROR, "503 5.5.1 no valid RCPT command"},
    {REASON_PROTOCOL_ERROR, "500 user command not recognized"},
    {REASON_POLICY, "550 5.7.1 mail to this recipient is blocked by our security policy"},
    {REASON_RECIPIENT_REFUSED, "550 this list does not exist or you may not post to it"},
    {REASON_RECIPIENT_REFUSED, "550 user unknown or not allowed to get your mail"},
    {REASON_SENDER_REJECTED, "553 Verification of a@example.net failed: no such user"},
    {REASON_SENDER_REJECTED, "550 Could not verify the return address; remote said user unknown"},
    {REASON_SENDER_REJECTED, "550 5.7.1 Header From mailbox is not registered with us"},
    {REASON_SENDER_REJECTED, "550 Your mail account has been locked because of unusual sending"},
    {REASON_SENDER_REJECTED, "550 5.1.0 Originator address invalid"},
    {REASON_NO_SUCH_USER, "550 5.1.1 recipient unknown, sender notified"},
    {REASON_IP_REPUTATION, "550 Blocked: your host tried too many nonexistent mailboxes"},
    {REASON_SYSTEM_ERROR, "450 users database locked"},
    {REASON_RECIPIENT_REFUSED, "550 the user has closed the mailbox to your domain"},
    {REASON_RECIPIENT_REFUSED, "550 5.7.1 mailbox owner blocked you"},
    {REASON_PROTOCOL_ERROR, "554 no valid recipients given, DATA refused"},
    {REASON_CONNECTION_FAILED, "Unable to deliver to remote server: connection refused"},
    {REASON_RELAYING_DENIED, "553 this server does not deliver to outside domains"},
    {REASON_AUTH_REQUIRED, "550 you must check for new mail before sending"},
    {REASON_TLS_REQUIRED, "x509: certificate signed by unknown authority"},
    {REASON_RATE_LIMITED, "452 4.5.3 too many messages in this session"},
    {REASON_GREYLISTED, "450 you are being delayed for the first delivery"},
    {REASON_POLICY, "550 5.7.1 you are not authorized to send to this domain"},
    {REASON_IP_REPUTATION, "554 spammer go away"},
    {REASON_BAD_HELO, "550 HELO with our own name, go away"},
    {REASON_ROUTING_LOOP, "554 5.4.6 message has passed this host before"},
    {REASON_RECIPIENT_REFUSED, "550 the recipient has put you on his block list"},
    {REASON_NO_SUCH_USER,
     "User and password not set, continuing without authentication. 192.0.2.9 does not like "
     "recipient. Remote host said: 550 Invalid recipient: joe"},
    {REASON_NO_SUCH_USER, "550 <joe@example.com>: ETP102 Invalid recipient"},
    {REASON_ROUTING_LOOP, "550 ETP104 Routing loop detected"},
    {REASON_SENDER_REJECTED, "550 you don't have an account here"},
    {REASON_SENDER_REJECTED, "550 no mail server found for your domain"},
    {REASON_DOMAIN_REPUTATION, "550 outgoing mail is disabled for this domain"},
    {REASON_NO_REVERSE_DNS, "550 the DNS has no record of your host"},
    {REASON_IP_REPUTATION, "550 the address 2001:db8::25 has been blocked"},
    {REASON_POLICY, "550 Refused, please send to <postmaster@example.com>"},
    {REASON_MOVED, "551 please write to <ann@example.com> instead"},
    {REASON_SENDER_REJECTED, "550 we could not find any user behind your sender address"},
    {REASON_SENDER_REJECTED, "550 your domain is parked and may not send"},
    {REASON_SENDER_REJECTED, "550 the From mailbox is not known at example.net"},
    {REASON_NO_REVERSE_DNS, "550 the name of your host could not be found"},
    {REASON_NO_REVERSE_DNS, "550 hostname does not exist for 192.0.2.9"},
    {REASON_AUTH_REQUIRED, "550 account not found or not logged in"},
    {REASON_MALFORMED_MESSAGE, "550 the message has no valid From address"},
    {REASON_SYSTEM_ERROR, "451 alias database not found"},
    {REASON_SYSTEM_ERROR, "450 mailbox closed for maintenance"},
    {REASON_SYSTEM_ERROR, "450 4.3.0 user data not found on backend"},
    {REASON_NO_SUCH_USER, "550 that address is not in our database"},
    {REASON_RECIPIENT_REFUSED, "550 this user is unknown to you or has you blocked"},
    {REASON_IP_REPUTATION, "554 192.0.2.9 refused. AUP#In-1020"},
    {REASON_DMARC_FAIL,
     "550 5.7.0 messages from (192.0.2.9) on behalf of (example.net) are refused due to domain "
     "owner policy restrictions"},
    {REASON_CHALLENGE_RESPONSE,
     "The recipient's anti-spam system needs you to confirm that you are a real person"},
};

START_TEST(finds_the_cause)
{
    struct classify_input input = {.text = cases[_i].text, .length = strlen(cases[_i].text)};
    struct verdict verdict;

    classify(classifier, &input, &verdict);
    ck_assert_msg(verdict.reason == cases[_i].reason, "%s: %s by %s, not %s", cases[_i].text,
                  reason_info(verdict.reason)->name, verdict.rule,
                  reason_info(cases[_i].reason)->name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("causes");
    TCase *tcase = tcase_create("causes");

    tcase_add_unchecked_fixture(tcase, open_classifier, close_classifier);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, finds_the_cause, 0, (int)(sizeof(cases) / sizeof(*cases)));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
