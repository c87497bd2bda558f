/* Kernels: code that computes the same sums with different instruction sets. */
#ifndef MEANTIME_SUMS_KERNEL_H
#define MEANTIME_SUMS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each block function returns the sum of one whole block, in the stream's unit. Every kernel
 * returns the same bits. key: of the stream, from stream_init(). block: its number, 0 to 2^47 - 1.
 */
struct kernel {
    const char *name;
    bool (*runs_here)(void); /* true if this machine has the instructions */
    int64_t (*gaussian_block)(uint64_t key, uint64_t block);
    /* Subtracts UNIFORM_CENTRE from each sample, so that the sum fits in 64 bits. */
    int64_t (*uniform_block)(uint64_t key, uint64_t block);
    /* These write the samples of a block as doubles, in the order of the stream. Every sample is
     * exact. out: BLOCK_SAMPLES doubles; fastest if it is aligned to 64 bytes. 20 KiB of stack. */
    void (*gaussian_fill)(uint64_t key, uint64_t block, double *out);
    void (*uniform_fill)(uint64_t key, uint64_t block, double *out);
    /* These write samples [begin, end) of a block to out[0] and on. begin <= end <= BLOCK_SAMPLES.
     * A part of a Gaussian block takes as long as a whole block. */
    void (*gaussian_fill_part)(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,
                               double *out);
    void (*uniform_fill_part)(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,
                              double *out);
};

/* Returns the fastest kernel that runs on this machine. Never NULL; the same on every call. */
const struct kernel *kernel_best(void);

/* Returns the kernel with this name, or NULL if this machine cannot run it. */
const struct kernel *kernel_named(const char *name);

/* Enough bytes for kernel_names(). */
#define KERNEL_NAMES_BYTES 64

/* Writes the names of the kernels that this machine runs into `text`, for a message, fastest first:
 * "avx2, portable". Names that do not fit are truncated. Returns text.
 * bytes: size of `text`, 1 or more. */
char *kernel_names(char *text, size_t bytes);

/* All kernels of this build, fastest first; ends with a NULL name. */
extern const struct kernel kernels[];

#endif
