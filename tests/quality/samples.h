/* The samples of a block one by one and in order; sums/ has only their sums.
 *
 * Written from sums/SAMPLER.md. It shares the tables and the generators with the kernels, so that a
 * broken one breaks both, and the four levels with none of them. */
#ifndef MEANTIME_TESTS_QUALITY_SAMPLES_H
#define MEANTIME_TESTS_QUALITY_SAMPLES_H

#include <stdint.h>

#include "sums/stream.h"

/* Samples 0 to BLOCK_SAMPLES - 1 of a block, in the stream's unit. About 0.15 ms (gaussian) and
 * 0.05 ms (uniform). Needs 512 KiB of stack. */
void samples_fill(const struct stream *stream, uint64_t block, int64_t *samples);

/* The outputs that those samples are made of, 64 bits each: of level 1 for gaussian samples. */
void samples_outputs(const struct stream *stream, uint64_t block, uint64_t *outputs);

#endif
