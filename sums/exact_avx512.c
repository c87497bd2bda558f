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

INLINE units lost(vec y, vec p)
{
    __mmask8 zero = _mm512_cmp_pd_mask((__m512d)p, _mm512_setzero_pd(), _CMP_EQ_OQ);
    return (units)_mm512_maskz_mov_pd(zero, (__m512d)y);
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
