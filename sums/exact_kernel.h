/* Kernels of exact sums: the same units with the instructions of one processor. */
#ifndef MEANTIME_SUMS_EXACT_KERNEL_H
#define MEANTIME_SUMS_EXACT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXACT_BLOCK      64 /* numbers of which a kernel sums all or none */
#define EXACT_BLOCKS_MAX 64 /* blocks of one call; more than 4,096 numbers could exceed 64 bits */
#define EXACT_WINDOWS    3

/* A window counts multiples of one power of two. Window i has the unit 2^(at - 51 i). */
struct exact_windows {
    int at;
    int64_t units[EXACT_WINDOWS]; /* the sum of all blocks that are not left; a call adds to it */
    uint64_t left; /* output. Bit i: some number of block i does not fit into the windows exactly */
};

/* Each function splits every number into units of the windows, exactly, and adds them. It leaves
 * the whole block out if this is impossible for one number. Which blocks it leaves does not depend
 * on the kernel. The mode of rounding must be that of sums/rounding.h. y: `blocks` blocks, any
 * alignment. blocks: 0 to EXACT_BLOCKS_MAX. */
struct exact_kernel {
    const char *name;
    bool (*runs_here)(void); /* true if this machine has the instructions */
    /* Numbers, in windows 0 and 1. at: EXACT_SUM_AT_MIN to EXACT_AT_MAX. */
    void (*sum)(const double *y, size_t blocks, struct exact_windows *windows);
    /* Squares of the numbers, in windows 0 to 2. at: EXACT_SQUARES_AT_MIN to EXACT_AT_MAX. */
    void (*squares)(const double *y, size_t blocks, struct exact_windows *windows);
};

/* 1.5 * 2^(52 + at) is a finite double. */
#define EXACT_AT_MAX 971
/* Window 1 then has the unit 2^-1074, of which every double is a multiple. */
#define EXACT_SUM_AT_MIN (-1023)
/* Window 2 then has the unit 2^-1074. The kernels leave blocks with numbers below 2^-485, whose
 * products lose bits. */
#define EXACT_SQUARES_AT_MIN (-972)

/* Returns the fastest kernel that runs on this machine. Never NULL; the same on every call. */
const struct exact_kernel *exact_kernel_best(void);

/* Returns the kernel with this name, or NULL if this machine cannot run it. */
const struct exact_kernel *exact_kernel_named(const char *name);

/* All kernels of this build, fastest first; ends with a NULL name. */
extern const struct exact_kernel exact_kernels[];

#endif
