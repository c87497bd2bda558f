/* The functions of all kernels. sums/kernel.c has the table of those that a build contains
 * and checks which of them the machine can run. struct kernel describes the functions. */
#ifndef MEANTIME_SUMS_KERNEL_VECTOR_H
#define MEANTIME_SUMS_KERNEL_VECTOR_H

#include <stdint.h>

/* A row of the table of kernels. */
#define KERNEL(name)                                                                               \
    {                                                                                              \
#name, name##_runs, name##_gaussian_block, name##_uniform_block, name##_gaussian_fill,     \
            name##_uniform_fill, name##_gaussian_fill_part, name##_uniform_fill_part,              \
    }

#define KERNEL_DECLARATIONS(name)                                                                  \
    int64_t name##_gaussian_block(uint64_t key, uint64_t block);                                   \
    int64_t name##_uniform_block(uint64_t key, uint64_t block);                                    \
    void name##_gaussian_fill(uint64_t key, uint64_t block, double *out);                          \
    void name##_uniform_fill(uint64_t key, uint64_t block, double *out);                           \
    void name##_gaussian_fill_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,     \
                                   double *out);                                                   \
    void name##_uniform_fill_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,      \
                                  double *out);

KERNEL_DECLARATIONS(avx512)
KERNEL_DECLARATIONS(avx512dq)
KERNEL_DECLARATIONS(avx2)
KERNEL_DECLARATIONS(neon)
KERNEL_DECLARATIONS(portable)

#endif
