/* See mailbox.h. */
#include "config.h"

#include "ctl/mailbox.h"

#include "base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE 65536 /* a longer line comes in pieces */

struct mailbox {
    char **files; /* paths; "-" */
    size_t count, next;
    uint64_t size, taken;

    /* the file that is being read */
    FILE *in;
    int is_mbox;
    int crlf;        /* the mbox's lines end so */
    int within;      /* the line that begins the next message has been taken */
    int at_start;    /* of a line */
    int behind_blank; /* an empty line, or the start of the file */
    char *buffer;
    size_t begin, end;
};

/* ------------------------------------------------------------------- files */

static void add_file(struct mailbox *mailbox, const char *folder, const char *name)
{
    char *path = *folder ? xasprintf("%s/%s", folder, name) : xstrdup(name);
    struct stat status;

    if (!(mailbox->count & (mailbox->count - 1)))
        mailbox->files = xrealloc(mailbox->files, (mailbox->count ? 2 * mailbox->count : 1) * sizeof(char *));
    mailbox->files[mailbox->count++] = path;
    if (!stat(path, &status) && S_ISREG(status.st_mode))
        mailbox->size += (uint64_t)status.st_size;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int is_number(const struct dirent *entry)
{
    return entry->d_name[strspn(entry->d_name, "0123456789")] == '\0';
}

static int add_folder(struct mailbox *mailbox, const char *folder, int (*wanted)(const struct dirent *entry),
                      struct error *error)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, wanted, versionsort);

    if (count < 0)
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        add_file(mailbox, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return count;
}

static int add_maildir(struct mailbox *mailbox, const char *name, struct error *error)
{
    static const char *const parts[] = {"new", "cur"};
    int failed = 0;

    for (int i = 0; i < 2 && !failed; i++) {
        char *folder = xasprintf("%s/%s", name, parts[i]);

        failed = add_folder(mailbox, folder, is_visible, error) < 0;
        free(folder);
    }
    return failed ? -1 : 0;
}

static int add_all(struct mailbox *mailbox, const char *name, struct error *error)
{
    struct stat status;
    char *cur;
    int is_maildir, found;

    if (!strcmp(name, "-")) {
        add_file(mailbox, "", "-");
        return 0;
    }
    if (stat(name, &status))
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", name, strerror(errno));
    if (!S_ISDIR(status.st_mode)) {
        add_file(mailbox, "", name);
        return 0;
    }
    cur = xasprintf("%s/cur", name);
    is_maildir = !access(cur, F_OK);
    free(cur);
    if (is_maildir)
        return add_maildir(mailbox, name, error);
    if ((found = add_folder(mailbox, name, is_number, error)))
        return found < 0 ? -1 : 0;
    return error_set(error, ERROR_INPUT, "%s: neither a Maildir (no cur) nor an MH folder (no numbered files)", name);
}

/* ------------------------------------------------------------------- lines */

static int fill(struct mailbox *mailbox, struct error *error)
{
    size_t got;

    memmove(mailbox->buffer, mailbox->buffer + mailbox->begin, mailbox->end - mailbox->begin);
    mailbox->end -= mailbox->begin;
    mailbox->begin = 0;
    got = fread(mailbox->buffer + mailbox->end, 1, BUFFER_SIZE - mailbox->end, mailbox->in);
    mailbox->end += got;
    mailbox->taken += got;
    if (ferror(mailbox->in))
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", mailbox->files[mailbox->next - 1], strerror(errno));
    return got > 0;
}

/* A line with its end, or as much of it as the buffer holds: 1; 0 at the end of the file; -1. */
static int next_piece(struct mailbox *mailbox, struct span *piece_r, struct error *error)
{
    const char *end = NULL;
    int filled = 1;

    while (filled > 0) {
        const char *begin = mailbox->buffer + mailbox->begin;
        size_t length = mailbox->end - mailbox->begin;

        if ((end = memchr(begin, '\n', length)) || length == BUFFER_SIZE)
            break;
        filled = fill(mailbox, error);
    }
    if (filled < 0)
        return -1;
    *piece_r = (struct span){mailbox->buffer + mailbox->begin, mailbox->end - mailbox->begin};
    if (end)
        *piece_r = span_to(*piece_r, end + 1);
    mailbox->begin += piece_r->length;
    return piece_r->length > 0;
}

