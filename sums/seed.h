/* Seed words: computes from a stream's key the words that start a block's generators. See
 * sums/SAMPLER.md. */
#ifndef MEANTIME_SUMS_SEED_H
#define MEANTIME_SUMS_SEED_H

#include <stdint.h>

/* The number of generators of a block. Sample j belongs to lane j % LANES. */
#define LANES 32

/* The number of seed words of a block: 8 for each lane. No two blocks share a seed word. */
#define BLOCK_SEED_WORDS (8 * LANES)

/* The number of the first seed word of level 4's generator. */
#define SEED_WORD_LEVEL4 4

#define GOLDEN_GAMMA UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio, odd */

/* A bijection of 64-bit words. Every bit of the result depends on all bits of x. */
static inline uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xe9846af9b1a615d);
    x ^= x >> 32;
    x *= UINT64_C(0xe9846af9b1a615d);
    x ^= x >> 28;
    return x;
}

/* Returns seed word `word` (0 to 7) of a lane of a block. */
static inline uint64_t seed_word(uint64_t key, uint64_t block, unsigned word, unsigned lane)
{
    uint64_t number = BLOCK_SEED_WORDS * block + LANES * word + lane;
    return mix(mix(key + GOLDEN_GAMMA * (number + 1)) ^ key);
}

#endif
