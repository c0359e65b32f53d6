/* See lmtp_dialogue.h. */
#include "config.h"

#include "daemon/intake/lmtp_dialogue.h"

#include "base/mem.h"
#include "daemon/intake/collect.h"
#include "daemon/report/address.h"
#include "daemon/tag.h"

#include <stdlib.h>
#include <string.h>

/* Where in a message the next byte stands. */
enum place {
    PLACE_LINE,   /* at the start of a line */
    PLACE_TEXT,
    PLACE_CR,     /* behind a CR */
    PLACE_DOT,    /* behind a dot at the start of a line, which was not kept */
    PLACE_DOT_CR, /* behind a CR behind such a dot */
};

struct lmtp_dialogue {
    char *host;
    struct collect_limits limits;
    struct counters *counters;
    enum lmtp_step step;
    char line[LMTP_LINE_MAX + 2]; /* a command and its CR */
    size_t line_length;
    int line_too_long;
    int introduced; /* LHLO was said */
    char *sender;   /* NULL: no MAIL yet */
    size_t recipients;
    char *tagged;   /* the first of them with a tag; NULL: none */
    int in_message;
    enum place place;
    struct collect *message;
    unsigned faults;
    char *replies;
    size_t replies_length, replies_size;
};

static void say(struct lmtp_dialogue *dialogue, const char *text)
{
    size_t length = strlen(text), needed = dialogue->replies_length + length + 2;

    if (needed > dialogue->replies_size) {
        dialogue->replies_size = needed * 2;
        dialogue->replies = xrealloc(dialogue->replies, dialogue->replies_size);
    }
    memcpy(dialogue->replies + dialogue->replies_length, text, length);
    memcpy(dialogue->replies + dialogue->replies_length + length, "\r\n", 2);
    dialogue->replies_length = needed;
}

void lmtp_dialogue_end(struct lmtp_dialogue *dialogue, const char *reply)
{
    say(dialogue, reply);
    dialogue->step = LMTP_OVER;
}

/* Refuses a command; whoever sends nothing else is no MTA. */
static void refuse(struct lmtp_dialogue *dialogue, const char *reply)
{
    counters_add(dialogue->counters, COUNTER_LMTP_FAULTS, 1);
    if (++dialogue->faults < LMTP_FAULTS_MAX)
        say(dialogue, reply);
    else
        lmtp_dialogue_end(dialogue, "421 4.7.0 Too many faults");
}

static void forget_message(struct lmtp_dialogue *dialogue)
{
    free(dialogue->sender);
    free(dialogue->tagged);
    dialogue->sender = dialogue->tagged = NULL;
    dialogue->recipients = 0;
    collect_free(&dialogue->message);
}

/* ---------------------------------------------------------------- commands */

static void on_lhlo(struct lmtp_dialogue *dialogue, struct span argument)
{
    char *first;

    if (!span_trim(argument).length) {
        refuse(dialogue, "501 5.5.4 LHLO wants a name");
        return;
    }
    forget_message(dialogue);
    dialogue->introduced = 1;
    first = xasprintf("250-%s", dialogue->host);
    say(dialogue, first);
    free(first);
    say(dialogue, "250-PIPELINING");
    say(dialogue, "250-ENHANCEDSTATUSCODES");
    say(dialogue, "250-8BITMIME");
    say(dialogue, "250-SMTPUTF8");
    say(dialogue, "250 SIZE");
}

/* RFC 2033 4.1: HELO and EHLO must not succeed. */
static void on_helo(struct lmtp_dialogue *dialogue, struct span argument)
{
    (void)argument;
    refuse(dialogue, "500 5.5.1 This is LMTP, begin with LHLO");
}

/* "FROM:<joe@example.com> SIZE=7": the path without its brackets, and what
 * stands behind it. 1, or 0 when it is nothing of the kind. */
static int read_path(struct span argument, const char *word, struct span *path_r, struct span *rest_r)
{
    size_t i;
    int quoted = 0;

    if (!span_starts(argument, word))
        return 0;
    argument = span_trim(span_from(argument, strlen(word)));
    if (!argument.length || argument.start[0] != '<')
        return 0;
    for (i = 1; i < argument.length && (quoted || argument.start[i] != '>'); i++) {
        if (argument.start[i] == '\\')
            i++;
        else if (argument.start[i] == '"')
            quoted = !quoted;
    }
    if (i >= argument.length || i > ADDRESS_SIZE)
        return 0;
    *path_r = (struct span){argument.start + 1, i - 1};
    *rest_r = span_from(argument, i + 1);
    return !rest_r->length || rest_r->start[0] == ' ';
}

static int is_number(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.start[i] < '0' || text.start[i] > '9')
            return 0;
    return text.length > 0;
}

static int is_known_parameter(struct span text)
{
    if (span_starts(text, "SIZE="))
        return is_number(span_from(text, 5));
    return span_is(text, "SMTPUTF8") || span_is(text, "BODY=8BITMIME") || span_is(text, "BODY=7BIT");
}

