/* The kernel of exact sums for every machine. Two lanes: compilers use SSE2 or NEON, or two
 * registers. */
#include <stdbool.h>
#include <stdint.h>

#include "sums/exact_two_lanes.h"

/* T. J. Dekker's product (1971): y is the sum of two halves of 26 bits, whose products are exact.
 * Adding half of a unit of the upper half, before the lower bits are cut off, rounds to nearest. */
INLINE vec square_error(vec y, vec p)
{
    const uint64_t half = UINT64_C(1) << 26;
    vec high = (vec)(((units)y + half) & ~(2 * half - 1));
    vec low = y - high;
    return (high * high - p) + high * (low * 2) + low * low;
}

void portable_exact_sum(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, false, windows);
}

void portable_exact_squares(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, true, windows);
}
