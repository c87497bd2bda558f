/* The kernel of exact sums for arm64. */
#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

#define VEC_LANES 2
#include "sums/exact_template.h"

INLINE vec square_error(vec y, vec p)
{
    return (vec)vfmaq_f64((float64x2_t)-p, (float64x2_t)y, (float64x2_t)y);
}

INLINE units small(vec y, vec least)
{
    vec size = (vec)((units)y & INT64_MAX);
    return (units)(size < least) & (units)y;
}

INLINE bool fits(units outside, units rest)
{
    units wrong = outside >> 52 | rest << 1;
    return (wrong[0] | wrong[1]) == 0;
}

void neon_exact_sum(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, false, windows);
}

void neon_exact_squares(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, true, windows);
}
