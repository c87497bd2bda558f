/* A stream of samples, named by seed and kind. sums/SAMPLER.md specifies it. */
#ifndef MEANTIME_SUMS_STREAM_H
#define MEANTIME_SUMS_STREAM_H

#include <stdint.h>

/* Samples in a block, the unit of generation. Blocks start at multiples of this number. */
#define BLOCK_SAMPLES 65536

enum stream_kind {
    STREAM_GAUSSIAN = 1, /* N(0, 1), samples in units of 2^-49 */
    STREAM_UNIFORM = 2,  /* [0, 1), samples in units of 2^-53 */
};

/* The mean of a uniform sample, 1/2, in its unit. */
#define UNIFORM_CENTRE (UINT64_C(1) << 52)

struct stream {
    uint64_t key; /* computed from the seed and the kind; seeds every block */
    enum stream_kind kind;
};

/* seed: any. kind: one of the enumerators. */
void stream_init(struct stream *stream, uint64_t seed, enum stream_kind kind);

/* Returns the binary logarithm of the unit of a kind's samples: -49 or -53. */
int stream_unit_log2(enum stream_kind kind);

#endif
