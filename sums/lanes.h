/* Lanes: the generators of a block, several to a vector.
 *
 * Included by sums/kernel_<name>.c, which defines beforehand
 *
 *     VEC_LANES    lanes in a vector of the machine
 *     VECS         vectors that take turns, so that none waits for its own last step
 *
 * `vec` is a vector of the compiler's: + ^ & << >> act on all of its lanes, vec[i] is one of them.
 */
#ifndef MEANTIME_SUMS_LANES_H
#define MEANTIME_SUMS_LANES_H

#include <stdint.h>

#include "sums/seed.h"

#define AT_ONCE (VEC_LANES * VECS) /* lanes worked on at once; LANES is a multiple of it */

#define LANES_WARM_UP 12 /* outputs thrown away, so that neighbouring seeds lose their likeness */

_Static_assert(LANES % AT_ONCE == 0, "lanes are left over");

typedef uint64_t vec __attribute__((vector_size(8 * VEC_LANES)));

/* For loops over VECS and VEC_LANES, whose arrays are to live in registers. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* AT_ONCE neighbouring lanes. Each is an SFC64 (Chris Doty-Humphrey, PractRand); its counter grows
 * by one a step, so lanes that have made as many steps share it. */
struct lanes {
    vec a[VECS], b[VECS], c[VECS];
    uint64_t counter;
};

/* What some draws of each lane come to: the sum of their samples modulo 2^64, and how many were
 * slow, that is, left to the level below. */
struct tally {
    uint64_t sum[AT_ONCE], slow[AT_ONCE];
};

/* The next outputs of vector k. When all vectors have made the step, add 1 to the counter. */
static inline vec lanes_step(struct lanes *lanes, unsigned k)
{
    vec out = lanes->a[k] + lanes->b[k] + lanes->counter;
    lanes->a[k] = lanes->b[k] ^ lanes->b[k] >> 11;
    lanes->b[k] = lanes->c[k] + (lanes->c[k] << 3);
    lanes->c[k] = (lanes->c[k] << 24 | lanes->c[k] >> 40) + out;
    return out;
}

static inline void lanes_skip(struct lanes *lanes, uint32_t steps)
{
    for (; steps > 0; steps--, lanes->counter++)
        for (unsigned k = 0; k < VECS; k++)
            lanes_step(lanes, k);
}

/* Lanes first, first + 1, ... of a block, ready for its first samples. */
static inline void lanes_init(struct lanes *lanes, uint64_t key, uint64_t block, unsigned first)
{
    for (unsigned i = 0; i < AT_ONCE; i++) {
        lanes->a[i / VEC_LANES][i % VEC_LANES] = seed_word(key, block, 0, first + i);
        lanes->b[i / VEC_LANES][i % VEC_LANES] = seed_word(key, block, 1, first + i);
        lanes->c[i / VEC_LANES][i % VEC_LANES] = seed_word(key, block, 2, first + i);
    }
    lanes->counter = 1;
    lanes_skip(lanes, LANES_WARM_UP);
}

#endif
