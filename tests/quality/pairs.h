/* Are two samples, a given way apart, independent of each other? */
#ifndef MEANTIME_TESTS_QUALITY_PAIRS_H
#define MEANTIME_TESTS_QUALITY_PAIRS_H

#include <stdint.h>

#include "tests/quality/column.h"
#include "tests/quality/findings.h"
#include "tests/quality/fixed.h"

/* Pairs that are one way apart: how often each pair of cells came up, and the sum of the products.
 * {0} is empty. */
struct pairs {
    uint64_t count[CELLS][CELLS];
    fixed products;
    uint64_t pairs;
};

/* Pairs of sample j of `x` and sample j + distance of `y`, wherever both are in their blocks. */
void pairs_add(struct pairs *pairs, const struct column *x, const struct column *y,
               unsigned distance);
void pairs_join(struct pairs *into, const struct pairs *part);

/* Probabilities of the cells of both samples. */
struct margins {
    const double *x, *y;
};

/* Chi-square of the dependence alone, with (CELLS - 1)^2 degrees of freedom: over all pairs of
 * cells, less what the cells of x and those of y deviate on their own. So it is right for pairs
 * that overlap, too (I. J. Good, "The serial test for sampling numbers", 1953). */
double pairs_chi_square(const struct pairs *pairs, struct margins margins);

/* Sum of the products over its standard deviation. */
double pairs_z(const struct pairs *pairs);

/* A finding for the cells of all `members` together, and one for their products; both say which
 * member is the worst. Members without a pair do not count. */
void pairs_report(const struct pairs *list, unsigned members, struct margins margins,
                  const char *name, struct findings *findings);

#endif
