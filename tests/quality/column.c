/* Prepares the samples of a block for the tests of pairs. */
#include "tests/quality/column.h"

#include "tests/quality/chances.h"

void cells_init(struct cells *cells)
{
    double below = 0;
    *cells = (struct cells){.gaussian = {0}};
    for (unsigned i = 0; i < BINS; i++) {
        double p = normal_between(gaussian_bin_begin(i), gaussian_bin_begin(i + 1));
        unsigned cell = (unsigned)((below + p / 2) * CELLS);
        cells->of_bin[i] = (uint8_t)cell;
        cells->gaussian[cell] += p;
        below += p;
    }
    for (unsigned i = 0; i < CELLS; i++)
        cells->uniform[i] = 1.0 / CELLS;
}

void column_gaussian(struct column *column, const struct cells *cells, const int64_t *samples)
{
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++) {
        column->value[j] = (float)samples[j] * 0x1p-49f;
        column->cell[j] = cells->of_bin[gaussian_bin(samples[j])];
    }
}

/* The 53 bits of a sample are at the top of a word. After the shift, the word is again a number in
 * [0, 1). With its top bit inverted, the word as a signed integer is a number in [-1/2, 1/2). */
void column_uniform(struct column *column, const int64_t *samples, unsigned shift)
{
    const float deviations = 3.4641016f * 0x1p-64f; /* sqrt(12): 1 / standard deviation */
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++) {
        uint64_t word = (uint64_t)samples[j] << 11 << shift;
        column->value[j] = (float)(int64_t)(word ^ UINT64_C(1) << 63) * deviations;
        column->cell[j] = (uint8_t)(word >> 60);
    }
}
