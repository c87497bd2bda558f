/* Lanes: the generators of a block, several to a vector.
 *
 * Included by sums/kernel_<name>.c, which defines beforehand
 *
 *     VEC_LANES       lanes in a vector of the machine
 *     VECS            vectors that take turns, so that none waits for its own last step
 *     ROTATE_24(x)    x << 24 | x >> 40 of each lane, where the compiler misses a faster way
 *     TIMES_9(x)      9 x of each lane, likewise
 *     SPREAD(word)    a vector of that word in all lanes, where it costs less than an addition
 *
 * `vec` is a vector of the compiler's: + ^ & << >> act on all of its lanes, vec[i] is one of them.
 */
#ifndef MEANTIME_SUMS_LANES_H
#define MEANTIME_SUMS_LANES_H

#include <stdint.h>
#include <string.h>

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

/* For what a row of draws is made of, for the same reason. */
#define INLINE static inline __attribute__((always_inline))

#ifndef ROTATE_24
#define ROTATE_24(x) ((x) << 24 | (x) >> 40)
#endif

#ifndef TIMES_9
#define TIMES_9(x) ((x) + ((x) << 3))
#endif

/* The counter that lanes share: a word to be spread, or a vector that is so already. */
#ifdef SPREAD
typedef uint64_t shared_counter;
#else
typedef vec shared_counter;
#define SPREAD(counter) (counter)
#endif

/* AT_ONCE neighbouring lanes. Each is an SFC64 (Chris Doty-Humphrey, PractRand); its counter grows
 * by one a step, so lanes that have made as many steps share it. */
struct lanes {
    vec a[VECS], b[VECS], c[VECS];
    shared_counter counter;
};

/* The next outputs of vector k. When all vectors have made the step, add 1 to the counter. */
INLINE vec lanes_step(struct lanes *lanes, unsigned k)
{
    vec out = lanes->a[k] + lanes->b[k] + SPREAD(lanes->counter);
    lanes->a[k] = lanes->b[k] ^ lanes->b[k] >> 11;
    lanes->b[k] = TIMES_9(lanes->c[k]);
    lanes->c[k] = ROTATE_24(lanes->c[k]) + out;
    return out;
}

/* A step of all lanes. */
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

/* Spoils the generators of lanes from, from + 1, ... so that their next output is `out`. */
static inline void lanes_override(struct lanes *lanes, unsigned from, uint64_t out)
{
    for (unsigned i = from; i < AT_ONCE; i++) {
        lanes->a[i / VEC_LANES][i % VEC_LANES] = 0;
        lanes->b[i / VEC_LANES][i % VEC_LANES] = out - SPREAD(lanes->counter)[0];
    }
}

/* Lanes first, first + 1, ... of a block, ready for its first samples. */
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
