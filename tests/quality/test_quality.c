/* Tests of the program `quality`: known answers of the distributions, each test with artificial
 * samples, and the samples compared with the sums. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sums/seed.h"
#include "sums/sum.h"
#include "tests/quality/battery.h"
#include "tests/quality/chances.h"
#include "tests/quality/raw.h"
#include "tests/quality/samples.h"
#include "tests/quality/scores.h"
#include "tests/quality/thread_pool.h"

/* Samples */

static const uint64_t some_blocks[] = {0, 1, 2, UINT64_C(1) << 31, (UINT64_C(1) << 47) - 1};
static int64_t samples[BLOCK_SAMPLES];

static void expect_samples_are_the_sums(const struct kernel *kernel, enum stream_kind kind,
                                        uint64_t seed, uint64_t block)
{
    struct stream stream;
    struct total total = {0};
    stream_init(&stream, seed, kind);
    integer_samples_fill(&stream, block, samples);
    sum_range(kernel, &stream, block * BLOCK_SAMPLES, BLOCK_SAMPLES, &total);
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++)
        total.units -= samples[j];
    cr_expect(total.units == 0, "%s: seed %" PRIu64 ", block %" PRIu64, kernel->name, seed, block);
}

Test(samples, the_samples_of_a_block_add_up_to_every_kernels_sum)
{
    for (const struct kernel *kernel = kernels; kernel->name; kernel++) {
        for (unsigned i = 0; kernel->runs_here() && i < 5; i++) {
            expect_samples_are_the_sums(kernel, STREAM_GAUSSIAN, i, some_blocks[i]);
            expect_samples_are_the_sums(kernel, STREAM_UNIFORM, i, some_blocks[i]);
        }
    }
}

static void expect_sample_is_single_sum(const struct stream *stream, uint64_t block, unsigned j)
{
    struct total total = {0};
    sum_range(kernel_best(), stream, block * BLOCK_SAMPLES + j, 1, &total);
    cr_expect(total.units == samples[j], "block %" PRIu64 ", sample %u", block, j);
}

static void expect_samples_are_single_sums(enum stream_kind kind, uint64_t block)
{
    struct stream stream;
    stream_init(&stream, 0, kind);
    integer_samples_fill(&stream, block, samples);
    for (unsigned i = 0; i < 300; i++)
        expect_sample_is_single_sum(&stream, block, mix(i) % BLOCK_SAMPLES);
    expect_sample_is_single_sum(&stream, block, 0);
    expect_sample_is_single_sum(&stream, block, BLOCK_SAMPLES - 1);
}

Test(samples, each_sample_is_the_sum_of_its_range)
{
    for (unsigned i = 0; i < 5; i++) {
        expect_samples_are_single_sums(STREAM_GAUSSIAN, some_blocks[i]);
        expect_samples_are_single_sums(STREAM_UNIFORM, some_blocks[i]);
    }
}

/* sums/SAMPLER.md has these samples: one of each level, and one of the tail. */
Test(samples, every_level_gives_the_known_samples)
{
    struct stream stream;
    stream_init(&stream, 0, STREAM_GAUSSIAN);
    integer_samples_fill(&stream, 1, samples);
    cr_expect(samples[65536 - BLOCK_SAMPLES] == -815607894271507);
    cr_expect(samples[65540 - BLOCK_SAMPLES] == -146379888725792);
    cr_expect(samples[65652 - BLOCK_SAMPLES] == 64352845764714);
    cr_expect(samples[104820 - BLOCK_SAMPLES] == 1051410511076431);
    integer_samples_fill(&stream, 2, samples);
    cr_expect(samples[178875 - 2 * BLOCK_SAMPLES] == 2685697061237910);
}

/* Distributions */

static void expect_near(double found, double wanted, double error)
{
    cr_expect(fabs(found - wanted) <= error, "%.9g instead of %.9g", found, wanted);
}

Test(chances, normal_and_chi_square_give_the_known_quantiles)
{
    expect_near(normal_p(0), 0.5, 1e-15);
    expect_near(normal_p(1.959963985), 0.025, 1e-9);
    expect_near(normal_p(-1.959963985), 0.975, 1e-9);
    expect_near(chi_square_p(3.841458821, 1), 0.05, 1e-9);
    expect_near(chi_square_p(124.342113, 100), 0.05, 1e-8);
    expect_near(chi_square_p(0, 5), 1, 0);
}

