/* The kernels for machines with vectors; sums/kernel.c says which of them a build holds and a
 * machine runs. Each is as in struct kernel. */
#ifndef MEANTIME_SUMS_KERNEL_VECTOR_H
#define MEANTIME_SUMS_KERNEL_VECTOR_H

#include <stdint.h>

int64_t avx512_gaussian_block(uint64_t key, uint64_t block);
int64_t avx512_uniform_block(uint64_t key, uint64_t block);

int64_t avx2_gaussian_block(uint64_t key, uint64_t block);
int64_t avx2_uniform_block(uint64_t key, uint64_t block);

int64_t neon_gaussian_block(uint64_t key, uint64_t block);
int64_t neon_uniform_block(uint64_t key, uint64_t block);

#endif
