/* Samples of a block, made ready for the tests of pairs. */
#ifndef MEANTIME_TESTS_QUALITY_COLUMN_H
#define MEANTIME_TESTS_QUALITY_COLUMN_H

#include <stdint.h>

#include "sums/stream.h"
#include "tests/quality/histogram.h"

#define CELLS 16 /* of about the same probability */

/* One number for each sample of a block, of mean 0 and variance 1, and the cell that it lies in. */
struct column {
    float value[BLOCK_SAMPLES];
    uint8_t cell[BLOCK_SAMPLES];
};

/* The borders of gaussian cells are borders of bins, so that their probabilities are exact. */
struct cells {
    uint8_t of_bin[BINS];
    double gaussian[CELLS]; /* probabilities */
    double uniform[CELLS];
};

void cells_init(struct cells *cells);

void column_gaussian(struct column *column, const struct cells *cells, const int64_t *samples);

/* Of the bits of the samples from bit `shift` on, counted from the highest; 0 to 36. */
void column_uniform(struct column *column, const int64_t *samples, unsigned shift);

#endif
