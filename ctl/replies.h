/* Replies from standard input, as classify and its relatives take them.
 *
 * A line that starts with "{" is an object {"id","reply","status","mta","domain"}
 * of which only the reply must be there; any other line is a reply.
 */
#ifndef SUPPRESSD_CTL_REPLIES_H
#define SUPPRESSD_CTL_REPLIES_H

#include "classifier/classify.h"

#include <jansson.h>

/* id is the object's, or NULL. All is borrowed for the call. */
typedef void reply_taker(void *context, const struct classify_input *input, json_t *id);

/* Calls take for each line. Returns an enum exit_code; command names itself in
 * complaints. A line without a reply is taken as an empty one and complained of. */
int replies_each(const char *command, reply_taker *take, void *context);

#endif
