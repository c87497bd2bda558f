#include "client/common/json_output.h"

#include <inttypes.h>

#include "proto/printable.h"

/* Longer texts are cut: none of ours is. */
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

/* 2^63 is one more than jansson's integers reach, and a double has it exactly. */
json_t *json_output_count(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count) : json_real((double)count);
}

void json_output_print(FILE *out, json_t *object)
{
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
}
