/* classify: one pass over the words, then the first rule that applies and matches. */
#include "config.h"

#include "classifier/classify.h"

#include "base/mem.h"
#include "classifier/reply.h"
#include "classifier/ruleset.h"
#include "classifier/ruleset_data.h"
#include "classifier/unwrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct classifier {
    struct ruleset *ruleset;
    struct search *search;
    struct reply reply;
};

/* What the words do not tell, the enhanced status may: RFC 3463, RFC 7372 and
 * the registry. Codes that servers use for a dozen causes (5.0.0, 5.5.0) are not
 * here, and a temporary code never says that an address is dead. */
static const struct {
    const char *status;
    enum reason reason;
} by_status[] = {
    {"5.1.0", REASON_UNCLASSIFIED},        {"5.1.1", REASON_NO_SUCH_USER},
    {"5.1.2", REASON_NO_SUCH_DOMAIN},      {"5.1.3", REASON_MALFORMED_ADDRESS},
    {"5.1.4", REASON_UNCLASSIFIED},        {"5.1.6", REASON_MOVED},
    {"5.1.7", REASON_SENDER_REJECTED},     {"5.1.8", REASON_SENDER_REJECTED},
    {"5.2.1", REASON_INACTIVE_MAILBOX},    {"5.2.2", REASON_MAILBOX_FULL},
    {"5.2.3", REASON_MESSAGE_TOO_LARGE},   {"5.3.1", REASON_SYSTEM_FULL},
    {"5.3.2", REASON_SYSTEM_ERROR},        {"5.3.4", REASON_MESSAGE_TOO_LARGE},
    {"5.3.5", REASON_SYSTEM_ERROR},        {"5.4.1", REASON_CONNECTION_FAILED},
    {"5.4.2", REASON_CONNECTION_FAILED},   {"5.4.3", REASON_DNS_FAILURE},
    {"5.4.4", REASON_ROUTING_ERROR},       {"5.4.6", REASON_ROUTING_LOOP},
    {"5.4.7", REASON_EXPIRED},             {"5.5.1", REASON_PROTOCOL_ERROR},
    {"5.5.2", REASON_PROTOCOL_ERROR},      {"5.5.3", REASON_TOO_MANY_RECIPIENTS},
    {"5.6.0", REASON_MALFORMED_MESSAGE},
    {"5.6.1", REASON_MALFORMED_MESSAGE},   {"5.6.3", REASON_MALFORMED_MESSAGE},
    {"5.6.7", REASON_MALFORMED_MESSAGE},   {"5.7.1", REASON_POLICY},
    {"5.7.2", REASON_RECIPIENT_REFUSED},   {"5.7.8", REASON_AUTH_REQUIRED},
    {"5.7.10", REASON_TLS_REQUIRED},       {"5.7.13", REASON_AUTH_REQUIRED},
    {"5.7.20", REASON_DKIM_FAIL},          {"5.7.21", REASON_DKIM_FAIL},
    {"5.7.22", REASON_DKIM_FAIL},          {"5.7.23", REASON_SPF_FAIL},
    {"5.7.24", REASON_SPF_FAIL},           {"5.7.25", REASON_NO_REVERSE_DNS},
    {"5.7.26", REASON_UNAUTHENTICATED},    {"5.7.27", REASON_SENDER_REJECTED},
    {"5.7.28", REASON_RATE_LIMITED},       {"5.7.29", REASON_UNAUTHENTICATED},
    {"4.2.2", REASON_MAILBOX_FULL},        {"4.3.1", REASON_SYSTEM_FULL},
    {"4.3.0", REASON_SYSTEM_ERROR},        {"4.3.2", REASON_SYSTEM_ERROR},
    {"4.3.5", REASON_SYSTEM_ERROR},        {"4.4.1", REASON_CONNECTION_FAILED},
    {"4.4.2", REASON_CONNECTION_FAILED},   {"4.4.3", REASON_DNS_FAILURE},
    {"4.4.5", REASON_SYSTEM_ERROR},        {"4.4.6", REASON_ROUTING_LOOP},
    {"4.4.7", REASON_EXPIRED},             {"4.5.3", REASON_TOO_MANY_RECIPIENTS},
    {"4.7.1", REASON_UNCLASSIFIED},        {"4.7.25", REASON_NO_REVERSE_DNS},
    {"4.7.26", REASON_UNAUTHENTICATED},    {"4.7.28", REASON_RATE_LIMITED},
};

