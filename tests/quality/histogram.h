/* Samples counted in bins, against what the distribution says. */
#ifndef MEANTIME_TESTS_QUALITY_HISTOGRAM_H
#define MEANTIME_TESTS_QUALITY_HISTOGRAM_H

#include <stdint.h>

#include "sums/stream.h"
#include "tests/quality/findings.h"

/* Gaussian bins are 2^-9 wide, from -8 to 8; what lies beyond is in the outermost. */
#define BIN_WIDTH    0x1p-9
#define BINS         8192
#define UNIFORM_BINS 4096 /* by the 12 highest bits */
#define LOW_BINS     4096 /* by the 12 lowest bits, for both kinds */

/* {0} is empty. */
struct histogram {
    uint64_t bins[BINS];
    uint64_t low[LOW_BINS];
    uint64_t count;
};

/* samples: BLOCK_SAMPLES of them, in the unit of the kind. */
void histogram_add(struct histogram *histogram, enum stream_kind kind, const int64_t *samples);
void histogram_join(struct histogram *into, const struct histogram *part);

/* Over all bins, wider ones, those far out alone and the lowest bits: chi-square, which sees small
 * deviations in many bins, and the worst bin, which sees a large one. For gaussian samples also the
 * counts beyond 3, 3.5, ... 6.5. */
void histogram_report(const struct histogram *histogram, enum stream_kind kind,
                      struct findings *findings);

/* Bin of a gaussian sample. */
static inline unsigned gaussian_bin(int64_t q)
{
    int64_t bin = (q >> 40) + BINS / 2;
    return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : (unsigned)bin;
}

/* Where a bin of gaussian samples begins, as a standard normal number; bin BINS begins where the
 * last one ends. The outermost reach to infinity. */
double gaussian_bin_begin(unsigned bin);

/* K. Pearson's chi-square, with neighbouring bins merged until CHI_SQUARE_LEAST are expected. */
#define CHI_SQUARE_LEAST 50

struct chi_square {
    double statistic;
    unsigned freedom;
    double worst_z; /* of the bin that chance explains least, by its probability */
    double worst_p; /* that a given bin deviates more, on either side */
};

struct chi_square chi_square(const uint64_t *count, const double *expected, unsigned bins);

#endif
