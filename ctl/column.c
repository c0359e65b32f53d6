/* See column.h. */
#include "config.h"

#include "ctl/column.h"

#include "daemon/report/address.h"

#include <stdlib.h>
#include <string.h>

static const char *const usual[] = {
    "email", "emailaddress", "email1", "mail", "mailaddress", "address", "recipient", "recipientemail", "subscriber",
    "contactemail", "useremail", "to",
};

static int is_address(const char *text)
{
    struct address address;
    struct error ignored;

    return text[0] == '@' || !address_parse(text, strlen(text), 0, &address, &ignored);
}

static int is_usual(const char *name)
{
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (csv_same_name(name, usual[i]))
            return 1;
    return 0;
}

static size_t number_of(const char *wanted)
{
    char *end;
    unsigned long number = strtoul(wanted, &end, 10);

    return *end || !number || number > CSV_FIELDS_MAX ? 0 : (size_t)number;
}

int column_find(struct csv *csv, const struct csv_row *first, const char *wanted, struct column *column_r,
                struct error *error)
{
    size_t number = wanted ? number_of(wanted) : 0, found = first->count, address = first->count;

    for (size_t i = first->count; i-- > 0;) {
        const char *value = csv_value(csv, i);

        if (is_address(value))
            address = i;
        else if (wanted ? csv_same_name(value, wanted) : is_usual(value))
            found = i;
    }
    column_r->header = address == first->count && (found < first->count || first->count > 1 || number);
    column_r->index = number ? number - 1 : wanted || found < first->count ? found : address;
    if (first->count == 1 && !wanted)
        column_r->index = 0;
    if (column_r->index < first->count)
        return 0;
    if (wanted)
        return error_set(error, ERROR_INPUT, "there is no column '%.100s'", wanted);
    return error_set(error, ERROR_INPUT, "none of the %zu columns has a name that addresses have: say --column NAME",
                     first->count);
}
