/* Levels 2 and 3 of the kernels with AVX-512.
 *
 * sums/kernel_avx512<...>.c includes this header after sums/avx512.h, struct sums and
 *
 *     add_point(sum, interval, out)   returns the sum plus a point of the interval L << 32 | W:
 *                                     L * 2^32 + floor(u * W / 2^32) */
#ifndef MEANTIME_SUMS_AVX512_LEVELS_H
#define MEANTIME_SUMS_AVX512_LEVELS_H

#include "sums/avx512.h"

INLINE uint64_t level2_interval(const vec *out, unsigned lane)
{
    uint64_t word;
    memcpy(&word, (const char *)out + lane * sizeof word, sizeof word);
    return level2_slots[word >> 52];
}

/* Loading slots one by one costs less than extracting them from a vector, and less than a gather.
 * But outputs need some time before they can be loaded from memory. */
#define LEVEL2_ROWS 4

INLINE vec level2_intervals(const vec *out)
{
    return (vec){level2_interval(out, 0), level2_interval(out, 1), level2_interval(out, 2),
                 level2_interval(out, 3), level2_interval(out, 4), level2_interval(out, 5),
                 level2_interval(out, 6), level2_interval(out, 7)};
}

INLINE void level2_add(struct sums *sums, const vec *out)
{
    const __m512i first_slow = _mm512_set1_epi64((int64_t)((uint64_t)LEVEL2_FAST << 52));
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        sums->sum[k % SUMS] = add_point(sums->sum[k % SUMS], level2_intervals(&out[k]), out[k]);
        sums->slow = count(sums->slow, _mm512_cmpge_epu64_mask((__m512i)out[k], first_slow));
    }
}

/* Returns the lanes in which the low half of x is at the limit or above. */
INLINE __mmask8 reaches(vec x, vec limit)
{
    return _mm512_cmpge_epu64_mask((__m512i)(x & UINT32_MAX), (__m512i)limit);
}

INLINE vec level3_bin(vec u1)
{
    vec bin = (u1 >> 32) * BIN_SLOTS >> 32;
    vec slot = look_up(level3_alias, bin);
    return (vec)_mm512_mask_mov_epi64((__m512i)bin, reaches(u1, slot >> 32),
                                      (__m512i)(slot & UINT32_MAX));
}

/* A point under the sloping top of a bin: either u2 or its mirror image. */
INLINE vec level3_point(vec bin, vec u2, vec u3)
{
    vec tilt = look_up(level3_tilts, bin);
    vec keep = (tilt >> 32) - ((vec)_mm512_mul_epu32((__m512i)(u2 >> 20), (__m512i)tilt) >> 32);
    __m512i s =
        _mm512_mask_xor_epi64((__m512i)u2, reaches(u3, keep), (__m512i)u2, _mm512_set1_epi64(-1));
    vec x = add_point((vec){0}, look_up(level3_intervals, bin), (vec)s);
    return (vec)_mm512_mask_sub_epi64((__m512i)x, _mm512_movepi64_mask((__m512i)u3),
                                      _mm512_setzero_si512(), (__m512i)x);
}

/* The entries of the slow slot in level3_intervals and level3_tilts are 0, so its point is 0. */
INLINE void level3_add(struct sums *sums, const vec *u1, const vec *u2, const vec *u3)
{
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        vec bin = level3_bin(u1[k]);
        sums->sum[0] += level3_point(bin, u2[k], u3[k]);
        sums->slow = count(sums->slow,
                           _mm512_cmpeq_epi64_mask((__m512i)bin, _mm512_set1_epi64(BIN_SLOTS - 1)));
    }
}

INLINE uint32_t level2_draw(double *x, const vec *out)
{
    const __m512i first_slow = _mm512_set1_epi64((int64_t)((uint64_t)LEVEL2_FAST << 52));
    uint32_t slow = 0;
    vec units[VECS];
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        units[k] = add_point((vec){0}, level2_intervals(&out[k]), out[k]);
        slow |= (uint32_t)_mm512_cmpge_epu64_mask((__m512i)out[k], first_slow) << VEC_LANES * k;
    }
    gaussian_store(x, units);
    return slow;
}

INLINE uint32_t level3_draw(double *x, const vec *u1, const vec *u2, const vec *u3)
{
    uint32_t slow = 0;
    vec units[VECS];
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        __m512i bin = (__m512i)level3_bin(u1[k]);
        units[k] = level3_point((vec)bin, u2[k], u3[k]);
        slow |= (uint32_t)_mm512_cmpeq_epi64_mask(bin, _mm512_set1_epi64(BIN_SLOTS - 1))
                << VEC_LANES * k;
    }
    gaussian_store(x, units);
    return slow;
}

#endif
