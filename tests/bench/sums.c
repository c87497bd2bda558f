/* Measures the kernels of this machine, for tests/bench/sums.py. By hand:
 *
 *     bench_sums </dev/null                 lists the contestants
 *     echo 0 1048576 | bench_sums           runs the first contestant, also under perf or callgrind
 */
#include <assert.h>
#include <stddef.h>

#include "sums/sum.h"
#include "tests/bench/contest.h"

#define CONTESTANTS_MAX 32
#define STEPS_UNROLLED  16

/* One kind of sample with one kernel. */
struct subject {
    const struct kernel *kernel;
    struct stream stream;
    uint64_t next; /* number of the first sample of the next round */
};

struct entrants {
    struct contestant contestants[CONTESTANTS_MAX];
    struct subject subjects[CONTESTANTS_MAX];
    int count;
};

static double subject_sum(void *state, uint64_t samples)
{
    struct subject *subject = state;
    struct total total = {0};
    sum_range(subject->kernel, &subject->stream, subject->next, samples, &total);
    subject->next += samples;
    return total_value(total.units, stream_unit_log2(subject->stream.kind));
}

static void entrants_add(struct entrants *entrants, const struct kernel *kernel,
                         enum stream_kind kind)
{
    assert(entrants->count < CONTESTANTS_MAX);
    int i = entrants->count++;
    struct subject *subject = &entrants->subjects[i];
    subject->kernel = kernel;
    stream_init(&subject->stream, 1, kind);
    entrants->contestants[i] = (struct contestant){
        .kind = kind == STREAM_GAUSSIAN ? "gaussian" : "uniform",
        .name = kernel->name,
        .made_with = CONTEST_COMPILER,
        .sum = subject_sum,
        .state = subject,
    };
}

/* The empty asm prevents the compiler from computing the additions at compile time. */
#define KEEP(x) __asm__ volatile("" : "+r"(x))

/* Each addition waits for the one before, and takes one cycle on every core that we know.
 * samples: number of additions. */
static double clock_chain(void *state, uint64_t samples)
{
    (void)state;
    uint64_t sum = 0, step = 1;
    for (uint64_t n = 0; n < samples; n += STEPS_UNROLLED)
#pragma GCC unroll 16
        for (int i = 0; i < STEPS_UNROLLED; i++) {
            sum += step;
            KEEP(sum);
            KEEP(step);
        }
    return (double)sum;
}

/* Four chains at the same time. A core that adds four numbers a cycle needs hardly more time for
 * four chains than for one, unless it also runs another thread. */
static double clock_four_chains(void *state, uint64_t samples)
{
    (void)state;
    uint64_t a = 0, b = 0, c = 0, d = 0, step = 1;
    for (uint64_t n = 0; n < samples; n += STEPS_UNROLLED)
#pragma GCC unroll 16
        for (int i = 0; i < STEPS_UNROLLED; i++) {
            a += step, b += step, c += step, d += step;
            KEEP(a);
            KEEP(b);
            KEEP(c);
            KEEP(d);
            KEEP(step);
        }
    return (double)(a + b + c + d);
}

int main(void)
{
    static struct entrants entrants = {
        .contestants = {{"clock", "one chain", "additions", clock_chain, NULL},
                        {"clock", "four chains", "additions", clock_four_chains, NULL}},
        .count = 2,
    };
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        if (kernel->runs_here()) {
            entrants_add(&entrants, kernel, STREAM_GAUSSIAN);
            entrants_add(&entrants, kernel, STREAM_UNIFORM);
        }
    return contest_serve(entrants.contestants, entrants.count);
}
