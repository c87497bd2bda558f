/* JSON, as all objects that are printed have it. */
#ifndef MEANTIME_CLIENT_OBJECT_H
#define MEANTIME_CLIENT_OBJECT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* A text; bytes that are no UTF-8, as in the name of a file, become question marks. */
json_t *object_text(const char *text);

/* A 64-bit number that others may have to repeat goes as a string: JSON's are doubles to many. */
json_t *object_exact(uint64_t number);

/* A count of samples, 0 to 2^63. */
json_t *object_count(uint64_t count);

/* On one line. The object is the caller's no longer. */
void object_print(FILE *out, json_t *object);

#endif