/* "From joe@example.com Mon Nov 23 10:00:00 2026": a time must stand in it, for a
 * text may have a paragraph that begins with the word. */
static int is_from_line(struct span line)
{
    size_t i;

    if (line.length < 5 || memcmp(line.start, "From ", 5))
        return 0;
    for (i = 5; i + 3 < line.length; i++)
        if (isdigit((unsigned char)line.start[i]) && line.start[i + 1] == ':' &&
            isdigit((unsigned char)line.start[i + 2]) && isdigit((unsigned char)line.start[i + 3]))
            return 1;
    return 0;
}

/* Exactly what a delivery agent takes for an empty line, and no more: behind any
 * other it leaves a sender's "From " as it is, and must not be taken at its word. */
static int is_blank(const struct mailbox *mailbox, struct span line)
{
    return mailbox->crlf ? line.length == 2 && line.start[0] == '\r' : line.length == 1 && line.start[0] == '\n';
}

static struct span without_quote(struct span line)
{
    size_t marks = 0;

    while (marks < line.length && line.start[marks] == '>')
        marks++;
    return marks && line.length - marks >= 5 && !memcmp(line.start + marks, "From ", 5) ? span_from(line, 1) : line;
}

/* ---------------------------------------------------------------- messages */

static int open_next(struct mailbox *mailbox, struct error *error)
{
    const char *path;
    int is_single = mailbox->count > 1; /* a folder's */

    if (mailbox->next == mailbox->count)
        return 0;
    path = mailbox->files[mailbox->next++];
    if (!(mailbox->in = strcmp(path, "-") ? fopen(path, "rb") : stdin))
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    mailbox->begin = mailbox->end = 0;
    mailbox->at_start = mailbox->behind_blank = 1;
    mailbox->within = 0;
    while (mailbox->end < 5)
        if (fill(mailbox, error) <= 0)
            break;
    mailbox->is_mbox = !is_single && mailbox->end >= 5 && !memcmp(mailbox->buffer, "From ", 5);
    return ferror(mailbox->in) ? -1 : 1;
}

static void close_file(struct mailbox *mailbox)
{
    if (mailbox->in && mailbox->in != stdin)
        fclose(mailbox->in);
    mailbox->in = NULL;
}

/* What one file still holds: 1 with a message, 0 without, -1. */
static int read_message(struct mailbox *mailbox, struct collect *message, struct error *error)
{
    int found = mailbox->within, more;
    struct span piece;

    mailbox->within = 0;
    while ((more = next_piece(mailbox, &piece, error)) > 0) {
        int starts = mailbox->at_start, begins = starts && mailbox->is_mbox && mailbox->behind_blank && is_from_line(piece);

        mailbox->at_start = piece.start[piece.length - 1] == '\n';
        mailbox->behind_blank = starts && is_blank(mailbox, piece);
        if (begins && !found)
            mailbox->crlf = piece.length > 1 && piece.start[piece.length - 2] == '\r';
        if (begins && found) {
            mailbox->within = 1;
            return 1;
        }
        found = 1;
        if (!begins) {
            piece = starts && mailbox->is_mbox ? without_quote(piece) : piece;
            collect_append(message, piece.start, piece.length);
        }
    }
    return more < 0 ? -1 : found;
}

int mailbox_next(struct mailbox *mailbox, struct collect *message, struct error *error)
{
    for (;;) {
        int found = mailbox->in ? 1 : open_next(mailbox, error);

        if (found <= 0)
            return found;
        found = read_message(mailbox, message, error);
        if (!mailbox->within)
            close_file(mailbox);
        if (found)
            return found;
    }
}

uint64_t mailbox_size(const struct mailbox *mailbox)
{
    return mailbox->size;
}

uint64_t mailbox_taken(const struct mailbox *mailbox)
{
    return mailbox->taken;
}

struct mailbox *mailbox_open(const char *name, struct error *error)
{
    struct mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

    mailbox->buffer = xmalloc(BUFFER_SIZE);
    if (add_all(mailbox, name, error))
        mailbox_close(&mailbox);
    return mailbox;
}

void mailbox_close(struct mailbox **mailbox)
{
    struct mailbox *old = *mailbox;

    *mailbox = NULL;
    if (!old)
        return;
    close_file(old);
    for (size_t i = 0; i < old->count; i++)
        free(old->files[i]);
    free(old->files);
    free(old->buffer);
    free(old);
}
