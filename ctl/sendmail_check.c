/* See sendmail_check.h. */
#include "config.h"

#include "ctl/sendmail_check.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An IP address stands in brackets, an IPv6 one with its name before it. */
static char *lmtp_over_tcp(const char *spec)
{
    const char *port = strchr(spec, ':') + 1, *host = strchr(port, '@');
    int length = host ? (int)(host - port) : (int)strlen(port);

    if (!host)
        return xasprintf("TCP [127.0.0.1] %.*s", length, port);
    host++;
    if (strchr(host, ':'))
        return xasprintf("TCP [IPv6:%s] %.*s", host, length, port);
    if (strspn(host, "0123456789.") == strlen(host))
        return xasprintf("TCP [%s] %.*s", host, length, port);
    return xasprintf("TCP %s %.*s", host, length, port);
}

int sendmail_wish_make(const char *milter_socket, const char *lmtp_socket,
                       struct sendmail_wish *wish_r, struct error *error)
{
    static const char forbidden[] = "`', \t"; /* m4's quotes, the ends of an equate and an argument */
    const char *bad = strpbrk(milter_socket, forbidden) ? milter_socket : lmtp_socket;

    *wish_r = (struct sendmail_wish){0};
    if (strpbrk(bad, forbidden))
        return error_set(error, ERROR_INPUT, "%s: a .mc file cannot name a socket with a blank, a "
                         "comma or a quote in its path", bad);
    wish_r->milter = strncmp(milter_socket, "unix:", 5) ? xstrdup(milter_socket)
                                                        : xasprintf("local:%s", milter_socket + 5);
    if (!strncmp(lmtp_socket, "unix:", 5))
        wish_r->lmtp = xasprintf("FILE %s", lmtp_socket + 5);
    else if (*lmtp_socket && strchr(lmtp_socket, ':'))
        wish_r->lmtp = lmtp_over_tcp(lmtp_socket);
    return 0;
}

void sendmail_wish_clear(struct sendmail_wish *wish)
{
    free(wish->milter);
    free(wish->lmtp);
    *wish = (struct sendmail_wish){0};
}

