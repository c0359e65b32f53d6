/* What the two faces of `suppressctl parse` share: messages (parse.c) and mail
 * logs (parse_log.c).
 */
#ifndef SUPPRESSD_CTL_PARSE_H
#define SUPPRESSD_CTL_PARSE_H

#include "classifier/classify.h"
#include "daemon/report/delivery.h"

#include <jansson.h>

/* Adds a text, unless it is NULL. */
void parse_put(json_t *object, const char *name, const char *value);
/* One delivery result with its verdict. Owned by the caller. */
json_t *parse_delivery(const struct delivery *delivery, struct classifier *classifier);

/* suppressctl parse --log FILE: one object a recipient of a delivery line. */
int parse_log_file(const char *file, struct classifier *classifier, struct error *error) must_check;

#endif
