/* See policy_section.h. */
#include "config.h"

#include "daemon/policy_section.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400L
#define YEARS (3650 * DAY)

enum type { TYPE_TEXT, TYPE_NUMBER, TYPE_TIME, TYPE_CHOICE };

static const char *const actions[] = {"none", "count", "hold", "suppress", NULL};
static const char *const scopes[] = {"address", "domain", NULL};
static const char *const streams[] = {"all", "one", NULL};
static const char *const modes[] = {"enforce", "shadow", NULL};

struct field {
    const char *name;
    enum type type;
    size_t offset;
    long min, max; /* of a text its length */
    const char *const *choices;
    const char *means;
};

#define AT(field) offsetof(struct policy_line, field)

static const struct field fields[] = {
    {"stream", TYPE_TEXT, AT(stream), 1, 200, NULL, "Only for mail of this stream."},
    {"provider", TYPE_TEXT, AT(provider), 1, 32, NULL, "Only where this provider (suppressctl rules list) replied."},
    {"action", TYPE_CHOICE, AT(action), 0, 0, actions,
     "suppress: at the first failure; count: after \"failures\" over at least \"days\" without a delivery in "
     "between; hold: record it and refuse nobody; none: nothing follows. Where the failure is not the fault of "
     "the recipient or its domain, none is the only one."},
    {"failures", TYPE_NUMBER, AT(failures), 1, 1000, NULL, "So many, of the reason or family that the line names. 5."},
    {"days", TYPE_NUMBER, AT(days), 0, 3650, NULL, "So far apart at least are the first and the last of these. 7."},
    {"for", TYPE_TIME, AT(duration), 1, YEARS, NULL,
     "How long a suppression lasts, or \"forever\". Forever; 30d for what is counted and for domains."},
    {"scope", TYPE_CHOICE, AT(scope), 0, 0, scopes,
     "address, or domain: all of its addresses, once some agree. domain for the family domain, else address."},
    {"recipients", TYPE_NUMBER, AT(recipients), 1, 1000, NULL,
     "Scope domain: so many recipients must fail likewise within 30 days, and none of the domain's be delivered "
     "since. Until then the single address counts. 3."},
    {"after", TYPE_TIME, AT(after), 0, 30 * DAY, NULL,
     "Scope domain: or a failure comes so long after the first one, however few they are. 3d."},
    {"streams", TYPE_CHOICE, AT(streams), 0, 0, streams,
     "all: every stream is stopped; one: that of the message that failed, but for stop_all_reasons. all."},
    {"mode", TYPE_CHOICE, AT(mode), 0, 0, modes,
     "enforce, or shadow: what would be suppressed is recorded and refuses nobody (suppressctl policy report). "
     "enforce."},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))
_Static_assert(FIELDS < POLICY_FIELDS_MAX, "POLICY_FIELDS_MAX");

const char *policy_section_field(size_t which)
{
    return which < FIELDS ? fields[which].name : NULL;
}

void policy_section_begin(struct policy_line *line_r)
{
    *line_r = (struct policy_line){0};
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].type != TYPE_TEXT)
            *(long *)(void *)((char *)line_r + fields[i].offset) = POLICY_UNSET;
}

static int set_choice(const struct field *field, const char *text, long *value_r, struct error *error)
{
    char known[100] = "";

    for (long i = 0; field->choices[i]; i++) {
        if (!strcmp(field->choices[i], text)) {
            *value_r = i;
            return 0;
        }
        snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", i ? ", " : "", field->choices[i]);
    }
    return error_set(error, ERROR_INPUT, "%s: '%.60s' is none of: %s", field->name, text, known);
}

static int set_number(const struct field *field, const char *text, long *value_r, struct error *error)
{
    static const char units[] = "smhdw";
    static const long factors[] = {1, 60, 3600, DAY, 7 * DAY};
    const char *unit;
    long value, factor = 1;
    char *end;

    if (field->offset == AT(duration) && !strcmp(text, "forever")) {
        *value_r = 0;
        return 0;
    }
    errno = 0;
    value = strtol(text, &end, 10);
    if (field->type == TYPE_TIME && *end && !end[1] && (unit = strchr(units, *end))) {
        factor = factors[unit - units];
        end++;
    }
    if (end == text || *end || errno || value < 0)
        return error_set(error, ERROR_INPUT, "%s: '%.60s' is no %s", field->name, text,
                         field->type == TYPE_TIME ? "time (30d, 12h)" : "number");
    if (value > field->max / factor || value * factor < field->min)
        return error_set(error, ERROR_INPUT, "%s must lie between %ld and %ld", field->name, field->min, field->max);
    *value_r = value * factor;
    return 0;
}

static int set_text(const struct field *field, const char *text, char *value_r, struct error *error)
{
    if (strlen(text) < (size_t)field->min || strlen(text) > (size_t)field->max)
        return error_set(error, ERROR_INPUT, "%s must have %ld to %ld bytes", field->name, field->min, field->max);
    strcpy(value_r, text);
    return 0;
}

int policy_section_set(struct policy_line *line, const char *name, const char *text, struct error *error)
{
    const struct field *field = fields;
    void *value;

    while (strcmp(field->name, name))
        field++;
    value = (char *)line + field->offset;
    if (field->type == TYPE_TEXT)
        return set_text(field, text, value, error);
    return field->type == TYPE_CHOICE ? set_choice(field, text, value, error) : set_number(field, text, value, error);
}

static void dump_field(const struct policy_line *line, const struct field *field, FILE *out)
{
    const void *value = (const char *)line + field->offset;
    long number;

    if (field->type == TYPE_TEXT) {
        if (*(const char *)value)
            fprintf(out, " %s = \"%s\"", field->name, (const char *)value);
        return;
    }
    if ((number = *(const long *)value) == POLICY_UNSET)
        return;
    if (field->type == TYPE_CHOICE)
        fprintf(out, " %s = %s", field->name, field->choices[number]);
    else if (field->offset == AT(duration) && !number)
        fprintf(out, " %s = forever", field->name);
    else
        fprintf(out, " %s = %ld%s", field->name, number, field->type == TYPE_TIME ? "s" : "");
}

void policy_section_dump(const struct policy *policy, FILE *out)
{
    for (size_t i = 0; i < policy_lines(policy); i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&text, &size);

        if (!memory)
            abort(); /* out of memory */
        for (size_t f = 0; f < FIELDS; f++)
            dump_field(policy_line(policy, i), &fields[f], memory);
        fclose(memory);
        fprintf(out, "policy \"%s\" {%s }\n", policy_line(policy, i)->name, text);
        free(text);
    }
}

void policy_section_sample(FILE *out)
{
    fputs("\n# What follows from which failure, beyond the taxonomy's defaults (suppressctl policy shows\n"
          "# them, suppressd.conf(5) tells of the fields). A line names a reason or a family:\n"
          "# policy \"mailbox-full\" { action = count failures = 5 days = 7 for = 30d }\n"
          "# policy \"address\" { stream = \"news\" mode = shadow }\n", out);
}

void policy_section_manual(FILE *out)
{
    for (size_t i = 0; i < FIELDS; i++) {
        fprintf(out, ".TP\n.B %s\n", fields[i].name);
        for (const char *p = fields[i].means; *p; p++)
            fputs(*p == '"' ? "\\(dq" : *p == '-' ? "\\-" : (char[]){*p, '\0'}, out);
        fputc('\n', out);
    }
}
