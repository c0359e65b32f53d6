/* The keys of the signed envelope sender, and the file that holds them.
 *
 * The file has a line a key, the current one first, then the previous one:
 * "key MADE HEX", the time in Unix seconds and 64 hexadecimal digits. Tags are
 * made with the current key and known by either, so that a rotation makes no
 * tag that is on its way wrong; a second rotation does. The file is made with
 * mode 0600 and its folder's owner, and one that others may read or write is
 * refused: whoever has the key can plant suppressions.
 *
 * A keyring is shared by all threads: each takes a copy of the keys.
 */
#ifndef SUPPRESSD_DAEMON_KEYRING_H
#define SUPPRESSD_DAEMON_KEYRING_H

#include "base/error.h"
#include "base/hmac.h"

#include <stddef.h>
#include <stdint.h>

#define KEYS_MAX 2

struct key {
    int64_t made;
    unsigned char bytes[HMAC_KEY_SIZE];
};

struct keys {
    size_t count;             /* 0: nothing is signed, nothing is known */
    struct key key[KEYS_MAX]; /* the current one first */
    int64_t age;              /* seconds for which a message proves */
};

/* An absent file gives no keys. -1 and error: it is there and is wrong. */
int keys_read(const char *path, struct keys *keys_r, struct error *error) must_check;

/* Puts a new key in front, and drops the one before the last. Makes the file where there is none. */
int keys_rotate(const char *path, int64_t now, struct error *error) must_check;

struct keyring;

/* Without keys, age 0. */
struct keyring *keyring_new(void);
void keyring_free(struct keyring **keyring);

/* Reads the file anew, making it first where it is wanted and absent. -1: the keys stay as they were. */
int keyring_load(struct keyring *keyring, const char *path, int wanted, int64_t age, int64_t now,
                 struct error *error) must_check;

/* A copy of what is in force now. keyring NULL: no keys, age 0. */
void keyring_get(struct keyring *keyring, struct keys *keys_r);

#endif
