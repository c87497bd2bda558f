/* The program `quality`, which tests the samples. See sums/QUALITY.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/quantity.h"
#include "sums/kernel.h"
#include "tests/quality/battery.h"
#include "tests/quality/options.h"
#include "tests/quality/raw.h"
#include "tests/quality/scores.h"
#include "tests/quality/thread_pool.h"

#define SERIES_BLOCKS 4096 /* consecutive blocks of one seed */

/* Prints the progress only on a terminal. */
static void show_progress(uint64_t done, uint64_t items)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%3.0f %%%s", 100.0 * (double)done / (double)items,
                done == items ? "\r     \r" : "");
}

static int complain(const char *what)
{
    fprintf(stderr, "quality: %s\n", what);
    return EXIT_FAILURE;
}

/* Samples */

struct sampling {
    uint64_t seed;
    struct battery **batteries; /* one for each thread */
};

static bool sample_chunk(void *context, unsigned thread, uint64_t item)
{
    struct sampling *sampling = context;
    return battery_add_chunk(sampling->batteries[thread], sampling->seed, item);
}

static bool batteries_init(struct battery **batteries, unsigned threads)
{
    for (unsigned i = 0; i < threads; i++) {
        batteries[i] = battery_new();
        if (!batteries[i])
            return false;
    }
    return true;
}

/* Merges the counts of all threads into batteries[0]. */
static bool test_samples(const struct quality_options *options, struct battery **batteries)
{
    struct sampling sampling = {options->seed, batteries};
    uint64_t chunks = (options->samples - 1) / CHUNK_SAMPLES + 1;
    if (!batteries_init(batteries, options->threads) ||
        !thread_pool_run(options->threads, chunks, sample_chunk, &sampling, show_progress))
        return false;
    for (unsigned i = 1; i < options->threads; i++)
        battery_merge(batteries[0], batteries[i]);
    return true;
}

/* Sums */

struct summing {
    uint64_t seed, count;
    enum stream_kind kind;
    double *scores;
};

/* Computes one series of scores: the blocks from 0 on of one seed. */
static bool sum_series(void *context, unsigned thread, uint64_t item)
{
    (void)thread;
    struct summing *summing = context;
    struct stream stream;
    stream_init(&stream, summing->seed + item, summing->kind);
    uint64_t first = item * SERIES_BLOCKS;
    for (uint64_t i = 0; i < SERIES_BLOCKS && first + i < summing->count; i++)
        summing->scores[first + i] = block_score(&stream, i);
    return true;
}

static bool test_sums(const struct quality_options *options, enum stream_kind kind,
                      struct findings *findings)
{
    struct summing summing = {options->seed, options->sums, kind,
                              calloc(options->sums, sizeof(double))};
    uint64_t series = (options->sums - 1) / SERIES_BLOCKS + 1;
    bool ok = summing.scores &&
              thread_pool_run(options->threads, series, sum_series, &summing, show_progress);
    if (ok)
        scores_report(summing.scores, summing.count, kind, findings);
    free(summing.scores);
    return ok;
}

/* The whole program */

static void print_head(const struct quality_options *options, const struct battery *battery)
{
    char samples[COUNT_TEXT_BYTES], sums[COUNT_TEXT_BYTES];
    count_print(battery->gaussian.moments.count, samples);
    count_print(options->sums, sums);
    printf("%s samples and %s sums of blocks of each kind, seeds from %" PRIu64
           " on, kernel %s.\n\n",
           samples, sums, options->seed, kernel_best()->name);
}

/* Returns the exit code. */
static int print_findings(const struct quality_options *options, const struct battery *battery,
                          const struct findings *findings)
{
    unsigned failures = findings_failures(findings);
    char blocks[COUNT_TEXT_BYTES], differing[COUNT_TEXT_BYTES];
    print_head(options, battery);
    findings_print(findings, options->markdown, stdout);
    printf("\n%u tests, %u failed. A test fails when its p is within %.2g of 0 or 1.\n",
           findings->count, failures, FALSE_ALARM / findings->count / 2);
    printf("The samples of %s blocks add up to the kernel's sums, those of %s do not.\n",
           count_print(battery->blocks - battery->blocks_differing, blocks),
           count_print(battery->blocks_differing, differing));
    return failures || battery->blocks_differing ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool run_tests(const struct quality_options *options, struct battery **batteries,
                      struct findings *findings)
{
    if (!test_samples(options, batteries))
        return false;
    battery_report(batteries[0], findings);
    return test_sums(options, STREAM_GAUSSIAN, findings) &&
           test_sums(options, STREAM_UNIFORM, findings);
}

static int test(const struct quality_options *options)
{
    struct findings findings = {0};
    struct battery **batteries = calloc(options->threads, sizeof *batteries);
    int exit_code;
    if (batteries && run_tests(options, batteries, &findings))
        exit_code = print_findings(options, batteries[0], &findings);
    else
        exit_code = complain("there is no memory, or the system starts no thread");
    for (unsigned i = 0; batteries && i < options->threads; i++)
        battery_destroy(&batteries[i]);
    free(batteries);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct quality_options options;
    quality_options_parse(&options, argc, argv);
    if (!options.raw)
        return test(&options);
    if (!raw_write(options.raw, options.seed, options.bytes, stdout))
        return complain("cannot write to stdout");
    return EXIT_SUCCESS;
}
