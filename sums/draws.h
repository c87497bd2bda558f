/* Draws of levels 2 and 3 lane by lane, for kernels that gain nothing from vectors there. */
#ifndef MEANTIME_SUMS_DRAWS_H
#define MEANTIME_SUMS_DRAWS_H

#include <stdint.h>

#include "sums/lanes.h"
#include "sums/tables.h"

static inline uint64_t multiply_high(uint64_t x, uint64_t y)
{
    return (uint64_t)((unsigned __int128)x * y >> 64);
}

/* A point of the interval L << 32 | W: L * 2^32 + floor(u * W / 2^32). */
static inline uint64_t interval_point(uint64_t interval, uint64_t out)
{
    uint64_t left = interval >> 32 << 32, width = (uint32_t)interval;
    return left + multiply_high(out << 12, width << 20);
}

/* Adds each draw to the sum of the samples, or to the number of slow draws. */
INLINE void level2_draws(uint64_t *sum, uint64_t *slow, const vec *out)
{
    UNROLL
    for (unsigned i = 0; i < AT_ONCE; i++) {
        uint64_t word = out[i / VEC_LANES][i % VEC_LANES], slot = word >> 52;
        *slow += slot >= LEVEL2_FAST;
        *sum += interval_point(level2_slots[slot], word);
    }
}

static inline unsigned level3_bin(uint64_t u1)
{
    unsigned bin = (unsigned)((u1 >> 32) * BIN_SLOTS >> 32);
    uint64_t slot = level3_alias[bin];
    return (uint32_t)u1 < slot >> 32 ? bin : (uint32_t)slot;
}

/* A point under the sloping top of a bin: either u2 or its mirror image. */
static inline uint64_t level3_point(unsigned bin, uint64_t u2, uint64_t u3)
{
    uint64_t tilt = level3_tilts[bin];
    uint64_t keep = (tilt >> 32) - ((u2 >> 20 & UINT32_MAX) * (uint32_t)tilt >> 32);
    uint64_t x = interval_point(level3_intervals[bin], (uint32_t)u3 < keep ? u2 : ~u2);
    return u3 >> 63 ? -x : x;
}

/* The entries of the slow slot in level3_intervals and level3_tilts are 0, so its point is 0. */
INLINE void level3_draws(uint64_t *sum, uint64_t *slow, const vec *u1, const vec *u2, const vec *u3)
{
    for (unsigned i = 0; i < AT_ONCE; i++) {
        unsigned k = i / VEC_LANES, lane = i % VEC_LANES;
        unsigned bin = level3_bin(u1[k][lane]);
        *slow += bin == BIN_SLOTS - 1;
        *sum += level3_point(bin, u2[k][lane], u3[k][lane]);
    }
}

/* Stores each draw as a double, and returns a bit for each slow one. */
INLINE uint32_t level2_store(double *x, const vec *out)
{
    uint32_t slow = 0;
    UNROLL
    for (unsigned i = 0; i < AT_ONCE; i++) {
        uint64_t word = out[i / VEC_LANES][i % VEC_LANES], slot = word >> 52;
        slow |= (uint32_t)(slot >= LEVEL2_FAST) << i;
        x[i] = (double)(int64_t)interval_point(level2_slots[slot], word) * 0x1p-49;
    }
    return slow;
}

INLINE uint32_t level3_store(double *x, const vec *u1, const vec *u2, const vec *u3)
{
    uint32_t slow = 0;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        unsigned k = i / VEC_LANES, lane = i % VEC_LANES;
        unsigned bin = level3_bin(u1[k][lane]);
        slow |= (uint32_t)(bin == BIN_SLOTS - 1) << i;
        x[i] = (double)(int64_t)level3_point(bin, u2[k][lane], u3[k][lane]) * 0x1p-49;
    }
    return slow;
}

#endif
