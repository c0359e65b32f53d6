/* A fuzz target: one function over any bytes.
 *
 * libFuzzer calls it with what it makes up (`./configure CC=clang
 * --enable-fuzzing --enable-sanitizers=address,undefined`, then
 * tests/fuzz/fuzz_NAME FOLDER); replay.c calls the same function over
 * tests/corpus/NAME in every `make check`. What must not happen is a crash, a
 * finding of a sanitizer, or a property that the target asserts.
 */
#ifndef SUPPRESSD_TESTS_FUZZ_TARGET_H
#define SUPPRESSD_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0; the name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that no build turns off. */
#define must_hold(condition)                                                           \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                   \
        }                                                                              \
    } while (0)

#endif
