/* See bounce.h. */
#include "config.h"

#include "daemon/report/bounce.h"

#include "base/mem.h"
#include "daemon/report/dsn.h"
#include "daemon/report/dsn_value.h"
#include "daemon/report/message.h"
#include "daemon/report/passage.h"
#include "daemon/report/scan.h"
#include "daemon/report/signs.h"
#include "daemon/report/unnamed.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REGION_MAX 1500 /* bytes of a notice that may serve as one reply */
#define BEHIND_MAX 3000 /* bytes behind one of several addresses that may hold its reply */
#define FAILED_MAX 32768 /* bytes of X-Failed-Recipients that are looked at */
#define TOLD_MAX 64     /* sentences that are looked at; one is enough */
#define OWN_MAX 32      /* addresses that are known to be the sender's */

struct candidate {
    struct span address;
    struct span line;  /* the line in which it stands */
    const char *after; /* behind it */
    enum rank rank;
    int own; /* it is the sender's */
};

struct bounce {
    struct span text;
    enum action action; /* of all recipients: what the notice as a whole says */
    struct candidate candidates[BOUNCE_RECIPIENTS_MAX];
    size_t count;
    struct span own[OWN_MAX]; /* the sender's addresses */
    size_t own_count;
    struct candidate told; /* to be taken where it is the only one and nothing says more */
    size_t told_count, asked;
    char *unnamed; /* where a candidate lies that no text named; owned */
};

static int same(struct span a, struct span b)
{
    return a.length == b.length && !strncasecmp(a.start, b.start, a.length);
}

/* ------------------------------------------------------------ the sender's */

static void add_own(struct bounce *bounce, struct span value)
{
    struct span address;

    while (bounce->own_count < OWN_MAX && scan_next(&value, &address))
        bounce->own[bounce->own_count++] = address;
}

