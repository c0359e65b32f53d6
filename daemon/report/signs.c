/* See signs.h. Words stand in lower case; where ASCII does not hold the first
 * letter, which may be a capital, they begin with the second. */
#include "config.h"

#include "daemon/report/signs.h"

#include <stdlib.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const systems[] = {
    "mailer-daemon", "mailerdaemon", "mailer_daemon", "mail delivery", "delivery system",
    "delivery subsystem", "mdaemon", "maildaemon", "mail-daemon", "mail system",
    "microsoftexchange", "jetmail", "smtp_mail_service", "lsmtp for", "mail router", "interscan", "imss@",
};

/* Names under which systems write, and persons and their quota warnings as well. */
static const char *const offices[] = {
    "postmaster", "post_master", "post-master", "mailadmin", "system administrator", "mail administrator",
    "microsoft outlook",
};

static const char *const subjects[] = {
    "undeliver", "delivery fail", "delivery error", "delivery status", "delivery report",
    "delivery notification", "delivery problem", "delivery has failed", "delivery delayed",
    "delivery unsuccessful", "failure notice", "failure delivery", "failure notification",
    "returned mail", "returned to sender", "returning message", "mail error", "mail delivery",
    "mail system error", "mail failure", "mail could not be delivered", "message not delivered",
    "not be delivered", "not been delivered", "non-deliver", "nondeliver", "non delivery",
    "could not send", "error sending your", "error during delivery", "message delivery",
    "postmaster notify", "rejected mail", "user unknown", "are not member", "unzustellbar",
    "mail not delivered", "can't send", "cannot be delivered", "no se puede entregar",
    "non remis", "onbestelbaar", "mancato recapito",
    "\xe3\x82\xa8\xe3\x83\xa9\xe3\x83\xbc\xe9\x80\x9a\xe7\x9f\xa5",             /* error notice */
    "\xe9\x85\x8d\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93", /* cannot be delivered */
    "\xe9\x80\x81\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93", /* cannot be sent */
};

static const char *const phrases[] = {
    "not be delivered", "unable to deliver", "undeliverable", "delivery failed", "did not reach",
    "could not deliver", "delivery has failed", "delivery to the following", "not delivered",
    "unable to send", "failed to deliver", "error delivering", "returned to you", "delivery error",
    "error has occurred while attempting", "trouble delivering", "fatal error", "not member", "not a member",
    "nicht zugestellt", "no se pudo entregar", "no se ha podido entregar",
    "pas pu \xc3\xaatre remis", "non \xc3\xa8 stato recapitato", "non consegnat",
    "n\xc3\xa3o p\xc3\xb4" "de ser entregue", "niet bezorgd", "niet worden bezorgd",
    "kunde inte levereras", "\xd0\xbd\xd0\xb5 \xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0\xbd", "\xd0\xbd\xd0\xb5 \xd0\xb1\xd1\x8b\xd0\xbb\xd0\xbe \xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0\xbd\xd0\xbe",
    "\xe6\x8a\x95\xe9\x80\x92\xe5\xa4\xb1\xe8\xb4\xa5", "\xe9\x80\x81\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93", "\xe9\x85\x8d\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93",
};

static const char *const replies[] = {
    "automatic reply", "automatic response", "auto reply", "auto-reply", "autoreply", "auto:",
    "auto response", "auto-response", "autoresponse", "autorespons", "out of office",
    "out-of-office", "out of the office", "on vacation", "vacation reply", "away from",
    "away until",
    "abwesenheit", "automatische antwort", "automatisch antwoord", "risposta automatica",
    "respuesta autom", "resposta autom", "r\xc3\xa9ponse automatique",
    "\xe8\x87\xaa\xe5\x8b\x95\xe5\xbf\x9c\xe7\xad\x94",
    "\xe8\x87\xaa\xe5\x8b\x95\xe8\xbf\x94\xe4\xbf\xa1",
    "\xe8\x87\xaa\xe5\x8a\xa8\xe5\x9b\x9e\xe5\xa4\x8d",
    "absence du bureau",
    "absent du bureau",
    "fuera de la oficina",
    "fuori sede",
    "fuori ufficio",
    "aus\xc3\xaancia tempor",
    "fora do escrit",
    "afwezig",
    "autosvar",
    "automatiskt svar",
    "automatisk svar",
    "fr\xc3\xa5nvaro",
    "frav\xc3\xa6rende",
    "automaattinen vastaus",
    "poissaolo",
    "autoodpowied",
    "automatyczna odpowied",
    "nieobecno",
    "automatick\xc3\xa1 odpov",
    "automatikus v",
    "otomatik yan",
    "r\xc4\x83spuns automat",
    "\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82",
    "\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1\x87\xd0\xb5\xd1\x81\xd0\xba\xd0\xb8\xd0\xb9 \xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82",
    "\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1\x87\xd0\xbd\xd0\xb0 \xd0\xb2\xd1\x96\xd0\xb4\xd0\xbf\xd0\xbe\xd0\xb2\xd1\x96\xd0\xb4\xd1\x8c",
    "\xcf\x85\xcf\x84\xcf\x8c\xce\xbc\xce\xb1\xcf\x84\xce\xb7 \xce\xb1\xcf\x80\xce\xac\xce\xbd\xcf\x84\xce\xb7\xcf\x83\xce\xb7",
    "\xe8\x87\xaa\xe5\x8b\x95\xe5\x9b\x9e\xe8\xa6\x86",
    "\xec\x9e\x90\xeb\x8f\x99 \xed\x9a\x8c\xec\x8b\xa0",
    "\xec\x9e\x90\xeb\x8f\x99 \xec\x9d\x91\xeb\x8b\xb5",
    "\xec\x9e\x90\xeb\x8f\x99\xec\x9d\x91\xeb\x8b\xb5",
    "\xeb\xb6\x80\xec\x9e\xac\xec\xa4\x91",
    "\xe4\xb8\x8d\xe5\x9c\xa8\xe9\x80\x9a\xe7\x9f\xa5",
};

