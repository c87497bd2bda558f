/* Names, totals and offers of summands: see outputs.h. */
#include "proto/outputs.h"

#include <assert.h>
#include <string.h>

#include "proto/printable.h"

/* ---- Names ---- */

static bool name_valid(const char *name, const char *allowed)
{
    size_t length = strspn(name, allowed);

    return length >= 1 && length <= SUMMAND_NAME_BYTES_MAX && name[length] == '\0';
}

bool summand_name_valid(const char *name)
{
    return name_valid(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

bool output_name_valid(const char *name)
{
    return name_valid(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
}

bool offers_equal(const struct offers *a, const struct offers *b)
{
    bool equal = a->count == b->count;

    for (uint32_t i = 0; equal && i < a->count; ++i) {
        const struct offer *x = &a->list[i], *y = &b->list[i];
        equal = strcmp(x->name, y->name) == 0 && x->build == y->build &&
                x->capacity == y->capacity && x->ns_per_term == y->ns_per_term;
    }
    return equal;
}

bool parameters_valid(const char *parameters)
{
    size_t length = 0;

    while (is_printable(parameters[length]) && length < PARAMETERS_BYTES_MAX)
        ++length;
    return parameters[length] == '\0';
}

/* ---- Totals ---- */

struct units units_view(const struct exact_total *total)
{
    return (struct units){
        .unit_log2 = total->unit_log2,
        .length = total->length,
        .bytes = total->units,
    };
}

void units_copy(struct exact_total *total, const struct units *units)
{
    assert(units->length <= sizeof total->units);
    total->unit_log2 = units->unit_log2;
    total->length = units->length;
    if (units->length > 0)
        memcpy(total->units, units->bytes, units->length);
}
