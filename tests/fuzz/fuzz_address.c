/* Addresses: the normal form of a normal form is that form itself, or an address
 * could be suppressed under one name and asked for under another. */
#include "config.h"

#include "daemon/report/address.h"
#include "tests/fuzz/target.h"

#include <string.h>

static void try(const char *text, size_t length, int strict)
{
    struct address once, twice;
    struct error error = {0};

    if (address_parse(text, length, strict, &once, &error) < 0)
        return;
    must_hold(strlen(once.key) < sizeof(once.key) && once.key[once.domain - 1] == '@');
    must_hold(!address_parse(once.key, strlen(once.key), strict, &twice, &error));
    must_hold(!strcmp(once.key, twice.key));
    must_hold(!address_parse(once.given, strlen(once.given), strict, &twice, &error));
    must_hold(!strcmp(once.key, twice.key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size ? (const char *)data : "";

    try(text, size, 0);
    try(text, size, 1);
    return 0;
}
