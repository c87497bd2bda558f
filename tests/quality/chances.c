/* Computes the distributions behind the p-values. */
#include "tests/quality/chances.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#define COUNT_RARE 10000 /* above this a count is nearly normal */

/* Computes on the positive side of 0, where the difference loses no digits. */
double normal_between(double a, double b)
{
    if (a < 0)
        return normal_between(-b, -a);
    return (erfc(a * M_SQRT1_2) - erfc(b * M_SQRT1_2)) / 2;
}

double normal_p(double z)
{
    return erfc(z * M_SQRT1_2) / 2;
}

double chi_square_p(double statistic, double freedom)
{
    return gsl_cdf_chisq_Q(statistic, freedom);
}

double count_p(double count, double expected)
{
    if (expected > COUNT_RARE)
        return normal_p((count - expected) / sqrt(expected));
    unsigned k = (unsigned)count;
    return gsl_cdf_poisson_Q(k, expected) + gsl_ran_poisson_pdf(k, expected) / 2;
}

/* Two series for the probability of a larger value (A. N. Kolmogorov, 1933; N. V. Smirnov, 1948).
 * The first converges fast for small t, the second for large t. */
static double kolmogorov_small(double t)
{
    double sum = 0;
    for (int k = 1; k < 20; k += 2)
        sum += exp(-k * k * M_PI * M_PI / (8 * t * t));
    return 1 - sqrt(2 * M_PI) / t * sum;
}

static double kolmogorov_large(double t)
{
    double sum = 0;
    for (int k = 1; k < 20; k++)
        sum += (k % 2 ? 2 : -2) * exp(-2 * k * k * t * t);
    return sum;
}

/* With M. A. Stephens's correction for finite n (J. R. Stat. Soc. B 32, 1970). */
double kolmogorov_smirnov_p(double distance, double n)
{
    double t = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) * distance;
    return t < 1 ? kolmogorov_small(t) : kolmogorov_large(t);
}

static double polynomial(const double *coefficients, int count, double x)
{
    double y = 0;
    while (count > 0)
        y = y * x + coefficients[--count];
    return y;
}

/* The limit for large n by G. and J. Marsaglia, "Evaluating the Anderson-Darling distribution"
 * (J. Stat. Software 9(2), 2004): within 2e-5 of the series by T. W. Anderson and D. A. Darling.
 * Finite n, from 1000 on, differs by 5e-5 at most.
 *
 * For large A^2 that error is not small compared with the probability. A^2 is a sum of squared
 * normal numbers with the weights 1 / (j (j + 1)). For large A^2 the largest weight decides (V. M.
 * Zolotarev, 1961). The other weights contribute the product of (1 - 2 / (j (j + 1)))^(-1/2) over j
 * >= 2, which is sqrt(3). */
double anderson_darling_p(double a_square)
{
    static const double low[] = {2.00012, 0.247105, -0.0649821, 0.0347962, -0.0116720, 0.00168691};
    static const double middle[] = {1.0776, -2.30695, 0.43424, -0.082433, 0.008056, -0.0003146};
    const double z = a_square;
    if (z < 2)
        return 1 - exp(-1.2337141 / z) / sqrt(z) * polynomial(low, 6, z);
    if (z < 8)
        return -expm1(-exp(polynomial(middle, 6, z)));
    return sqrt(3) * erfc(sqrt(z));
}
