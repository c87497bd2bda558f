/* The kernel of exact sums for x86-64 with AVX-512. */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define VEC_LANES 8
#include "sums/exact_template.h"

INLINE vec square_error(vec y, vec p)
{
    return (vec)_mm512_fmsub_pd((__m512d)y, (__m512d)y, (__m512d)p);
}

INLINE units small(vec y, vec least)
{
    __m512d size = _mm512_abs_pd((__m512d)y);
    __mmask8 below = _mm512_cmp_pd_mask(size, (__m512d)least, _CMP_LT_OQ);
    return (units)_mm512_maskz_mov_pd(below, (__m512d)y);
}

INLINE bool fits(units outside, units rest)
{
    units wrong = outside >> 52 | rest << 1;
    return _mm512_test_epi64_mask((__m512i)wrong, (__m512i)wrong) == 0;
}

void avx512_exact_sum(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, false, windows);
}

void avx512_exact_squares(const double *y, size_t blocks, struct exact_windows *windows)
{
    add_windows(y, blocks, true, windows);
}
