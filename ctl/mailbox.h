/* Messages out of a mailbox, one after the other.
 *
 * A file or "-" (standard input) holds an mbox, when it begins with "From ", or
 * else one message; a folder is a Maildir (cur and new) or an MH folder (files
 * named by numbers). In an mbox a message begins with a line "From " behind an
 * empty one; ">From ", ">>From " lose one ">", which undoes both customs of
 * quoting (mboxo, mboxrd). Bounded memory whatever the size of the mailbox.
 */
#ifndef SUPPRESSD_CTL_MAILBOX_H
#define SUPPRESSD_CTL_MAILBOX_H

#include "base/error.h"
#include "daemon/intake/collect.h"

#include <stdint.h>

struct mailbox;

/* NULL and error. */
struct mailbox *mailbox_open(const char *name, struct error *error) must_check;
void mailbox_close(struct mailbox **mailbox);

/* Appends the next message: 1; 0 when there is none; -1 and error. */
int mailbox_next(struct mailbox *mailbox, struct collect *message, struct error *error) must_check;

uint64_t mailbox_size(const struct mailbox *mailbox); /* bytes; 0: not known before its end */
uint64_t mailbox_taken(const struct mailbox *mailbox); /* bytes read by now */

#endif
