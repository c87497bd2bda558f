/* Defines the functions of a kernel. sums/kernel_<name>.c includes this file last. */
#ifndef MEANTIME_SUMS_KERNEL_FUNCTIONS_H
#define MEANTIME_SUMS_KERNEL_FUNCTIONS_H

#include "sums/fill_template.h"
#include "sums/kernel_template.h"

#define KERNEL_FUNCTIONS(name)                                                                     \
    int64_t name##_gaussian_block(uint64_t key, uint64_t block)                                    \
    {                                                                                              \
        return (int64_t)gaussian(key, block, 0, BLOCK_SAMPLES);                                    \
    }                                                                                              \
    int64_t name##_uniform_block(uint64_t key, uint64_t block)                                     \
    {                                                                                              \
        return (int64_t)(uniform(key, block, 0, BLOCK_SAMPLES) - BLOCK_SAMPLES * UNIFORM_CENTRE);  \
    }                                                                                              \
    void name##_gaussian_fill(uint64_t key, uint64_t block, double *out)                           \
    {                                                                                              \
        gaussian_part_fill(key, block, 0, BLOCK_SAMPLES, out);                                     \
    }                                                                                              \
    void name##_uniform_fill(uint64_t key, uint64_t block, double *out)                            \
    {                                                                                              \
        uniform_part_fill(key, block, 0, BLOCK_SAMPLES, out);                                      \
    }                                                                                              \
    void name##_gaussian_fill_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,     \
                                   double *out)                                                    \
    {                                                                                              \
        gaussian_part_fill(key, block, begin, end, out);                                           \
    }                                                                                              \
    void name##_uniform_fill_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,      \
                                  double *out)                                                     \
    {                                                                                              \
        uniform_part_fill(key, block, begin, end, out);                                            \
    }

#endif
