/* suppressctl ingest --log: the results in log files that exist already. */
#ifndef SUPPRESSD_CTL_INGEST_LOG_H
#define SUPPRESSD_CTL_INGEST_LOG_H

#include "ctl/command.h"

/* host: name of the MTA in place of that in the lines; NULL: mail_log_host. The exit code. */
int ingest_logs(struct ctl *ctl, const char *command, const char *host, char **names, int count);

#endif
