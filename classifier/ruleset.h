/* The rules: loaded, proved by their own examples, compiled into one matcher.
 *
 * Read-only after loading; shared and counted, any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_RULESET_H
#define SUPPRESSD_CLASSIFIER_RULESET_H

#include "base/error.h"

#include <stddef.h>

struct ruleset;

/* Loads the shipped rules (compiled in, or from shipped_dir when it is not
 * NULL or empty) and the local ones, which come first, from local_dir (NULL,
 * empty or absent: none). Files of a folder that end in .rules, in byte order.
 * Every rule is run against its own examples. On failure returns NULL with
 * "file:line: why" in error and nothing else happens: whoever holds an older
 * set goes on with it. Takes about a second; call it from the main thread only
 * (the file parser keeps state of its own).
 */
struct ruleset *ruleset_load(const char *shipped_dir, const char *local_dir,
                             struct error *error) must_check;

struct ruleset *ruleset_ref(struct ruleset *ruleset);
void ruleset_unref(struct ruleset **ruleset);

const char *ruleset_version(const struct ruleset *ruleset); /* 16 hexadecimal digits */
size_t ruleset_size(const struct ruleset *ruleset);         /* number of rules */

#endif
