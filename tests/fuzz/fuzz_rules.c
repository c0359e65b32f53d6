/* Rule files: the loader, the compiler and the proof. */
#include "config.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "classifier/ruleset_data.h"
#include "tests/fuzz/target.h"

static void ignore(void *context, const char *finding)
{
    (void)finding;
    ++*(int *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);
    struct rulebook book = {0};
    struct error error = {0};
    struct ruleset *ruleset = NULL;
    int findings = 0;

    if (rulebook_read(&book, "fuzz.rules", text, 0, &error) < 0)
        rulebook_free(&book);
    else
        ruleset = ruleset_build(&book, &error);
    must_hold(ruleset || error.code != ERROR_NONE);
    if (ruleset)
        must_hold(ruleset_prove(ruleset, ignore, &findings, &error) == findings);
    ruleset_unref(&ruleset);
    free(text);
    return 0;
}
