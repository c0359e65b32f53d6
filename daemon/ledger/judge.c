/* See judge.h. */
#include "config.h"

#include "daemon/ledger/judge.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *type;
    enum reason reason;
} feedback[] = {
    {"Feedback-Type: opt-out", REASON_OPT_OUT},
    {"Feedback-Type: not-spam", REASON_NOT_SPAM},
    {"Feedback-Type: virus", REASON_VIRUS}, /* a scanner's finding, not the recipient's wish */
};

#define CHALLENGE "Challenge-Response:"

static enum reason complaint_reason(const char *reply)
{
    for (size_t i = 0; reply && i < sizeof(feedback) / sizeof(feedback[0]); i++)
        if (!strncasecmp(reply, feedback[i].type, strlen(feedback[i].type)))
            return feedback[i].reason;
    return REASON_COMPLAINT;
}

/* 1 when the action alone says what it is. */
static int reason_of_action(const struct delivery *delivery, enum reason *reason_r)
{
    switch (delivery->action) {
    case ACTION_DELIVERED:
    case ACTION_RELAYED:
    case ACTION_EXPANDED:
        *reason_r = REASON_DELIVERED;
        return 1;
    case ACTION_COMPLAINT:
        *reason_r = complaint_reason(delivery->reply);
        return 1;
    case ACTION_AUTO_REPLY:
        *reason_r = delivery->reply && !strncasecmp(delivery->reply, CHALLENGE, strlen(CHALLENGE))
                        ? REASON_CHALLENGE_RESPONSE
                        : REASON_AUTO_REPLY;
        return 1;
    default:
        return 0;
    }
}

void judge(struct classifier *classifier, const struct delivery *delivery, const char *domain,
           struct verdict *verdict_r)
{
    const struct classify_input input = {
        .text = delivery->reply ? delivery->reply : "",
        .length = delivery->reply ? strlen(delivery->reply) : 0,
        .status = delivery->status,
        .mta = delivery->remote_mta,
        .domain = domain,
    };

    classify(classifier, &input, verdict_r);
    if (!reason_of_action(delivery, &verdict_r->reason))
        return;
    verdict_r->persistence = reason_info(verdict_r->reason)->persistence;
    verdict_r->rule[0] = '\0';
}
