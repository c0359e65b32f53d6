/* Whom a notice means that names nobody: by the address it came to (verp), by the
 * message that it returns, by the fields of it that it quotes. Only what leaves
 * no choice counts: of two recipients nobody knows which one failed. Pure.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_UNNAMED_H
#define SUPPRESSD_DAEMON_REPORT_UNNAMED_H

#include "daemon/report/field.h"

/* text is the notice's own, header its header, returned that of the returned
 * message. The recipient (the caller's, free), or NULL. */
char *unnamed_recipient(struct span text, const struct header *header, const struct header *returned);

#endif
