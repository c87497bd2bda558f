/* Computes exp and log with the same bits on every machine. */
#include "sums/ieee.h"

#include <float.h>

/* These functions use only IEEE 754's + - * / on doubles, and each operation rounds separately:
 * no libm, no fused multiply-add, no x87. Therefore every machine gives the same bits. */
_Static_assert(FLT_EVAL_METHOD == 0, "doubles are evaluated in another precision");
_Static_assert(DBL_MANT_DIG == 53, "doubles are not IEEE 754 binary64");

/* coefficients: the highest power first. */
static double polynomial(const double *coefficients, int count, double x)
{
    double y = coefficients[0];
    for (int i = 1; i < count; i++)
        y = y * x + coefficients[i];
    return y;
}

/* exp(y) = 2^k exp(r) with |r| <= ln(2) / 2. The series of exp(r) ends with r^12 / 12!. ln 2 is
 * subtracted in two parts; the product of k and the first part is exact. */
double exp_ieee(double y)
{
    static const double series[] = {
        1.0 / 479001600,
        1.0 / 39916800,
        1.0 / 3628800,
        1.0 / 362880,
        1.0 / 40320,
        1.0 / 5040,
        1.0 / 720,
        1.0 / 120,
        1.0 / 24,
        1.0 / 6,
        0.5,
        1.0,
        1.0,
    };
    const double to_integer = 0x1.8p52; /* adding it rounds to an integer, ties to even */
    double k = (y * 1.4426950408889634 + to_integer) - to_integer;
    double r = (y - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    return polynomial(series, sizeof series / sizeof *series, r) * power_of_two((int)k);
}

/* u = 2^e m with sqrt(1/2) < m <= sqrt(2). ln(m) = 2 artanh(f) with f = (m - 1) / (m + 1). The
 * series of artanh(f) ends with f^21 / 21. */
double log_ieee(double u)
{
    static const double series[] = {
        1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
        1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0,
    };
    const uint64_t fraction = (UINT64_C(1) << DOUBLE_FRACTION_BITS) - 1;
    int e = (int)(double_bits(u) >> DOUBLE_FRACTION_BITS) - DOUBLE_BIAS;
    double m = bits_double((double_bits(u) & fraction) | double_bits(1.0));
    if (m > 1.4142135623730951) {
        m = m * 0.5;
        e++;
    }
    double f = (m - 1.0) / (m + 1.0);
    double p = polynomial(series, sizeof series / sizeof *series, f * f);
    return (double)e * 0.6931471805599453 + 2.0 * f * p;
}
