/* Proof of sending: does a report of somebody else's answer a message that we
 * sent to that very recipient?
 *
 * Anyone can word a bounce or a complaint. What proves one is what only those
 * have seen who had our message in hands:
 *
 *   its Message-ID   when the journal of sent messages has it, for this
 *                    recipient and nobody else, in all its rows;
 *   its tag          when this host made it for this recipient alone (tag.h).
 *
 * Neither may be older than proof_age. A Message-ID that went to several
 * recipients, in one message or in many, proves nothing of any of them, for
 * each knows it and could name another; no more does the tag of a message with
 * several. Queue ids, Received fields and Reporting-MTA prove nothing: they can
 * be guessed or are known. A mailing list's member who returns a message that
 * went to the list names himself, not the recipient: unproven.
 *
 * What is left: a proof shows that the reporter has seen the message, so a
 * recipient, and whoever he shows his mail to, can have this one recipient
 * reported dead, once a message. An address that the MTA expands to several
 * people after the milter saw it is one recipient here: each of them can have
 * it suppressed. Whoever may submit mail knows the Message-IDs of his own, and can
 * report its recipients dead; of tags he knows none. A message that the journal
 * did not take (counter sent_dropped) does not stand against another with its
 * Message-ID, nor does one that was forgotten: a mailing under one Message-ID
 * should take less time than lies between proof_age and sent_keep.
 *
 * A proof counts once: `key` stands in the place of the queue id that the
 * report claims, so that whoever replays it, under whatever queue id and in
 * whatever host's name, repeats one result. Works inside the ledger's open
 * transaction.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_PROOF_H
#define SUPPRESSD_DAEMON_LEDGER_PROOF_H

#include "base/error.h"
#include "daemon/ledger/record.h"

struct keyring;
struct store;

struct proof {
    enum evidence evidence; /* proved, or what the record had */
    char key[300];          /* what the result is known by; "" unless proved */
};

/* Of one recipient, in its compared form. keyring may be NULL: then only the journal proves. */
int proof_find(struct store *store, struct keyring *keyring, const struct record *record, const char *recipient,
               struct proof *proof_r, struct error *error) must_check;

/* Who complains, where the complaint leaves it out (Hotmail, Yahoo): the one
 * recipient of the message. 1 and *recipient_r (freed by the caller), 0, -1. */
int proof_complainant(struct store *store, struct keyring *keyring, const struct record *record, char **recipient_r,
                      struct error *error) must_check;

#endif
