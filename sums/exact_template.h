/* The algorithm of the kernels of exact sums.
 *
 * sums/exact_<name>.c includes this header after it has defined
 *
 *     VEC_LANES             doubles in a vector of the machine
 *     square_error(y, p)    y^2 - p, exactly, where p is y * y rounded
 *     small(y, least)       y where |y| < least, and 0 elsewhere
 *     fits(outside, rest)   true if all lanes of `outside` are below 2^52, and all of `rest` are
 *                           the bits of 0 or -0
 *
 * A number y is split into units of two windows and a rest. With M = 1.5 * 2^(52 + at):
 *
 *     t = y + M        rounds y to a multiple of 2^at; the bits are those of M plus the multiple
 *     r = y - (t - M)  what the rounding left, exactly; |r| <= 2^(at - 1)
 *
 * and then r in the same way 51 bits lower. If y is too large for the window, infinite or no
 * number, the sign or the exponent of t differs from that of M. The rest is 0 if no bit of y is
 * below the windows.
 *
 * A square is p + e: its rounded value, and the error. p is split like y. |e| is at most a quarter
 * of the unit of window 0, so it is split like r, into windows 1 and 2. If |y| >= 2^l with
 * 2 l >= at + 2, then p is a multiple of 2^(2 l - 52) and e of 2^(2 l - 104), so no rest is
 * possible. */
#ifndef MEANTIME_SUMS_EXACT_TEMPLATE_H
#define MEANTIME_SUMS_EXACT_TEMPLATE_H

#include "sums/exact_vector.h"

#include "sums/ieee.h"

#ifdef __FAST_MATH__
#error "-ffast-math removes the roundings that this code needs"
#endif

#define WINDOW_BITS   51
#define BLOCK_VECTORS (EXACT_BLOCK / VEC_LANES)

typedef uint64_t units __attribute__((vector_size(8 * VEC_LANES)));
typedef double vec __attribute__((vector_size(8 * VEC_LANES)));
typedef double vec_anywhere __attribute__((vector_size(8 * VEC_LANES), aligned(8)));

#define INLINE static inline __attribute__((always_inline))

INLINE vec square_error(vec y, vec p);
INLINE units small(vec y, vec least);
INLINE bool fits(units outside, units rest);

/* The sums of one block, and what fits() tests. */
struct block {
    units sum[EXACT_WINDOWS];
    units outside, rest;
};

INLINE vec magic(int at)
{
    return (vec){0} + 1.5 * power_of_two(DOUBLE_FRACTION_BITS + at);
}

/* Rounds x to a multiple of the window's unit, and adds this multiple to `sum`. Returns the rest of
 * x. */
INLINE vec split(vec x, vec magic, units *sum)
{
    vec t = x + magic;
    *sum += (units)t;
    return x - (t - magic);
}

/* The same with the unit of window 0. */
INLINE vec block_add_high(struct block *block, vec x, const vec *window)
{
    block->outside |= (units)(x + window[0]) ^ (units)window[0];
    return split(x, window[0], &block->sum[0]);
}

INLINE void block_add(struct block *block, vec x, const vec *window)
{
    vec r = block_add_high(block, x, window);
    block->rest |= (units)split(r, window[1], &block->sum[1]);
}

INLINE void block_add_square(struct block *block, vec y, const vec *window, vec least)
{
    vec p = y * y;
    vec e = square_error(y, p);
    split(block_add_high(block, p, window), window[1], &block->sum[1]);
    split(split(e, window[1], &block->sum[1]), window[2], &block->sum[2]);
    block->rest |= small(y, least);
}

INLINE struct block block_sum(const double *y, bool square, const vec *window, vec least)
{
    struct block block = {.rest = {0}};
#pragma GCC unroll 4
    for (unsigned i = 0; i < BLOCK_VECTORS; i++) {
        vec x = *(const vec_anywhere *)(y + i * VEC_LANES);
        if (square)
            block_add_square(&block, x, window, least);
        else
            block_add(&block, x, window);
    }
    return block;
}

INLINE uint64_t lanes_sum(units sum)
{
    uint64_t total = 0;
#pragma GCC unroll 8
    for (unsigned i = 0; i < VEC_LANES; i++)
        total += sum[i];
    return total;
}

/* Adds the units of all lanes to those of a window. Each of the `numbers` additions also added the
 * bits of the magic number, which this function subtracts, modulo 2^64. */
INLINE void settle(int64_t *into, units sum, uint64_t numbers, vec magic)
{
    *into += (int64_t)(lanes_sum(sum) - numbers * double_bits(magic[0]));
}

/* square: a constant, so that each caller gets code of its own. */
INLINE void add_windows(const double *y, size_t blocks, bool square, struct exact_windows *windows)
{
    const vec window[EXACT_WINDOWS] = {magic(windows->at), magic(windows->at - WINDOW_BITS),
                                       square ? magic(windows->at - 2 * WINDOW_BITS) : (vec){0}};
    const vec least = (vec){0} + (square ? power_of_two((windows->at + 3) >> 1) : 0);
    units sum[EXACT_WINDOWS] = {{0}};
    uint64_t left = 0;
    for (size_t i = 0; i < blocks; i++) {
        struct block block = block_sum(y + i * EXACT_BLOCK, square, window, least);
        if (!fits(block.outside, block.rest)) {
            left |= UINT64_C(1) << i;
            continue;
        }
#pragma GCC unroll 3
        for (unsigned k = 0; k < EXACT_WINDOWS; k++)
            sum[k] += block.sum[k];
    }
    uint64_t numbers = (blocks - (size_t)__builtin_popcountll(left)) * EXACT_BLOCK;
    settle(&windows->units[0], sum[0], numbers, window[0]);
    settle(&windows->units[1], sum[1], square ? 2 * numbers : numbers, window[1]);
    if (square)
        settle(&windows->units[2], sum[2], numbers, window[2]);
    windows->left = left;
}

#endif
