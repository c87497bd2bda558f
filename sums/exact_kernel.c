/* The table of kernels of exact sums, and the choice of one. */
#include "sums/exact_kernel.h"

#include <string.h>

#include "sums/cpu.h"
#include "sums/exact_vector.h"

#if defined(__x86_64__)
/* Each function checks every instruction set that its file is compiled with. */
static bool avx512_runs(void)
{
    return CPU_HAS("avx512f") && CPU_HAS("avx512dq");
}

static bool avx2_runs(void)
{
    return CPU_HAS("avx2") && CPU_HAS("fma");
}
#elif defined(__aarch64__)
/* NEON is part of the architecture. */
static bool neon_runs(void)
{
    return !cpu_masked("neon");
}
#endif

static bool portable_runs(void)
{
    return true;
}

const struct exact_kernel exact_kernels[] = {
#if defined(__x86_64__)
    {"avx512", avx512_runs, avx512_exact_sum, avx512_exact_squares},
    {"avx2", avx2_runs, avx2_exact_sum, avx2_exact_squares},
#elif defined(__aarch64__)
    {"neon", neon_runs, neon_exact_sum, neon_exact_squares},
#endif
    {"portable", portable_runs, portable_exact_sum, portable_exact_squares},
    {NULL, NULL, NULL, NULL},
};

/* The last kernel, portable, runs everywhere, so the search ends. */
const struct exact_kernel *exact_kernel_best(void)
{
    const struct exact_kernel *kernel = exact_kernels;
    while (!kernel->runs_here())
        kernel++;
    return kernel;
}

const struct exact_kernel *exact_kernel_named(const char *name)
{
    for (const struct exact_kernel *kernel = exact_kernels; kernel->name; kernel++)
        if (strcmp(kernel->name, name) == 0 && kernel->runs_here())
            return kernel;
    return NULL;
}
