/* See journal.h. */
#include "config.h"

#include "daemon/intake/journal.h"

#include <string.h>

#define PREFIX "journal:"

int journal_is(const char *name)
{
    return !strncmp(name, PREFIX, sizeof(PREFIX) - 1);
}

#ifdef HAVE_SYSTEMD

#include "base/mem.h"
#include "daemon/report/maillog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define MAIL_FACILITY "SYSLOG_FACILITY=2"
#define UNIT_SUFFIX ".service"
#define WORDS_MAX 32
#define FRONT_MAX 600 /* time, host, program, pid */

struct journal {
    char *words; /* the name behind its prefix, cut up */
    const char *word[WORDS_MAX];
    size_t word_count;
    const char *folder; /* NULL: the system's journal */
    sd_journal *handle; /* NULL: not open */
    int problem;        /* errno, 0 for none; ENODATA: not one entry is to be seen */
    int placed;         /* the handle stands on or behind the position */
    int looked;         /* the kernel's news have been taken since the end was seen */
    int at_end;
    unsigned gaps;
    char cursor[LOG_CURSOR_SIZE]; /* of the last entry given; "": none yet */
    char line[FRONT_MAX + MAILLOG_LINE_MAX + 2];
};

static void cut_up(struct journal *journal, const char *name)
{
    char *rest = journal->words = xstrdup(name + sizeof(PREFIX) - 1), *word;

    while ((word = strtok_r(rest, " ", &rest)) && journal->word_count < WORDS_MAX)
        if (*word == '/')
            journal->folder = word;
        else
            journal->word[journal->word_count++] = word;
}

static char *match_of(const char *word)
{
    size_t length = strlen(word), suffix = sizeof(UNIT_SUFFIX) - 1;

    if (strchr(word, '='))
        return xstrdup(word);
    if (length > suffix && !strcmp(word + length - suffix, UNIT_SUFFIX))
        return xasprintf("_SYSTEMD_UNIT=%s", word);
    return xasprintf("SYSLOG_IDENTIFIER=%s", word);
}

/* 0, or the errno of a word that is none. */
static int add_matches(sd_journal *handle, const struct journal *journal)
{
    int failed = journal->word_count ? 0 : sd_journal_add_match(handle, MAIL_FACILITY, 0);

    for (size_t i = 0; i < journal->word_count && !failed; i++) {
        char *match = match_of(journal->word[i]);

        failed = sd_journal_add_match(handle, match, 0);
        free(match);
    }
    return -failed;
}

static int nothing_to_see(sd_journal *handle)
{
    return sd_journal_seek_head(handle) < 0 || sd_journal_next(handle) <= 0;
}

static int open_handle(struct journal *journal)
{
    int failed = journal->folder ? -sd_journal_open_directory(&journal->handle, journal->folder, 0)
                                 : -sd_journal_open(&journal->handle, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);

    if (!failed && nothing_to_see(journal->handle))
        failed = ENODATA;
    if (!failed)
        failed = -sd_journal_set_data_threshold(journal->handle, MAILLOG_LINE_MAX + 1);
    if (!failed && sd_journal_get_fd(journal->handle) < 0) /* from now on it hears of new files */
        failed = EMFILE;
    journal->problem = failed;
    if (!failed)
        return 1;
    sd_journal_close(journal->handle);
    journal->handle = NULL;
    return 0;
}

/* "s=..;i=2f;..": the number of an entry in its sequence; cursor ends behind the sequence's id. */
static unsigned long long number_in(const char *cursor, size_t *sequence_r)
{
    const char *at = strstr(cursor, ";i=");

    *sequence_r = at ? (size_t)(at - cursor) : 0;
    return at ? strtoull(at + 3, NULL, 16) : 0;
}

/* Whether nothing can stand between the two entries. */
static int is_next(const char *cursor, const char *later)
{
    size_t sequence, other;
    unsigned long long number = number_in(cursor, &sequence);

    return number_in(later, &other) == number + 1 && sequence == other && sequence &&
           !strncmp(cursor, later, sequence);
}

