/* Compares meantime_math.h with MPFR: the largest error of each function in ulp, over the whole
 * range.
 *
 *     summand_math COUNT [SEED]
 *
 * tests COUNT arguments of each function, and all pairs of special values. Exits with 1 if an error
 * exceeds 2 ulp or a special value is not that of C11, Annex F. */
#include <inttypes.h>
#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "meantime_math.h"

#define PRECISION 200 /* bits of the reference */
#define ULP_MAX   2.0

typedef double function(double x, double y);
typedef void reference(mpfr_t out, const mpfr_t x, const mpfr_t y);

/* A row: the function, its reference, and the interval from which half of the arguments come. The
 * other half has random bits. */
struct row {
    const char *name;
    function *function;
    reference *reference;
    double low, high, y_low, y_high;
};

#define ROW(name)                                                                                  \
    static double own_##name(double x, double y)                                                   \
    {                                                                                              \
        (void)y;                                                                                   \
        return meantime_##name(x);                                                                 \
    }
#define MPFR_ROW(name)                                                                             \
    ROW(name)                                                                                      \
    static void true_##name(mpfr_t out, const mpfr_t x, const mpfr_t y)                            \
    {                                                                                              \
        (void)y;                                                                                   \
        mpfr_##name(out, x, MPFR_RNDN);                                                            \
    }

MPFR_ROW(exp)
MPFR_ROW(exp2)
MPFR_ROW(expm1)
MPFR_ROW(log)
MPFR_ROW(log1p)
MPFR_ROW(log2)
MPFR_ROW(log10)
MPFR_ROW(sin)
MPFR_ROW(cos)
MPFR_ROW(tan)
MPFR_ROW(erf)
MPFR_ROW(erfc)
MPFR_ROW(sqrt)
ROW(sinpi)
ROW(cospi)
ROW(normal_cdf)
ROW(normal_quantile)

static double own_pow(double x, double y)
{
    return meantime_pow(x, y);
}

static void true_pow(mpfr_t out, const mpfr_t x, const mpfr_t y)
{
    mpfr_pow(out, x, y, MPFR_RNDN);
}

/* pi times x modulo 2. The remainder is exact. */
static void radians(mpfr_t out, const mpfr_t x)
{
    mpfr_t two, pi;
    mpfr_init2(two, 8);
    mpfr_init2(pi, 400);
    mpfr_set_ui(two, 2, MPFR_RNDN);
    mpfr_const_pi(pi, MPFR_RNDN);
    mpfr_remainder(out, x, two, MPFR_RNDN);
    mpfr_mul(out, out, pi, MPFR_RNDN);
    mpfr_clears(two, pi, (mpfr_ptr)0);
}

/* Multiples of 1/2 have exact values, which a product with a rounded pi would miss. */
static bool half_integer(const mpfr_t x, double *whole)
{
    double value = mpfr_get_d(x, MPFR_RNDN);
    if (!isfinite(value) || fmod(value, 0.5) != 0)
        return false;
    *whole = fmod(fabs(value), 2) * 2; /* 0 to 3 quarters */
    return true;
}

static void true_sinpi(mpfr_t out, const mpfr_t x, const mpfr_t y)
{
    static const int values[] = {0, 1, 0, -1};
    double quarters;
    (void)y;
    if (half_integer(x, &quarters)) {
        mpfr_set_si(out, values[(int)quarters], MPFR_RNDN);
        if (mpfr_zero_p(out))
            mpfr_setsign(out, out, mpfr_signbit(x), MPFR_RNDN);
        else if (mpfr_signbit(x))
            mpfr_neg(out, out, MPFR_RNDN);
        return;
    }
    radians(out, x);
    mpfr_sin(out, out, MPFR_RNDN);
}

static void true_cospi(mpfr_t out, const mpfr_t x, const mpfr_t y)
{
    static const int values[] = {1, 0, -1, 0};
    double quarters;
    (void)y;
    if (half_integer(x, &quarters)) {
        mpfr_set_si(out, values[(int)quarters], MPFR_RNDN);
        return;
    }
    radians(out, x);
    mpfr_cos(out, out, MPFR_RNDN);
}

