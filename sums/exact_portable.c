/* The kernel of exact sums for every machine. Two lanes: compilers use SSE2 or NEON, or two
 * registers. */
#include <stdbool.h>
#include <stdint.h>

#define VEC_LANES 2
#include "sums/exact_template.h"

/* T. J. Dekker's product (1971): y is the sum of two halves of 26 bits, whose products are exact.
 */
INLINE vec square_error(vec y, vec p)
{
    const double splitter = 0x1p27 + 1;
    vec c = y * splitter;
    vec high = c - (c - y);
    vec low = y - high;
    return (high * high - p) + high * (low + low) + low * low;
}

INLINE units lost(vec y, vec p)
{
    return (units)(p == 0) & (units)y;
}

INLINE bool fits(units outside, units rest)
{
    units wrong = outside >> 52 | rest << 1;
    return (wrong[0] | wrong[1]) == 0;
}

void portable_exact_sum(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, false, windows);
}

void portable_exact_squares(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, true, windows);
}
