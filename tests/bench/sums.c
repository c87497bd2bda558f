/* How fast one core sums samples, with every kernel that runs here.
 *
 *     bench_sums [ROUNDS]
 *
 * Other programs and the processor's clock disturb a measurement. So the kernels take turns, round
 * by round, and the median round is shown with the slowest and the fastest one: compare two kernels
 * only if their spreads do not overlap. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "sums/sum.h"

#define SUBJECTS_MAX   16
#define ROUNDS_MAX     1000
#define ROUNDS_DEFAULT 15
#define ROUND_NS       30000000 /* long against a scheduler's slice, short enough to take turns */
#define TRIAL_BLOCKS   64
#define NS_PER_S       1000000000

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* Of a round: nanoseconds and ticks for each sample. */
struct cost {
    double ns, ticks;
};

/* What is measured: one kind of sample with one kernel. */
struct subject {
    const struct kernel *kernel;
    struct stream stream;
    uint64_t next, samples; /* where the next round starts, and how many samples it has */
    struct cost costs[ROUNDS_MAX];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The time stamp counter ticks at the processor's nominal frequency, whatever the core does. */
#if defined(__x86_64__)
#define TICKS "cycles"
static uint64_t now_ticks(void)
{
    return __rdtsc();
}
#else
#define TICKS "ns"
static uint64_t now_ticks(void)
{
    return (uint64_t)now_ns();
}
#endif

static struct cost subject_round(struct subject *subject)
{
    struct total total = {0};
    int64_t ns = now_ns();
    uint64_t ticks = now_ticks();
    sum_range(subject->kernel, &subject->stream, subject->next, subject->samples, &total);
    ticks = now_ticks() - ticks;
    ns = now_ns() - ns;
    subject->next += subject->samples;
    return (struct cost){(double)ns / (double)total.count, (double)ticks / (double)total.count};
}

/* Finds how many samples make a round; this warms up the core as well. */
static void subject_init(struct subject *subject, const struct kernel *kernel,
                         enum stream_kind kind)
{
    subject->kernel = kernel;
    stream_init(&subject->stream, 1, kind);
    subject->next = 0;
    subject->samples = TRIAL_BLOCKS * BLOCK_SAMPLES;
    double ns = subject_round(subject).ns;
    subject->samples = ((uint64_t)(ROUND_NS / ns) / BLOCK_SAMPLES + 1) * BLOCK_SAMPLES;
}

static int subjects_init(struct subject *subjects)
{
    int count = 0;
    for (const struct kernel *kernel = kernels; kernel->name; kernel++) {
        if (!kernel->runs_here() || count + 2 > SUBJECTS_MAX)
            continue;
        subject_init(&subjects[count++], kernel, STREAM_GAUSSIAN);
        subject_init(&subjects[count++], kernel, STREAM_UNIFORM);
    }
    return count;
}

static int compare_costs(const void *left, const void *right)
{
    double a = ((const struct cost *)left)->ns, b = ((const struct cost *)right)->ns;
    return (a > b) - (a < b);
}

static void print_processor(void)
{
    char line[256];
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info && fgets(line, sizeof line, info)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        printf("processor  %s", colon + 2);
        break;
    }
    if (info)
        fclose(info);
}

static void print_conditions(int rounds)
{
    print_processor();
    printf("cores      %ld, of which one is used\n", sysconf(_SC_NPROCESSORS_ONLN));
    printf("compiler   " COMPILER "\n");
    printf("rounds     %d of %d ms for each line, by turns\n\n", rounds, ROUND_NS / 1000000);
}

static void print_heads(void)
{
    printf("                        million samples a second         %s a sample\n", TICKS);
    printf("kernel     samples      median  slowest  fastest    median    best   worst\n");
}

static void print_subject(struct subject *subject, int rounds)
{
    qsort(subject->costs, (size_t)rounds, sizeof *subject->costs, compare_costs);
    const struct cost *best = &subject->costs[0];
    const struct cost *median = &subject->costs[rounds / 2];
    const struct cost *worst = &subject->costs[rounds - 1];
    printf("%-10s %-10s %8.0f %8.0f %8.0f  %8.3f%8.3f%8.3f\n", subject->kernel->name,
           subject->stream.kind == STREAM_GAUSSIAN ? "gaussian" : "uniform", 1e3 / median->ns,
           1e3 / worst->ns, 1e3 / best->ns, median->ticks, best->ticks, worst->ticks);
}

/* 0 if the text is not a number of rounds. */
static int parse_rounds(const char *text)
{
    char *end;
    long rounds = strtol(text, &end, 10);
    return *end || rounds < 1 || rounds > ROUNDS_MAX ? 0 : (int)rounds;
}

int main(int argc, char **argv)
{
    static struct subject subjects[SUBJECTS_MAX];
    int rounds = argc > 1 ? parse_rounds(argv[1]) : ROUNDS_DEFAULT;
    if (argc > 2 || rounds == 0) {
        fprintf(stderr, "usage: bench_sums [ROUNDS]   (1 to %d)\n", ROUNDS_MAX);
        return 2;
    }
    print_conditions(rounds);
    int count = subjects_init(subjects);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            subjects[i].costs[round] = subject_round(&subjects[i]);
    print_heads();
    for (int i = 0; i < count; i++)
        print_subject(&subjects[i], rounds);
    return 0;
}