static int note_entry(struct journal *journal)
{
    char *cursor;
    int taken = sd_journal_get_cursor(journal->handle, &cursor) >= 0;

    if (taken && strlen(cursor) < sizeof(journal->cursor))
        strcpy(journal->cursor, cursor);
    if (taken)
        free(cursor);
    return taken;
}

/* Behind the last entry there is, of whatever kind: so there is a position from the start. */
static int place_at_end(struct journal *journal)
{
    if (sd_journal_seek_tail(journal->handle) < 0)
        return 0;
    return sd_journal_previous(journal->handle) > 0 && note_entry(journal);
}

/* Whether all behind the cursor is still there; whatever matches. -1: nothing at all is. */
static int is_unbroken(struct journal *journal)
{
    char *found;
    int unbroken;

    sd_journal_flush_matches(journal->handle);
    if (sd_journal_seek_cursor(journal->handle, journal->cursor) < 0 || sd_journal_next(journal->handle) <= 0)
        return -1;
    if (sd_journal_test_cursor(journal->handle, journal->cursor) > 0)
        return 1;
    if (sd_journal_get_cursor(journal->handle, &found) < 0)
        return -1;
    unbroken = is_next(journal->cursor, found);
    free(found);
    return unbroken;
}

/* Moves to the first entry that has not been given: 1; 0: there is none yet. */
static int place_behind_cursor(struct journal *journal)
{
    int unbroken = is_unbroken(journal), moved;

    if (unbroken < 0 || add_matches(journal->handle, journal) ||
        sd_journal_seek_cursor(journal->handle, journal->cursor) < 0)
        return 0;
    journal->placed = 1;
    journal->gaps += !unbroken;
    moved = sd_journal_next(journal->handle);
    if (moved > 0 && sd_journal_test_cursor(journal->handle, journal->cursor) > 0)
        moved = sd_journal_next(journal->handle);
    return moved > 0;
}

static int get(struct journal *journal, const char *field, struct span *value_r)
{
    const void *data;
    size_t length, name = strlen(field) + 1;

    *value_r = SPAN_NONE;
    if (sd_journal_get_data(journal->handle, field, &data, &length) < 0 || length < name)
        return 0;
    *value_r = (struct span){(const char *)data + name, length - name};
    return 1;
}

/* A word of the front; one with a space in it would move what follows. */
static int put_word(struct journal *journal, size_t *length_io, const char *field, const char *before, const char *after)
{
    struct span value;

    if (!get(journal, field, &value) || !value.length || value.length > 128 || memchr(value.start, ' ', value.length))
        return 0;
    *length_io += (size_t)snprintf(journal->line + *length_io, FRONT_MAX - *length_io, "%s%.*s%s", before,
                                   (int)value.length, value.start, after);
    return 1;
}

static int put_time(struct journal *journal, size_t *length_io)
{
    uint64_t microseconds;
    time_t seconds;
    struct tm tm;

    if (sd_journal_get_realtime_usec(journal->handle, &microseconds) < 0)
        return 0;
    seconds = (time_t)(microseconds / 1000000);
    *length_io = gmtime_r(&seconds, &tm) ? strftime(journal->line, FRONT_MAX, "%Y-%m-%dT%H:%M:%SZ ", &tm) : 0;
    return *length_io > 0;
}

/* The entry that the handle stands on. What has no program or text is an empty line. */
static void make_line(struct journal *journal, struct span *line_r)
{
    struct span message;
    size_t length = 0;

    *line_r = (struct span){journal->line, 0};
    if (!put_time(journal, &length) || !put_word(journal, &length, "_HOSTNAME", "", " ") ||
        !put_word(journal, &length, "SYSLOG_IDENTIFIER", "", ""))
        return;
    (void)(put_word(journal, &length, "SYSLOG_PID", "[", "]") || put_word(journal, &length, "_PID", "[", "]"));
    journal->line[length++] = ':';
    journal->line[length++] = ' ';
    if (!get(journal, "MESSAGE", &message))
        return;
    if (message.length > sizeof(journal->line) - length)
        message.length = sizeof(journal->line) - length;
    memcpy(journal->line + length, message.start, message.length);
    *line_r = (struct span){journal->line, length + message.length};
}

