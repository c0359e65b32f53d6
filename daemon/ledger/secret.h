/* The key of hashes: what stays of a person who was erased can be told only by
 * who holds the key file beside the database (PATH.key, mode 0600, 32 bytes),
 * which is made on first use. Whoever loses it loses those suppressions; whoever
 * deletes it makes them meaningless.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_SECRET_H
#define SUPPRESSD_DAEMON_LEDGER_SECRET_H

#include "base/error.h"
#include "base/hmac.h"

#define SECRET_HASH_SIZE (1 + 2 * HMAC_SIZE + 1) /* "#", hexadecimal digits, NUL */

/* 1; 0: there is none, and make is 0; -1. */
int secret_load(const char *path, int make, unsigned char key_r[HMAC_KEY_SIZE], struct error *error) must_check;

/* "#" and the HMAC-SHA256 of an address as it is compared. */
void secret_hash(const unsigned char key[HMAC_KEY_SIZE], const char *address, char hash_r[SECRET_HASH_SIZE]);

#endif
