/* See passage.h. */
#include "config.h"

#include "daemon/report/passage.h"

#include "daemon/report/scan.h"

#include <glib.h>
#include <string.h>

#define LETTERS_MIN 6

struct span passage_paragraph(struct span text)
{
    struct span rest = text, here = text, line;
    int first = 1;

    while (here = rest, span_line(&rest, &line)) {
        if (!first && !span_trim(line).length)
            return span_to(text, here.start);
        first = 0;
    }
    return text;
}

struct span passage_coded(struct span text)
{
    const char *start = scan_code(text);

    if (!start)
        return SPAN_NONE;
    while (start > text.start && start[-1] != '\n')
        start--;
    return passage_paragraph(span_from(text, (size_t)(start - text.start)));
}

int passage_has_words(struct span text)
{
    size_t i, letters = 0;

    for (i = 0; i < text.length && letters < LETTERS_MIN; i++)
        letters += g_ascii_isalpha(text.start[i]) || (text.start[i] & 0x80);
    return letters >= LETTERS_MIN;
}

static struct span without_marks(struct span text)
{
    text = span_trim(text);
    while (text.length && span_char(text.start[0], ":.,;>)]-"))
        text = span_trim(span_from(text, 1));
    return text;
}

/* "(expanded from <alias@example.com>)" of Postfix, "(generated from ...)" of Exim. */
static struct span without_alias(struct span text)
{
    static const char *const remarks[] = {"(expanded from ", "(generated from ", "(ultimately generated from "};
    const char *end = text.length ? memchr(text.start, ')', text.length) : NULL;
    size_t i;

    for (i = 0; end && i < sizeof(remarks) / sizeof(remarks[0]); i++)
        if (span_starts(text, remarks[i]))
            return span_from(text, (size_t)(end - text.start) + 1);
    return text;
}

struct span passage_bare(struct span text)
{
    return without_marks(without_alias(without_marks(text)));
}
