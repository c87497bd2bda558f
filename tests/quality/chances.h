/* What chance does: the distributions behind the p-values. */
#ifndef MEANTIME_TESTS_QUALITY_CHANCES_H
#define MEANTIME_TESTS_QUALITY_CHANCES_H

/* A p-value here is the probability of a larger statistic than the one found: near 0 it says that
 * the samples are worse than chance makes them, near 1 that they are better. */

/* Probability that a standard normal number lies in [a, b), a <= b, both on one side of 0 or at it.
 * Infinite ends are allowed. Exact to 1e-12 of itself for bins of 2^-9 or wider. */
double normal_between(double a, double b);

double normal_p(double z);
double chi_square_p(double statistic, double freedom);

/* Of a number of rare events, `expected` on average; half the probability of the number itself is
 * counted as larger. Approximate above 10,000. */
double count_p(double count, double expected);

/* Of sqrt(n) * D of Kolmogorov and Smirnov, and of A^2 of Anderson and Darling, n >= 1000. */
double kolmogorov_smirnov_p(double distance, double n);
double anderson_darling_p(double a_square);

#endif
