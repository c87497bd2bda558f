/* The task uniform_sum: computes slices and measures the looks between them. */
#include "client/lesson/uniform_sum.h"

#include "client/lib/clock.h"
#include "sums/sum.h"

void uniform_sum_init(struct uniform_sum *sum, const struct kernel *kernel, uint64_t seed,
                      uint64_t count, int64_t slice_ns, bool lengthen)
{
    *sum = (struct uniform_sum){.kernel = kernel, .count = count, .lengthen = lengthen};
    stream_init(&sum->stream, seed, STREAM_UNIFORM);
    pacing_init(&sum->pacing, slice_ns);
}

void uniform_sum_begin(struct uniform_sum *sum)
{
    sum->began_at_ns = sum->ended_at_ns = clock_ns();
}

void uniform_sum_slice(struct uniform_sum *sum)
{
    uint64_t blocks = pacing_units(&sum->pacing);
    uint64_t count = blocks * BLOCK_SAMPLES;
    uint64_t left = sum->count - sum->total.count;

    sum->slice_began_at_ns = clock_ns();
    sum_range(sum->kernel, &sum->stream, sum->total.count, count < left ? count : left,
              &sum->total);
    sum->ended_at_ns = clock_ns();
    int64_t slice_ns = sum->ended_at_ns - sum->slice_began_at_ns;
    if (count <= left)
        pacing_measured(&sum->pacing, blocks, slice_ns);
    if (slice_ns > sum->slice_ns_max)
        sum->slice_ns_max = slice_ns;
    sum->slices++;
}

void uniform_sum_look_begin(struct uniform_sum *sum)
{
    sum->look_began_at_ns = clock_ns();
}

void uniform_sum_look_end(struct uniform_sum *sum)
{
    sum->look_ended_at_ns = clock_ns();
    int64_t look_ns = sum->look_ended_at_ns - sum->look_began_at_ns;
    sum->looks++;
    sum->look_ns += look_ns;
    if (sum->lengthen)
        pacing_looked(&sum->pacing, look_ns);
}
