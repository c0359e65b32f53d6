/* A block of log lines that suppressctl hands in, and the record it becomes.
 *
 *   {"command": "ingest-log", "size": BYTES, "host": H, "now": T, "log": PATH,
 *    "since": N, "offset": N, "head_length": N, "head_hash": N, "device": N, "inode": N}
 *
 * and behind that line the lines, BYTES long. The five numbers say which part
 * of which file has been read with them (struct log_position); host and now are
 * those of piece_begin; log is given when the daemon is to follow from there.
 * suppressctl without a daemon goes the same way. One owner.
 */
#ifndef SUPPRESSD_DAEMON_CONSOLE_LOG_BLOCK_H
#define SUPPRESSD_DAEMON_CONSOLE_LOG_BLOCK_H

#include "base/error.h"
#include "daemon/ledger/record.h"

#include <jansson.h>
#include <stddef.h>

#define LOG_BLOCK_MAX (1u << 20) /* bytes of lines */

struct log_block;
struct piece;

/* NULL and ERROR_INPUT when the request is none. */
struct log_block *log_block_new(const json_t *request, struct error *error) must_check;
void log_block_free(struct log_block **block);

size_t log_block_wants(const struct log_block *block); /* bytes that are still to come */
void log_block_add(struct log_block *block, const char *bytes, size_t length); /* no more than that */

/* Of a block that wants no more. The caller frees it. */
struct record *log_block_record(const struct log_block *block, struct piece *piece);

#endif
