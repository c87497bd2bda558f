/* The kernel for x86-64 with AVX2. */
#include "sums/kernel_vector.h"

#include <immintrin.h>

/* Two vectors of 64-bit lanes have as many lanes as one vector has 32-bit elements. So one table
 * look-up serves both vectors. */
#define VEC_LANES 4
#define VECS      2

/* A rotation by a whole number of bytes is one shuffle. */
#define ROTATE_24(x)                                                                               \
    ((vec)_mm256_shuffle_epi8(                                                                     \
        (__m256i)(x), _mm256_broadcastsi128_si256(                                                 \
                          _mm_setr_epi8(5, 6, 7, 0, 1, 2, 3, 4, 13, 14, 15, 8, 9, 10, 11, 12))))

/* Otherwise code with SSE2 instructions would run slower afterwards. */
#define KERNEL_LEAVE() _mm256_zeroupper()

#include "sums/doubles.h"
#include "sums/draws.h"

struct sums {
    vec sum, slow;
    __m256i low;        /* the high half of each lane: the sum of the products' low parts */
    __m256i t_sum;      /* each half: the sum of T */
    __m256i slow_count; /* each half: the number of slow slots */
};

/* T < 2^20. So in 2^11 rows of 2 vectors the sum of the low parts stays below 2^32, and the sum of
 * T below 2^31. */
#define LEVEL1_RUN 2048

/* The high halves of eight neighbouring entries: T, or 0 for a slow slot. */
INLINE __m256i level1_table(unsigned first)
{
    __m256 left = _mm256_loadu_ps((const float *)(level1_slots + first));
    __m256 right = _mm256_loadu_ps((const float *)(level1_slots + first + VEC_LANES));
    __m256i mixed = (__m256i)_mm256_shuffle_ps(left, right, 0xdd);
    return _mm256_permute4x64_epi64(mixed, 0xd8);
}

INLINE __m256i choose(__m256i zero, __m256i one, __m256i sign)
{
    return (__m256i)_mm256_blendv_ps((__m256)zero, (__m256)one, (__m256)sign);
}

/* Looks up entries of the level 1 table. The index is the low five bits of each half: the low three
 * bits select the entry in a quarter of the table, and the other two bits select the quarter. */
INLINE __m256i level1_look_up(__m256i index)
{
    __m256i bit3 = _mm256_slli_epi32(index, 28), bit4 = _mm256_slli_epi32(index, 27);
    __m256i quarter[4];
    UNROLL
    for (unsigned i = 0; i < 4; i++)
        quarter[i] = _mm256_permutevar8x32_epi32(level1_table(8 * i), index);
    return choose(choose(quarter[0], quarter[1], bit3), choose(quarter[2], quarter[3], bit3), bit4);
}

INLINE __m256i high_halves(__m256i x)
{
    return _mm256_shuffle_epi32(x, 0xf5);
}

/* floor(u * T / 2^20) = high * T + floor(low * 2^12 * T / 2^32) with u = high * 2^20 + low. The low
 * half of the second product's sum may overflow; only the high half is used. */
INLINE void level1_multiply(struct sums *sums, vec out, __m256i t)
{
    __m256i low = _mm256_mul_epu32((__m256i)(out << 12), t);
    sums->sum += (vec)_mm256_mul_epu32((__m256i)(out >> 20), t);
    sums->low = _mm256_add_epi32(sums->low, low);
}

/* The index of a slot is in the high half of b. */
INLINE void level1_add(struct sums *sums, const vec *out, const vec *b)
{
    __m256i index = _mm256_blend_epi32(high_halves((__m256i)b[0]), (__m256i)b[1], 0xaa);
    __m256i t = level1_look_up(index);
    __m256i slow = _mm256_cmpeq_epi32(t, _mm256_setzero_si256());
    level1_multiply(sums, out[0], t);
    level1_multiply(sums, out[1], high_halves(t));
    sums->t_sum = _mm256_add_epi32(sums->t_sum, t);
    sums->slow_count = _mm256_sub_epi32(sums->slow_count, slow);
}

