/* See findings.h. */
#include "config.h"

#include "ctl/findings.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void findings_add(struct findings *findings, enum finding_weight weight, const char *format, ...)
{
    struct error bounded; /* its text is one clean line, whatever a file name holds */
    char text[sizeof(bounded.text)];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    (void)error_set(&bounded, ERROR_NONE, "%s", text);
    findings->list = xrealloc(findings->list, (findings->count + 1) * sizeof(*findings->list));
    findings->list[findings->count++] = (struct finding){weight, xstrdup(bounded.text)};
}

size_t findings_count(const struct findings *findings, enum finding_weight weight)
{
    size_t i, count = 0;

    for (i = 0; i < findings->count; i++)
        count += findings->list[i].weight == weight;
    return count;
}

const char *finding_word(enum finding_weight weight)
{
    static const char *const words[] = {"note", "warning", "problem"};

    return words[weight];
}

void findings_clear(struct findings *findings)
{
    size_t i;

    for (i = 0; i < findings->count; i++)
        free(findings->list[i].text);
    free(findings->list);
    *findings = (struct findings){0};
}