static int are_known_parameters(struct span rest)
{
    while ((rest = span_trim(rest)).length) {
        const char *end = memchr(rest.start, ' ', rest.length);
        struct span one = end ? span_to(rest, end) : rest;

        if (!is_known_parameter(one))
            return 0;
        rest = span_from(rest, one.length);
    }
    return 1;
}

static void on_mail(struct lmtp_dialogue *dialogue, struct span argument)
{
    struct span path, rest;

    if (!dialogue->introduced || dialogue->sender) {
        refuse(dialogue, dialogue->sender ? "503 5.5.1 One message at a time" : "503 5.5.1 Begin with LHLO");
    } else if (!read_path(argument, "FROM:", &path, &rest)) {
        refuse(dialogue, "501 5.5.4 Wanted is MAIL FROM:<address>");
    } else if (!are_known_parameters(rest)) {
        refuse(dialogue, "555 5.5.4 Unknown parameter");
    } else {
        dialogue->sender = xstrndup(path.start, path.length);
        say(dialogue, "250 2.1.0 Ok");
    }
}

/* A wrong tag is not refused here: our own MTA would have to bounce it. */
static void keep_tagged(struct lmtp_dialogue *dialogue, struct span path)
{
    char *text = dialogue->tagged ? NULL : span_dup(path);
    struct tag tag;

    if (text && tag_parse(text, &tag))
        dialogue->tagged = text;
    else
        free(text);
}

static void on_rcpt(struct lmtp_dialogue *dialogue, struct span argument)
{
    struct span path, rest;

    if (!dialogue->sender) {
        refuse(dialogue, "503 5.5.1 MAIL comes first");
    } else if (!read_path(argument, "TO:", &path, &rest) || !path.length) {
        refuse(dialogue, "501 5.5.4 Wanted is RCPT TO:<address>");
    } else if (span_trim(rest).length) {
        refuse(dialogue, "555 5.5.4 Unknown parameter");
    } else if (dialogue->recipients == LMTP_RECIPIENTS_MAX) {
        counters_add(dialogue->counters, COUNTER_LMTP_FAULTS, 1);
        say(dialogue, "452 4.5.3 Too many recipients");
    } else {
        dialogue->recipients++;
        keep_tagged(dialogue, path);
        say(dialogue, "250 2.1.5 Ok");
    }
}

static void on_data(struct lmtp_dialogue *dialogue, struct span argument)
{
    if (!dialogue->recipients || argument.length) {
        refuse(dialogue, argument.length ? "501 5.5.4 DATA takes no argument" : "503 5.5.1 No recipients");
        return;
    }
    dialogue->message = collect_new(&dialogue->limits, dialogue->counters);
    dialogue->in_message = 1;
    dialogue->place = PLACE_LINE;
    say(dialogue, "354 End with CR LF . CR LF");
}

static void on_rset(struct lmtp_dialogue *dialogue, struct span argument)
{
    (void)argument;
    forget_message(dialogue);
    say(dialogue, "250 2.0.0 Ok");
}

static void on_quit(struct lmtp_dialogue *dialogue, struct span argument)
{
    (void)argument;
    lmtp_dialogue_end(dialogue, "221 2.0.0 Bye");
}

static const struct {
    const char *verb;
    void (*run)(struct lmtp_dialogue *dialogue, struct span argument);
    const char *reply; /* of those that do nothing */
} commands[] = {
    {"LHLO", on_lhlo, NULL}, {"MAIL", on_mail, NULL}, {"RCPT", on_rcpt, NULL}, {"DATA", on_data, NULL},
    {"RSET", on_rset, NULL}, {"QUIT", on_quit, NULL}, {"HELO", on_helo, NULL}, {"EHLO", on_helo, NULL},
    {"NOOP", NULL, "250 2.0.0 Ok"}, {"VRFY", NULL, "252 2.5.2 Everything is taken"},
};

static int has_control(struct span line)
{
    for (size_t i = 0; i < line.length; i++)
        if ((unsigned char)line.start[i] < ' ' || line.start[i] == 0x7f)
            return 1;
    return 0;
}

static void run_line(struct lmtp_dialogue *dialogue, struct span line)
{
    const char *blank = line.length ? memchr(line.start, ' ', line.length) : NULL;
    struct span verb = blank ? span_to(line, blank) : line;
    struct span argument = span_trim(span_from(line, verb.length));

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (span_is(verb, commands[i].verb)) {
            if (commands[i].run)
                commands[i].run(dialogue, argument);
            else
                say(dialogue, commands[i].reply);
            return;
        }
    refuse(dialogue, "500 5.5.1 Unknown command");
}

