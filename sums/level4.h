/* Level 4 of the Gaussian sampler: samples the rest of the density by exact rejection. */
#ifndef MEANTIME_SUMS_LEVEL4_H
#define MEANTIME_SUMS_LEVEL4_H

#include <stdint.h>

/* Level 4's generator of a block, xoshiro256++. */
struct level4 {
    uint64_t s[4];
};

void level4_init(struct level4 *generator, uint64_t key, uint64_t block);

/* Returns the next draw, in units of 2^-49. Takes about 50 ns. */
int64_t level4_draw(struct level4 *generator);

/* Returns the sum of draws [begin, end) of level 4 of a block, in units of 2^-49, modulo 2^64. Also
 * makes the draws before `begin`. A draw takes about 50 ns; a block has two draws on average. */
uint64_t level4_sum(uint64_t key, uint64_t block, uint32_t begin, uint32_t end);

#endif
