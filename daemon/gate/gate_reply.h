/* The wording of a refusal: a template such as
 * "550 5.1.1 <%{address}> suppressed: %{reason} since %{date} (suppressd)".
 *
 * One wording for all gates. Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_GATE_GATE_REPLY_H
#define SUPPRESSD_DAEMON_GATE_GATE_REPLY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A refusal, taken apart as an MTA wants it. */
struct gate_reply {
    char code[4];    /* "550" */
    char status[12]; /* "5.1.1" */
    char text[700];  /* one line, printable, without code and status */
};

/* -1 unless the template begins with a 4yz or 5yz code and an enhanced status
 * of the same class (RFC 3463), has text, and names known fields only. */
int gate_reply_check(const char *template, struct error *error) must_check;

/* Fills a checked template. address is borrowed; since is Unix seconds (UTC date shown). */
void gate_reply_format(const char *template, const char *address, const char *reason, int64_t since,
                       struct gate_reply *reply_r);

#endif
