/* See dialogue.h. */
#include "config.h"

#include "daemon/gate/dialogue.h"

#include "base/mem.h"
#include "daemon/gate/policy.h"
#include "daemon/gate/socketmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 1024 /* bytes looked at in one go: what lies behind a request is copied again for the next */

static const struct protocol {
    size_t frame_max; /* bytes; a frame without an end is given up beyond that */
    ssize_t (*frame)(struct span input, size_t scanned, struct span *request_r);
    int (*parse)(struct span request, struct question *question_r);
    char *(*reply)(int understood, const char *data);
} protocols[] = {
    [DIALOGUE_SOCKETMAP] = {SOCKETMAP_REQUEST_MAX + 8, socketmap_frame, socketmap_parse, socketmap_reply},
    [DIALOGUE_POLICY] = {POLICY_REQUEST_MAX + 1, policy_frame, policy_parse, policy_reply},
};

struct dialogue {
    const struct protocol *protocol;
    char *bytes; /* of the request that is coming in */
    size_t length, size;
    size_t scanned;
    struct question question;
    int asked, understood;
    int over;
};

void question_clear(struct question *question)
{
    free(question->text);
    free(question->sender);
    free(question->client);
    *question = (struct question){.kind = QUESTION_NONE};
}

struct dialogue *dialogue_new(enum dialogue_kind kind)
{
    struct dialogue *dialogue = xcalloc(1, sizeof(*dialogue));

    dialogue->protocol = &protocols[kind];
    return dialogue;
}

void dialogue_free(struct dialogue **dialogue)
{
    struct dialogue *old = *dialogue;

    *dialogue = NULL;
    if (!old)
        return;
    question_clear(&old->question);
    free(old->bytes);
    free(old);
}

/* Of the input what a single request can hold; gives how much that was. */
static size_t append(struct dialogue *dialogue, const char *bytes, size_t length)
{
    size_t room = dialogue->protocol->frame_max - dialogue->length;

    if (length > room)
        length = room;
    while (dialogue->length + length > dialogue->size) {
        dialogue->size = dialogue->size ? dialogue->size * 2 : 512;
        dialogue->bytes = xrealloc(dialogue->bytes, dialogue->size);
    }
    if (length)
        memcpy(dialogue->bytes + dialogue->length, bytes, length);
    dialogue->length += length;
    return length;
}

/* As dialogue_take, of at most CHUNK bytes. */
static enum dialogue_step take_chunk(struct dialogue *dialogue, const char *bytes, size_t length, size_t *taken_r)
{
    size_t before = dialogue->length;
    struct span request = SPAN_NONE;
    ssize_t frame;

    *taken_r = append(dialogue, bytes, length);
    frame = dialogue->protocol->frame((struct span){dialogue->bytes, dialogue->length}, dialogue->scanned, &request);
    if (frame < 0 || (!frame && *taken_r < length)) {
        dialogue->over = 1;
        return DIALOGUE_OVER;
    }
    dialogue->scanned = dialogue->length;
    if (!frame)
        return DIALOGUE_MORE;
    dialogue->understood = !dialogue->protocol->parse(request, &dialogue->question);
    dialogue->asked = 1;
    *taken_r = (size_t)frame - before; /* a frame ends in what has just come */
    dialogue->length = dialogue->scanned = 0;
    return DIALOGUE_QUESTION;
}

enum dialogue_step dialogue_take(struct dialogue *dialogue, const char *bytes, size_t length, size_t *taken_r)
{
    enum dialogue_step step = dialogue->over ? DIALOGUE_OVER : DIALOGUE_MORE;
    size_t taken;

    assert(!dialogue->asked);
    *taken_r = 0;
    while (step == DIALOGUE_MORE && *taken_r < length) {
        size_t left = length - *taken_r;

        step = take_chunk(dialogue, bytes + *taken_r, left < CHUNK ? left : CHUNK, &taken);
        *taken_r += taken;
    }
    return step;
}

struct question dialogue_question(struct dialogue *dialogue, int *fault_r)
{
    struct question question = dialogue->question;

    assert(dialogue->asked);
    dialogue->question = (struct question){.kind = QUESTION_NONE};
    *fault_r = !dialogue->understood;
    return question;
}

char *dialogue_answer(struct dialogue *dialogue, const char *data)
{
    assert(dialogue->asked);
    dialogue->asked = 0;
    return dialogue->protocol->reply(dialogue->understood, data);
}
