/* A number in decimal that a program has written, such as 3.5, -1e-07 or 12. A leaf; any thread. */
#ifndef MEANTIME_CLIENT_COMMON_NUMBER_H
#define MEANTIME_CLIENT_COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Longest text: a double's needs 24 bytes, and an integer as large as any sum of samples 40. */
#define NUMBER_BYTES_MAX 128

/* All of `text` is to be one finite number, with white space around it at most. size: any. */
bool number_parse(const char *text, size_t size, double *number);

#endif
