/* Memory that is there or the process is not.
 *
 * Out of memory ends the process, in one place, with a line on stderr: the
 * MTA then behaves as its settings say when the daemon is absent, and nothing
 * that was acknowledged is lost. Sizes that come from outside are bounded by
 * their readers before they get here. Any thread.
 */
#ifndef SUPPRESSD_BASE_MEM_H
#define SUPPRESSD_BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *pointer, size_t size);
char *xstrdup(const char *text);                  /* NULL stays NULL */
char *xstrndup(const char *text, size_t length);  /* NULL stays NULL */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
