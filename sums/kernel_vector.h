/* The kernels for machines with vectors. sums/kernel.c has the table of those that a build contains
 * and checks which of them the machine can run. struct kernel describes the functions. */
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
