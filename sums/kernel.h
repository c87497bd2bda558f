/* Kernels: the same sums in the instructions of different machines. */
#ifndef MEANTIME_SUMS_KERNEL_H
#define MEANTIME_SUMS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The mean of a uniform sample, 1/2, in its unit. */
#define UNIFORM_CENTRE (UINT64_C(1) << 52)

/* Each function returns the sum of one whole block (0 to 2^47 - 1) of the stream that `key` stands
 * for, in the stream's unit; the uniform one with UNIFORM_CENTRE taken off each sample, so that it
 * fits in 64 bits. Every kernel returns the same bits. */
struct kernel {
    const char *name;
    bool (*runs_here)(void);
    int64_t (*gaussian_block)(uint64_t key, uint64_t block);
    int64_t (*uniform_block)(uint64_t key, uint64_t block);
};

/* The fastest kernel that runs on this machine. Never NULL; the same on every call. */
const struct kernel *kernel_best(void);

/* The kernel of that name if this machine runs it, else NULL. */
const struct kernel *kernel_named(const char *name);

/* Long enough for kernel_names(). */
#define KERNEL_NAMES_BYTES 64

/* The names of the kernels that this machine runs, fastest first, for a message: "avx2, portable".
 * Into `text`, of `bytes` > 0; what does not fit is cut off. Returns text. */
char *kernel_names(char *text, size_t bytes);

/* All kernels of this build, fastest first; ends with a NULL name. */
extern const struct kernel kernels[];

#endif
