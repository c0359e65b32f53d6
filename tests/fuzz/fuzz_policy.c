/* Policy delegation: the input is what a client sends. */
#include "config.h"

#include "tests/fuzz/fuzz_gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return gate_target(DIALOGUE_POLICY, data, size);
}
