/* Lanes: the generators of a block, several in each vector.
 *
 * sums/kernel_<name>.c includes this header after it has defined
 *
 *     VEC_LANES       the number of lanes in a vector of the machine
 *     VECS            the number of vectors that step in turn, so that no vector waits for the
 *                     result of its own last step
 *     ROTATE_24(x)    optional: x << 24 | x >> 40 of each lane, if the compiler misses a faster way
 *     TIMES_9(x)      optional: 9 x of each lane, if the compiler misses a faster way
 *     SPREAD(word)    optional: a vector of that word in all lanes, if this costs less than an
 *                     addition
 *
 * `vec` is a vector type of the compiler: + ^ & << >> act on all lanes, and vec[i] is one lane. */
#ifndef MEANTIME_SUMS_LANES_H
#define MEANTIME_SUMS_LANES_H

#include <stdint.h>
#include <string.h>

#include "sums/seed.h"

#define AT_ONCE (VEC_LANES * VECS) /* lanes in one struct lanes; LANES is a multiple of it */

/* Number of first outputs that each lane discards, so that similar seeds give dissimilar outputs.
 */
#define LANES_WARM_UP 12

_Static_assert(LANES % AT_ONCE == 0, "the groups do not divide the lanes");

typedef uint64_t vec __attribute__((vector_size(8 * VEC_LANES)));

/* Unrolls loops over VECS and VEC_LANES, so that their arrays stay in registers. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* Inlines the functions that make a row of draws, for the same reason. */
#define INLINE static inline __attribute__((always_inline))

#ifndef ROTATE_24
#define ROTATE_24(x) ((x) << 24 | (x) >> 40)
#endif

#ifndef TIMES_9
#define TIMES_9(x) ((x) + ((x) << 3))
#endif

/* The counter that lanes share: a word for SPREAD, or else a vector. */
#ifdef SPREAD
typedef uint64_t shared_counter;
#else
typedef vec shared_counter;
#define SPREAD(counter) (counter)
#endif

/* AT_ONCE neighbouring lanes. Each lane is an SFC64 generator (Chris Doty-Humphrey, PractRand). Its
 * counter grows by one with each step. All lanes here have made the same number of steps, so they
 * share one counter. */
struct lanes {
    vec a[VECS], b[VECS], c[VECS];
    shared_counter counter;
};

/* Makes a step of vector k and returns its outputs. After all vectors have made the step, the
 * caller adds 1 to the counter. */
INLINE vec lanes_step(struct lanes *lanes, unsigned k)
{
    vec out = lanes->a[k] + lanes->b[k] + SPREAD(lanes->counter);
    lanes->a[k] = lanes->b[k] ^ lanes->b[k] >> 11;
    lanes->b[k] = TIMES_9(lanes->c[k]);
    lanes->c[k] = ROTATE_24(lanes->c[k]) + out;
    return out;
}

/* Makes a step of all lanes. */
INLINE void lanes_row(struct lanes *lanes, vec *out)
{
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        out[k] = lanes_step(lanes, k);
    lanes->counter += 1;
}

static inline void lanes_skip(struct lanes *lanes, uint32_t steps)
{
    struct lanes l = *lanes;
    vec out[VECS];
    for (; steps > 0; steps--)
        lanes_row(&l, out);
    *lanes = l;
}

/* Overwrites the generators of lanes from, from + 1, ... so that their next output is `out`. */
static inline void lanes_override(struct lanes *lanes, unsigned from, uint64_t out)
{
    for (unsigned i = from; i < AT_ONCE; i++) {
        lanes->a[i / VEC_LANES][i % VEC_LANES] = 0;
        lanes->b[i / VEC_LANES][i % VEC_LANES] = out - SPREAD(lanes->counter)[0];
    }
}

/* Prepares lanes first, first + 1, ... of a block for its first samples. */
static inline void lanes_init(struct lanes *lanes, uint64_t key, uint64_t block, unsigned first)
{
    uint64_t a[AT_ONCE], b[AT_ONCE], c[AT_ONCE];
    for (unsigned i = 0; i < AT_ONCE; i++) {
        a[i] = seed_word(key, block, 0, first + i);
        b[i] = seed_word(key, block, 1, first + i);
        c[i] = seed_word(key, block, 2, first + i);
    }
    memcpy(lanes->a, a, sizeof a);
    memcpy(lanes->b, b, sizeof b);
    memcpy(lanes->c, c, sizeof c);
    lanes->counter = (shared_counter){0} + 1;
    lanes_skip(lanes, LANES_WARM_UP);
}

#endif
