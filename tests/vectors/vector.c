/* Parses and checks lines of the test vectors. */
#include "tests/vectors/vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sums/sum.h"

_Static_assert(UNITS_TEXT_BYTES == 41, "vector_parse() reads up to 40 characters");

bool vector_parse(const char *line, struct vector *vector)
{
    char kind[16];
    int fields = sscanf(line, "%15s %" SCNu64 " %" SCNu64 " %" SCNu64 " %40s", kind, &vector->seed,
                        &vector->first, &vector->count, vector->units);
    vector->kind = strcmp(kind, "gaussian") == 0 ? STREAM_GAUSSIAN : STREAM_UNIFORM;
    return fields == 5 && line[0] != '#';
}

bool vector_holds(const struct vector *vector, const struct kernel *kernel, char *units)
{
    struct stream stream;
    struct total total = {0};
    stream_init(&stream, vector->seed, vector->kind);
    sum_range(kernel, &stream, vector->first, vector->count, &total);
    return strcmp(units_print(total.units, units), vector->units) == 0 &&
           total.count == vector->count;
}

bool vector_parse_digest(const char *line, uint64_t *digest)
{
    return sscanf(line, "digest %" SCNx64, digest) == 1;
}
