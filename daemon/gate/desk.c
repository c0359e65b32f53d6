/* See desk.h.
 *
 * An errand is on the clock (the loop's list, in the order in which they were
 * asked) until it has ended for its asker, and with a thread from the moment it
 * leaves the queue until the loop collects it. It is freed when it is neither.
 */
#include "config.h"

#include "daemon/gate/desk.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/gate/gate_reader.h"
#include "daemon/log.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define READERS 4
#define QUEUE_MAX 10000

struct errand {
    struct desk *desk;
    struct settings *settings;
    struct question question;
    struct ruleset *rules;
    int64_t deadline; /* milliseconds, monotonic */
    char *data;       /* the answer */
    int on_clock;     /* the asker waits */
    int with_thread;  /* queued, being answered, or answered and not collected */
    void (*done)(const char *data, void *context);
    void *context;
    TAILQ_ENTRY(errand) clock, line;
};

TAILQ_HEAD(errands, errand);

struct desk {
    struct desk_rooms rooms;
    struct ruleset *rules;
    struct errands clock; /* the loop's alone */
    struct event *answered, *alarm;
    int late;             /* said once */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    struct errands queue, finished;
    size_t queued;
    int closing;
    pthread_t threads[READERS];
    int thread_count;
};

static int64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void free_if_over(struct errand *errand)
{
    if (errand->on_clock || errand->with_thread)
        return;
    question_clear(&errand->question);
    settings_unref(&errand->settings);
    ruleset_unref(&errand->rules);
    free(errand->data);
    free(errand);
}

/* --- the threads' side --- */

static char *answer(struct gate_reader *reader, const struct errand *errand)
{
    if (milliseconds() > errand->deadline)
        return NULL; /* nobody waits for it any more */
    return gate_reader_answer(reader, errand->rules, errand->settings, &errand->question);
}

static struct errand *take_work(struct desk *desk)
{
    struct errand *errand;

    while (!(errand = TAILQ_FIRST(&desk->queue)) && !desk->closing)
        pthread_cond_wait(&desk->work, &desk->lock);
    if (errand) {
        TAILQ_REMOVE(&desk->queue, errand, line);
        desk->queued--;
    }
    return errand;
}

static void *serve(void *argument)
{
    struct desk *desk = argument;
    struct gate_reader *reader = gate_reader_new(desk->rooms.gate, desk->rooms.counters);
    struct errand *errand;

    pthread_mutex_lock(&desk->lock);
    while ((errand = take_work(desk))) {
        int first;

        pthread_mutex_unlock(&desk->lock);
        errand->data = answer(reader, errand);
        pthread_mutex_lock(&desk->lock);
        first = TAILQ_EMPTY(&desk->finished);
        TAILQ_INSERT_TAIL(&desk->finished, errand, line);
        if (first)
            event_active(desk->answered, EV_TIMEOUT, 0);
    }
    pthread_mutex_unlock(&desk->lock);
    gate_reader_free(&reader);
    return NULL;
}

/* --- the loop's side --- */

static void set_alarm(struct desk *desk)
{
    const struct errand *first = TAILQ_FIRST(&desk->clock);
    int64_t left = first ? first->deadline - milliseconds() : 0;
    const struct timeval delay = {.tv_sec = left > 0 ? left / 1000 : 0, .tv_usec = left > 0 ? left % 1000 * 1000 + 1000 : 0};

    if (first && !evtimer_pending(desk->alarm, NULL))
        evtimer_add(desk->alarm, &delay);
}

static void end(struct errand *errand, const char *data)
{
    TAILQ_REMOVE(&errand->desk->clock, errand, clock);
    errand->on_clock = 0;
    errand->done(data, errand->context);
}

static void collect(struct desk *desk)
{
    struct errands finished;
    struct errand *errand;

    TAILQ_INIT(&finished);
    pthread_mutex_lock(&desk->lock);
    TAILQ_CONCAT(&finished, &desk->finished, line);
    pthread_mutex_unlock(&desk->lock);
    while ((errand = TAILQ_FIRST(&finished))) {
        TAILQ_REMOVE(&finished, errand, line);
        errand->with_thread = 0;
        if (errand->on_clock) {
            if (desk->late)
                log_line(LOG_NOTE, "gate: questions are answered in time again");
            desk->late = 0;
            end(errand, errand->data);
        }
        free_if_over(errand);
    }
}

static void on_answered(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    collect(argument);
}

