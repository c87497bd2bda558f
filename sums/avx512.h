/* Tables of the kernels with AVX-512. Included after the operations that sums/lanes.h takes. */
#ifndef MEANTIME_SUMS_AVX512_H
#define MEANTIME_SUMS_AVX512_H

#include <immintrin.h>

#include "sums/doubles.h"
#include "sums/lanes.h"
#include "sums/tables.h"

/* Otherwise code with SSE2 instructions would run slower afterwards. */
#define KERNEL_LEAVE() _mm256_zeroupper()

/* With one sum, the four multiplications of a row would wait for each other. */
#define SUMS 2

/* Returns the halves of 16 neighbouring entries. half: 0 (low) or 1 (high). */
INLINE __m512i level1_halves(unsigned first, int half)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i left = _mm512_loadu_si512(level1_slots + first);
    __m512i right = _mm512_loadu_si512(level1_slots + first + VEC_LANES);
    return _mm512_permutex2var_epi32(left, _mm512_add_epi32(even, _mm512_set1_epi32(half)), right);
}

/* T of 16 neighbouring entries, 0 for a slow slot. */
INLINE __m512i level1_t(unsigned first)
{
    return level1_halves(first, 1);
}

/* Loads entries of a table of up to 2^16 entries, one by one: a gather takes longer on Zen 4. */
INLINE vec look_up(const uint64_t *table, vec index)
{
    __m128i indices = _mm512_cvtepi64_epi16((__m512i)index);
    uint64_t low = (uint64_t)_mm_cvtsi128_si64(indices);
    uint64_t high = (uint64_t)_mm_extract_epi64(indices, 1);
    return (vec){table[(uint16_t)low],          table[(uint16_t)(low >> 16)],
                 table[(uint16_t)(low >> 32)],  table[low >> 48],
                 table[(uint16_t)high],         table[(uint16_t)(high >> 16)],
                 table[(uint16_t)(high >> 32)], table[high >> 48]};
}

INLINE vec count(vec counts, __mmask8 lanes)
{
    return (vec)_mm512_mask_add_epi64((__m512i)counts, lanes, (__m512i)counts,
                                      _mm512_set1_epi64(1));
}

#endif
