/* The kernel for arm64 with NEON. */
#include "sums/kernel_vector.h"

#include <arm_neon.h>

/* Two vectors of 64-bit lanes have as many lanes as one vector has 32-bit elements. So one table
 * look-up serves both vectors. */
#define VEC_LANES 2
#define VECS      2

/* vsriq shifts right and inserts: it keeps the bits of its first operand that the shifted value
 * does not cover. */
#define ROTATE_24(x) ((vec)vsriq_n_u64(vshlq_n_u64((uint64x2_t)(x), 24), (uint64x2_t)(x), 40))

#include "sums/doubles.h"
#include "sums/draws.h"

struct sums {
    uint64_t sum, slow;
    uint64x2_t products[VECS];
    uint32x4_t t_sum;      /* each half: the sum of T */
    uint32x4_t slow_count; /* each half: the number of slow slots */
};

/* T < 2^20, so in 2^11 rows the sum of T stays below 2^31. */
#define LEVEL1_RUN 2048

/* The high halves of four neighbouring entries: T, or 0 for a slow slot. The empty asm hides from
 * the compiler that the entries are constants. Otherwise the compiler loads them again for every
 * row. */
INLINE uint8x16_t level1_table(unsigned first)
{
    uint32x4_t left = vreinterpretq_u32_u64(vld1q_u64(level1_slots + first));
    uint32x4_t right = vreinterpretq_u32_u64(vld1q_u64(level1_slots + first + VEC_LANES));
    uint8x16_t table = vreinterpretq_u8_u32(vuzp2q_u32(left, right));
    __asm__("" : "+w"(table));
    return table;
}

INLINE uint8x16x4_t level1_half_table(unsigned first)
{
    return (uint8x16x4_t){{level1_table(first), level1_table(first + 4), level1_table(first + 8),
                           level1_table(first + 12)}};
}

/* Looks up entries of the level 1 table byte by byte: first those of the table's first half, then
 * those of its second half. */
INLINE uint32x4_t level1_look_up(uint32x4_t slot)
{
    const uint32x4_t first_byte = vmulq_n_u32(slot, 0x04040404);
    uint8x16_t byte = vreinterpretq_u8_u32(vaddq_u32(first_byte, vdupq_n_u32(0x03020100)));
    uint8x16_t t = vqtbl4q_u8(level1_half_table(0), byte);
    t = vqtbx4q_u8(t, level1_half_table(16), vsubq_u8(byte, vdupq_n_u8(64)));
    return vreinterpretq_u32_u8(t);
}

INLINE uint32x4_t low_halves(const vec *x)
{
    return vuzp1q_u32((uint32x4_t)x[0], (uint32x4_t)x[1]);
}

INLINE uint32x4_t high_halves(const vec *x)
{
    return vuzp2q_u32((uint32x4_t)x[0], (uint32x4_t)x[1]);
}

/* floor(u * T / 2^20) = high * T + floor(low * 2^12 * T / 2^32) with u = high * 2^20 + low. The
 * index of a slot is in the high half of b. */
INLINE void level1_add(struct sums *sums, const vec *out, const vec *b)
{
    uint32x4_t t = level1_look_up(vandq_u32(high_halves(b), vdupq_n_u32(LEVEL1_SLOTS - 1)));
    uint32x4_t low = vshlq_n_u32(low_halves(out), 12);
    uint32x4_t high = vshrn_high_n_u64(vshrn_n_u64((uint64x2_t)out[0], 20), (uint64x2_t)out[1], 20);
    uint64x2_t *products = sums->products;
    products[0] = vmlal_u32(products[0], vget_low_u32(high), vget_low_u32(t));
    products[1] = vmlal_high_u32(products[1], high, t);
    products[0] = vsraq_n_u64(products[0], vmull_u32(vget_low_u32(low), vget_low_u32(t)), 32);
    products[1] = vsraq_n_u64(products[1], vmull_high_u32(low, t), 32);
    sums->t_sum = vaddq_u32(sums->t_sum, t);
    sums->slow_count = vsubq_u32(sums->slow_count, vceqzq_u32(t));
}

INLINE void level1_settle(struct sums *sums)
{
    sums->sum += vaddvq_u64(vaddq_u64(sums->products[0], sums->products[1]));
    sums->sum -= vaddlvq_u32(sums->t_sum) << 31;
    sums->slow += vaddlvq_u32(sums->slow_count);
    sums->products[0] = sums->products[1] = vdupq_n_u64(0);
    sums->t_sum = sums->slow_count = vdupq_n_u32(0);
}

#define LEVEL2_ROWS 1

INLINE void level2_add(struct sums *sums, const vec *out)
{
    level2_draws(&sums->sum, &sums->slow, out);
}

INLINE void level3_add(struct sums *sums, const vec *u1, const vec *u2, const vec *u3)
{
    level3_draws(&sums->sum, &sums->slow, u1, u2, u3);
}

/* Each product is at least 0 and the origin is added first, so no step overflows. */
INLINE uint32_t level1_draw(vec *units, const vec *out, const vec *b)
{
    uint32x4_t t = level1_look_up(vandq_u32(high_halves(b), vdupq_n_u32(LEVEL1_SLOTS - 1)));
    uint32x4_t low = vshlq_n_u32(low_halves(out), 12);
    uint32x4_t high = vshrn_high_n_u64(vshrn_n_u64((uint64x2_t)out[0], 20), (uint64x2_t)out[1], 20);
    uint64x2_t origin = vdupq_n_u64(LEVEL1_ORIGIN), first, second;
    first = vsubq_u64(origin, vshll_n_u32(vget_low_u32(t), 31));
    second = vsubq_u64(origin, vshlq_n_u64(vmovl_high_u32(t), 31));
    first = vmlal_u32(first, vget_low_u32(high), vget_low_u32(t));
    second = vmlal_high_u32(second, high, t);
    units[0] = (vec)vsraq_n_u64(first, vmull_u32(vget_low_u32(low), vget_low_u32(t)), 32);
    units[1] = (vec)vsraq_n_u64(second, vmull_high_u32(low, t), 32);
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vceqzq_u32(t), bits));
}

INLINE uint32_t level2_draw(double *x, const vec *out)
{
    return level2_store(x, out);
}

INLINE uint32_t level3_draw(double *x, const vec *u1, const vec *u2, const vec *u3)
{
    return level3_store(x, u1, u2, u3);
}

#include "sums/kernel_functions.h"

KERNEL_FUNCTIONS(neon)
