/* Counts samples in bins and compares the counts with the distribution. */
#include "tests/quality/histogram.h"

#include <math.h>

#include "tests/quality/chances.h"
#include "tests/quality/kinds.h"

#define FAR 4 /* standard deviations: the bins "beyond 4" begin here */

/* The first and last beginning of the tails counted, in halves of a standard deviation. */
#define TAIL_FIRST 6
#define TAIL_LAST  13

void histogram_add(struct histogram *histogram, enum stream_kind kind, const int64_t *samples)
{
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++) {
        int64_t q = samples[j];
        histogram->bins[kind == STREAM_GAUSSIAN ? gaussian_bin(q) : q >> 41]++;
        histogram->low[q & (LOW_BINS - 1)]++;
    }
    histogram->count += BLOCK_SAMPLES;
}

void histogram_merge(struct histogram *into, const struct histogram *part)
{
    for (unsigned i = 0; i < BINS; i++)
        into->bins[i] += part->bins[i];
    for (unsigned i = 0; i < LOW_BINS; i++)
        into->low[i] += part->low[i];
    into->count += part->count;
}

double gaussian_bin_begin(unsigned bin)
{
    if (bin == 0)
        return -INFINITY;
    return bin >= BINS ? INFINITY : ((double)bin - BINS / 2) * BIN_WIDTH;
}

static void chi_square_add(struct chi_square *chi, double found, double expected)
{
    double deviation = found - expected;
    double p = count_p(found, expected);
    double both = 2 * fmin(p, 1 - p);
    chi->statistic += deviation * deviation / expected;
    chi->freedom++;
    if (both < chi->worst_p) {
        chi->worst_p = both;
        chi->worst_z = deviation / sqrt(expected);
    }
}

/* The last merged bin gets the rest, so that no bin is lost. */
struct chi_square chi_square_over_bins(const uint64_t *count, const double *expected, unsigned bins)
{
    struct chi_square chi = {.worst_p = 1};
    double rest = 0, wanted = 0, found = 0;
    for (unsigned i = 0; i < bins; i++)
        rest += expected[i];
    for (unsigned i = 0; i < bins; i++) {
        wanted += expected[i];
        found += (double)count[i];
        rest -= expected[i];
        if (i + 1 < bins && (wanted < CHI_SQUARE_LEAST || rest < CHI_SQUARE_LEAST))
            continue;
        chi_square_add(&chi, found, wanted);
        wanted = found = 0;
    }
    chi.freedom--;
    return chi;
}

static void report_chi_square(struct findings *findings, enum stream_kind kind, const char *what,
                              struct chi_square chi)
{
    double worst_p = -expm1((chi.freedom + 1) * log1p(-chi.worst_p));
    findings_add(findings, chi_square_p(chi.statistic, chi.freedom),
                 "%s %s: chi-square = %.1f / %u", kind_name(kind), what, chi.statistic,
                 chi.freedom);
    findings_add(findings, worst_p, "%s %s, worst: z = %.2f", kind_name(kind), what, chi.worst_z);
}

/* Returns chi-square over gaussian bins that are `width` bins wide. All bins nearer to 0 than
 * `from` are one bin. */
static struct chi_square gaussian_chi_square(const struct histogram *histogram, unsigned width,
                                             double from)
{
    uint64_t count[BINS];
    double expected[BINS];
    unsigned bins = 0;
    bool open = false; /* true: the last bin continues */
    for (unsigned i = 0; i < BINS; i++) {
        double begin = gaussian_bin_begin(i), end = gaussian_bin_begin(i + 1);
        if (!open)
            count[bins] = 0, expected[bins] = 0, bins++;
        count[bins - 1] += histogram->bins[i];
        expected[bins - 1] += normal_between(begin, end) * (double)histogram->count;
        open = (i + 1) % width != 0 || (end > -from && end < from);
    }
    return chi_square_over_bins(count, expected, bins);
}

/* Counts samples with |x| >= limit. limit: a border of bins. */
static void report_tail(const struct histogram *histogram, double limit, struct findings *findings)
{
    double expected = 2 * normal_between(limit, INFINITY) * (double)histogram->count;
    uint64_t count = 0;
    for (unsigned i = 0; i < BINS; i++)
        if (gaussian_bin_begin(i) >= limit || gaussian_bin_begin(i + 1) <= -limit)
            count += histogram->bins[i];
    findings_add(findings, count_p((double)count, expected),
                 "gaussian beyond %.1f: %.0f of %.1f expected", limit, (double)count, expected);
}

static void report_gaussian(const struct histogram *histogram, struct findings *findings)
{
    report_chi_square(findings, STREAM_GAUSSIAN, "bins of 2^-9",
                      gaussian_chi_square(histogram, 1, 0));
    report_chi_square(findings, STREAM_GAUSSIAN, "bins of 2^-6",
                      gaussian_chi_square(histogram, 8, 0));
    report_chi_square(findings, STREAM_GAUSSIAN, "bins of 2^-3",
                      gaussian_chi_square(histogram, 64, 0));
    report_chi_square(findings, STREAM_GAUSSIAN, "bins of 2^-6 beyond 4",
                      gaussian_chi_square(histogram, 8, FAR));
    for (int half = TAIL_FIRST; half <= TAIL_LAST; half++)
        report_tail(histogram, half / 2.0, findings);
}

static struct chi_square even_chi_square(const uint64_t *count, unsigned bins, uint64_t all)
{
    double expected[BINS];
    for (unsigned i = 0; i < bins; i++)
        expected[i] = (double)all / bins;
    return chi_square_over_bins(count, expected, bins);
}

void histogram_report(const struct histogram *histogram, enum stream_kind kind,
                      struct findings *findings)
{
    if (kind == STREAM_GAUSSIAN)
        report_gaussian(histogram, findings);
    else
        report_chi_square(findings, kind, "bins of 2^-12",
                          even_chi_square(histogram->bins, UNIFORM_BINS, histogram->count));
    report_chi_square(findings, kind, "12 lowest bits",
                      even_chi_square(histogram->low, LOW_BINS, histogram->count));
}