Test(chances, gaussian_bins_add_up_to_one)
{
    double sum = 0;
    for (unsigned i = 0; i < BINS; i++)
        sum += normal_between(gaussian_bin_begin(i), gaussian_bin_begin(i + 1));
    expect_near(sum, 1, 1e-12);
    expect_near(normal_between(-1, 0), 0.341344746068543, 1e-14);
    expect_near(normal_between(6, INFINITY) / 9.865876450e-10, 1, 1e-9);
}

Test(chances, a_rare_count_is_a_poisson_number)
{
    expect_near(count_p(0, 0.01), 1 - exp(-0.01) / 2, 1e-12);
    expect_near(count_p(3, 1), 1 - exp(-1) * (1 + 1 + 0.5 + 1.0 / 12), 1e-12);
    expect_near(count_p(10050, 10000), count_p(10050.2, 10000.2), 2e-3);
}

/* From the series of T. W. Anderson and D. A. Darling (1954), to 30 digits. */
Test(chances, anderson_darling_gives_the_known_probabilities)
{
    expect_near(anderson_darling_p(0.25), 0.9703933, 2e-5);
    expect_near(anderson_darling_p(1), 0.3572667, 2e-5);
    expect_near(anderson_darling_p(2.492), 0.0500222, 1e-5);
    expect_near(anderson_darling_p(5), 0.0028744, 1e-5);
    expect_near(anderson_darling_p(7.999) / anderson_darling_p(8), 1, 0.02);
    expect_near(anderson_darling_p(10) / 1.3815e-5, 1, 0.04);
    expect_near(anderson_darling_p(INFINITY), 0, 0);
}

/* Returns the p-value for a large number of scores. t: the argument of the limit distribution. */
static double kolmogorov_p(double t)
{
    double n = 1e12;
    return kolmogorov_smirnov_p(t / (sqrt(n) + 0.12 + 0.11 / sqrt(n)), n);
}

Test(chances, kolmogorov_smirnov_gives_the_known_quantiles)
{
    expect_near(kolmogorov_p(1.3580986), 0.05, 1e-6);
    expect_near(kolmogorov_p(1.6276236), 0.01, 1e-6);
    expect_near(kolmogorov_p(0.5196103), 0.95, 1e-6);
    expect_near(kolmogorov_p(1 - 1e-9), kolmogorov_p(1 + 1e-9), 1e-8);
}

/* Moments */

Test(moments, expectations_are_those_of_the_distributions)
{
    expect_near(moment_expected(STREAM_GAUSSIAN, 2), 1, 0);
    expect_near(moment_expected(STREAM_GAUSSIAN, 7), 0, 0);
    expect_near(moment_expected(STREAM_GAUSSIAN, 8), 105, 0);
    expect_near(moment_expected(STREAM_GAUSSIAN, 16), 2027025, 0);
    expect_near(moment_expected(STREAM_UNIFORM, 8), 1.0 / 9, 0);
}

Test(moments, a_constant_has_its_powers)
{
    static double values[BLOCK_SAMPLES];
    struct moments moments = {0};
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++)
        values[j] = -1.5;
    moments_add(&moments, values);
    for (unsigned n = 1; n <= MOMENTS; n++)
        expect_near(fixed_value(moments.power_sum[n - 1]) / BLOCK_SAMPLES, pow(-1.5, n), 0);
}

/* Bins */

Test(histogram, bins_are_merged_until_enough_is_expected)
{
    const uint64_t count[] = {20, 30, 60, 100, 10, 20};
    const double expected[] = {25, 25, 50, 100, 10, 30};
    struct chi_square chi = chi_square_over_bins(count, expected, 6);
    cr_expect(chi.freedom == 2, "the last two join the fourth");
    expect_near(chi.statistic, 0 + 2 + 100.0 / 140, 1e-12);
    expect_near(chi.worst_z, 10 / sqrt(50), 1e-12);
}

Test(histogram, gaussian_bins_have_the_stated_width)
{
    const int64_t width = INT64_C(1) << 40;
    cr_expect(gaussian_bin(0) == BINS / 2);
    cr_expect(gaussian_bin(-1) == BINS / 2 - 1);
    cr_expect(gaussian_bin(width) == BINS / 2 + 1);
    cr_expect(gaussian_bin(BINS * width) == BINS - 1);
    cr_expect(gaussian_bin(-BINS * width) == 0);
    expect_near(gaussian_bin_begin(BINS / 2 + 3), 3 * BIN_WIDTH, 0);
}

