/* The kernel for x86-64 with AVX-512 F, DQ and VL, but without IFMA (Skylake-SP, Cascade Lake). */
#include "sums/kernel_vector.h"

#include <immintrin.h>

/* Four vectors hold all 32 lanes. */
#define VEC_LANES 8
#define VECS      4

#include "sums/avx512.h"

struct sums {
    vec sum[SUMS], slow;
    __m512i low;        /* the high half of each lane: the sum of the products' low parts */
    __m512i t_sum;      /* each half: the sum of T */
    __m512i slow_count; /* each half: the number of slow slots */
};

/* T < 2^20. So in 2^10 rows of 4 vectors the sum of the low parts stays below 2^32, and the sum of
 * T below 2^31. */
#define LEVEL1_RUN 1024

INLINE __m512i high_halves(__m512i x)
{
    return _mm512_shuffle_epi32(x, 0xf5);
}

/* Looks up T for two vectors. The even halves of the result belong to the first. The index of a
 * slot is the low five bits of the high half of b. */
INLINE __m512i level1_look_up(const vec *b)
{
    __m512i index = _mm512_mask_blend_epi32(0xaaaa, high_halves((__m512i)b[0]), (__m512i)b[1]);
    return _mm512_permutex2var_epi32(level1_t(0), index, level1_t(16));
}

/* floor(u * T / 2^20) = high * T + floor(low * 2^12 * T / 2^32) with u = high * 2^20 + low. The low
 * half of the second product's sum may overflow; only the high half is used. */
INLINE void level1_multiply(struct sums *sums, vec *sum, vec out, __m512i t)
{
    __m512i low = _mm512_mul_epu32((__m512i)(out << 12), t);
    *sum += (vec)_mm512_mul_epu32((__m512i)(out >> 20), t);
    sums->low = _mm512_add_epi32(sums->low, low);
}

INLINE void level1_add(struct sums *sums, const vec *out, const vec *b)
{
    UNROLL
    for (unsigned k = 0; k < VECS; k += 2) {
        __m512i t = level1_look_up(&b[k]);
        level1_multiply(sums, &sums->sum[0], out[k], t);
        level1_multiply(sums, &sums->sum[1], out[k + 1], high_halves(t));
        sums->t_sum = _mm512_add_epi32(sums->t_sum, t);
        sums->slow_count = _mm512_mask_sub_epi32(sums->slow_count, _mm512_testn_epi32_mask(t, t),
                                                 sums->slow_count, _mm512_set1_epi32(-1));
    }
}

INLINE void level1_settle(struct sums *sums)
{
    vec low = (vec)sums->low, t = (vec)sums->t_sum, slow = (vec)sums->slow_count;
    sums->sum[0] += (low >> 32) - ((t & UINT32_MAX) << 31) - (t >> 32 << 31);
    sums->slow += (slow & UINT32_MAX) + (slow >> 32);
    sums->low = sums->t_sum = sums->slow_count = _mm512_setzero_si512();
}

/* floor(u * W / 2^32) = high * W + floor(low * W / 2^32) with u = high * 2^32 + low. */
INLINE vec add_point(vec sum, vec interval, vec out)
{
    vec high = (vec)_mm512_mul_epu32((__m512i)(out << 12 >> 44), (__m512i)interval);
    vec low = (vec)_mm512_mul_epu32((__m512i)out, (__m512i)interval);
    return sum + (interval & ~(uint64_t)UINT32_MAX) + high + (low >> 32);
}

/* Returns floor(u * T / 2^20) - T * 2^31 + LEVEL1_ORIGIN, with u as in level1_multiply(). */
INLINE vec level1_unit(vec out, __m512i t)
{
    vec low = (vec)_mm512_mul_epu32((__m512i)(out << 12), t) >> 32;
    vec from = LEVEL1_ORIGIN - ((vec)t << 32 >> 1);
    return (vec)_mm512_mul_epu32((__m512i)(out >> 20), t) + low + from;
}

INLINE uint32_t level1_draw(vec *units, const vec *out, const vec *b)
{
    const __m512i even = _mm512_set1_epi64(UINT32_MAX);
    uint32_t slow = 0;
    UNROLL
    for (unsigned k = 0; k < VECS; k += 2) {
        __m512i t = level1_look_up(&b[k]), odd_t = high_halves(t);
        units[k] = level1_unit(out[k], t);
        units[k + 1] = level1_unit(out[k + 1], odd_t);
        slow |= (uint32_t)_mm512_testn_epi64_mask(t, even) << VEC_LANES * k;
        slow |= (uint32_t)_mm512_testn_epi64_mask(odd_t, even) << VEC_LANES * (k + 1);
    }
    return slow;
}

#include "sums/avx512_levels.h"
#include "sums/kernel_functions.h"

KERNEL_FUNCTIONS(avx512dq)
