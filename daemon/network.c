/* See network.h. */
#include "config.h"

#include "daemon/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole))
        return 0;
    return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}

static int host_bits_set(const struct network *network)
{
    for (unsigned bit = network->bits; bit < 128; bit++)
        if (network->address[bit / 8] & (0x80 >> (bit % 8)))
            return 1;
    return 0;
}

/* Reads the address part; gives the number of bits such an address has, 0 on failure. */
static unsigned parse_address(const char *text, unsigned char *address_r)
{
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        memcpy(address_r, mapped, sizeof(mapped));
        memcpy(address_r + 12, &v4, 4);
        return 32;
    }
    return inet_pton(AF_INET6, text, address_r) == 1 ? 128 : 0;
}

int network_parse(const char *text, struct network *network_r, struct error *error)
{
    char copy[64], *slash, *end, *start = copy;
    unsigned width;
    unsigned long bits;

    if (strlen(text) >= sizeof(copy))
        return error_set(error, ERROR_INPUT, "'%.60s...' is no network", text);
    strcpy(copy, text);
    if ((slash = strchr(copy, '/')))
        *slash = '\0';
    if (*start == '[' && (end = strchr(start, ']')) && !end[1]) {
        *end = '\0';
        start++;
    }
    if (!(width = parse_address(start, network_r->address)))
        return error_set(error, ERROR_INPUT, "'%s' is no network (expected ADDRESS/BITS)", text);
    bits = slash ? strtoul(slash + 1, &end, 10) : width;
    if (slash && (end == slash + 1 || *end || bits > width))
        return error_set(error, ERROR_INPUT, "'%s': bits must be 0 to %u", text, width);
    network_r->bits = 128 - width + (unsigned)bits;
    if (host_bits_set(network_r))
        return error_set(error, ERROR_INPUT, "'%s' has bits set behind its /%lu", text, bits);
    return 0;
}

void network_format(const struct network *network, char *text_r, size_t size)
{
    int v4 = network->bits >= 96 && !memcmp(network->address, mapped, sizeof(mapped));
    char address[INET6_ADDRSTRLEN];

    inet_ntop(v4 ? AF_INET : AF_INET6, network->address + (v4 ? 12 : 0), address, sizeof(address));
    snprintf(text_r, size, "%s/%u", address, v4 ? network->bits - 96 : network->bits);
}

int network_contains(const struct network *networks, size_t count, const struct sockaddr *address)
{
    unsigned char bytes[16];

    if (address && address->sa_family == AF_INET) {
        memcpy(bytes, mapped, sizeof(mapped));
        memcpy(bytes + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address && address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    } else {
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (same_bits(networks[i].address, bytes, networks[i].bits))
            return 1;
    return 0;
}
