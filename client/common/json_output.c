/* Makes the values of JSON objects and prints the objects. */
#include "client/common/json_output.h"

#include <inttypes.h>

#include "client/common/interrupt.h"
#include "client/lib/clock.h"
#include "proto/printable.h"
#include "sums/total.h"

/* Longer texts are truncated. No text of this program is longer. */
#define TEXT_BYTES 8192

json_t *json_output_text(const char *text)
{
    json_t *whole = json_string(text);
    char ascii[TEXT_BYTES];

    if (whole)
        return whole;
    snprintf(ascii, sizeof ascii, "%s", text);
    make_printable(ascii);
    return json_string(ascii);
}

json_t *json_output_exact(uint64_t number)
{
    char text[21];

    snprintf(text, sizeof text, "%" PRIu64, number);
    return json_string(text);
}

/* The largest integer of jansson is 2^63 - 1. A double holds 2^63 exactly. */
json_t *json_output_count(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count) : json_real((double)count);
}

json_t *json_output_sum(uint64_t count, __int128 units, int unit_log2, int64_t elapsed_ns)
{
    char text[UNITS_TEXT_BYTES];

    return json_pack("{s:o, s:f, s:s, s:i, s:f}", "count", json_output_count(count), "sum",
                     total_value(units, unit_log2), "units", units_print(units, text), "unit_log2",
                     unit_log2, "seconds", seconds(elapsed_ns));
}

void json_output_print(FILE *out, json_t *object)
{
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
}

void json_output_print_result(FILE *out, json_t *object)
{
    if (interrupted())
        json_object_set_new(object, "interrupted", json_true());
    json_output_print(out, object);
}
