/* Measures the kernels of this machine, for tests/bench/sums.py. By hand:
 *
 *     bench_sums </dev/null                 lists the contestants
 *     echo 0 1048576 | bench_sums           runs the first contestant, also under perf or callgrind
 */
#include <assert.h>
#include <stddef.h>

#include "sums/samples.h"
#include "sums/sum.h"
#include "tests/bench/contest.h"

#define CONTESTANTS_MAX 40
#define STEPS_UNROLLED  16
#define FAR             (UINT64_C(1) << 62) /* number of a sample */

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

static double filled[BLOCK_SAMPLES] __attribute__((aligned(64)));

/* Writes the samples to an array block by block. */
static double subject_fill(void *state, uint64_t samples)
{
    struct subject *subject = state;
    double sum = 0;
    for (uint64_t n = 0; n < samples; n += BLOCK_SAMPLES, subject->next += BLOCK_SAMPLES)
        samples_fill(subject->kernel, &subject->stream, subject->next, BLOCK_SAMPLES, filled);
    for (int i = 0; i < BLOCK_SAMPLES; i++)
        sum += filled[i];
    return sum;
}

/* Writes one block, and then squares the array as a user's code does: compiled for SSE2 on
 * x86-64. It is slow if the kernel has left the vector registers dirty. */
static double subject_user_code(void *state, uint64_t samples)
{
    struct subject *subject = state;
    double squares = 0;
    samples_fill(subject->kernel, &subject->stream, subject->next, BLOCK_SAMPLES, filled);
    for (uint64_t n = 0; n < samples; n += BLOCK_SAMPLES) {
        squares = 0;
        for (int i = 0; i < BLOCK_SAMPLES; i++)
            squares += filled[i] * filled[i];
        __asm__ volatile("" : : "m"(squares) : "memory");
    }
    return squares;
}

static void entrants_add(struct entrants *entrants, const struct kernel *kernel,
                         enum stream_kind kind, const char *contest, uint64_t first,
                         double (*sum)(void *state, uint64_t samples))
{
    assert(entrants->count < CONTESTANTS_MAX);
    int i = entrants->count++;
    struct subject *subject = &entrants->subjects[i];
    subject->kernel = kernel;
    subject->next = first;
    stream_init(&subject->stream, 1, kind);
    entrants->contestants[i] = (struct contestant){
        .kind = contest,
        .name = first ? "best at 2^62" : kernel->name,
        .made_with = CONTEST_COMPILER,
        .sum = sum,
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
            entrants_add(&entrants, kernel, STREAM_GAUSSIAN, "gaussian", 0, subject_sum);
            entrants_add(&entrants, kernel, STREAM_UNIFORM, "uniform", 0, subject_sum);
            entrants_add(&entrants, kernel, STREAM_GAUSSIAN, "gaussian fill", 0, subject_fill);
            entrants_add(&entrants, kernel, STREAM_UNIFORM, "uniform fill", 0, subject_fill);
            entrants_add(&entrants, kernel, STREAM_GAUSSIAN, "code after a fill", 0,
                         subject_user_code);
        }
    entrants_add(&entrants, kernel_best(), STREAM_GAUSSIAN, "gaussian fill", FAR, subject_fill);
    entrants_add(&entrants, kernel_best(), STREAM_UNIFORM, "uniform fill", FAR, subject_fill);
    return contest_serve(entrants.contestants, entrants.count);
}
