/* Runs a fuzz target over its committed corpus, as an ordinary test. */
#include "config.h"

#include "base/mem.h"
#include "tests/fuzz/target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (1u << 20)

static int replay(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = xmalloc(FILE_MAX), *exact;
    size_t length = file ? fread(bytes, 1, FILE_MAX, file) : 0;

    if (!file)
        perror(path);
    else
        fclose(file);
    /* Of its exact size, so that a read behind the end is seen. */
    exact = xmalloc(length ? length : 1);
    for (size_t i = 0; i < length; i++)
        exact[i] = bytes[i];
    free(bytes);
    LLVMFuzzerTestOneInput(exact, length);
    free(exact);
    free(path);
    return file != NULL;
}

int main(void)
{
    struct dirent **entries;
    int count = scandir(CORPUS, &entries, NULL, alphasort), done = 0, failed = 0, i;

    for (i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            done++;
            failed += !replay(CORPUS, entries[i]->d_name);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n", done && !failed ? 100 : 0, done, failed);
    return done && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