/* Pairs */

static struct column ones, others;
static const double even[CELLS] = {
    0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625,
    0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625,
};

/* Makes every pair of cells equally frequent. */
static void fill_independent(void)
{
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++) {
        ones.cell[j] = j % CELLS;
        others.cell[j] = j / CELLS % CELLS;
        ones.value[j] = j % 2 ? 1 : -1;
        others.value[j] = j / 2 % 2 ? 1 : -1;
    }
}

Test(pairs, independent_columns_show_no_dependence)
{
    struct pairs pairs = {0};
    fill_independent();
    pairs_add(&pairs, &ones, &others, 0);
    expect_near(pairs_chi_square(&pairs, (struct margins){even, even}), 0, 1e-6);
    expect_near(pairs_z(&pairs), 0, 0);
}

Test(pairs, a_deviation_of_one_column_alone_is_no_dependence)
{
    struct pairs pairs = {0};
    fill_independent();
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++)
        ones.cell[j] &= ~1;
    pairs_add(&pairs, &ones, &others, 0);
    expect_near(pairs_chi_square(&pairs, (struct margins){even, even}), 0, 1e-6);
}

Test(pairs, a_column_depends_on_itself)
{
    struct pairs pairs = {0};
    fill_independent();
    pairs_add(&pairs, &ones, &ones, 0);
    expect_near(pairs_chi_square(&pairs, (struct margins){even, even}), 15.0 * BLOCK_SAMPLES, 1);
    expect_near(pairs_z(&pairs), 256, 0);
}

Test(pairs, a_distance_shifts_the_second_column)
{
    struct pairs pairs = {0};
    fill_independent();
    pairs_add(&pairs, &ones, &ones, 1);
    cr_expect(pairs.pairs == BLOCK_SAMPLES - 1);
    cr_expect(pairs.count[0][1] == BLOCK_SAMPLES / CELLS && pairs.count[1][0] == 0);
    expect_near(fixed_value(pairs.products), 1.0 - BLOCK_SAMPLES, 0);
}

Test(column, uniform_samples_are_standard_scores_after_any_shift)
{
    samples[0] = 0;
    samples[1] = INT64_C(1) << 52 | INT64_C(1) << 40;
    column_uniform(&ones, samples, 0);
    expect_near((double)ones.value[0], -sqrt(3), 1e-6);
    expect_near((double)ones.value[1], 0, 1e-3);
    cr_expect(ones.cell[0] == 0 && ones.cell[1] == CELLS / 2);
    column_uniform(&ones, samples, 12);
    expect_near((double)ones.value[1], 0, 0);
    cr_expect(ones.cell[1] == CELLS / 2);
}

Test(column, gaussian_cells_have_about_the_same_probability)
{
    struct cells cells;
    double sum = 0;
    cells_init(&cells);
    for (unsigned i = 0; i < CELLS; i++) {
        expect_near(cells.gaussian[i], 1.0 / CELLS, 1e-3);
        sum += cells.gaussian[i];
    }
    expect_near(sum, 1, 1e-12);
}

/* Scores */

#define SCORES 10000

/* Makes the scores of a perfect sample: the middle of each of SCORES equal shares, by bisection.
 * Adds `shift` to each. */
static void fill_scores(double *scores, double shift)
{
    for (int i = 0; i < SCORES; i++) {
        double low = -10, high = 10;
        for (int k = 0; k < 60; k++) {
            double middle = (low + high) / 2;
            *(normal_p(-middle) < (i + 0.5) / SCORES ? &low : &high) = middle;
        }
        scores[i] = low + shift;
    }
}

Test(scores, a_perfect_sample_has_the_smallest_distance)
{
    static double scores[SCORES];
    fill_scores(scores, 0);
    expect_near(kolmogorov_smirnov_distance(scores, SCORES), 0.5 / SCORES, 1e-12);
    cr_expect(anderson_darling_square(scores, SCORES) < 0.01);
    cr_expect(anderson_darling_p(anderson_darling_square(scores, SCORES)) > 1 - 1e-9);
}

