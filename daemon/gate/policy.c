/* See policy.h. */
#include "config.h"

#include "daemon/gate/policy.h"

#include "base/mem.h"

#include <string.h>

/* Those that matter here; all others are read and passed over. */
enum { REQUEST, STATE, RECIPIENT, SENDER, CLIENT, SASL_METHOD, SASL_USERNAME, ATTRIBUTES };

static const char *const names[ATTRIBUTES] = {
    [REQUEST] = "request",
    [STATE] = "protocol_state",
    [RECIPIENT] = "recipient",
    [SENDER] = "sender",
    [CLIENT] = "client_address",
    [SASL_METHOD] = "sasl_method",
    [SASL_USERNAME] = "sasl_username",
};

ssize_t policy_frame(struct span input, size_t scanned, struct span *request_r)
{
    const char *end;

    if (input.length && *input.start == '\n') {
        *request_r = (struct span){input.start, 0};
        return 1;
    }
    end = input.length > scanned ? span_find(span_from(input, scanned ? scanned - 1 : 0), "\n\n") : NULL;
    if (end && end - input.start < POLICY_REQUEST_MAX) {
        *request_r = (struct span){input.start, (size_t)(end + 1 - input.start)};
        return end + 2 - input.start;
    }
    return input.length > POLICY_REQUEST_MAX ? -1 : 0;
}

/* 0 when the line is no attribute. */
static int take_attribute(struct span line, struct span values[ATTRIBUTES])
{
    const char *equals = line.length ? memchr(line.start, '=', line.length) : NULL;
    struct span name;

    if (!equals || equals == line.start || memchr(line.start, '\0', line.length))
        return 0;
    name = span_to(line, equals);
    for (int i = 0; i < ATTRIBUTES; i++)
        if (!values[i].start && name.length == strlen(names[i]) && !memcmp(name.start, names[i], name.length))
            values[i] = span_from(line, name.length + 1);
    return 1;
}

int policy_parse(struct span request, struct question *question_r)
{
    struct span values[ATTRIBUTES] = {{NULL, 0}};

    *question_r = (struct question){.kind = QUESTION_NONE};
    while (request.length) {
        const char *end = memchr(request.start, '\n', request.length);
        struct span line = end ? span_to(request, end) : request;

        if (!take_attribute(line, values))
            return -1;
        request = span_from(request, line.length + (end != NULL));
    }
    if (!span_is(values[REQUEST], "smtpd_access_policy") || !span_is(values[STATE], "RCPT") || !values[RECIPIENT].length)
        return 0;
    *question_r = (struct question){
        .kind = QUESTION_SUBMISSION,
        .text = span_dup(values[RECIPIENT]),
        .sender = values[SENDER].start ? span_dup(values[SENDER]) : xstrdup(""),
        .client = span_dup(values[CLIENT]),
        .authenticated = values[SASL_METHOD].length || values[SASL_USERNAME].length,
    };
    return 0;
}

char *policy_reply(int understood, const char *data)
{
    (void)understood; /* DUNNO in either case */
    return xasprintf("action=%s\n\n", data ? data : "DUNNO");
}
