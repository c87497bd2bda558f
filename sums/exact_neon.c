/* The kernel of exact sums for arm64. */
#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

#include "sums/exact_two_lanes.h"

INLINE vec square_error(vec y, vec p)
{
    return (vec)vfmaq_f64((float64x2_t)-p, (float64x2_t)y, (float64x2_t)y);
}

void neon_exact_sum(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, false, windows);
}

void neon_exact_squares(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, true, windows);
}
