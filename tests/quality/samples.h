/* Makes the samples of a block one by one, in order. sums/ has only their sums.
 *
 * The code follows sums/SAMPLER.md. It shares the tables and the generators with the kernels, so a
 * break in them affects both. It does not share the code of the four levels. */
#ifndef MEANTIME_TESTS_QUALITY_SAMPLES_H
#define MEANTIME_TESTS_QUALITY_SAMPLES_H

#include <stdint.h>

#include "sums/stream.h"

/* Makes samples 0 to BLOCK_SAMPLES - 1 of a block, in the stream's unit. Takes about 0.15 ms
 * (gaussian) or 0.05 ms (uniform). Needs 512 KiB of stack. */
void integer_samples_fill(const struct stream *stream, uint64_t block, int64_t *samples);

/* Makes the 64-bit outputs for those samples. For gaussian samples these are the outputs of
 * level 1. */
void samples_outputs(const struct stream *stream, uint64_t block, uint64_t *outputs);

#endif
