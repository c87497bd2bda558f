/* The kernel of exact sums for x86-64 with AVX2 and FMA. */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define VEC_LANES 4
#include "sums/exact_template.h"

INLINE vec square_error(vec y, vec p)
{
    return (vec)_mm256_fmsub_pd((__m256d)y, (__m256d)y, (__m256d)p);
}

INLINE units small(vec y, vec least)
{
    vec size = (vec)((units)y & INT64_MAX);
    return (units)(size < least) & (units)y;
}

INLINE bool fits(units outside, units rest)
{
    units wrong = outside >> 52 | rest << 1;
    return _mm256_testz_si256((__m256i)wrong, (__m256i)wrong);
}

void avx2_exact_sum(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, false, windows);
}

void avx2_exact_squares(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, true, windows);
}
