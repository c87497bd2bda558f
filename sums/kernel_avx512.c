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

#include "sums/avx512.h"

struct sums {
    vec sum[SUMS], slow;
    vec slots; /* sum of entries of the level 1 table: T << 32, or the flag of a slow slot */
};

/* In 14 rows of 4 vectors the sum of T stays below 2^26, and the sum of 56 flags of 2^26 below
 * 2^32. */
#define LEVEL1_RUN  14
#define LEVEL1_FLAG 26

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

/* Returns the sum plus a point of the interval L << 32 | W: L * 2^32 + floor(u * W / 2^32). */
INLINE vec add_point(vec sum, vec interval, vec out)
{
    sum += interval & ~(uint64_t)UINT32_MAX;
    return (vec)_mm512_madd52hi_epu64((__m512i)sum, (__m512i)out, (__m512i)(interval << 20));
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

#include "sums/avx512_levels.h"
#include "sums/kernel_functions.h"

KERNEL_FUNCTIONS(avx512)
