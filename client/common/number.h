/* Parses decimal numbers that programs write, such as 3.5, -1e-07 or 12. A leaf; any thread. */
#ifndef MEANTIME_CLIENT_COMMON_NUMBER_H
#define MEANTIME_CLIENT_COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Longest text. A double needs 24 bytes; an integer as large as the largest sum needs 40. */
#define NUMBER_BYTES_MAX 128

/* Accepts one finite number, with or without white space around it, and nothing else. size: of
 * `text` in bytes; any. If it is refused, `number` does not change. */
bool number_parse(const char *text, size_t size, double *number);

#endif