/* The few reply codes that mean one thing (RFC 5321 section 4.2.3, RFC 4954). */
static const struct {
    int code;
    enum reason reason;
} by_code[] = {
    {500, REASON_PROTOCOL_ERROR}, {501, REASON_PROTOCOL_ERROR}, {502, REASON_PROTOCOL_ERROR},
    {503, REASON_PROTOCOL_ERROR}, {504, REASON_PROTOCOL_ERROR}, {530, REASON_AUTH_REQUIRED},
    {534, REASON_AUTH_REQUIRED},  {535, REASON_AUTH_REQUIRED},  {538, REASON_AUTH_REQUIRED},
};

/* The loader has seen to it that names fit. */
static void put(char *to, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);

    memcpy(to, text, length);
    to[length] = 0;
}

/* Which provider do the words betray? The first of the book, if several. */
static int hinted_provider(struct classifier *classifier)
{
    const struct ruleset *ruleset = classifier->ruleset;
    unsigned hint;

    for (hint = 0; search_next(classifier->search, &hint) && hint < ruleset->hint_count; hint++)
        if (search_confirm(classifier->search, hint))
            return ruleset->owner[hint];
    return PROVIDER_UNKNOWN;
}

/* The host that answered betrays the provider best, then its words, then the
 * recipient's domain (which may well be hosted elsewhere). */
static int find_provider(struct classifier *classifier, const struct classify_input *input)
{
    const struct ruleset *ruleset = classifier->ruleset;
    int provider = provider_of_host(ruleset->hosts, input->mta);

    if (provider == PROVIDER_UNKNOWN)
        provider = hinted_provider(classifier);
    if (provider == PROVIDER_UNKNOWN)
        provider = provider_of_host(ruleset->domains, input->domain);
    return provider;
}

int classifier_providers(const struct classifier *classifier, const char *mta, const char *domain)
{
    const struct ruleset *ruleset = classifier->ruleset;

    return (provider_of_host(ruleset->hosts, mta) + 1) * 65536 + provider_of_host(ruleset->domains, domain) + 1;
}

/* digits: of the code, "000" when there is none. */
static int has_code(const struct strings *codes, const char *digits)
{
    size_t i;

    for (i = 0; i < codes->count; i++)
        if (!strncmp(digits, codes->list[i], strlen(codes->list[i])))
            return 1;
    return !codes->count;
}

static int has_status(const struct strings *statuses, const char *status)
{
    size_t i, length;

    for (i = 0; i < statuses->count; i++) {
        length = strlen(statuses->list[i]);
        if (!strncmp(status, statuses->list[i], length) &&
            (!status[length] || status[length] == '.'))
            return 1;
    }
    return !statuses->count;
}

static int applies(const struct rule *rule, const struct verdict *verdict, int provider,
                   const char *digits)
{
    if (rule->provider_mask &&
        (provider == PROVIDER_UNKNOWN || !(rule->provider_mask >> provider & 1)))
        return 0;
    if (rule->stage_mask && !(rule->stage_mask >> verdict->stage & 1))
        return 0;
    return has_code(&rule->codes, digits) && has_status(&rule->statuses, verdict->status);
}

/* The first rule that applies and matches: patterns stand in the order of their rules. */
static const struct rule *winner(struct classifier *classifier, const struct scope *scope,
                                 const struct verdict *verdict, int provider)
{
    const struct ruleset *ruleset = classifier->ruleset;
    const int code = verdict->code;
    const char digits[] = {(char)('0' + code / 100), (char)('0' + code / 10 % 10),
                           (char)('0' + code % 10), 0};
    unsigned pattern;

    for (pattern = ruleset->hint_count; search_next(classifier->search, &pattern); pattern++) {
        size_t owner = (size_t)ruleset->owner[pattern];

        if (owner >= scope->first_rule && applies(&ruleset->book.rules[owner], verdict, provider, digits) &&
            search_confirm(classifier->search, pattern))
            return &ruleset->book.rules[owner];
    }
    return NULL;
}

/* Whatever the words and codes: before RCPT the recipient is not in question. */
static int too_early(enum stage stage)
{
    return stage >= STAGE_CONNECT && stage <= STAGE_MAIL;
}

/* A reporting MTA that got no enhanced status makes one up from the reply code
 * (Sendmail says 5.1.1 of any 550 to RCPT). Beside a bare code, or words that
 * no rule knows, it is no ground to give a recipient up. */
static int made_up(const struct reply *reply, enum reason reason)
{
    if (reason_info(reason)->hygiene != HYGIENE_SUPPRESS)
        return 0;
    return too_early(reply->stage) || (!reply->status[0] && (reply->length || reply->code));
}

