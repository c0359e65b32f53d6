/* See keyring.h. */
#include "config.h"

#include "daemon/keyring.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_LENGTH (2 * HMAC_KEY_SIZE)

struct keyring {
    pthread_mutex_t lock;
    struct keys keys;
};

static int read_line(const char *line, struct key *key_r)
{
    char hex[HEX_LENGTH + 1];
    int end = 0;

    if (sscanf(line, "key %" SCNd64 " %64[0-9a-f]%n", &key_r->made, hex, &end) != 2 || strlen(hex) != HEX_LENGTH ||
        strcmp(line + end, "\n") != 0)
        return 0;
    for (size_t i = 0; i < HMAC_KEY_SIZE; i++)
        sscanf(hex + 2 * i, "%2hhx", &key_r->bytes[i]);
    return 1;
}

static int read_lines(FILE *file, const char *path, struct keys *keys_r, struct error *error)
{
    char line[HEX_LENGTH + 64];
    int number = 0;

    while (fgets(line, sizeof(line), file)) {
        number++;
        if (keys_r->count == KEYS_MAX || !read_line(line, &keys_r->key[keys_r->count]))
            return error_set(error, ERROR_INPUT, "%s:%d: is no key, or one too many", path, number);
        keys_r->count++;
    }
    if (ferror(file))
        return error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    return keys_r->count ? 0 : error_set(error, ERROR_INPUT, "%s: holds no key", path);
}

int keys_read(const char *path, struct keys *keys_r, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), failed;
    struct stat status;
    FILE *file;

    memset(keys_r, 0, sizeof(*keys_r));
    if (fd < 0)
        return errno == ENOENT ? 0 : error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_mode & 077 || !(file = fdopen(fd, "r"))) {
        close(fd);
        return error_set(error, ERROR_INPUT, "%s: must be a file that nobody but its owner may read or write", path);
    }
    failed = read_lines(file, path, keys_r, error);
    fclose(file);
    if (failed)
        keys_r->count = 0;
    return failed;
}

static void print_keys(const struct keys *keys, FILE *out)
{
    for (size_t i = 0; i < keys->count; i++) {
        fprintf(out, "key %" PRId64 " ", keys->key[i].made);
        for (size_t b = 0; b < HMAC_KEY_SIZE; b++)
            fprintf(out, "%02x", keys->key[i].bytes[b]);
        fputc('\n', out);
    }
}

static int give_to_folder(int fd, const char *path)
{
    char *copy = xstrdup(path);
    struct stat folder;
    int failed = geteuid() == 0 && (stat(dirname(copy), &folder) || fchown(fd, folder.st_uid, folder.st_gid));

    free(copy);
    return failed;
}

/* On disk before it takes the old one's place: a key that was used must not be lost. */
static int write_file(const char *path, const char *fresh, const struct keys *keys, struct error *error)
{
    int fd, failed = 1;
    FILE *file;

    (void)unlink(fresh); /* of a rotation that was interrupted */
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    file = fd < 0 ? NULL : fdopen(fd, "w");

    if (file && !fchmod(fd, 0600) && !give_to_folder(fd, path)) {
        print_keys(keys, file);
        failed = fflush(file) || fsync(fd);
    }
    if (file)
        failed = fclose(file) || failed;
    if (!failed && !rename(fresh, path))
        return 0;
    (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", fresh, strerror(errno));
    if (fd >= 0)
        (void)unlink(fresh);
    return -1;
}

int keys_rotate(const char *path, int64_t now, struct error *error)
{
    struct keys keys;
    char *fresh;
    int failed;

    if (keys_read(path, &keys, error))
        return -1;
    keys.key[1] = keys.key[0];
    keys.count = keys.count ? 2 : 1;
    keys.key[0].made = now;
    if (getrandom(keys.key[0].bytes, HMAC_KEY_SIZE, 0) != HMAC_KEY_SIZE)
        return error_set(error, ERROR_ENVIRONMENT, "no random numbers: %s", strerror(errno));
    fresh = xasprintf("%s.new", path);
    failed = write_file(path, fresh, &keys, error);
    free(fresh);
    return failed;
}

struct keyring *keyring_new(void)
{
    struct keyring *keyring = xcalloc(1, sizeof(*keyring));

    pthread_mutex_init(&keyring->lock, NULL);
    return keyring;
}

void keyring_free(struct keyring **keyring)
{
    struct keyring *old = *keyring;

    *keyring = NULL;
    if (!old)
        return;
    pthread_mutex_destroy(&old->lock);
    free(old);
}

int keyring_load(struct keyring *keyring, const char *path, int wanted, int64_t age, int64_t now,
                 struct error *error)
{
    struct keys keys;

    if (keys_read(path, &keys, error))
        return -1;
    if (!keys.count && wanted && (keys_rotate(path, now, error) || keys_read(path, &keys, error)))
        return -1;
    keys.age = age;
    pthread_mutex_lock(&keyring->lock);
    keyring->keys = keys;
    pthread_mutex_unlock(&keyring->lock);
    return 0;
}

void keyring_get(struct keyring *keyring, struct keys *keys_r)
{
    memset(keys_r, 0, sizeof(*keys_r));
    if (!keyring)
        return;
    pthread_mutex_lock(&keyring->lock);
    *keys_r = keyring->keys;
    pthread_mutex_unlock(&keyring->lock);
}
