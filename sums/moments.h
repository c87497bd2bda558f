/* Mean, variance and standard error from exact totals. Any thread; no allocation. */
#ifndef MEANTIME_SUMS_MOMENTS_H
#define MEANTIME_SUMS_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sums/exact_total.h"

/* Each value is computed in integers from the exact totals, and rounded once, to the nearest
 * double. A value that is too large becomes infinity. With n numbers, their sum S and the sum of
 * their squares Q: */
struct moments {
    double mean;           /* S / n */
    double variance;       /* of the numbers: (n Q - S^2) / n^2 */
    double standard_error; /* of the mean: sqrt((n Q - S^2) / (n^2 (n - 1))); infinity if n = 1 */
};

/* Returns the mean S / n.
 * count: n, 1 to 2^63. sum: a valid total. */
double moments_mean(uint64_t count, const struct exact_total *sum);

/* Computes all of them. Returns false if no numbers have these totals, because n Q < S^2; then
 * `moments` has no value.
 * count: n, 1 to 2^63. sum, squares: valid totals of the same numbers. */
bool moments_init(struct moments *moments, uint64_t count, const struct exact_total *sum,
                  const struct exact_total *squares);

struct interval {
    double low, high;
};

/* The interval that contains the expected value in 95 % of all cases, if the numbers are
 * independent and so many that the mean has a normal distribution: mean -+ 1.959964 standard
 * errors. */
struct interval moments_interval(const struct moments *moments);

#endif
