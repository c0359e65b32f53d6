/* The veil: hides addresses from the database.
 *
 * Every text that a statement binds passes here (statement.h), whether it is
 * written or looked for, so that nothing can be forgotten. A veil that has no
 * key lets everything through as it is: a plain database. Under a key each
 * address in a text gives way to its token
 *
 *   user@example.com  ->  ttttttttttttttttttttttttttcccccc@example.com
 *
 * t, 128 bits of HMAC-SHA256 over the address as it is compared, and c, 32 bits
 * over t, by which a token is known for one, both in base32 (RFC 4648, lower
 * case): what is hidden already stays as it is, and no address can pass for
 * hidden but by knowing the key, or one try in 2^32. The domain stays readable:
 * rules, providers, incidents and the entries of whole domains go by it.
 *
 * An address is whatever stands around "@" (or "%40") as an address could, so a
 * Message-ID is one, and one that is sent around in another's local part
 * (VERP) vanishes with it. Letters without "@" are no address: of a reply, which
 * may name the mailbox alone, see veil_told.
 *
 * Who holds the key can try addresses one by one. A veil belongs to one thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_VEIL_H
#define SUPPRESSD_DAEMON_LEDGER_VEIL_H

#include "base/error.h"
#include "base/hmac.h"

#include <stddef.h>
#include <stdint.h>

#define VEIL_TOKEN_LENGTH 32  /* octets of a token, without "@" and domain */
#define VEIL_CHECK_SIZE 33    /* hexadecimal digits and a NUL */

struct veil;

struct veil *veil_new(void); /* hides nothing */
void veil_free(struct veil **veil);

/* From now on hides under this key. strict: as in address_parse. */
void veil_close(struct veil *veil, const unsigned char key[HMAC_KEY_SIZE], int strict);
/* From now on a text that holds an address is refused: it should be hidden and
 * the key cannot be had, for this reason. */
void veil_lock(struct veil *veil, const char *reason);

/* 1 when addresses are hidden, or would have to be. */
int veil_is_closed(const struct veil *veil);

/* 1 and *hidden_r (freed by the caller), which stands in place of text; 0: text
 * may stand as it is; -1: locked. */
int veil_text(struct veil *veil, const char *text, char **hidden_r, struct error *error) must_check;

/* The same for the words of a server about the recipient with this compared
 * form: its local part, or what stands before a "+" in it, gives way to the
 * token too where it stands as a word of three letters or more. What replies say
 * of anybody ("user", "mailbox") stays. text NULL stays NULL. */
int veil_told(struct veil *veil, const char *text, const char *key, char **hidden_r, struct error *error) must_check;

/* A hash of an address or of a text that holds one, hashed again under the key:
 * without it nobody can try addresses. */
uint64_t veil_number(const struct veil *veil, uint64_t hash);

/* What tells whether this is the key that a database was hashed under. */
void veil_check(const struct veil *veil, char check_r[VEIL_CHECK_SIZE]);

#endif
