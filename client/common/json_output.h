/* Values of the JSON objects that all commands print. */
#ifndef MEANTIME_CLIENT_COMMON_JSON_OUTPUT_H
#define MEANTIME_CLIENT_COMMON_JSON_OUTPUT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* A text. If it is no UTF-8, as the name of a file may be, its bytes outside printable ASCII
 * become question marks. */
json_t *json_output_text(const char *text);

/* A 64-bit number that users must be able to repeat. It is a string, because many programs read
 * JSON numbers as doubles. */
json_t *json_output_exact(uint64_t number);

/* A count of samples: 0 to 2^63. */
json_t *json_output_count(uint64_t count);

/* A sum of `count` samples: units * 2^unit_log2, computed in elapsed_ns. */
json_t *json_output_sum(uint64_t count, __int128 units, int unit_log2, int64_t elapsed_ns);

/* Prints the object on one line. Takes the caller's reference to the object. */
void json_output_print(FILE *out, json_t *object);

/* If the user has interrupted, adds "interrupted": true. Then prints the object in the same way. */
void json_output_print_result(FILE *out, json_t *object);

#endif
