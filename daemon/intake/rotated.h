/* The files that rotation has made of a log, and how one is known again.
 *
 * They are its neighbours "PATH.1", "PATH-20261123" and the like, uncompressed,
 * in the order of their times. A file is known by its first bytes, whatever its
 * name; of two copies the one with the position's inode is meant, else the
 * newer. Descriptors are the caller's to close.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_ROTATED_H
#define SUPPRESSD_DAEMON_INTAKE_ROTATED_H

#include "daemon/ledger/record.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ROTATED_HEAD_MAX 1024 /* bytes by which a file is known again */

/* Whether name is one that rotation gives to path. */
int rotated_is_name(const char *path, const char *name);

/* 0, or -1 when the file is shorter. */
int rotated_hash_head(int fd, size_t length, uint64_t *hash_r);

/* Whether the file behind fd is the one that this position is of, and not truncated below size since. */
int rotated_is(int fd, const struct log_position *position, uint64_t size);

/* Whether copy begins as file does, as far as copy goes: file is about to be truncated. */
int rotated_is_copy(int copy, int file);

/* The neighbour that is the position's file and at least size long; -1: none. */
int rotated_find(const char *path, const struct log_position *position, uint64_t size);
/* The oldest neighbour that is newer than this file, and not empty; -1: none. */
int rotated_next(const char *path, const struct stat *after);

#endif
