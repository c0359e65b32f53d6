/* LMTP: the input is what a client sends. Wherever it is cut, the same is said
 * and the same messages are taken; of these no more than the bound is kept. */
#include "config.h"

#include "base/mem.h"
#include "daemon/intake/collect.h"
#include "daemon/intake/lmtp_dialogue.h"
#include "tests/fuzz/target.h"

#include <string.h>

#define KEPT_MAX 100
#define COURSE_MAX (1u << 20)

/* All that is said, and the messages behind it. */
struct course {
    char *text;
    size_t length;
};

static void note(struct course *course, struct span text)
{
    must_hold(course->length + text.length < COURSE_MAX);
    if (text.length)
        memcpy(course->text + course->length, text.start, text.length);
    course->length += text.length;
}

static void hold_replies(struct lmtp_dialogue *dialogue, struct course *course)
{
    struct span replies = lmtp_dialogue_replies(dialogue), rest = replies, line;

    must_hold(!replies.length || replies.start[replies.length - 1] == '\n');
    while (span_line(&rest, &line)) {
        must_hold(line.length > 4 && line.length < 512);
        must_hold(line.start[0] >= '2' && line.start[0] <= '5' && (line.start[3] == ' ' || line.start[3] == '-'));
    }
    note(course, replies);
    lmtp_dialogue_said(dialogue);
}

static void hold_message(struct lmtp_dialogue *dialogue, struct course *course)
{
    const char *sender, *tagged;
    struct span bytes = collect_bytes(lmtp_dialogue_message(dialogue, &sender, &tagged));

    must_hold(bytes.length <= KEPT_MAX && sender);
    note(course, bytes);
    lmtp_dialogue_answer(dialogue, bytes.length % 2 == 0);
    hold_replies(dialogue, course);
}

static struct course run(const char *bytes, size_t size, size_t piece)
{
    static struct counters counters;
    const struct collect_limits limits = {.size = KEPT_MAX, .reading = MESSAGE_LIMITS_USUAL};
    struct lmtp_dialogue *dialogue = lmtp_dialogue_new("mx.example.org", &limits, &counters);
    struct course course = {.text = xmalloc(COURSE_MAX)};
    enum lmtp_step step = LMTP_MORE;

    while (size && step != LMTP_OVER) {
        size_t given = piece && piece < size ? piece : size, taken;

        step = lmtp_dialogue_take(dialogue, bytes, given, &taken);
        must_hold(taken <= given && (taken == given || step != LMTP_MORE));
        bytes += taken;
        size -= taken;
        hold_replies(dialogue, &course);
        if (step == LMTP_MESSAGE)
            hold_message(dialogue, &course);
    }
    lmtp_dialogue_free(&dialogue);
    return course;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct course whole, cut;

    if (size > 65536)
        return 0;
    whole = run((const char *)data, size, 0);
    for (size_t piece = 1; piece <= 7; piece += 3) {
        cut = run((const char *)data, size, piece);
        must_hold(cut.length == whole.length && !memcmp(cut.text, whole.text, whole.length));
        free(cut.text);
    }
    free(whole.text);
    return 0;
}
