/* suppressctl setup: puts suppressd beside an MTA. One file an MTA. */
#include "config.h"

#include "ctl/setup.h"

#include "ctl/command.h"

#include <string.h>

static const struct {
    const char *name;
    int (*run)(struct ctl *ctl, int argc, char **argv);
} mtas[] = {
    {"postfix", setup_postfix},
    {"sendmail", setup_sendmail},
};

int command_setup(struct ctl *ctl, int argc, char **argv)
{
    size_t i;

    for (i = 0; argc > 1 && i < sizeof(mtas) / sizeof(*mtas); i++)
        if (!strcmp(argv[1], mtas[i].name))
            return mtas[i].run(ctl, argc - 1, argv + 1);
    return ctl_fail("setup", EXIT_USAGE, "say for which MTA: suppressctl setup postfix, or setup sendmail");
}