static void true_normal_cdf(mpfr_t out, const mpfr_t x, const mpfr_t y)
{
    mpfr_t root;
    (void)y;
    mpfr_init2(root, 400);
    mpfr_set_d(root, 0.5, MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN);
    mpfr_neg(root, root, MPFR_RNDN);
    mpfr_mul(root, root, x, MPFR_RNDN);
    mpfr_erfc(out, root, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_clear(root);
}

/* The upper tail of the normal distribution. */
static void upper_tail(mpfr_t out, const mpfr_t x)
{
    mpfr_t minus;
    mpfr_init2(minus, mpfr_get_prec(x));
    mpfr_neg(minus, x, MPFR_RNDN);
    true_normal_cdf(out, minus, minus);
    mpfr_clear(minus);
}

/* x += (tail - q) / density, a step of Newton's method. tail: a variable of the caller. */
static void quantile_step(mpfr_t x, const mpfr_t q, mpfr_t tail)
{
    mpfr_t density, pi;
    mpfr_inits2(mpfr_get_prec(x), density, pi, (mpfr_ptr)0);
    upper_tail(tail, x);
    mpfr_sub(tail, tail, q, MPFR_RNDN);
    mpfr_sqr(density, x, MPFR_RNDN);
    mpfr_div_si(density, density, -2, MPFR_RNDN);
    mpfr_exp(density, density, MPFR_RNDN);
    mpfr_div(tail, tail, density, MPFR_RNDN);
    mpfr_const_pi(pi, MPFR_RNDN);
    mpfr_mul_2ui(pi, pi, 1, MPFR_RNDN);
    mpfr_sqrt(pi, pi, MPFR_RNDN);
    mpfr_mul(tail, tail, pi, MPFR_RNDN);
    mpfr_add(x, x, tail, MPFR_RNDN);
    mpfr_clears(density, pi, (mpfr_ptr)0);
}

/* Whether the quantile of q is within 2^-80 of x, relative to x. */
static bool brackets(const mpfr_t x, const mpfr_t q)
{
    mpfr_t bound, tail;
    bool right = true;
    mpfr_inits2(mpfr_get_prec(x), bound, tail, (mpfr_ptr)0);
    for (int sign = -1; sign <= 1; sign += 2) {
        mpfr_set_si_2exp(bound, sign, -80, MPFR_RNDN);
        mpfr_add_ui(bound, bound, 1, MPFR_RNDN);
        mpfr_mul(bound, bound, x, MPFR_RNDN);
        upper_tail(tail, bound);
        right = right && mpfr_cmp(tail, q) * sign < 0;
    }
    mpfr_clears(bound, tail, (mpfr_ptr)0);
    return right;
}

/* For 0 < q < 1/2. The first value has an error below 0.003 (C. Hastings, 1955; M. Abramowitz and
 * I. Stegun 26.2.22). Newton's method doubles the digits. The result is checked, so that the
 * reference does not depend on this argument. */
static void upper_quantile(mpfr_t x, const mpfr_t q)
{
    mpfr_t tail;
    long exponent;
    double part = mpfr_get_d_2exp(&exponent, q, MPFR_RNDN);
    double t = sqrt(-2 * (log(part) + (double)exponent * log(2)));
    mpfr_init2(tail, mpfr_get_prec(x));
    mpfr_set_d(x, t - (2.30753 + 0.27061 * t) / (1 + 0.99229 * t + 0.04481 * t * t), MPFR_RNDN);
    for (int i = 0; i < 5; i++)
        quantile_step(x, q, tail);
    if (!brackets(x, q))
        mpfr_set_nan(x);
    mpfr_clear(tail);
}

static void true_normal_quantile(mpfr_t out, const mpfr_t p, const mpfr_t y)
{
    mpfr_t q;
    (void)y;
    bool upper = mpfr_cmp_d(p, 0.5) > 0;
    if (!(mpfr_cmp_ui(p, 0) >= 0 && mpfr_cmp_ui(p, 1) <= 0) || mpfr_nan_p(p)) {
        mpfr_set_nan(out);
        return;
    }
    mpfr_init2(q, 1200); /* 1 - p and p are exact */
    if (upper)
        mpfr_ui_sub(q, 1, p, MPFR_RNDN);
    else
        mpfr_set(q, p, MPFR_RNDN);
    if (mpfr_zero_p(q))
        mpfr_set_inf(out, 1);
    else if (mpfr_cmp_d(q, 0.5) == 0)
        mpfr_set_zero(out, -1);
    else
        upper_quantile(out, q);
    if (!upper)
        mpfr_neg(out, out, MPFR_RNDN);
    mpfr_clear(q);
}

#define BOTH(name) #name, own_##name, true_##name

static const struct row rows[] = {
    {BOTH(exp), -746, 711, 0, 0},
    {BOTH(exp2), -1076, 1025, 0, 0},
    {BOTH(expm1), -3, 3, 0, 0},
    {BOTH(log), 0.5, 2, 0, 0},
    {BOTH(log1p), -1, 1, 0, 0},
    {BOTH(log2), 0.5, 2, 0, 0},
    {BOTH(log10), 0.5, 2, 0, 0},
    {BOTH(pow), 0, 4, -100, 100},
    {BOTH(pow), 0.99, 1.01, -72000, 72000},
    {BOTH(sin), -20, 20, 0, 0},
    {BOTH(cos), -20, 20, 0, 0},
    {BOTH(tan), -20, 20, 0, 0},
    {BOTH(sinpi), -4, 4, 0, 0},
    {BOTH(cospi), -4, 4, 0, 0},
    {BOTH(erf), -6, 6, 0, 0},
    {BOTH(erfc), -6, 28, 0, 0},
    {BOTH(normal_cdf), -39, 9, 0, 0},
    {BOTH(normal_quantile), 0, 1, 0, 0},
    {BOTH(normal_quantile), 0.4999, 0.5001, 0, 0},
    {BOTH(normal_quantile), 0.9999, 1, 0, 0},
    {BOTH(sqrt), 0, 4, 0, 0},
};

/* Arguments with unusual results: worst cases of the reduction of angles (J.-M. Muller, "Elementary
 * Functions", and N. Brisebarre et al., 2005), halfway points, ends of ranges. */
static const double edges[] = {
    0.0,
    0x1p-1074,
    0x1p-1073,
    0x1.fffffffffffffp-1023,
    0x1p-1022,
    0x1p-1021,
    0x1p-100,
    0x1p-55,
    0x1p-54,
    0x1.8p-54,
    0x1p-53,
    0x1p-28,
    0x1p-27,
    0x1.fffffffffffffp-28,
    0x1p-26,
    0.25,
    0.5,
    0x1.fffffffffffffp-2,
    0x1.62e42fefa39efp-2,
    0x1.6a09e667f3bccp-1,
    0x1.6a09e667f3bcdp-1,
    0x1.6a09e667f3bcep-1,
    0x1.921fb54442d18p-1,
    1.0,
    0x1.fffffffffffffp-1,
    0x1.0000000000001p0,
    0x1.6a09e667f3bcdp0,
    1.5,
    0x1.921fb54442d18p0,
    0x1.921fb54442d19p0,
    2.0,
    2.5,
    3.0,
    4.0,
    5.0,
    0x1.921fb54442d18p1,
    7.0,
    0x1.921fb54442d18p2,
    22.0,
    26.5,
    27.0,
    27.226,
    28.0,
    30.0,
    37.5,
    38.4,
    38.5,
    40.0,
    355.0,
    708.0,
    709.0,
    709.7,
    0x1.62e42fefa39efp9,
    0x1.62e42fefa39fp9,
    710.0,
    745.0,
    0x1.74910d52d3051p9,
    0x1.74910d52d3053p9,
    746.0,
    1022.0,
    1023.0,
    1023.5,
    1024.0,
    1074.0,
    1075.0,
    1076.0,
    0x1p26,
    0x1p31,
    0x1p50,
    0x1p51,
    0x1.8000000000001p51,
    0x1p52,
    0x1.0000000000001p52,
    0x1p53,
    0x1.0000000000001p53,
    0x1p54,
    0x1p64,
    0x1p65,
    0x1.6ac5b262ca1ffp849,
    0x1.e9e88a96dad4cp25,
    0x1p78,
    0x1p1023,
    0x1.fffffffffffffp1023,
    INFINITY,
    NAN,
};
#define EDGES (2 * sizeof edges / sizeof *edges)

static double edge(size_t i)
{
    return i % 2 ? -edges[i / 2] : edges[i / 2];
}

static uint64_t state;

/* SplitMix64 (Steele, Lea and Flood, 2014) */
static uint64_t draw(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static double between(double low, double high)
{
    return low + (high - low) * ((double)(draw() >> 11) * 0x1p-53);
}

/* The weight of the last bit of `x` as a double, at least 2^-1074, in `ulp`. */
static void set_ulp(mpfr_t ulp, const mpfr_t x)
{
    long exponent = mpfr_zero_p(x) ? -1074 : mpfr_get_exp(x) - 53;
    exponent = exponent < -1074 ? -1074 : exponent > 971 ? 971 : exponent;
    mpfr_set_ui_2exp(ulp, 1, exponent, MPFR_RNDN);
}

/* The error of a finite or infinite result. 2^1024 stands for infinity. */
static double error_of(double own, mpfr_t true_value)
{
    mpfr_t error, ulp;
    mpfr_inits2(PRECISION, error, ulp, (mpfr_ptr)0);
    if (isinf(own))
        mpfr_set_si_2exp(error, own > 0 ? 1 : -1, 1024, MPFR_RNDN);
    else
        mpfr_set_d(error, own, MPFR_RNDN);
    if (mpfr_get_d(true_value, MPFR_RNDN) == own && isinf(own))
        mpfr_set(true_value, error, MPFR_RNDN);
    set_ulp(ulp, true_value);
    mpfr_sub(error, error, true_value, MPFR_RNDN);
    mpfr_div(error, error, ulp, MPFR_RNDN);
    double result = fabs(mpfr_get_d(error, MPFR_RNDN));
    mpfr_clears(error, ulp, (mpfr_ptr)0);
    return result;
}

struct worst {
    double error, x, y;
};

static mpfr_t mx, my, mz;

static void compare(const struct row *row, double x, double y, struct worst *worst)
{
    double own = row->function(x, y), error = INFINITY;
    mpfr_set_d(mx, x, MPFR_RNDN);
    mpfr_set_d(my, y, MPFR_RNDN);
    row->reference(mz, mx, my);
    bool exact = mpfr_inf_p(mz) || mpfr_zero_p(mz);
    if (mpfr_nan_p(mz) || isnan(own))
        error = mpfr_nan_p(mz) && isnan(own) ? 0 : INFINITY;
    else if (!signbit(own) != !mpfr_signbit(mz) && !(own == 0 && row->function == own_cospi))
        error = INFINITY;
    else
        error = exact ? (own == mpfr_get_d(mz, MPFR_RNDN) ? 0 : INFINITY) : error_of(own, mz);
    if (!(error <= worst->error))
        *worst = (struct worst){error, x, y};
}

static void check_edges(const struct row *row, struct worst *worst)
{
    bool pairs = row->y_low != row->y_high;
    for (size_t i = 0; i < EDGES; i++)
        for (size_t j = 0; j < (pairs ? EDGES : 1); j++)
            compare(row, edge(i), edge(j), worst);
}

static void check_random(const struct row *row, long count, struct worst *worst)
{
    for (long i = 0; i < count; i++) {
        double x = i % 2 ? between(row->low, row->high) : meantime_math_from(draw());
        double y = i % 4 < 3 ? between(row->y_low, row->y_high) : meantime_math_from(draw());
        compare(row, x, y, worst);
    }
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    bool right = true;
    if (count < 1) {
        fprintf(stderr, "usage: summand_math COUNT [SEED]\n");
        return 2;
    }
    state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    mpfr_inits2(PRECISION, mx, my, mz, (mpfr_ptr)0);
    for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
        struct worst worst = {0, 0, 0};
        check_edges(row, &worst);
        check_random(row, count, &worst);
        printf("%-15s at most %.3f ulp, at %a %a\n", row->name, worst.error, worst.x, worst.y);
        right = right && worst.error <= ULP_MAX;
    }
    mpfr_clears(mx, my, mz, (mpfr_ptr)0);
    mpfr_free_cache();
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
