/* The local work: a sum of uniform samples, done in slices. One thread. */
#ifndef MEANTIME_CLIENT_LESSON_LOCAL_SUM_H
#define MEANTIME_CLIENT_LESSON_LOCAL_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/pacing.h"
#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* count: samples to sum, from the stream's first on; `total` holds how many it has and their sum.
 * Instants are clock_ns(): of the sum, of the last slice so far (which ended at ended_at_ns), and
 * of the last look. */
struct local_sum {
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
void local_sum_init(struct local_sum *sum, const struct kernel *kernel, uint64_t seed,
                    uint64_t count, int64_t slice_ns, bool stretch);

/* Starts its time. */
void local_sum_begin(struct local_sum *sum);

/* Sums as many samples as take about slice_ns, in whole blocks. */
void local_sum_slice(struct local_sum *sum);

/* A look for something else, between two slices, has ended. */
void local_sum_looked(struct local_sum *sum, int64_t began_at_ns);

static inline bool local_sum_done(const struct local_sum *sum)
{
    return sum->total.count == sum->count;
}

#endif
