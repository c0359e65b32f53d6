/* See secret.h. */
#include "config.h"

#include "daemon/ledger/secret.h"

#include "base/mem.h"
#include "daemon/ledger/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whole under its name or not there at all: a key of which a crash left half
 * would hash differently for ever. */
static int make_file(const char *path, unsigned char key_r[HMAC_KEY_SIZE])
{
    char *draft = xasprintf("%s.new", path);
    int fd, failed;

    (void)unlink(draft);
    fd = own_file_open(draft, O_NOFOLLOW);
    failed = fd < 0 || fchmod(fd, 0600) || getrandom(key_r, HMAC_KEY_SIZE, 0) != HMAC_KEY_SIZE ||
             write(fd, key_r, HMAC_KEY_SIZE) != HMAC_KEY_SIZE || fsync(fd) || rename(draft, path);
    if (fd >= 0)
        close(fd);
    free(draft);
    return failed ? -1 : 0;
}

int secret_load(const char *path, int make, unsigned char key_r[HMAC_KEY_SIZE], struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (fd < 0 && errno == ENOENT && !make)
        return 0;
    if (fd < 0 && errno == ENOENT)
        return make_file(path, key_r) ? error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno)) : 1;
    if (fd < 0)
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    length = read(fd, key_r, HMAC_KEY_SIZE);
    close(fd);
    if (length != HMAC_KEY_SIZE)
        return error_set(error, ERROR_ENVIRONMENT, "%s: is no key of %d bytes", path, HMAC_KEY_SIZE);
    return 1;
}

void secret_hash(const unsigned char key[HMAC_KEY_SIZE], const char *address, char hash_r[SECRET_HASH_SIZE])
{
    unsigned char digest[HMAC_SIZE];
    struct hmac hmac;

    hmac_begin(&hmac, key);
    hmac_add(&hmac, address, strlen(address));
    hmac_end(&hmac, digest);
    hash_r[0] = '#';
    for (int i = 0; i < HMAC_SIZE; i++)
        snprintf(hash_r + 1 + 2 * i, 3, "%02x", digest[i]);
}
