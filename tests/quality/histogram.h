/* Counts of samples in bins, compared with the distribution. */
#ifndef MEANTIME_TESTS_QUALITY_HISTOGRAM_H
#define MEANTIME_TESTS_QUALITY_HISTOGRAM_H

#include <stdint.h>

#include "sums/stream.h"
#include "tests/quality/findings.h"

/* Gaussian bins are 2^-9 wide, from -8 to 8. The outermost bins also have all samples beyond. */
#define BIN_WIDTH    0x1p-9
#define BINS         8192
#define UNIFORM_BINS 4096 /* bins of the 12 highest bits */
#define LOW_BINS     4096 /* bins of the 12 lowest bits, for both kinds */

/* {0} is empty. */
struct histogram {
    uint64_t bins[BINS];
    uint64_t low[LOW_BINS];
    uint64_t count;
};

/* samples: BLOCK_SAMPLES samples, in the unit of the kind. */
void histogram_add(struct histogram *histogram, enum stream_kind kind, const int64_t *samples);
void histogram_merge(struct histogram *into, const struct histogram *part);

/* Adds findings over all bins, over wider bins, over the bins beyond 4 alone, and over the lowest
 * bits. Chi-square detects small deviations in many bins, and the worst bin detects a large
 * deviation in one. For gaussian samples it also adds the counts beyond 3, 3.5, ... 6.5. */
void histogram_report(const struct histogram *histogram, enum stream_kind kind,
                      struct findings *findings);

/* Returns the bin of a gaussian sample. */
static inline unsigned gaussian_bin(int64_t q)
{
    int64_t bin = (q >> 40) + BINS / 2;
    return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : (unsigned)bin;
}

/* Returns the beginning of a bin of gaussian samples, as a standard normal number. The beginning of
 * bin BINS is the end of the last bin. The outermost bins reach to infinity. */
double gaussian_bin_begin(unsigned bin);

/* K. Pearson's chi-square. Neighbouring bins are merged until CHI_SQUARE_LEAST samples are
 * expected. */
#define CHI_SQUARE_LEAST 50

struct chi_square {
    double statistic;
    unsigned freedom; /* degrees of freedom */
    double worst_z;   /* of the bin with the least probable deviation */
    double worst_p;   /* probability that a given bin deviates more than this, on either side */
};

struct chi_square chi_square_over_bins(const uint64_t *count, const double *expected,
                                       unsigned bins);

#endif
