/* The kernel that every machine runs. It also sums the partial blocks at both ends of a range. */
#ifndef MEANTIME_SUMS_KERNEL_PORTABLE_H
#define MEANTIME_SUMS_KERNEL_PORTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "sums/kernel_vector.h"

bool portable_runs(void);

/* Returns the sum of samples [begin, end) of a block, in the stream's unit. The uniform function
 * subtracts UNIFORM_CENTRE from each sample. begin <= end <= BLOCK_SAMPLES.
 * A call may take as long as a whole block. */
int64_t portable_gaussian_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end);
int64_t portable_uniform_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end);

#endif
