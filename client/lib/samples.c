/* Writes the samples of a stream into the caller's array. */
#include <stdbool.h>

#include "client/lib/meantime.h"
#include "sums/samples.h"

#define SAMPLES_MAX (UINT64_C(1) << 63) /* of a stream */

_Static_assert((int)MEANTIME_GAUSSIAN == (int)STREAM_GAUSSIAN, "kinds have the same numbers");
_Static_assert((int)MEANTIME_UNIFORM == (int)STREAM_UNIFORM, "kinds have the same numbers");

int meantime_samples(uint64_t seed, enum meantime_kind kind, uint64_t first, uint64_t count,
                     double *out)
{
    bool kind_is_known = kind == MEANTIME_GAUSSIAN || kind == MEANTIME_UNIFORM;
    struct stream stream;

    if (!kind_is_known || count > SAMPLES_MAX || first > SAMPLES_MAX - count)
        return MEANTIME_INVALID;
    stream_init(&stream, seed, (enum stream_kind)kind);
    samples_fill(kernel_best(), &stream, first, count, out);
    return MEANTIME_OK;
}
