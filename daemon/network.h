/* Networks in CIDR form, and whether an address lies in one. Pure. */
#ifndef SUPPRESSD_DAEMON_NETWORK_H
#define SUPPRESSD_DAEMON_NETWORK_H

#include "base/error.h"

#include <stddef.h>
#include <sys/socket.h>

/* IPv4 is kept as an IPv4-mapped IPv6 address, so that there is one kind. */
struct network {
    unsigned char address[16];
    unsigned bits; /* leading bits that count: 0..128 */
};

/* "192.0.2.0/24", "2001:db8::/32", "[::1]/128", or a lone address. Host bits must be zero. */
int network_parse(const char *text, struct network *network_r, struct error *error) must_check;

/* Writes what network_parse reads; size of 64 is enough. */
void network_format(const struct network *network, char *text_r, size_t size);

/* 1 when the address (AF_INET or AF_INET6) lies in one of the networks; NULL lies in none. */
int network_contains(const struct network *networks, size_t count, const struct sockaddr *address);

#endif
