/* HMAC-SHA256 (RFC 2104, FIPS 180-4): nettle's, behind one type.
 *
 * For whatever only the holder of a key may be able to make or to tell. Texts
 * that are signed one behind the other are told apart by hmac_add_text, which
 * takes the final NUL along. Pure, any thread; a struct belongs to one.
 */
#ifndef SUPPRESSD_BASE_HMAC_H
#define SUPPRESSD_BASE_HMAC_H

#include <nettle/hmac.h>
#include <stddef.h>

#define HMAC_KEY_SIZE 32 /* octets of a key: as long as the digest, RFC 2104 3 */
#define HMAC_SIZE 32     /* octets of a digest */

struct hmac {
    struct hmac_sha256_ctx context;
};

void hmac_begin(struct hmac *hmac, const unsigned char key[HMAC_KEY_SIZE]);
void hmac_add(struct hmac *hmac, const void *bytes, size_t length);
void hmac_add_text(struct hmac *hmac, const char *text);
void hmac_end(struct hmac *hmac, unsigned char digest_r[HMAC_SIZE]);

/* 1 when equal, 0 when not, in a time that does not depend on where they differ. */
int hmac_equal(const void *a, const void *b, size_t length);

#endif
