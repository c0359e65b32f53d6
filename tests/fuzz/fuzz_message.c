/* Messages of every kind: MIME, delivery status, complaints, bounces for people. */
#include "config.h"

#include "daemon/report/message.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ready;
    struct report report;

    if (!ready)
        message_init();
    ready = 1;
    message_parse((const char *)data, size, NULL, &report);
    must_hold((unsigned)report.kind < REPORT_KIND_COUNT);
    must_hold(report.count <= MESSAGE_RECIPIENTS_MAX);
    for (size_t i = 0; i < report.count; i++)
        must_hold((unsigned)report.deliveries[i].action < ACTION_COUNT);
    report_clear(&report);
    return 0;
}
