/* Level 4 of the Gaussian sampler: what the tables leave over, by exact rejection. */
#ifndef MEANTIME_SUMS_LEVEL4_H
#define MEANTIME_SUMS_LEVEL4_H

#include <stdint.h>

/* Sum of draws [begin, end) of level 4 of a block, in units of 2^-49, modulo 2^64.
 * The draws before `begin` are made too. About 50 ns a draw; two draws a block on average. */
uint64_t level4_sum(uint64_t key, uint64_t block, uint32_t begin, uint32_t end);

#endif
