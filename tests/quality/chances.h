/* The distributions behind the p-values. */
#ifndef MEANTIME_TESTS_QUALITY_CHANCES_H
#define MEANTIME_TESTS_QUALITY_CHANCES_H

/* A p-value is the probability that chance makes a larger statistic than the one found. A value
 * near 0 means that the samples fit worse than random samples would. A value near 1 means that they
 * fit better. */

/* Returns the probability that a standard normal number lies in [a, b), a <= b. 0 must not lie
 * between a and b. Infinite ends are allowed. For bins of 2^-9 or wider the relative error is at
 * most 1e-12. */
double normal_between(double a, double b);

double normal_p(double z);
double chi_square_p(double statistic, double freedom);

/* The p-value of a count of rare events with the mean `expected`. Half the probability of the count
 * itself counts as larger. Approximate above 10,000. */
double count_p(double count, double expected);

/* The p-values of D of Kolmogorov and Smirnov for n numbers, and of A^2 of Anderson and Darling.
 * Both are valid for n >= 1000. */
double kolmogorov_smirnov_p(double distance, double n);
double anderson_darling_p(double a_square);

#endif
