/* The task uniform_sum: the client's own work, a sum of uniform samples, computed in slices. */
#ifndef MEANTIME_CLIENT_LESSON_UNIFORM_SUM_H
#define MEANTIME_CLIENT_LESSON_UNIFORM_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/pacing.h"
#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* Points in time are by clock_ns(); 0: not yet. */
struct uniform_sum {
    const struct kernel *kernel;
    struct stream stream;
    struct pacing pacing;      /* its unit is a block */
    uint64_t count;            /* samples to sum, from sample 0 of the stream */
    struct total total;        /* of the samples that are summed so far */
    int64_t began_at_ns;       /* when the sum began */
    int64_t ended_at_ns;       /* when the last slice so far ended */
    int64_t slice_began_at_ns; /* when that slice began */
    int64_t look_began_at_ns;  /* when the last look so far began */
    int64_t look_ended_at_ns;  /* when that look ended */
    uint64_t slices;           /* computed so far */
    int64_t slice_ns_max;      /* the longest slice so far */
    uint64_t looks;            /* made so far */
    int64_t look_ns;           /* all looks so far together */
    bool lengthen;             /* if looks are expensive, make slices longer */
};

/* count: samples to sum. slice_ns: wanted length of a slice; 0: one block. lengthen: if looks take
 * more than 0.05 % of the time, make slices longer than slice_ns. */
void uniform_sum_init(struct uniform_sum *sum, const struct kernel *kernel, uint64_t seed,
                      uint64_t count, int64_t slice_ns, bool lengthen);

/* Notes the time at which the sum begins. */
void uniform_sum_begin(struct uniform_sum *sum);

/* Computes one slice: whole blocks that take about slice_ns, or all remaining samples. */
void uniform_sum_slice(struct uniform_sum *sum);

/* Measure a look, which is made between two slices. */
void uniform_sum_look_begin(struct uniform_sum *sum);
void uniform_sum_look_end(struct uniform_sum *sum);

static inline bool uniform_sum_done(const struct uniform_sum *sum)
{
    return sum->total.count == sum->count;
}

#endif
