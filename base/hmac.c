/* See hmac.h. */
#include "config.h"

#include "base/hmac.h"

#include <nettle/memops.h>
#include <string.h>

void hmac_begin(struct hmac *hmac, const unsigned char key[HMAC_KEY_SIZE])
{
    hmac_sha256_set_key(&hmac->context, HMAC_KEY_SIZE, key);
}

void hmac_add(struct hmac *hmac, const void *bytes, size_t length)
{
    hmac_sha256_update(&hmac->context, length, bytes);
}

void hmac_add_text(struct hmac *hmac, const char *text)
{
    hmac_add(hmac, text, strlen(text) + 1);
}

void hmac_end(struct hmac *hmac, unsigned char digest_r[HMAC_SIZE])
{
    hmac_sha256_digest(&hmac->context, HMAC_SIZE, digest_r);
}

int hmac_equal(const void *a, const void *b, size_t length)
{
    return memeql_sec(a, b, length);
}
