/* Estimates the mean of samples from their sum. */
#include "client/sum/estimate.h"

#include <assert.h>
#include <math.h>

/* Mean and variance of one sample. In units of the stream, the mean is whole. [kind] */
static const struct sample_moments {
    __int128 mean_units;
    double variance;
} moments[] = {
    [STREAM_GAUSSIAN] = {0, 1},
    [STREAM_UNIFORM] = {(__int128)1 << 52, 1.0 / 12},
};

/* The difference to the expected sum is exact: the count is at most 2^63, and the mean 2^52. */
struct estimate estimate_of(enum stream_kind kind, const struct total *total)
{
    const struct sample_moments *sample = &moments[kind];
    double n = (double)total->count;
    int unit_log2 = stream_unit_log2(kind);
    __int128 off_units = total->units - (__int128)total->count * sample->mean_units;

    assert(total->count > 0);
    return (struct estimate){
        .mean = total_value(total->units, unit_log2) / n,
        .standard_error = sqrt(sample->variance / n),
        .z = total_value(off_units, unit_log2) / sqrt(sample->variance * n),
    };
}
