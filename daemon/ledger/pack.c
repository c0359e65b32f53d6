/* See pack.h. */
#include "config.h"

#include "daemon/ledger/pack.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LEVEL 3 /* of 9: most of the gain for a fraction of the time */

size_t pack_message(const char *bytes, size_t size, char **packed_r)
{
    uLongf length = compressBound(size);
    char *packed = xmalloc(length ? length : 1);

    if (compress2((Bytef *)packed, &length, (const Bytef *)bytes, size, LEVEL) == Z_OK && length < size) {
        *packed_r = xrealloc(packed, length);
        return length;
    }
    free(packed);
    *packed_r = xmalloc(size ? size : 1);
    if (size)
        memcpy(*packed_r, bytes, size);
    return size;
}

char *pack_restore(const void *packed, size_t length, int64_t size, struct error *error)
{
    uLongf got = (uLongf)size;
    int code = Z_OK;
    char *bytes;

    if (size < 0 || size > (int64_t)PACK_SIZE_MAX) {
        (void)error_set(error, ERROR_INPUT, "a message of %lld bytes cannot be", (long long)size);
        return NULL;
    }
    bytes = xmalloc((size_t)size + 1);
    if (length == (size_t)size)
        memcpy(bytes, length ? packed : "", length);
    else
        code = uncompress((Bytef *)bytes, &got, packed, length);
    if (code != Z_OK || got != (uLongf)size) {
        (void)error_set(error, ERROR_INPUT, "the message is damaged: %s",
                        code == Z_OK ? "it is shorter than it was" : zError(code));
        free(bytes);
        return NULL;
    }
    bytes[size] = '\0';
    return bytes;
}