/* Files have come or gone. Where there was more to read, some of it may have gone with them. */
static void take_news(struct journal *journal)
{
    if (journal->looked)
        return;
    if (sd_journal_process(journal->handle) == SD_JOURNAL_INVALIDATE && !journal->at_end)
        journal->placed = 0;
    journal->looked = 1;
}

static int step(struct journal *journal)
{
    if (journal->placed)
        return sd_journal_next(journal->handle) > 0;
    if (*journal->cursor)
        return place_behind_cursor(journal);
    journal->placed = !add_matches(journal->handle, journal) && sd_journal_seek_head(journal->handle) >= 0;
    return journal->placed && sd_journal_next(journal->handle) > 0;
}

int journal_next(struct journal *journal, struct span *line_r)
{
    if (!journal->handle && !open_handle(journal))
        return 0;
    take_news(journal);
    if (!step(journal) || !note_entry(journal)) {
        journal->looked = 0;
        journal->at_end = 1;
        return 0;
    }
    journal->at_end = 0;
    make_line(journal, line_r);
    return 1;
}

int journal_position(const struct journal *journal, struct log_position *position_r)
{
    *position_r = (struct log_position){0};
    strcpy(position_r->cursor, journal->cursor);
    return *journal->cursor != '\0';
}

unsigned journal_gaps(const struct journal *journal)
{
    return journal->gaps;
}

const char *journal_problem(const struct journal *journal)
{
    if (journal->problem == ENODATA)
        return "not one entry is there, or none may be read (the journal's group is systemd-journal)";
    return journal->problem ? strerror(journal->problem) : NULL;
}

int journal_fd(const struct journal *journal)
{
    return journal->handle ? sd_journal_get_fd(journal->handle) : -1;
}

int journal_check(const char *name, struct error *error)
{
    struct journal *journal = xcalloc(1, sizeof(*journal));
    sd_journal *handle = NULL;
    int failed;

    cut_up(journal, name);
    failed = -sd_journal_open_files(&handle, (const char *[]){NULL}, 0);
    if (!failed)
        failed = add_matches(handle, journal);
    sd_journal_close(handle);
    if (failed)
        (void)error_set(error, ERROR_INPUT, "'%s': a word behind journal: is no match, as FIELD=VALUE is", name);
    free(journal->words);
    free(journal);
    return failed ? -1 : 0;
}

struct journal *journal_open(const char *name, const struct log_position *from)
{
    struct journal *journal = xcalloc(1, sizeof(*journal));

    cut_up(journal, name);
    if (from)
        strcpy(journal->cursor, from->cursor);
    if (open_handle(journal) && !from)
        (void)place_at_end(journal);
    return journal;
}

void journal_close(struct journal **journal)
{
    struct journal *old = *journal;

    *journal = NULL;
    if (!old)
        return;
    sd_journal_close(old->handle);
    free(old->words);
    free(old);
}

#else

int journal_check(const char *name, struct error *error)
{
    return error_set(error, ERROR_INPUT, "%s: this suppressd was built without systemd", name);
}

/* Never called: settings with such a name are refused. */
struct journal *journal_open(const char *name, const struct log_position *from)
{
    (void)name, (void)from;
    return NULL;
}

void journal_close(struct journal **journal)
{
    *journal = NULL;
}

int journal_next(struct journal *journal, struct span *line_r)
{
    (void)journal, (void)line_r;
    return 0;
}

int journal_position(const struct journal *journal, struct log_position *position_r)
{
    (void)journal, (void)position_r;
    return 0;
}

unsigned journal_gaps(const struct journal *journal)
{
    (void)journal;
    return 0;
}

const char *journal_problem(const struct journal *journal)
{
    (void)journal;
    return NULL;
}

int journal_fd(const struct journal *journal)
{
    (void)journal;
    return -1;
}

#endif