/* Who wrote shall first show to be a person. */
static const char *const challenges[] = {
    "challenge-response", "challenge/response", "confirm your message", "confirm this message",
    "confirm that you sent", "confirm delivery of your", "verify your message", "message verification",
    "sender verification", "prove that you are", "your message was waitlisted", "protected by tmda",
    "spam arrest", "captcha",
};

/* The whole of it went well. */
static const char *const successes[] = {
    "successfully delivered", "delivered successfully", "successful delivery", "successful mail delivery",
    "was delivered to", "were delivered to", "has been delivered to", "been successfully",
};

static const char *const delays[] = {
    "warning message only", "do not need to resend", "do not need to re-send", "has been delayed",
    "is delayed", "was delayed", "delivery delayed", "(delay)", "will be retried",
    "not yet been delivered",
    "not been delivered yet", "still being retried", "will continue to attempt",
    "will continue to try",
    "attempts will continue", "will keep trying", "temporary failure report",
    "could not send message for past", "still trying", "keep trying", "will retry", "yet to be delivered",
    "will be attempted again",
    "could not send mail for past", "just a warning", "message delayed", "delayed mail",
    "status notification (delay",
    "zustellung verz", "verz\xc3\xb6gert sich", "remise retard",
    "a \xc3\xa9t\xc3\xa9 retard", "entrega retras", "consegna ritard",
    "bezorging vertraagd", "leverans f\xc3\xb6rs", "\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xba\xd0\xb0 \xd0\xbe\xd1\x82\xd0\xbb\xd0\xbe\xd0\xb6",
    "\xd0\xb7\xd0\xb0\xd0\xb4\xd0\xb5\xd1\x80\xd0\xb6\xd0\xba", "\xe9\x85\x8d\xe4\xbf\xa1\xe3\x81\x8c\xe9\x81\x85\xe3\x82\x8c", "\xe5\xbb\xb6\xe8\xbf\x9f\xe6\x8a\x95\xe9\x80\x92",
};

static int any(struct span text, const char *const *table, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (span_find_case(text, table[i]))
            return 1;
    return 0;
}

static int any_field(const struct header *header, const char *name, const char *const *table,
                     size_t count)
{
    struct span raw = header_get(header, name);
    char *text = raw.length ? field_text(raw, 512) : NULL;
    int found = text && any(span_of(text), table, count);

    free(text);
    return found;
}

/* A human's vacation notice has the null sender as well, so that alone is no sign. */
enum bounce_sign signs_bounce(const struct header *header)
{
    int sent = any_field(header, "From", systems, COUNT(systems)) ||
               span_is(header_get(header, "From"), "<>");
    int office = any_field(header, "From", offices, COUNT(offices));
    int worded = any_field(header, "Subject", subjects, COUNT(subjects));

    if (((sent || office) && worded) || header_get(header, "X-Failed-Recipients").length)
        return BOUNCE_CERTAIN;
    return sent ? BOUNCE_SENT : office ? BOUNCE_OFFICE : worded ? BOUNCE_WORDED : BOUNCE_NONE;
}

int signs_failure(struct span text)
{
    return any(text, phrases, COUNT(phrases));
}

static const struct {
    const char *name, *value; /* value: how it begins; "" for any */
} reply_fields[] = {
    {"Auto-Submitted", "auto-replied"}, {"X-Autoreply", ""},        {"X-Autorespond", ""},
    {"X-Autoresponder", ""},            {"X-Auto-Reply", ""},       {"X-Mail-Autoreply", ""},
    {"Precedence", "auto_reply"},       {"Precedence", "auto-reply"}, {"X-Precedence", "auto_reply"},
    {"X-Autogenerated", "reply"},       {"X-Apple-Action", "vacation"},
    {"X-AutoReply-From", ""},           {"X-FC-MachineGenerated", "true"},
    {"Preference", "auto_reply"},       {"Delivered-To", "autoresponder"},
    {"X-POST-MessageClass", "9; autoresponder"}, {"X-MS-Exchange-Inbox-Rules-Loop", ""},
};

int signs_auto_reply(const struct header *header)
{
    size_t i;

    for (i = 0; i < COUNT(reply_fields); i++)
        if (span_starts(header_get(header, reply_fields[i].name), reply_fields[i].value) &&
            header_get(header, reply_fields[i].name).start)
            return 1;
    return any_field(header, "Subject", replies, COUNT(replies));
}

int signs_challenge(const struct header *header, struct span text)
{
    return any_field(header, "Subject", challenges, COUNT(challenges)) ||
           (signs_auto_reply(header) && any(text, challenges, COUNT(challenges)));
}

int signs_success(struct span subject, struct span text)
{
    return (any(subject, successes, COUNT(successes)) || any(text, successes, COUNT(successes))) &&
           !signs_failure(text);
}

int signs_delay(struct span subject, struct span text)
{
    return any(subject, delays, COUNT(delays)) || any(text, delays, COUNT(delays));
}
