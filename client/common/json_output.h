/* JSON, as all objects that are printed have it. */
#ifndef MEANTIME_CLIENT_COMMON_JSON_OUTPUT_H
#define MEANTIME_CLIENT_COMMON_JSON_OUTPUT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* A text; bytes that are no UTF-8, as in the name of a file, become question marks. */
json_t *json_output_text(const char *text);

/* A 64-bit number that others may have to repeat goes as a string: JSON's are doubles to many. */
json_t *json_output_exact(uint64_t number);

/* A count of samples, 0 to 2^63. */
json_t *json_output_count(uint64_t count);

/* On one line. The object is the caller's no longer. */
void json_output_print(FILE *out, json_t *object);

#endif
