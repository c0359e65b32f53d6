/* fingerprint: what many replies of one kind have in common.
 *
 * A reply that no rule knows seldom comes alone, but each time with another
 * address, host name, queue id and date. Those are folded into placeholders, and
 * what is left, the template, is the same for all of them:
 *
 *     550 5.7.1 Mail from 192.0.2.7 to joe@example.com refused, id 4XyZ12AbCd, see
 *     https://mx.example.net/why?4XyZ12AbCd
 *     550 5.7.1 Mail from <ip> to <address> refused, id <id>, see <url>
 *
 * Placeholders: <address>, <host>, <ip>, <url>, <id>, <n> (a number), <date>
 * (numbers in a row). Pure, no allocation, any bytes, any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_FINGERPRINT_H
#define SUPPRESSD_CLASSIFIER_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

#define FINGERPRINT_TEMPLATE_MAX 500 /* bytes; what lies beyond tells replies no more apart */

struct fingerprint {
    uint64_t hash; /* of the template without regard to case (FNV-1a); 0 never */
    /* Code, status and folded words; valid UTF-8, one line, ended by a NUL. */
    char template[FINGERPRINT_TEMPLATE_MAX + 1];
};

/* The text may be wrapped in any way that reply.h knows. */
void fingerprint(const char *text, size_t length, struct fingerprint *fingerprint_r);

/* A regular expression for the rules of suppressd-rules(5) that matches the
 * replies of this template, and a reply of this template about nobody in
 * particular. Both are cut to size bytes with their NUL; size at least 4 times
 * FINGERPRINT_TEMPLATE_MAX holds all. The pattern is "" when there are no words. */
void fingerprint_pattern(const struct fingerprint *fingerprint, char *pattern_r, size_t size);
void fingerprint_example(const struct fingerprint *fingerprint, char *example_r, size_t size);

#endif
