/* Parses and checks lines of tests/vectors/sums.txt. */
#ifndef MEANTIME_TESTS_VECTORS_VECTOR_H
#define MEANTIME_TESTS_VECTORS_VECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* A range of a stream and its sum. */
struct vector {
    enum stream_kind kind;
    uint64_t seed, first, count;  /* first and count in samples */
    char units[UNITS_TEXT_BYTES]; /* the sum in decimal, in the stream's unit */
};

/* Returns false if the line is not a vector. Comments begin with #. */
bool vector_parse(const char *line, struct vector *vector);

/* Returns true if the kernel gives the vector's sum. Writes the kernel's sum into `units`, of
 * UNITS_TEXT_BYTES bytes. */
bool vector_holds(const struct vector *vector, const struct kernel *kernel, char *units);

/* Returns false if the line is not the digest of sums/digest.h. */
bool vector_parse_digest(const char *line, uint64_t *digest);

#endif
