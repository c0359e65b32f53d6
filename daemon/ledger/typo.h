/* Is this domain a mistyped name of a big mailbox provider?
 *
 * One slip away: a letter wrong, missing or too many, or two exchanged (the
 * distance of Damerau and Levenshtein is 1). Short names have too many true
 * neighbours and are left out. Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_TYPO_H
#define SUPPRESSD_DAEMON_LEDGER_TYPO_H

/* The domain that was meant, or NULL. domain as compared (lower case). */
const char *typo_meant(const char *domain);

#endif
