/* The table of kernels, and the choice of one. */
#include "sums/kernel.h"

#include <stdio.h>
#include <string.h>

#include "sums/cpu.h"
#include "sums/kernel_portable.h"
#include "sums/kernel_vector.h"

#if defined(__x86_64__)
/* These check every instruction set that the kernel's file is compiled with. */
static bool avx512dq_runs(void)
{
    return CPU_HAS("avx512f") && CPU_HAS("avx512dq") && CPU_HAS("avx512vl");
}

/* IFMA is the 52-bit multiplication. */
static bool avx512_runs(void)
{
    return avx512dq_runs() && CPU_HAS("avx512ifma");
}

static bool avx2_runs(void)
{
    return CPU_HAS("avx2");
}
#elif defined(__aarch64__) && defined(__AARCH64EL__)
/* NEON is part of the architecture. */
static bool neon_runs(void)
{
    return !cpu_masked("neon");
}
#endif

const struct kernel kernels[] = {
#if defined(__x86_64__)
    KERNEL(avx512),   KERNEL(avx512dq), KERNEL(avx2),
#elif defined(__aarch64__) && defined(__AARCH64EL__)
    KERNEL(neon),
#endif
    KERNEL(portable), {.name = NULL},
};

/* The last kernel, portable, runs everywhere, so the search ends. */
const struct kernel *kernel_best(void)
{
    const struct kernel *kernel = kernels;
    while (!kernel->runs_here())
        kernel++;
    return kernel;
}

const struct kernel *kernel_named(const char *name)
{
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        if (strcmp(kernel->name, name) == 0 && kernel->runs_here())
            return kernel;
    return NULL;
}

char *kernel_names(char *text, size_t bytes)
{
    size_t length = 0;
    text[0] = '\0';
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        if (kernel->runs_here() && length < bytes)
            length += (size_t)snprintf(text + length, bytes - length, "%s%s", length ? ", " : "",
                                       kernel->name);
    return text;
}