static void give_up(struct desk *desk, struct errand *errand)
{
    counters_add(desk->rooms.counters, COUNTER_GATE_DEADLINE, 1);
    if (!desk->late)
        log_line(LOG_ERROR, "gate: no answer within gate_deadline (%ld ms): mail passes unchecked",
                 errand->settings->gate_deadline);
    desk->late = 1;
    end(errand, NULL);
    free_if_over(errand);
}

/* Deadlines are in order, but around a reload that changes gate_deadline. */
static void on_alarm(evutil_socket_t fd, short what, void *argument)
{
    struct desk *desk = argument;
    int64_t now = milliseconds();
    struct errand *errand;

    (void)fd, (void)what;
    collect(desk); /* what is there is not late */
    while ((errand = TAILQ_FIRST(&desk->clock)) && errand->deadline <= now)
        give_up(desk, errand);
    set_alarm(desk);
}

struct errand *desk_ask(struct desk *desk, struct settings *settings, struct question question_take,
                        void (*done)(const char *data, void *context), void *context)
{
    struct errand *errand = xcalloc(1, sizeof(*errand));

    *errand = (struct errand){.desk = desk, .settings = settings_ref(settings), .question = question_take,
                              .rules = ruleset_ref(desk->rules), .on_clock = 1, .done = done, .context = context};
    errand->deadline = milliseconds() + settings->gate_deadline;
    pthread_mutex_lock(&desk->lock);
    if (desk->queued < QUEUE_MAX) {
        errand->with_thread = 1;
        TAILQ_INSERT_TAIL(&desk->queue, errand, line);
        desk->queued++;
        pthread_cond_signal(&desk->work);
    } else {
        errand->deadline = 0; /* late at once: the alarm ends it */
    }
    pthread_mutex_unlock(&desk->lock);
    if (errand->with_thread) {
        TAILQ_INSERT_TAIL(&desk->clock, errand, clock);
    } else {
        TAILQ_INSERT_HEAD(&desk->clock, errand, clock);
        evtimer_del(desk->alarm);
    }
    set_alarm(desk);
    return errand;
}

void desk_forget(struct errand **errand)
{
    struct errand *old = *errand;

    *errand = NULL;
    if (!old)
        return;
    TAILQ_REMOVE(&old->desk->clock, old, clock);
    old->on_clock = 0;
    free_if_over(old);
}

void desk_set_rules(struct desk *desk, struct ruleset *rules)
{
    ruleset_unref(&desk->rules);
    desk->rules = ruleset_ref(rules);
}

/* Signals are main's. */
static int start_threads(struct desk *desk, struct error *error)
{
    sigset_t all, old;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (!failed && desk->thread_count < READERS)
        if (!(failed = pthread_create(&desk->threads[desk->thread_count], NULL, serve, desk)))
            desk->thread_count++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failed ? error_set(error, ERROR_ENVIRONMENT, "gate threads: %s", strerror(failed)) : 0;
}

struct desk *desk_open(const struct desk_rooms *rooms, struct error *error)
{
    struct desk *desk = xcalloc(1, sizeof(*desk));

    desk->rooms = *rooms;
    desk->rules = ruleset_ref(rooms->rules);
    TAILQ_INIT(&desk->clock);
    TAILQ_INIT(&desk->queue);
    TAILQ_INIT(&desk->finished);
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->work, NULL);
    desk->answered = event_new(rooms->base, -1, EV_PERSIST, on_answered, desk);
    desk->alarm = evtimer_new(rooms->base, on_alarm, desk);
    if (!desk->answered || !desk->alarm)
        (void)error_set(error, ERROR_ENVIRONMENT, "no event");
    else if (!start_threads(desk, error))
        return desk;
    desk_close(&desk);
    return NULL;
}

void desk_close(struct desk **desk)
{
    struct desk *old = *desk;

    *desk = NULL;
    if (!old)
        return;
    pthread_mutex_lock(&old->lock);
    old->closing = 1;
    pthread_cond_broadcast(&old->work);
    pthread_mutex_unlock(&old->lock);
    while (old->thread_count)
        pthread_join(old->threads[--old->thread_count], NULL);
    collect(old);
    if (old->answered)
        event_free(old->answered);
    if (old->alarm)
        event_free(old->alarm);
    pthread_cond_destroy(&old->work);
    pthread_mutex_destroy(&old->lock);
    ruleset_unref(&old->rules);
    free(old);
}
