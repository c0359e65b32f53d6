/* The daemon's log: one bounded line on stderr an event.
 *
 * Under systemd stderr is the journal and each line carries its priority
 * ("<4>"); elsewhere it says the level in words. Control characters are
 * replaced, so that no text from outside can forge a line. Any thread.
 */
#ifndef SUPPRESSD_DAEMON_LOG_H
#define SUPPRESSD_DAEMON_LOG_H

/* syslog's numbers. */
enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTE = 5, LOG_DETAIL = 7 };

/* Lines above this level are dropped. Default LOG_NOTE. */
void log_set_level(enum log_level level);

void log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
