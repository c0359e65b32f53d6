/* See witness.h. */
#include "config.h"

#include "daemon/ledger/witness.h"

#include "classifier/reply.h"
#include "daemon/report/delivery.h"

#include <string.h>

/* 2: a rule knows the words; 1: status or code alone tell; 0: nothing does. */
static int rank_of_rule(const char *rule)
{
    if (!rule || !*rule)
        return 0;
    return strchr(rule, ':') ? 1 : 2;
}

static size_t words_of(const char *text)
{
    struct reply reply;

    if (!text)
        return 0;
    reply_parse(text, strlen(text), &reply);
    return reply.length;
}

int witness_is_richer(const struct telling *news, const struct telling *known)
{
    int rank = rank_of_rule(news->rule), known_rank = rank_of_rule(known->rule);

    return rank != known_rank ? rank > known_rank : words_of(news->reply) > words_of(known->reply);
}

static int rank_of_evidence(const char *name)
{
    int rank = EVIDENCE_COUNT - 1;

    while (rank > 0 && strcmp(evidence_name((enum evidence)rank), name) != 0)
        rank--;
    return rank;
}

static const char *first_of(const char *text, const char *other)
{
    return text && *text ? text : other;
}

static void take_identity(const struct store_event *news, struct store_event *merged)
{
    merged->reporting_mta = news->reporting_mta;
    merged->message_key = news->message_key;
    merged->queue_id = news->queue_id;
    merged->source = news->source;
    merged->evidence = news->evidence;
    merged->trusted = news->trusted;
}

static void take_verdict(const struct store_event *news, struct store_event *merged)
{
    merged->reason = news->reason;
    merged->persistence = news->persistence;
    merged->rule = news->rule;
    merged->ruleset = news->ruleset;
    merged->provider = first_of(news->provider, merged->provider);
    merged->code = news->code;
    merged->status = first_of(news->status, merged->status);
    merged->stage = first_of(news->stage, merged->stage);
    merged->reply = news->reply;
    merged->remote_mta = first_of(news->remote_mta, merged->remote_mta);
    merged->decision = news->decision;
    merged->sentence = news->sentence;
}

void witness_merge(const struct store_event *known, const struct store_event *news,
                   enum witness_weight weight, struct store_event *merged_r)
{
    *merged_r = weight == WITNESS_REPLACES ? *news : *known;
    if (weight == WITNESS_REPLACES)
        return;
    if (rank_of_evidence(news->evidence) > rank_of_evidence(known->evidence))
        take_identity(news, merged_r);
    if (weight == WITNESS_CORRECTS)
        take_verdict(news, merged_r);
    merged_r->original_recipient = first_of(known->original_recipient, news->original_recipient);
    merged_r->remote_mta = first_of(merged_r->remote_mta, news->remote_mta);
    merged_r->queue_id = first_of(merged_r->queue_id, news->queue_id);
    merged_r->message_id = first_of(known->message_id, news->message_id);
    merged_r->sender = first_of(known->sender, news->sender);
    merged_r->stream = first_of(known->stream, news->stream);
}
