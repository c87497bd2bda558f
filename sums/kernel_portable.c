/* The kernel that every machine runs, and the sums of partial blocks. */
#include "sums/kernel_portable.h"

/* A vector has two lanes. With SSE2, a sample takes two thirds of the time that it takes with
 * general registers. On a machine without vectors, the compiler uses general registers. */
#define VEC_LANES 2
#define VECS      2

#include "sums/doubles.h"
#include "sums/draws.h"

struct sums {
    uint64_t sum, slow;
    uint64_t slots; /* sum of entries of level1_slots */
};

/* The high half of `slots` has the sum of T. T < 2^20, so in 2^10 rows of 4 draws the sum stays
 * below 2^32. The low half has the number of slow slots. */
#define LEVEL1_RUN 1024

/* u is the low 52 bits of the output, shifted left by 12. With T << 32 in the slot, the high half
 * of the product is floor(u * T / 2^20). A slow slot is 1, so that the high half is 0. */
INLINE void level1_add(struct sums *sums, const vec *out, const vec *b)
{
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        vec u = out[k] << 12, slot = b[k] >> 32 & (LEVEL1_SLOTS - 1);
        UNROLL
        for (unsigned i = 0; i < VEC_LANES; i++) {
            uint64_t entry = level1_slots[slot[i]];
            sums->slots += entry;
            sums->sum += multiply_high(u[i], entry);
        }
    }
}

INLINE void level1_settle(struct sums *sums)
{
    sums->sum -= sums->slots >> 32 << 31;
    sums->slow += (uint32_t)sums->slots;
    sums->slots = 0;
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

INLINE uint64_t level1_unit(uint64_t u, uint64_t entry)
{
    return multiply_high(u, entry) - (entry >> 32 << 31) + LEVEL1_ORIGIN;
}

INLINE uint32_t level1_draw(vec *units, const vec *out, const vec *b)
{
    uint64_t slow = 0;
    UNROLL
    for (unsigned k = 0; k < VECS; k++) {
        vec u = out[k] << 12, slot = b[k] >> 32 & (LEVEL1_SLOTS - 1);
        uint64_t first = level1_slots[slot[0]], second = level1_slots[slot[1]];
        units[k] = (vec){level1_unit(u[0], first), level1_unit(u[1], second)};
        slow |= ((first & 1) | (second & 1) << 1) << VEC_LANES * k;
    }
    return (uint32_t)slow;
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

KERNEL_FUNCTIONS(portable)

int64_t portable_gaussian_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    return (int64_t)gaussian(key, block, begin, end);
}

int64_t portable_uniform_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    return (int64_t)(uniform(key, block, begin, end) - (end - begin) * UNIFORM_CENTRE);
}

bool portable_runs(void)
{
    return true;
}
