/* The local work: a sum of uniform samples, done in slices. One thread. */
#ifndef MEANTIME_CLIENT_LESSON_UNIFORM_SUM_H
#define MEANTIME_CLIENT_LESSON_UNIFORM_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/pacing.h"
#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* count: samples to sum, from the stream's first on; `total` holds how many it has and their sum.
 * Instants are clock_ns(): of the sum, of the last slice so far (which ended at ended_at_ns), and
 * of the last look. */
struct uniform_sum {
    const struct kernel *kernel;
    struct stream stream;
    struct pacing pacing; /* of blocks */
    uint64_t count;
    struct total total;
    int64_t began_at_ns;
    int64_t ended_at_ns;
    int64_t slice_began_at_ns;
    int64_t look_began_at_ns;
    int64_t look_ended_at_ns;
    uint64_t slices;
    int64_t slice_ns_max;
    bool stretch; /* slices that are short beside the looks between them */
    uint64_t looks;
    int64_t look_ns; /* of all */
};

/* slice_ns: how long a slice is to take, 0 for one block. stretch: longer where looks cost much. */
void uniform_sum_init(struct uniform_sum *sum, const struct kernel *kernel, uint64_t seed,
                      uint64_t count, int64_t slice_ns, bool stretch);

/* Starts its time. */
void uniform_sum_begin(struct uniform_sum *sum);

/* Sums as many samples as take about slice_ns, in whole blocks. */
void uniform_sum_slice(struct uniform_sum *sum);

/* A look for something else, between two slices, has ended. */
void uniform_sum_looked(struct uniform_sum *sum, int64_t began_at_ns);

static inline bool uniform_sum_done(const struct uniform_sum *sum)
{
    return sum->total.count == sum->count;
}

#endif