/* "90s", "5m", "1h30m"; a bare number is minutes to Sendmail. */
static long seconds_of(const char *text)
{
    static const struct {
        char unit;
        long seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    long sum = 0;
    char *end;

    for (; *text >= '0' && *text <= '9'; text = *end ? end + 1 : end) {
        long number = strtol(text, &end, 10), factor = 60;

        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
            if (*end == units[i].unit)
                factor = units[i].seconds;
        sum += number * factor;
    }
    return sum;
}

/* One letter of T=C:5s;S:10s; Sendmail's default where it is not told. */
static long timeout_of(const char *list, char letter, long standard)
{
    for (; list && *list; list += strcspn(list, ";"), list += strspn(list, "; "))
        if (*list == letter && list[1] == ':')
            return seconds_of(list + 2);
    return standard;
}

static void check_waits(const char *line, const char *name, const struct sendmail_wish *wish,
                        struct findings *findings)
{
    char *list = sendmail_cf_equate(line, "T");

    if (timeout_of(list, 'C', 300) > 60)
        findings_add(findings, FINDING_WARNING,
                     "filter %s: each client waits %ld s for a suppressd that hangs; say T=C:5s",
                     name, timeout_of(list, 'C', 300));
    if (timeout_of(list, 'E', 300) <= wish->ack_timeout)
        findings_add(findings, FINDING_WARNING,
                     "filter %s: T=E:%lds is no longer than ack_timeout (%ld s): a bounce is "
                     "taken before it is on disk", name, timeout_of(list, 'E', 300),
                     wish->ack_timeout);
    free(list);
}

static void check_flags(const char *line, const char *name, struct findings *findings)
{
    static const struct {
        char flag;
        const char *effect;
    } flags[] = {
        {'R', "refused"}, {'T', "put off"}, {'4', "put off, and each connection closed"}};
    char *value = sendmail_cf_equate(line, "F");

    for (size_t i = 0; value && i < sizeof(flags) / sizeof(*flags); i++)
        if (strchr(value, flags[i].flag))
            findings_add(findings, FINDING_BLOCK,
                         "filter %s: with F=%c all mail is %s while suppressd is away; leave F= "
                         "empty", name, flags[i].flag, flags[i].effect);
    free(value);
}

/* "local:" and "unix:" are the same to Sendmail. */
static int same_socket(const char *one, const char *other)
{
    static const char *const same[] = {"local:", "unix:"};

    for (size_t i = 0; i < 2; i++) {
        one += strncasecmp(one, same[i], strlen(same[i])) ? 0 : strlen(same[i]);
        other += strncasecmp(other, same[i], strlen(same[i])) ? 0 : strlen(same[i]);
    }
    return !strcmp(one, other);
}

/* Its name, to be freed; NULL: no filter is at our socket. */
static char *find_filter(const struct sendmail_cf *cf, const struct sendmail_wish *wish,
                         const char **line_r)
{
    size_t at = 0;

    while ((*line_r = sendmail_cf_next(cf, "X", &at))) {
        char *socket = sendmail_cf_equate(*line_r, "S");
        int found = socket && same_socket(socket, wish->milter);

        free(socket);
        if (found)
            return xstrndup(*line_r + 1, strcspn(*line_r + 1, ", \t"));
    }
    return NULL;
}

static void check_daemons(const struct sendmail_cf *cf, const char *name,
                          struct findings *findings)
{
    const char *line;
    size_t at = 0;

    while ((line = sendmail_cf_next(cf, "O DaemonPortOptions", &at))) {
        char *before = xasprintf(",%s", strchr(line, '=') ? strchr(line, '=') + 1 : "");
        char *own = sendmail_cf_equate(before, "InputMailFilters");
        char *daemon = sendmail_cf_equate(before, "Name");

        if (own && !sendmail_cf_lists(own, name))
            findings_add(findings, FINDING_WARNING,
                         "DAEMON_OPTIONS of %s has InputMailFilters of its own without %s: what "
                         "comes in there is not seen", daemon ? daemon : "a daemon", name);
        free(before);
        free(own);
        free(daemon);
    }
}

/* Debian's sendmail.mc sets it; refusals by a milter count. */
static void check_throttle(const struct sendmail_cf *cf, struct findings *findings)
{
    const char *limit = sendmail_cf_option(cf, "BadRcptThrottle");

    if (limit && atoi(limit) > 0)
        findings_add(findings, FINDING_WARNING,
                     "confBAD_RCPT_THROTTLE %d: after so many refusals in a message each further "
                     "recipient takes a second", atoi(limit));
}

static void check_user(const struct sendmail_cf *cf, struct findings *findings)
{
    const char *user = sendmail_cf_option(cf, "RunAsUser");

    if (user && *user && strncmp(user, "root", 4) != 0)
        findings_add(findings, FINDING_WARNING, "confRUN_AS_USER %s: that user must be able to enter "
                     "the sockets' folders and to connect (milter_socket_group, lmtp_socket_group)", user);
}

static void check_gate(const struct sendmail_cf *cf, const struct sendmail_wish *wish,
                       struct findings *findings)
{
    const char *line, *list = sendmail_cf_option(cf, "InputMailFilters");
    char *name = find_filter(cf, wish, &line);

    if (!name) {
        findings_add(findings, FINDING_BLOCK, "no INPUT_MAIL_FILTER is at %s, where suppressd "
                     "listens: mail passes unseen", wish->milter);
        return;
    }
    if (!list || !sendmail_cf_lists(list, name))
        findings_add(findings, FINDING_BLOCK,
                     "filter %s is defined and not used: it is missing in confINPUT_MAIL_FILTERS",
                     name);
    check_flags(line, name, findings);
    check_waits(line, name, wish, findings);
    check_daemons(cf, name, findings);
    free(name);
}

static void check_log(const struct sendmail_cf *cf, struct findings *findings)
{
    const char *level = sendmail_cf_option(cf, "LogLevel");

    if (level && atoi(level) < 9)
        findings_add(findings, FINDING_BLOCK,
                     "confLOG_LEVEL %d: the log does not tell of deliveries below 9", atoi(level));
}

/* The mailer whose program argument is our socket; NULL: there is none. */
static const char *find_mailer(const struct sendmail_cf *cf, const struct sendmail_wish *wish)
{
    const char *line;
    size_t at = 0;

    while ((line = sendmail_cf_next(cf, "M", &at))) {
        char *argument = sendmail_cf_equate(line, "A");
        int found = argument && !strcmp(argument, wish->lmtp);

        free(argument);
        if (found)
            break;
    }
    return line;
}

static void check_masquerade(const struct sendmail_cf *cf, struct findings *findings)
{
    size_t at = 0;

    if (sendmail_cf_next(cf, "SMasqEnv", &at) && at < cf->count && strstr(cf->lines[at], "$>MasqHdr"))
        findings_add(findings, FINDING_WARNING,
                     "masquerade_envelope rewrites envelope senders: name the domain that bounces "
                     "come back to in MASQUERADE_EXCEPTION");
}

static void check_domain(const struct sendmail_cf *cf, const char *domain, struct findings *findings)
{
    const char *line;
    size_t at = 0;

    while ((line = sendmail_cf_next(cf, "Cw", &at)))
        if (sendmail_cf_lists(line + 2, domain))
            findings_add(findings, FINDING_BLOCK, "%s is a local domain (class w): its bounces do "
                         "not reach the mailertable", domain);
}

/* Is what stands behind an "@" of this list the domain? Any is, where none was told. */
static int goes_to(const char *list, const char *domain)
{
    size_t length = domain ? strlen(domain) : 0;

    while (list && domain && (list = strchr(list, '@')))
        if (!strncasecmp(++list, domain, length) && strchr(", \t", list[length]))
            return 1;
    return list && *list && !domain;
}

static void check_copy(const struct sendmail_cf *cf, const char *domain, struct findings *findings)
{
    if (!goes_to(sendmail_cf_option(cf, "PostmasterCopy"), domain))
        findings_add(findings, FINDING_WARNING, "confCOPY_ERRORS_TO has no address in %s: of Sendmail's "
                     "own bounces suppressd gets only those whose sender is in it",
                     domain ? domain : "the domain of the bounces");
}

static void check_bounces(const struct sendmail_cf *cf, const struct sendmail_wish *wish,
                          struct findings *findings)
{
    const char *mailer = find_mailer(cf, wish), *mime = sendmail_cf_option(cf, "SendMimeErrors");
    char *flags = mailer ? sendmail_cf_equate(mailer, "F") : NULL;
    size_t at = 0;

    if (!mailer)
        findings_add(findings, FINDING_BLOCK, "no mailer has A=%s: bounces do not reach suppressd "
                     "by LMTP", wish->lmtp);
    else if (!flags || !strchr(flags, 'z'))
        findings_add(findings, FINDING_BLOCK, "the mailer at %s does not speak LMTP: its F= lacks z",
                     wish->lmtp);
    if (!sendmail_cf_next(cf, "Kmailertable", &at))
        findings_add(findings, FINDING_WARNING, "there is no FEATURE(`mailertable') that sends the "
                     "domain of the bounces to that mailer");
    if (!mime || (*mime != 'T' && *mime != 't'))
        findings_add(findings, FINDING_BLOCK, "confMIME_FORMAT_ERRORS is not True: Sendmail's "
                     "bounces are plain text that proves nothing");
    check_copy(cf, wish->domain, findings);
    if (wish->domain)
        check_domain(cf, wish->domain, findings);
    check_masquerade(cf, findings);
    free(flags);
}

void sendmail_check(const struct sendmail_cf *cf, const struct sendmail_wish *wish,
                    struct findings *findings)
{
    check_gate(cf, wish, findings);
    check_user(cf, findings);
    check_throttle(cf, findings);
    check_log(cf, findings);
    if (wish->lmtp)
        check_bounces(cf, wish, findings);
}