Test(scores, a_shift_by_a_tenth_is_detected)
{
    static double scores[SCORES];
    fill_scores(scores, 0.1);
    double distance = kolmogorov_smirnov_distance(scores, SCORES);
    expect_near(distance, 0.5 - normal_p(0.05) + 0.5 - normal_p(0.05), 1e-4);
    cr_expect(kolmogorov_smirnov_p(distance, SCORES) < 1e-9);
    cr_expect(anderson_darling_p(anderson_darling_square(scores, SCORES)) < 1e-9);
}

/* Findings */

static unsigned failures_of(double p, unsigned others_passing)
{
    struct findings findings = {0};
    findings_add(&findings, p, "this: z = 0");
    for (unsigned i = 0; i < others_passing; i++)
        findings_add(&findings, 0.5, "other: z = 0");
    return findings_failures(&findings);
}

Test(findings, all_findings_share_the_false_alarm)
{
    cr_expect(failures_of(6e-7, 0) == 0);
    cr_expect(failures_of(4e-7, 0) == 1);
    cr_expect(failures_of(4e-7, 99) == 0);
    cr_expect(failures_of(4e-9, 99) == 1);
}

Test(findings, better_than_chance_fails_too)
{
    cr_expect(failures_of(1 - 4e-7, 0) == 1);
    cr_expect(failures_of(1, 99) == 1);
    cr_expect(failures_of(1 - 6e-9, 99) == 0);
    cr_expect(failures_of(NAN, 0) == 1);
}

/* Battery and threads */

Test(battery, any_distribution_of_chunks_gives_the_same_counts)
{
    struct battery *whole = battery_new(), *one = battery_new(), *two = battery_new();
    cr_assert(battery_add_chunk(whole, 5, 0) && battery_add_chunk(whole, 5, 1));
    cr_assert(battery_add_chunk(one, 5, 1) && battery_add_chunk(two, 5, 0));
    battery_merge(one, two);
    cr_expect(memcmp(whole, one, sizeof *whole) == 0);
    cr_expect(whole->gaussian.moments.count == 2 * CHUNK_SAMPLES);
    battery_destroy(&whole);
    battery_destroy(&one);
    battery_destroy(&two);
}

#define ITEMS 1000

static unsigned char times_done[ITEMS];

static bool note_item(void *context, unsigned thread, uint64_t item)
{
    cr_expect(context == times_done && thread < 5);
    times_done[item]++;
    return true;
}

static bool fail_at_seven(void *context, unsigned thread, uint64_t item)
{
    (void)context;
    (void)thread;
    return item != 7;
}

static void no_progress(uint64_t done, uint64_t items)
{
    cr_expect(done <= items);
}

Test(thread_pool, every_item_is_done_once)
{
    cr_expect(thread_pool_run(5, ITEMS, note_item, times_done, no_progress));
    for (unsigned i = 0; i < ITEMS; i++)
        cr_expect(times_done[i] == 1);
}

Test(thread_pool, an_item_that_fails_stops_the_pool)
{
    cr_expect(!thread_pool_run(3, ITEMS, fail_at_seven, NULL, no_progress));
}

/* Raw bits */

/* Returns at least `wanted` bytes of a stream; the caller frees them. */
static void *raw_bytes(const char *name, size_t wanted)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);
    cr_assert(file);
    cr_assert(raw_write(name, 0, wanted, file));
    fclose(file);
    cr_assert(size >= wanted);
    return bytes;
}

/* sums/SAMPLER.md has these outputs. */
Test(raw, outputs_begin_with_the_known_bits)
{
    uint64_t *bits = raw_bytes("bits", 8), *gaussian_bits = raw_bytes("gaussian-bits", 8);
    cr_expect(bits[0] == UINT64_C(0xff9a3fdd2b63c202));
    cr_expect(gaussian_bits[0] == UINT64_C(0xfaa939712c675194));
    free(bits);
    free(gaussian_bits);
}

/* The first gaussian sample of seed 0 is 56687972821282 * 2^-49. */
Test(raw, samples_become_words_of_their_probabilities)
{
    uint32_t *uniform = raw_bytes("uniform", 1 << 20), *gaussian = raw_bytes("gaussian", 4);
    cr_expect(uniform[0] == 0xff9a3fdd);
    expect_near(gaussian[0] * 0x1p-32, normal_p(-56687972821282 * 0x1p-49), 0x1p-32);
    free(uniform);
    free(gaussian);
}

Test(raw, an_unknown_stream_is_rejected)
{
    cr_expect(raw_known("gaussian"));
    cr_expect(!raw_known("nonsense"));
}