static void end_line(struct lmtp_dialogue *dialogue)
{
    struct span line = {dialogue->line, dialogue->line_length};
    int whole = line.length && line.start[line.length - 1] == '\r', too_long = dialogue->line_too_long;

    line.length -= (size_t)whole;
    dialogue->line_length = 0;
    dialogue->line_too_long = 0;
    if (too_long || line.length > LMTP_LINE_MAX)
        refuse(dialogue, "500 5.5.2 The line is too long");
    else if (!whole || has_control(line))
        refuse(dialogue, whole ? "500 5.5.2 Control character" : "500 5.5.2 A line ends with CR LF");
    else
        run_line(dialogue, line);
}

/* Takes bytes up to and with the next LF. */
static size_t take_command(struct lmtp_dialogue *dialogue, const char *bytes, size_t length)
{
    const char *end = memchr(bytes, '\n', length);
    size_t count = end ? (size_t)(end - bytes) : length, room = sizeof(dialogue->line) - dialogue->line_length;

    if (count > room) {
        dialogue->line_too_long = 1;
        dialogue->line_length = sizeof(dialogue->line);
    } else {
        memcpy(dialogue->line + dialogue->line_length, bytes, count);
        dialogue->line_length += count;
    }
    if (end)
        end_line(dialogue);
    return count + (end != NULL);
}

/* ----------------------------------------------------------------- message */

/* Takes bytes up to a place where something may change. Dots at the start of a
 * line go (RFC 5321 4.5.2); all else is kept as it is. */
static size_t take_text(struct lmtp_dialogue *dialogue, const char *bytes, size_t length)
{
    const char *cr = memchr(bytes, '\r', length);
    size_t count = cr ? (size_t)(cr - bytes) + 1 : length;

    collect_append(dialogue->message, bytes, count);
    dialogue->place = cr ? PLACE_CR : PLACE_TEXT;
    return count;
}

static void end_message(struct lmtp_dialogue *dialogue)
{
    counters_add(dialogue->counters, COUNTER_LMTP_MESSAGES, 1);
    dialogue->in_message = 0;
    dialogue->step = LMTP_MESSAGE;
}

static size_t take_message(struct lmtp_dialogue *dialogue, const char *bytes, size_t length)
{
    char c = bytes[0];

    if (dialogue->place == PLACE_LINE && c == '.') {
        dialogue->place = PLACE_DOT;
        return 1;
    }
    if (dialogue->place == PLACE_DOT && c == '\r') {
        dialogue->place = PLACE_DOT_CR;
        return 1;
    }
    if (dialogue->place == PLACE_DOT_CR) {
        if (c == '\n') {
            end_message(dialogue);
            return 1;
        }
        collect_append(dialogue->message, "\r", 1); /* of a line that only began like the last */
    } else if (dialogue->place == PLACE_CR && c == '\n') {
        collect_append(dialogue->message, bytes, 1);
        dialogue->place = PLACE_LINE;
        return 1;
    }
    return take_text(dialogue, bytes, length);
}

enum lmtp_step lmtp_dialogue_take(struct lmtp_dialogue *dialogue, const char *bytes, size_t length, size_t *taken_r)
{
    size_t taken = 0;

    while (taken < length && dialogue->step == LMTP_MORE)
        taken += dialogue->in_message ? take_message(dialogue, bytes + taken, length - taken)
                                      : take_command(dialogue, bytes + taken, length - taken);
    *taken_r = taken;
    return dialogue->step;
}

struct collect *lmtp_dialogue_message(struct lmtp_dialogue *dialogue, const char **sender_r, const char **tagged_r)
{
    *tagged_r = dialogue->tagged;
    *sender_r = dialogue->sender;
    return dialogue->message;
}

void lmtp_dialogue_answer(struct lmtp_dialogue *dialogue, int recorded)
{
    for (size_t i = 0; i < dialogue->recipients; i++)
        say(dialogue, recorded ? "250 2.0.0 Ok, on record" : "451 4.3.0 Cannot be recorded now, come again");
    forget_message(dialogue);
    dialogue->step = LMTP_MORE;
}

struct span lmtp_dialogue_replies(const struct lmtp_dialogue *dialogue)
{
    return (struct span){dialogue->replies, dialogue->replies_length};
}

void lmtp_dialogue_said(struct lmtp_dialogue *dialogue)
{
    dialogue->replies_length = 0;
}

struct lmtp_dialogue *lmtp_dialogue_new(const char *host, const struct collect_limits *limits,
                                        struct counters *counters)
{
    struct lmtp_dialogue *dialogue = xcalloc(1, sizeof(*dialogue));
    char *greeting = xasprintf("220 %s LMTP suppressd", host);

    dialogue->host = xstrdup(host);
    dialogue->limits = *limits;
    dialogue->counters = counters;
    say(dialogue, greeting);
    free(greeting);
    return dialogue;
}

void lmtp_dialogue_free(struct lmtp_dialogue **dialogue)
{
    struct lmtp_dialogue *old = *dialogue;

    *dialogue = NULL;
    if (!old)
        return;
    forget_message(old);
    free(old->host);
    free(old->replies);
    free(old);
}