static void fall_back(const struct reply *reply, struct verdict *verdict)
{
    size_t i;

    if (verdict->code >= 200 && verdict->code < 400) {
        verdict->reason = REASON_DELIVERED;
        snprintf(verdict->rule, sizeof(verdict->rule), "code:%d", verdict->code);
        return;
    }
    for (i = 0; verdict->status[0] && i < sizeof(by_status) / sizeof(*by_status); i++) {
        if (!strcmp(by_status[i].status, verdict->status) &&
            (!verdict->code || verdict->code / 100 == verdict->status[0] - '0')) {
            if (made_up(reply, by_status[i].reason))
                return;
            verdict->reason = by_status[i].reason;
            if (verdict->reason != REASON_UNCLASSIFIED)
                snprintf(verdict->rule, sizeof(verdict->rule), "status:%s", verdict->status);
            return;
        }
    }
    for (i = 0; reply->length && i < sizeof(by_code) / sizeof(*by_code); i++) {
        if (by_code[i].code == verdict->code) {
            verdict->reason = by_code[i].reason;
            snprintf(verdict->rule, sizeof(verdict->rule), "code:%d", verdict->code);
            return;
        }
    }
}

static enum persistence persistence_of(const struct verdict *verdict)
{
    int class = verdict->code ? verdict->code / 100 : verdict->status[0] - '0';
    enum persistence usual = reason_info(verdict->reason)->persistence;

    if (class == 4)
        return PERSISTENCE_TRANSIENT;
    if (class == 5 && verdict->reason != REASON_UNCLASSIFIED && usual != PERSISTENCE_NONE)
        return PERSISTENCE_PERMANENT;
    return verdict->reason == REASON_UNCLASSIFIED && class == 5 ? PERSISTENCE_PERMANENT : usual;
}

static void take_facts(const struct classifier *classifier, const struct classify_input *input,
                       struct verdict *verdict)
{
    const struct reply *reply = &classifier->reply;
    struct span given = {input->status, NULL};
    size_t length = 0;

    verdict->reason = REASON_UNCLASSIFIED;
    verdict->stage = reply->stage;
    verdict->code = reply->code;
    verdict->rule[0] = verdict->provider[0] = 0;
    memcpy(verdict->status, reply->status, sizeof(verdict->status));
    if (verdict->status[0] || !input->status)
        return;
    given.end = given.at + strnlen(given.at, sizeof(verdict->status));
    length = span_status(given);
    if (length < sizeof(verdict->status)) {
        memcpy(verdict->status, given.at, length);
        verdict->status[length] = 0;
    }
}

const struct rule *classify_in(struct classifier *classifier, const struct classify_input *input,
                               const struct scope *scope, struct verdict *verdict_r)
{
    const struct ruleset *ruleset = classifier->ruleset;
    const struct rule *rule = NULL;
    int provider;

    reply_parse(input->text, input->length, &classifier->reply);
    take_facts(classifier, input, verdict_r);
    search_text(classifier->search, classifier->reply.words, classifier->reply.length);
    provider = scope->provider;
    if (provider == PROVIDER_UNKNOWN)
        provider = find_provider(classifier, input);
    if (provider != PROVIDER_UNKNOWN)
        put(verdict_r->provider, sizeof(verdict_r->provider),
            ruleset->book.providers[provider].name);
    if (verdict_r->code < 200 || verdict_r->code >= 400)
        rule = winner(classifier, scope, verdict_r, provider);
    if (rule) {
        verdict_r->reason = rule->reason;
        put(verdict_r->rule, sizeof(verdict_r->rule), rule->id);
    } else if (!search_is_exhausted(classifier->search)) {
        fall_back(&classifier->reply, verdict_r);
    }
    verdict_r->persistence = persistence_of(verdict_r);
    return rule;
}

void classify(struct classifier *classifier, const struct classify_input *input,
              struct verdict *verdict_r)
{
    static const struct scope scope = {PROVIDER_UNKNOWN, 0};

    (void)classify_in(classifier, input, &scope, verdict_r);
}

const char *stage_name(enum stage stage)
{
    static const char *const names[] = {"",     "connect", "helo", "auth", "tls",
                                        "mail", "rcpt",    "data", "eom"};

    return (unsigned)stage < sizeof(names) / sizeof(*names) ? names[stage] : "";
}

const char *classifier_version(const struct classifier *classifier)
{
    return ruleset_version(classifier->ruleset);
}

struct classifier *classifier_open(struct ruleset *ruleset, struct error *error)
{
    struct classifier *classifier = xcalloc(1, sizeof(*classifier));

    (void)error; /* nothing here can fail now; the callers are ready for it */
    classifier->search = search_create(ruleset->matcher);
    classifier->ruleset = ruleset_ref(ruleset);
    return classifier;
}

void classifier_close(struct classifier **classifier)
{
    if (!*classifier)
        return;
    search_free(&(*classifier)->search);
    ruleset_unref(&(*classifier)->ruleset);
    free(*classifier);
    *classifier = NULL;
}
