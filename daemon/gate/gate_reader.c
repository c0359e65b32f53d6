/* See gate_reader.h. */
#include "config.h"

#include "daemon/gate/gate_reader.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/status_filter.h"
#include "daemon/log.h"
#include "daemon/report/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct gate_reader {
    struct gate *gate;
    struct counters *counters;
    struct ruleset *rules; /* the classifier's */
    struct classifier *classifier;
};

static int is_trusted(const struct settings *settings, const char *client)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *address = NULL;

    if (client && inet_pton(AF_INET, client, &v4.sin_addr) == 1)
        address = (const struct sockaddr *)&v4;
    else if (client && inet_pton(AF_INET6, client, &v6.sin6_addr) == 1)
        address = (const struct sockaddr *)&v6;
    return address && network_contains(settings->trusted_networks, settings->trusted_networks_count, address);
}

/* transport(5) has a transport each for what is returned and what is kept. */
static char *word(enum question_kind kind, const struct gate_reply *reply)
{
    if (kind == QUESTION_TRANSPORT)
        return xasprintf("%s:%s %s", reply->code[0] == '4' ? "retry" : "error", reply->status, reply->text);
    return xasprintf("%s %s %s", reply->code, reply->status, reply->text);
}

/* As the milter at RCPT TO. What is no address is the MTA's to judge. */
static char *ask_gate(struct gate *gate, const struct settings *settings, const struct question *question)
{
    const char *at = question->sender ? strrchr(question->sender, '@') : NULL;
    struct address address;
    struct gate_reply reply;
    struct error error;

    if (question->kind == QUESTION_SUBMISSION &&
        !gate_is_submission(settings, question->sender, is_trusted(settings, question->client), question->authenticated))
        return NULL;
    if (address_parse(question->text, strlen(question->text), (int)settings->strict_local_part, &address, &error) ||
        gate_ask(gate, settings, &address, at ? at + 1 : "", (int64_t)time(NULL), &reply) != GATE_REFUSE)
        return NULL;
    return word(question->kind, &reply);
}

static char *ask_classifier(struct gate_reader *reader, struct ruleset *rules, const struct settings *settings,
                            const char *line)
{
    struct error error;

    if (reader->rules != rules) {
        classifier_close(&reader->classifier);
        ruleset_unref(&reader->rules);
        if (!(reader->classifier = classifier_open(rules, &error))) {
            log_line(LOG_ERROR, "gate: a delivery status passes as it is: %s", error.text);
            return NULL;
        }
        reader->rules = ruleset_ref(rules);
    }
    return status_filter(reader->classifier, settings, line, reader->counters);
}

char *gate_reader_answer(struct gate_reader *reader, struct ruleset *rules, const struct settings *settings,
                         const struct question *question)
{
    if (question->kind == QUESTION_STATUS)
        return ask_classifier(reader, rules, settings, question->text);
    return ask_gate(reader->gate, settings, question);
}

struct gate_reader *gate_reader_new(struct gate *gate, struct counters *counters)
{
    struct gate_reader *reader = xcalloc(1, sizeof(*reader));

    reader->gate = gate;
    reader->counters = counters;
    return reader;
}

void gate_reader_free(struct gate_reader **reader)
{
    struct gate_reader *old = *reader;

    *reader = NULL;
    classifier_close(&old->classifier);
    ruleset_unref(&old->rules);
    free(old);
}
