/* Addresses: from what stands in an envelope or a report to the one form by
 * which recipients are compared.
 *
 * Two texts that an MTA delivers to one mailbox must get one key, or a dead
 * address is mailed again; two mailboxes must never share one, or a live
 * address is suppressed. Where both cannot be had, the second rule wins.
 *
 * Pure, keeps no memory, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_ADDRESS_H
#define SUPPRESSD_DAEMON_REPORT_ADDRESS_H

#include "base/error.h"

#include <stddef.h>

#define ADDRESS_LOCAL_MAX 64   /* octets, RFC 5321 4.5.3.1.1 */
#define ADDRESS_DOMAIN_MAX 255 /* octets, RFC 5321 4.5.3.1.2 */
#define ADDRESS_SIZE (ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX + 1)

struct address {
    char given[ADDRESS_SIZE]; /* local part as given, domain normalised: for people and for mail */
    char key[ADDRESS_SIZE];   /* what is compared: the local part lower-cased too, unless strict */
    size_t domain;            /* offset of the domain in key and given, behind the last "@" */
};

/* Normalises "Local.Part@Example.COM" or "<...>": strips angle brackets, white
 * space around, a source route and a trailing dot of the domain; needless
 * quotes of the local part go ("joe"@x is joe@x, RFC 5321 4.1.2) and missing
 * ones come (a..b@x, a form that some carriers hand out, is "a..b"@x); UTF-8
 * local parts become NFC (RFC 6532 3.1); the domain becomes lower-case A-labels
 * (RFC 5891), an address literal only lower-case. strict compares local parts
 * byte by byte.
 *
 * Refuses (-1, ERROR_INPUT, *address_r undefined): no "@", an empty part, a
 * part that is too long, control characters, NUL, broken UTF-8, an unclosed
 * quote, a space, comma, bracket or comment outside of quotes (so no list of
 * addresses ever passes for one), and a domain with an empty or overlong label or anything else than
 * letters, digits, "-" and "_". */
int address_parse(const char *text, size_t length, int strict,
                  struct address *address_r, struct error *error) must_check;

#endif
