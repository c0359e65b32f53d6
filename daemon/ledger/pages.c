/* See pages.h. */
#include "config.h"

#include "daemon/ledger/pages.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_HEADER 100
#define WAL_HEADER 32
#define FRAME_HEADER 24
#define PAGE_SIZE 4096 /* what this program makes */
#define PAGE_SIZE_MIN 512
#define PAGE_SIZE_MAX 65536

struct image {
    const unsigned char *bytes; /* NULL: empty, or there is none */
    size_t size;
};

struct pages {
    struct image file, wal;
    const unsigned char **newer; /* by page number less one: in the WAL; NULL: in the file */
    uint32_t newer_count;
    size_t page_size, usable;
    uint32_t count;
    int version;
};

uint32_t pages_number(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int map(const char *path, struct image *image_r, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *bytes = NULL;
    int failed;

    *image_r = (struct image){NULL, 0};
    if (fd < 0)
        return errno == ENOENT ? 0 : error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    failed = fstat(fd, &status) != 0;
    if (!failed && status.st_size > 0) {
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        failed = bytes == MAP_FAILED;
    }
    if (failed)
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    else if (bytes)
        *image_r = (struct image){bytes, (size_t)status.st_size};
    close(fd);
    return failed ? -1 : 0;
}

static void unmap(struct image *image)
{
    if (image->bytes)
        munmap((void *)(uintptr_t)image->bytes, image->size);
}

static int map_wal(const char *path, struct image *image_r, struct error *error)
{
    char *name = xasprintf("%s-wal", path);
    int failed = map(name, image_r, error);

    free(name);
    return failed;
}

static int is_page_size(size_t size)
{
    return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && !(size & (size - 1));
}

/* The WAL's running checksum over pairs of words, in the byte order that its magic tells. */
static void sum_up(const unsigned char *bytes, size_t size, int is_big, uint32_t sum[2])
{
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint32_t word[2];

        for (int k = 0; k < 2; k++) {
            word[k] = pages_number(bytes + i + 4 * k);
            if (!is_big)
                word[k] = __builtin_bswap32(word[k]);
        }
        sum[0] += word[0] + sum[1];
        sum[1] += word[1] + sum[0];
    }
}

/* Its page size, 0 when the header is none; sum is that of the header. */
static size_t wal_page_size(const struct image *wal, uint32_t sum[2])
{
    size_t size;

    if (wal->size < WAL_HEADER || (pages_number(wal->bytes) & ~1u) != 0x377f0682)
        return 0;
    size = pages_number(wal->bytes + 8);
    sum[0] = sum[1] = 0;
    sum_up(wal->bytes, 24, wal->bytes[3] & 1, sum);
    return is_page_size(size) && sum[0] == pages_number(wal->bytes + 24) && sum[1] == pages_number(wal->bytes + 28)
               ? size : 0;
}

/* How many frames from the start belong to committed transactions; pages of the
 * file after the last of them. */
static size_t wal_committed(const struct image *wal, size_t page_size, uint32_t sum[2], uint32_t *count_r)
{
    size_t committed = 0, step = FRAME_HEADER + page_size, frame = 0;

    for (size_t at = WAL_HEADER; at + step <= wal->size; at += step) {
        const unsigned char *head = wal->bytes + at;

        sum_up(head, 8, wal->bytes[3] & 1, sum);
        sum_up(head + FRAME_HEADER, page_size, wal->bytes[3] & 1, sum);
        if (memcmp(head + 8, wal->bytes + 16, 8) != 0 || sum[0] != pages_number(head + 16) ||
            sum[1] != pages_number(head + 20))
            break;
        frame++;
        if (pages_number(head + 4)) {
            committed = frame;
            *count_r = pages_number(head + 4);
        }
    }
    return committed;
}

static void lay_over(struct pages *pages, size_t frames)
{
    size_t step = FRAME_HEADER + pages->page_size;

    pages->newer = xcalloc((size_t)pages->count + 1, sizeof(*pages->newer));
    pages->newer_count = pages->count;
    for (size_t i = 0; i < frames; i++) {
        const unsigned char *head = pages->wal.bytes + WAL_HEADER + i * step;
        uint32_t number = pages_number(head);

        if (number && number <= pages->count)
            pages->newer[number - 1] = head + FRAME_HEADER;
    }
}

static void read_header(struct pages *pages)
{
    const unsigned char *head = pages_get(pages, 1);

    if (!head || memcmp(head, "SQLite format 3", 16) != 0)
        return;
    if (head[20] <= 32)
        pages->usable = pages->page_size - head[20];
    pages->version = (int)pages_number(head + 60);
}

/* What the file itself says, where that can be. */
static size_t file_page_size(const struct image *file)
{
    size_t size = file->size >= FILE_HEADER && !memcmp(file->bytes, "SQLite format 3", 16)
                      ? (size_t)file->bytes[16] << 8 | file->bytes[17] : 0;

    size = size == 1 ? PAGE_SIZE_MAX : size;
    return is_page_size(size) ? size : PAGE_SIZE;
}

struct pages *pages_open(const char *path, struct error *error)
{
    struct pages *pages = xcalloc(1, sizeof(*pages));
    uint32_t sum[2], count = 0;
    size_t frames = 0;

    if (map(path, &pages->file, error) || map_wal(path, &pages->wal, error)) {
        pages_close(&pages);
        return NULL;
    }
    if ((pages->page_size = wal_page_size(&pages->wal, sum)))
        frames = wal_committed(&pages->wal, pages->page_size, sum, &count);
    else
        pages->page_size = file_page_size(&pages->file);
    pages->usable = pages->page_size;
    pages->count = frames ? count : (uint32_t)(pages->file.size / pages->page_size);
    if (frames)
        lay_over(pages, frames);
    read_header(pages);
    if (!pages->count) {
        (void)error_set(error, ERROR_INPUT, "%s: not one page of a database is in it", path);
        pages_close(&pages);
    }
    return pages;
}

void pages_close(struct pages **pages)
{
    struct pages *old = *pages;

    *pages = NULL;
    if (!old)
        return;
    unmap(&old->file);
    unmap(&old->wal);
    free(old->newer);
    free(old);
}

uint32_t pages_count(const struct pages *pages)
{
    return pages->count;
}

size_t pages_size(const struct pages *pages)
{
    return pages->page_size;
}

size_t pages_usable(const struct pages *pages)
{
    return pages->usable;
}

int pages_version(const struct pages *pages)
{
    return pages->version;
}

const unsigned char *pages_get(const struct pages *pages, uint32_t number)
{
    if (!number || number > pages->count)
        return NULL;
    if (number <= pages->newer_count && pages->newer[number - 1])
        return pages->newer[number - 1];
    return pages->file.size / pages->page_size >= number ? pages->file.bytes + (number - 1) * pages->page_size : NULL;
}

/* A power failure may leave zeros, or less than a page, of a WAL that had not been
 * synchronised: in that one nothing was acknowledged. */
int pages_wal_is_damaged(const char *path, struct error *error)
{
    struct image wal;
    uint32_t sum[2];
    size_t i = 0;
    int damaged;

    if (map_wal(path, &wal, error))
        return -1;
    while (i < wal.size && i < WAL_HEADER && !wal.bytes[i])
        i++;
    damaged = wal.size >= WAL_HEADER + FRAME_HEADER + PAGE_SIZE_MIN && i < WAL_HEADER && !wal_page_size(&wal, sum);
    unmap(&wal);
    return damaged;
}
