/* The kernel for x86-64 with AVX-512 F, DQ, VL and IFMA. */
#include "sums/kernel_vector.h"

#include <immintrin.h>

/* Four vectors hold all 32 lanes. */
#define VEC_LANES 8
#define VECS      4

/* This multiplication is one operation on Zen 4, and three on Intel's processors. If the compiler
 * sees the constant 9, it makes a shift and an addition of it: two operations. */
static inline __m512i times_9(__m512i x)
{
    __m512i nine = _mm512_set1_epi64(9);
    __asm__("" : "+v"(nine));
    return _mm512_mullo_epi64(x, nine);
}

/* Broadcasts from memory, because the load units have free cycles and the adders have none. */
static inline __m512i spread(uint64_t word)
{
    __m512i vector;
    __asm__("vpbroadcastq %1, %0" : "=v"(vector) : "m"(word));
    return vector;
}

#define TIMES_9(x)   ((vec)times_9((__m512i)(x)))
#define SPREAD(word) ((vec)spread(word))

/* Otherwise code with SSE2 instructions would run slower afterwards. */
#define KERNEL_LEAVE() _mm256_zeroupper()

#include "sums/doubles.h"
#include "sums/lanes.h"
#include "sums/tables.h"

/* With one sum, the four multiplications of a row would wait for each other. */
#define SUMS 2

struct sums {
    vec sum[SUMS], slow;
    vec slots; /* sum of entries of the level 1 table: T << 32, or the flag of a slow slot */
};

/* In 14 rows of 4 vectors the sum of T stays below 2^26, and the sum of 56 flags of 2^26 below
 * 2^32. */
#define LEVEL1_RUN  14
#define LEVEL1_FLAG 26

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

/* T with the flags of the slow slots. */
INLINE __m512i level1_table(unsigned first)
{
    return _mm512_or_si512(level1_t(first),
                           _mm512_slli_epi32(level1_halves(first, 0), LEVEL1_FLAG));
}

/* The index of a slot is the low five bits of the high half of b, as vpermi2d requires. vpermi2d
 * puts the entry into the high half. The multiplication takes the low 52 bits of both factors: T <<
 * 32 without the flag, and u. It adds bits 52 to 103 of the product, floor(u * T / 2^20). */
INLINE void level1_add(struct sums *sums, const vec *out, const vec *b)
{
    const __m512i first = level1_table(0), second = level1_table(16);
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        __m512i entry = _mm512_maskz_permutex2var_epi32(0xaaaa, first, (__m512i)b[k], second);
        vec *sum = &sums->sum[k % SUMS];
        *sum = (vec)_mm512_madd52hi_epu64((__m512i)*sum, (__m512i)out[k], entry);
        sums->slots += (vec)entry;
    }
}

INLINE void level1_settle(struct sums *sums)
{
    vec t = sums->slots & ((UINT64_C(1) << (32 + LEVEL1_FLAG)) - 1);
    sums->sum[0] -= t >> 1;
    sums->slow += sums->slots >> (32 + LEVEL1_FLAG);
    sums->slots = (vec){0};
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

/* Returns the sum plus a point of the interval L << 32 | W: L * 2^32 + floor(u * W / 2^32). */
INLINE vec add_point(vec sum, vec interval, vec out)
{
    sum += interval & ~(uint64_t)UINT32_MAX;
    return (vec)_mm512_madd52hi_epu64((__m512i)sum, (__m512i)out, (__m512i)(interval << 20));
}

INLINE vec count(vec counts, __mmask8 lanes)
{
    return (vec)_mm512_mask_add_epi64((__m512i)counts, lanes, (__m512i)counts,
                                      _mm512_set1_epi64(1));
}

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

/* The entry with the flag moved away is 0 in a slow slot. */
INLINE uint32_t level1_draw(vec *units, const vec *out, const vec *b)
{
    const __m512i first = level1_t(0), second = level1_t(16);
    uint32_t slow = 0;
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        __m512i t = _mm512_maskz_permutex2var_epi32(0xaaaa, first, (__m512i)b[k], second);
        __m512i from = (__m512i)(LEVEL1_ORIGIN - ((vec)t >> 1));
        units[k] = (vec)_mm512_madd52hi_epu64(from, (__m512i)out[k], t);
        slow |= (uint32_t)_mm512_testn_epi64_mask(t, t) << VEC_LANES * k;
    }
    return slow;
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

#include "sums/kernel_functions.h"

KERNEL_FUNCTIONS(avx512)
