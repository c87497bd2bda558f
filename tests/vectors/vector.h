/* Lines of tests/vectors/sums.txt. */
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
    uint64_t seed, first, count;
    char units[UNITS_TEXT_BYTES];
};

/* Returns false if the line is not a vector: comments begin with #. */
bool vector_parse(const char *line, struct vector *vector);

/* Does the kernel give the vector's sum? Its own one goes into `units` (UNITS_TEXT_BYTES). */
bool vector_holds(const struct vector *vector, const struct kernel *kernel, char *units);

/* Returns false if the line does not hold the digest of sums/digest.h. */
bool vector_parse_digest(const char *line, uint64_t *digest);

#endif
