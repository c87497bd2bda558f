/* Sums of ranges of a stream. */
#ifndef MEANTIME_SUMS_SUM_H
#define MEANTIME_SUMS_SUM_H

#include <stdint.h>

#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* Adds samples [first, first + count) of `stream` to `total`.
 * Any split of a range gives the same total, with any kernel.
 * first + count <= 2^63; count may be 0. Never fails, never allocates. A block takes about 0.07 ms
 * with the portable kernel. A partial block takes as long as a whole one.
 * Any thread. Each thread has its own total; combine totals with total_add(). */
void sum_range(const struct kernel *kernel, const struct stream *stream, uint64_t first,
               uint64_t count, struct total *total);

#endif
