/* The pages of a database file as they lie on the disk, for a file that SQLite
 * refuses: the file and, over it, what its WAL holds of committed transactions.
 *
 * Reads only, and believes nothing: page size and version come from the headers
 * where these make sense, else they are what this program makes. Formats:
 * https://www.sqlite.org/fileformat2.html. The file must not change meanwhile
 * (the caller holds the store's lock). Any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_PAGES_H
#define SUPPRESSD_DAEMON_LEDGER_PAGES_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct pages;

/* path and path-wal. NULL and error when the file cannot be read, or has no whole page. */
struct pages *pages_open(const char *path, struct error *error) must_check;
void pages_close(struct pages **pages);

uint32_t pages_count(const struct pages *pages);
size_t pages_size(const struct pages *pages);
size_t pages_usable(const struct pages *pages); /* bytes of a page that hold content */
int pages_version(const struct pages *pages);   /* of the schema; 0: unknown */

/* Page number, from 1: its bytes, NULL when there is none. */
const unsigned char *pages_get(const struct pages *pages, uint32_t number);

/* What is in PATH-wal: whether there is anything but zeros that has no header of a
 * WAL, and so may have been one: 1, 0, -1. */
int pages_wal_is_damaged(const char *path, struct error *error) must_check;

uint32_t pages_number(const unsigned char *bytes); /* four octets, big-endian */

#endif
