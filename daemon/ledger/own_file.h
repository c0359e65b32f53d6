/* The database's files belong to whoever the folder belongs to.
 *
 * An administrator may use suppressctl before the daemon's first start; a
 * database that then belonged to root would keep the daemon, which is another
 * user, from starting. Any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_OWN_FILE_H
#define SUPPRESSD_DAEMON_LEDGER_OWN_FILE_H

/* Opens path for reading and writing, with flags (O_NOFOLLOW) in addition. An
 * absent file is made with mode 0640 whatever the umask, and with the folder's
 * owner and group when root makes it. An existing one stays as it is. The
 * descriptor, or -1 and errno. */
int own_file_open(const char *path, int flags);

#endif
