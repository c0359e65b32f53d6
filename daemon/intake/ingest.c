/* See ingest.h. */
#include "config.h"

#include "daemon/intake/ingest.h"

#include <string.h>

static const char *const names[INGESTED_COUNT] = {
    [INGESTED_UNDERSTOOD] = "understood",
    [INGESTED_REPEATED] = "repeated",
    [INGESTED_ASIDE] = "aside",
    [INGESTED_ORDINARY] = "ordinary",
};

struct record *ingest_record(struct collect *collect, const char *own_host, int64_t now)
{
    const struct collect_origin origin = {.source = SOURCE_INGEST, .own_host = own_host};
    struct record *record;
    int64_t sent;

    if (collect_record(collect, &origin, now, &record) != COLLECTED_REPORT)
        return NULL; /* without a budget none is crowded out */
    sent = record->report.time;

    for (size_t i = 0; i < record->report.count; i++)
        if (!record->report.deliveries[i].time && sent < now)
            record->report.deliveries[i].time = sent;
    return record;
}

enum ingested ingest_result(enum record_kind kind, int changed)
{
    if (kind == RECORD_ASIDE)
        return INGESTED_ASIDE;
    return changed ? INGESTED_UNDERSTOOD : INGESTED_REPEATED;
}

const char *ingested_name(enum ingested ingested)
{
    return names[ingested];
}

int ingested_from_name(const char *name, enum ingested *ingested_r)
{
    for (int i = 0; name && i < INGESTED_COUNT; i++)
        if (!strcmp(names[i], name)) {
            *ingested_r = (enum ingested)i;
            return 1;
        }
    return 0;
}