INLINE void level1_settle(struct sums *sums)
{
    vec low = (vec)sums->low, t = (vec)sums->t_sum, slow = (vec)sums->slow_count;
    sums->sum += (low >> 32) - ((t & UINT32_MAX) << 31) - (t >> 32 << 31);
    sums->slow += (slow & UINT32_MAX) + (slow >> 32);
    sums->low = sums->t_sum = sums->slow_count = _mm256_setzero_si256();
}

/* L * 2^32 + floor(u * W / 2^32) = L * 2^32 + high * W + floor(low * W / 2^32) with u = high * 2^32
 * + low. */
INLINE vec interval_points(vec interval, vec out)
{
    vec high = (vec)_mm256_mul_epu32((__m256i)(out << 12 >> 44), (__m256i)interval);
    vec low = (vec)_mm256_mul_epu32((__m256i)out, (__m256i)interval);
    return (interval & ~(uint64_t)UINT32_MAX) + high + (low >> 32);
}

#define LEVEL2_ROWS 1

INLINE void level2_add(struct sums *sums, const vec *out)
{
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        vec slot = out[k] >> 52;
        vec interval = {level2_slots[slot[0]], level2_slots[slot[1]], level2_slots[slot[2]],
                        level2_slots[slot[3]]};
        sums->sum += interval_points(interval, out[k]);
        sums->slow -= (vec)(slot >= LEVEL2_FAST);
    }
}

INLINE void level3_add(struct sums *sums, const vec *u1, const vec *u2, const vec *u3)
{
    uint64_t sum = 0, slow = 0;
    level3_draws(&sum, &slow, u1, u2, u3);
    sums->sum[0] += sum;
    sums->slow[0] += slow;
}

/* Returns floor(u * T / 2^20) - T * 2^31 + LEVEL1_ORIGIN, with u as in level1_multiply(). */
INLINE vec level1_unit(vec out, __m256i t)
{
    vec low = (vec)_mm256_mul_epu32((__m256i)(out << 12), t) >> 32;
    vec centre = (vec)t << 32 >> 1;
    return (vec)_mm256_mul_epu32((__m256i)(out >> 20), t) + low - centre + LEVEL1_ORIGIN;
}

/* The even halves of T belong to the first vector, the odd halves to the second. */
INLINE uint32_t level1_draw(vec *units, const vec *out, const vec *b)
{
    __m256i index = _mm256_blend_epi32(high_halves((__m256i)b[0]), (__m256i)b[1], 0xaa);
    __m256i t = level1_look_up(index);
    __m256i slow = _mm256_cmpeq_epi32(t, _mm256_setzero_si256());
    units[0] = level1_unit(out[0], t);
    units[1] = level1_unit(out[1], high_halves(t));
    uint32_t first = (uint32_t)_mm256_movemask_pd((__m256d)_mm256_slli_epi64(slow, 32));
    return first | (uint32_t)_mm256_movemask_pd((__m256d)slow) << VEC_LANES;
}

INLINE uint32_t level2_draw(double *x, const vec *out)
{
    uint32_t slow = 0;
    vec units[VECS];
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        vec slot = out[k] >> 52;
        vec interval = {level2_slots[slot[0]], level2_slots[slot[1]], level2_slots[slot[2]],
                        level2_slots[slot[3]]};
        units[k] = interval_points(interval, out[k]);
        slow |= (uint32_t)_mm256_movemask_pd((__m256d)(slot >= LEVEL2_FAST)) << VEC_LANES * k;
    }
    gaussian_store(x, units);
    return slow;
}

INLINE uint32_t level3_draw(double *x, const vec *u1, const vec *u2, const vec *u3)
{
    return level3_store(x, u1, u2, u3);
}

#include "sums/kernel_functions.h"

KERNEL_FUNCTIONS(avx2)