static void find_own(struct bounce *bounce, const struct header *header,
                     const struct header *returned)
{
    static const char *const outer[] = {"To", "From", "Delivered-To", "X-Original-To"};
    static const char *const inner[] = {"Return-Path", "From", "Sender", "Reply-To", "Errors-To"};
    size_t i;

    for (i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
        add_own(bounce, header_get(returned, inner[i]));
    for (i = 0; i < sizeof(outer) / sizeof(outer[0]); i++)
        add_own(bounce, header_get(header, outer[i]));
}

static int is_own(const struct bounce *bounce, struct span address)
{
    size_t i;

    for (i = 0; i < bounce->own_count; i++)
        if (same(bounce->own[i], address))
            return 1;
    return span_starts(address, "postmaster@") || span_starts(address, "mailer-daemon@");
}

/* -------------------------------------------------------------- candidates */

static void add_candidate(struct bounce *bounce, const struct candidate *candidate)
{
    struct candidate *known;
    size_t i;

    for (i = 0; i < bounce->count; i++) {
        known = &bounce->candidates[i];
        if (!same(known->address, candidate->address))
            continue;
        if (candidate->rank > known->rank)
            *known = *candidate;
        return;
    }
    if (bounce->count < BOUNCE_RECIPIENTS_MAX)
        bounce->candidates[bounce->count++] = *candidate;
}

/* The sentence is about a failed delivery. */
static int tells(struct bounce *bounce, struct span line, struct span address)
{
    struct span near = scan_near(line, address);

    return bounce->asked++ < TOLD_MAX && (scan_tells_failure(near) || signs_failure(near));
}

static void scan_line(struct bounce *bounce, struct span line, int introduced)
{
    struct span rest = line, after;
    struct candidate candidate = {.line = line};

    while (bounce->count < BOUNCE_RECIPIENTS_MAX && scan_address(rest, &candidate.address)) {
        candidate.rank = scan_rank(line, rest, candidate.address, &after);
        if (candidate.rank == RANK_LISTED && introduced)
            candidate.rank = RANK_NONE;
        candidate.after = after.start;
        candidate.own = is_own(bounce, candidate.address);
        if (candidate.rank == RANK_TOLD && (introduced || !tells(bounce, line, candidate.address)))
            candidate.rank = RANK_NONE;
        if (candidate.rank != RANK_NONE)
            add_candidate(bounce, &candidate);
        rest = after;
    }
}

static enum rank best_rank(const struct bounce *bounce, int own)
{
    enum rank best = RANK_NONE;
    size_t i;

    for (i = 0; i < bounce->count; i++)
        if (bounce->candidates[i].own == own && bounce->candidates[i].rank > best)
            best = bounce->candidates[i].rank;
    return best;
}

/* Leaves the candidates of one rank, the sender's own addresses only when there
 * are no others. */
static void select_best(struct bounce *bounce)
{
    enum rank best = best_rank(bounce, 0);
    int own = best == RANK_NONE;
    size_t i, kept = 0;

    if (own)
        best = best_rank(bounce, 1);
    for (i = 0; i < bounce->count; i++)
        if (bounce->candidates[i].rank == best && bounce->candidates[i].own == own)
            bounce->candidates[kept++] = bounce->candidates[i];
    bounce->count = kept;
    if (best != RANK_TOLD)
        return;
    bounce->told = bounce->candidates[0];
    bounce->told_count = own ? 0 : kept;
    bounce->count = 0;
}

static int has_candidate(const struct bounce *bounce, struct span address)
{
    size_t i;

    for (i = 0; i < bounce->count; i++)
        if (same(bounce->candidates[i].address, address))
            return 1;
    return 0;
}

static void add_bare(struct bounce *bounce, struct span address)
{
    struct candidate candidate = {.address = address, .rank = RANK_LISTED};

    if (!has_candidate(bounce, address))
        add_candidate(bounce, &candidate);
}

/* No more than can be taken, and no half address at the end. */
static struct span bounded_list(struct span value)
{
    if (value.length > FAILED_MAX)
        for (value.length = FAILED_MAX; value.length; value.length--)
            if (value.start[value.length - 1] == ',')
                break;
    return value;
}

static int shares_candidate(const struct bounce *bounce, struct span list)
{
    struct span address;

    while (scan_next(&list, &address))
        if (has_candidate(bounce, address))
            return 1;
    return 0;
}

/* X-Failed-Recipients (Exim, Google) is the mail system's own list. The text wins
 * where they do not share a single address, for it has the replies, unless it
 * holds nothing but the sender's own addresses. */
static void merge_failed_field(struct bounce *bounce, struct span value)
{
    struct span list = bounded_list(value), address;

    if (!scan_address(list, &address))
        return;
    if (bounce->count && bounce->candidates[0].own) /* then all are: see select_best */
        bounce->count = 0;
    if (bounce->count && !shares_candidate(bounce, list))
        return;
    while (scan_next(&list, &address))
        add_bare(bounce, address);
}

/* A notice that names nobody. */
static void take_unnamed(struct bounce *bounce, const struct header *header, const struct header *returned)
{
    bounce->unnamed = unnamed_recipient(bounce->text, header, returned);
    if (bounce->unnamed && !is_own(bounce, span_of(bounce->unnamed)))
        add_bare(bounce, span_of(bounce->unnamed));
}

/* ----------------------------------------------------------------- replies */

/* What lies between an address and the line of the next one. */
static struct span region_of(const struct bounce *bounce, const struct candidate *candidate)
{
    const char *end = bounce->text.start + bounce->text.length;
    size_t i;

    if (bounce->count > 1 && end - candidate->after > BEHIND_MAX)
        end = candidate->after + BEHIND_MAX;
    for (i = 0; i < bounce->count; i++) {
        const char *other = bounce->candidates[i].line.start;

        if (other && other > candidate->after && other < end)
            end = other;
    }
    return (struct span){candidate->after, (size_t)(end - candidate->after)};
}

/* An SMTP transcript is cut to where it fails; prose is left whole. */
static struct span coded_part(const struct candidate *candidate, struct span own)
{
    return candidate->rank == RANK_CODED ? passage_coded(own) : own;
}

/* The label tells a part of the cause, what follows the rest. */
static struct span from_label(struct span line, struct span after)
{
    struct span whole = {line.start, (size_t)(after.start + after.length - line.start)};

    if (whole.length > REGION_MAX)
        whole.length = REGION_MAX;
    return whole;
}

/* What is said before any recipient is named, and so of all of them; never what
 * is said of another one. */
static struct span introduction_of(const struct bounce *bounce)
{
    struct span text = bounce->text;
    size_t i;

    for (i = 0; i < bounce->count; i++) {
        const char *start = bounce->candidates[i].line.start;

        if (start && start < text.start + text.length)
            text = span_to(text, start);
    }
    return text.length > REGION_MAX ? span_from(text, text.length - REGION_MAX) : text;
}

static struct span reply_of(const struct bounce *bounce, const struct candidate *candidate)
{
    struct span region = candidate->after ? region_of(bounce, candidate) : bounce->text;
    struct span own = candidate->after ? passage_paragraph(region) : SPAN_NONE, coded;
    struct span line = candidate->line;

    if (candidate->rank != RANK_LISTED && line.length && scan_code(line))
        return passage_paragraph((struct span){
            line.start, (size_t)(region.start + region.length - line.start)});
    if (own.length && scan_code(own))
        return coded_part(candidate, own);
    coded = passage_coded(bounce->count == 1 ? bounce->text : region);
    if (coded.length)
        return coded;
    if (candidate->rank == RANK_TOLD)
        return from_label(line, passage_has_words(own) ? own : span_from(line, line.length));
    if (candidate->rank == RANK_LABELLED && scan_tells_failure(line))
        return from_label(line, passage_has_words(own) ? own : region);
    if (passage_has_words(own))
        return own;
    if (region.length > REGION_MAX)
        region.length = REGION_MAX;
    if (passage_has_words(region))
        return region;
    return introduction_of(bounce);
}

static void give_reply(struct delivery *delivery, struct span reply)
{
    char status[12];

    if (!delivery->reply)
        delivery->reply = field_plain(passage_bare(reply), MESSAGE_REPLY_MAX);
    if (delivery->status && strcmp(delivery->status + 1, ".0.0"))
        return;
    if (delivery->reply && (dsn_status_behind_code(delivery->reply, status) ||
                            dsn_status_within(delivery->reply, status))) {
        free(delivery->status);
        delivery->status = xstrdup(status);
    }
}

/* ------------------------------------------------------------------ public */

/* "----- The following addresses had successful delivery notifications -----" */
static int begins_section(struct span line)
{
    return span_starts(span_trim(line), "---");
}

static int introduces_other(const struct bounce *bounce, struct span line)
{
    return scan_introduces_other(line) ||
           (bounce->action != ACTION_DELIVERED && scan_introduces_success(line));
}

static void scan(struct bounce *bounce)
{
    struct span rest = bounce->text, line, address;
    int introduced = 0, success = 0;

    while (span_line(&rest, &line)) {
        if (begins_section(line))
            success = span_find_case(line, "successful") != NULL;
        if (bounce->count && span_is(span_trim(line), "--"))
            break; /* a signature */
        if (!success)
            scan_line(bounce, line, introduced);
        if (span_trim(line).length && !scan_bare(line)) /* the rest of a list is introduced as well */
            introduced = introduces_other(bounce, line) && !scan_address(line, &address);
    }
}

/* A notice of success has no SMTP error in it. */
static enum action action_of(struct span subject, struct span text)
{
    if (signs_delay(subject, text))
        return ACTION_DELAYED;
    return signs_success(subject, text) && !scan_code(text) ? ACTION_DELIVERED : ACTION_FAILED;
}

size_t bounce_read(const struct notice *notice, const struct header *header,
                   const struct header *returned, struct report *report)
{
    struct bounce *bounce = xcalloc(1, sizeof(*bounce));
    struct span subject = header_get(header, "Subject");
    size_t i, count;

    bounce->text = notice->own;
    bounce->action = action_of(subject, notice->own);
    find_own(bounce, header, returned);
    scan(bounce);
    select_best(bounce);
    merge_failed_field(bounce, header_get(header, "X-Failed-Recipients"));
    if (!bounce->count)
        take_unnamed(bounce, header, returned);
    if (!bounce->count && bounce->told_count == 1)
        add_candidate(bounce, &bounce->told);
    for (i = 0; i < bounce->count; i++) {
        struct delivery *delivery = report_add(report);

        if (!delivery)
            break;
        delivery->recipient = span_dup(bounce->candidates[i].address);
        delivery->action = bounce->action;
        give_reply(delivery, reply_of(bounce, &bounce->candidates[i]));
        if (bounce->count == 1)
            give_reply(delivery, subject);
    }
    count = bounce->count;
    if (count == BOUNCE_RECIPIENTS_MAX) {
        report->cut |= REPORT_CUT_RECIPIENTS;
        if (!report->problem)
            report->problem = xasprintf("recipients beyond the first %d of a text were not read", BOUNCE_RECIPIENTS_MAX);
    }
    free(bounce->unnamed);
    free(bounce);
    return count;
}

void bounce_fill_replies(const struct notice *notice, struct report *report)
{
    struct bounce *bounce;
    size_t i, c;

    for (i = 0; i < report->count && report->deliveries[i].reply; i++)
        ;
    if (i == report->count)
        return;
    bounce = xcalloc(1, sizeof(*bounce));
    bounce->text = notice->own;
    scan(bounce);
    for (; i < report->count && i < BOUNCE_RECIPIENTS_MAX; i++)
        for (c = 0; c < bounce->count && !report->deliveries[i].reply; c++)
            if (same(bounce->candidates[c].address, span_of(report->deliveries[i].recipient)))
                give_reply(&report->deliveries[i], reply_of(bounce, &bounce->candidates[c]));
    free(bounce);
}

size_t bounce_read_fields(const struct notice *notice, struct report *report)
{
    static const char *const names[] = {"Reporting-MTA:", "Final-Recipient:", "Original-Recipient:"};
    struct span rest = notice->own, here, line;
    size_t i;

    while (here = rest, span_line(&rest, &line))
        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (span_starts(line, names[i])) {
                struct part part = {.body = here, .closed = 1};

                return dsn_read(&part, report, NULL);
            }
    return 0;
}
