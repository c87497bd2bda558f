/* The kernel that every machine runs. It also finishes what whole blocks leave over: the parts of a
 * block at both ends of a range. */
#ifndef MEANTIME_SUMS_KERNEL_PORTABLE_H
#define MEANTIME_SUMS_KERNEL_PORTABLE_H

#include <stdbool.h>
#include <stdint.h>

bool portable_runs(void);
int64_t portable_gaussian_block(uint64_t key, uint64_t block);
int64_t portable_uniform_block(uint64_t key, uint64_t block);

/* Sum of samples [begin, end) of a block, begin <= end <= BLOCK_SAMPLES, in the stream's unit; the
 * uniform one with UNIFORM_CENTRE taken off each sample. Costs up to a whole block. */
int64_t portable_gaussian_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end);
int64_t portable_uniform_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end);

#endif
