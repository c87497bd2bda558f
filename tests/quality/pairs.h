/* Tests whether two samples at a given distance are independent of each other. */
#ifndef MEANTIME_TESTS_QUALITY_PAIRS_H
#define MEANTIME_TESTS_QUALITY_PAIRS_H

#include <stdint.h>

#include "tests/quality/column.h"
#include "tests/quality/findings.h"
#include "tests/quality/fixed.h"

/* Counts and sums of pairs with one distance. {0} is empty. */
struct pairs {
    uint64_t count[CELLS][CELLS]; /* number of each pair of cells */
    fixed products;               /* sum of the products of both values */
    uint64_t pairs;               /* number of pairs */
};

/* Adds the pairs of sample j of `x` and sample j + distance of `y`, for every j for which both
 * exist. */
void pairs_add(struct pairs *pairs, const struct column *x, const struct column *y,
               unsigned distance);
void pairs_merge(struct pairs *into, const struct pairs *part);

/* Probabilities of the cells of both samples. */
struct margins {
    const double *x, *y;
};

/* Returns chi-square of the dependence alone, with (CELLS - 1)^2 degrees of freedom. It is
 * chi-square over all pairs of cells, minus the deviations of the cells of x and of y alone. So it
 * is also valid for pairs that overlap (I. J. Good, "The serial test for sampling numbers", 1953).
 */
double pairs_chi_square(const struct pairs *pairs, struct margins margins);

/* Returns the sum of the products divided by its standard deviation. */
double pairs_z(const struct pairs *pairs);

/* Adds a finding for the cells of all `members` together, and one for their products. Both name the
 * worst member. Members without pairs do not count. */
void pairs_report(const struct pairs *list, unsigned members, struct margins margins,
                  const char *name, struct findings *findings);

#endif
