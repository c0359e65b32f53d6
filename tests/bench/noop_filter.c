/* A milter that does nothing: the baseline of bench_milter.py.
 *
 *   noop_filter SOCKET
 */
#include "config.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>

static sfsistat on_connect(SMFICTX *ctx, char *hostname, _SOCK_ADDR *address)
{
    (void)ctx, (void)hostname, (void)address;
    return SMFIS_CONTINUE;
}

static sfsistat on_words(SMFICTX *ctx, char **arguments)
{
    (void)ctx, (void)arguments;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx, (void)name, (void)value;
    return SMFIS_CONTINUE;
}

static sfsistat on_end(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *bytes, size_t length)
{
    (void)ctx, (void)bytes, (void)length;
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    static char name[] = "noop";
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_words,
        .xxfi_envrcpt = on_words,
        .xxfi_header = on_header,
        .xxfi_eoh = on_end,
        .xxfi_body = on_body,
        .xxfi_eom = on_end,
    };

    if (argc != 2 || smfi_register(description) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS ||
        smfi_opensocket(1) != MI_SUCCESS) {
        fprintf(stderr, "usage: noop_filter SOCKET\n");
        return EXIT_FAILURE;
    }
    return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
