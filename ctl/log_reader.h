/* The lines of a log file from its first to its last, whether it is plain or
 * has been compressed (gzip, bzip2, xz, zstd, lzma, compress: libarchive tells
 * by the content, whatever the name).
 *
 * Offsets are those of the plain content. A last line without an end is given,
 * unless the file is plain and was written to a moment ago: its writer may not
 * have finished. While a file is open here, another process that opens it here
 * is refused. One owner.
 */
#ifndef SUPPRESSD_CTL_LOG_READER_H
#define SUPPRESSD_CTL_LOG_READER_H

#include "base/error.h"
#include "daemon/ledger/record.h"
#include "daemon/report/span.h"

#include <stdint.h>
#include <sys/stat.h>

struct log_reader;

/* name "-" is standard input. NULL and error. */
struct log_reader *log_reader_open(const char *name, struct error *error) must_check;
void log_reader_close(struct log_reader **reader);

/* The next line, valid until the next call: 1; 0 at the end; -1 and error. */
int log_reader_next(struct log_reader *reader, struct span *line_r, struct error *error) must_check;

uint64_t log_reader_offset(const struct log_reader *reader); /* of the next line */
uint64_t log_reader_taken(const struct log_reader *reader);  /* bytes of the file itself read by now */
const struct stat *log_reader_file(const struct log_reader *reader);
int log_reader_is_plain(const struct log_reader *reader);

/* Whether this position is of this file: its first bytes are the same. */
int log_reader_is(const struct log_reader *reader, const struct log_position *position);
/* Up to the next line, from since on; saved like a followed file's. */
void log_reader_position(const struct log_reader *reader, uint64_t since, struct log_position *position_r);

#endif
