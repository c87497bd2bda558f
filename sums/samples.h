/* Samples of a range of a stream, as doubles. */
#ifndef MEANTIME_SUMS_SAMPLES_H
#define MEANTIME_SUMS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "sums/kernel.h"
#include "sums/stream.h"

/* Writes samples first to first + count - 1 of `stream` to out[0] to out[count - 1]. Doubles hold
 * samples exactly: their sum in the stream's unit is the total of sum_range().
 * first + count <= 2^63; count may be 0. Never fails, never allocates. The cost is
 * the same at every position. A partial Gaussian block takes as long as a whole one.
 * Any thread. 20 KiB of stack. */
void samples_fill(const struct kernel *kernel, const struct stream *stream, uint64_t first,
                  size_t count, double *out);

#endif
