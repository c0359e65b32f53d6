/* The signed envelope sender: an address that only we can make.
 *
 *   news@example.org  ->  news+p0ddsssssssswwwwwwww@example.org
 *
 * Behind the delimiter stand "p0" and 18 letters of base32 (RFC 4648, lower
 * case; read in either): dd is the day modulo 1024, ssssssss the recipients,
 * wwwwwwww the seal, 40 bits of HMAC-SHA256 each over all that stands before.
 * The address stays one that a recipient delimiter knows, and Postfix's VERP
 * ("news+p0...+joe=example.com@example.org") may stand behind.
 *
 *   recipients  HMAC over day, sender, the number of recipients and their sorted
 *               compared forms: without the key nobody can tell or make those of
 *               another recipient. Of one recipient it proves that one; of
 *               several it proves none, for each of them has seen the tag and
 *               could name another
 *   seal        HMAC over day, sender and these recipients: tells our tags from
 *               others' without a word of the recipient, as is needed at RCPT TO
 *
 * To forge a tag for a victim takes both at once, 80 bits; to find a seal that
 * is let in takes 40, of which each try is an SMTP command, and proves nothing.
 * The full day is signed, so a tag does not become good again 1024 days later.
 * What is proved is that whoever reports has seen the message to that very
 * recipient: the recipient and whoever it passes its mail to may report it dead.
 *
 * Two messages of one day from one sender to one recipient bear one tag: a
 * greylisting server knows the sender again, and a replayed tag counts once.
 *
 * Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_TAG_H
#define SUPPRESSD_DAEMON_TAG_H

#include "daemon/keyring.h"
#include "daemon/report/address.h"

#include <stddef.h>
#include <stdint.h>

#define TAG_LENGTH 20 /* octets of a tag, without its delimiter */

struct tag {
    char text[TAG_LENGTH + 1];   /* in lower case */
    char sender[ADDRESS_SIZE];   /* as signed: in front of the tag, in lower case */
    char original[ADDRESS_SIZE]; /* the address without its tag, VERP's part included */
};

enum tag_state { TAG_GOOD, TAG_EXPIRED, TAG_WRONG };

/* Writes the tagged form of sender (no brackets) into tagged_r. recipients are
 * the compared forms of the distinct ones, sorted by tag_by_text; others counts
 * further ones. 0: it stays unsigned, because the local part would be longer than
 * 64 octets, is quoted or not ASCII, or is tagged already; else 1. */
int tag_write(const struct keys *keys, const char *sender, char *const *recipients, size_t count, size_t others,
              int64_t now, char delimiter, char tagged_r[ADDRESS_SIZE]);
int tag_by_text(const void *a, const void *b); /* for qsort */

/* Takes an address apart, without looking at its seal; brackets may stand
 * around it. 1, or 0 when it bears no tag. */
int tag_parse(const char *address, struct tag *tag_r);

/* Did we make it, and is it no older than keys->age (below 1000 days)? A tag from tomorrow is good: clocks differ. */
enum tag_state tag_check(const struct tag *tag, const struct keys *keys, int64_t now);

/* 1 when a good tag was made for this recipient (in its compared form) alone. */
int tag_proves(const struct tag *tag, const struct keys *keys, const char *recipient, int64_t now);

/* What the journal knows it by. */
int64_t tag_number(const struct tag *tag);

/* Whether domains, a list with blanks and commas between, has the domain of this address. */
int tag_listed(const char *domains, const char *address);

#endif
