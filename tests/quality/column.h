/* The samples of a block in the form that the tests of pairs need. */
#ifndef MEANTIME_TESTS_QUALITY_COLUMN_H
#define MEANTIME_TESTS_QUALITY_COLUMN_H

#include <stdint.h>

#include "sums/stream.h"
#include "tests/quality/histogram.h"

#define CELLS 16 /* cells of about the same probability */

/* A number and a cell for each sample of a block. */
struct column {
    float value[BLOCK_SAMPLES];  /* of mean 0 and variance 1 */
    uint8_t cell[BLOCK_SAMPLES]; /* the cell in which the value lies, 0 to CELLS - 1 */
};

/* The borders of gaussian cells are borders of bins, so their probabilities are exact. */
struct cells {
    uint8_t of_bin[BINS];   /* the gaussian cell of each bin */
    double gaussian[CELLS]; /* probabilities of the gaussian cells */
    double uniform[CELLS];  /* probabilities of the uniform cells */
};

void cells_init(struct cells *cells);

void column_gaussian(struct column *column, const struct cells *cells, const int64_t *samples);

/* Uses the bits of the samples from bit `shift` on, counted from the highest bit. shift: 0 to 36.
 */
void column_uniform(struct column *column, const int64_t *samples, unsigned shift);

#endif
