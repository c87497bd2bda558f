/* meantime_math.h: functions of doubles with the same bits on every processor.
 *
 * A C library may return other bits on another processor: glibc's exp() and sin() do. The functions
 * of this header give the same bits with gcc and clang, at every level of optimization, on x86-64
 * and on 64-bit ARM. They use only + - * /, square root and operations on integers, each rounded by
 * IEEE 754.
 *
 * Accuracy: at most 2 units in the last place (ulp) over the whole range of double, subnormal
 * numbers included. Special values are those of C11, Annex F: infinities, NaN, zeros with their
 * signs, and invalid arguments. The sign and the other bits of a NaN are unspecified. No function
 * sets errno.
 *
 * The functions are inlined and have no branches and no calls, so that compilers may turn loops
 * over arrays into vectors (gcc: -O3). gcc needs `restrict` for that, on the array that the loop
 * writes, if the function reads a table: sin, cos, tan, erf, erfc, normal_cdf, normal_quantile.
 * Each may be called in any thread.
 *
 * Compile with -ffp-contract=off. `pkg-config --cflags meantime-summand` prints this option. The
 * program must not change the rounding mode, and must not flush subnormal numbers to zero.
 *
 * Sources of the methods: T. J. Dekker, Numer. Math. 18, 224 (1971) for products and sums in two
 * doubles; FreeBSD's msun (fdlibm) for log, log1p, log2, and the last steps of sin and cos; M.
 * Payne and R. Hanek, SIGNUM Newsletter 18, 19 (1983) for the reduction of large arguments. */
#ifndef MEANTIME_MATH_H
#define MEANTIME_MATH_H

#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) ||     \
    defined(__NO_SIGNED_ZEROS__) || __FINITE_MATH_ONLY__ + 0
#error "Compile without -ffast-math, -Ofast and their parts: results would depend on the processor."
#endif
#if __FLT_EVAL_METHOD__ + 0
#error "Compile for SSE2, without -mfpmath=387 and -m32: x87 registers round twice."
#endif
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off", "no-trapping-math", "no-math-errno")
#endif

#include "meantime_math_tables.h"

#define MEANTIME_MATH_INLINE static inline __attribute__((always_inline, unused))

/* ---- parts of the functions below
 * ---------------------------------------------------------------- */

/* A number as the unevaluated sum of two doubles. |low| is at most about half an ulp of high. */
struct meantime_math_pair {
    double high, low;
};

MEANTIME_MATH_INLINE uint64_t meantime_math_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

MEANTIME_MATH_INLINE double meantime_math_from(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

MEANTIME_MATH_INLINE double meantime_math_nan(void)
{
    return meantime_math_from(0x7ff8000000000000);
}

MEANTIME_MATH_INLINE double meantime_math_infinity(void)
{
    return meantime_math_from(0x7ff0000000000000);
}

/* `x`, or 0 if `condition` is 0. Without a branch: gcc 12 makes no vectors of a loop that reads
 * from a table at an index from the two paths of a branch. */
MEANTIME_MATH_INLINE double meantime_math_or_0(double x, int condition)
{
    return meantime_math_from(meantime_math_bits(x) & -(uint64_t)condition);
}

/* The magnitude of `x` with the sign of `y`. */
MEANTIME_MATH_INLINE double meantime_math_signed(double x, double y)
{
    return meantime_math_from((meantime_math_bits(x) & 0x7fffffffffffffff) |
                              (meantime_math_bits(y) & 0x8000000000000000));
}

/* The integer nearest to `x`, as a double. |x| < 2^51. */
MEANTIME_MATH_INLINE double meantime_math_round(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52;
}

/* The upper 26 bits of `x`. The product of two such numbers is exact. */
MEANTIME_MATH_INLINE double meantime_math_top(double x)
{
    return meantime_math_from(meantime_math_bits(x) & 0xfffffffff8000000);
}

/* a + b without error, if |a| >= |b| or a is 0. */
MEANTIME_MATH_INLINE struct meantime_math_pair meantime_math_sum(double a, double b)
{
    struct meantime_math_pair sum;
    sum.high = a + b;
    sum.low = (a - sum.high) + b;
    return sum;
}

/* a + b without error, for any a and b. */
MEANTIME_MATH_INLINE struct meantime_math_pair meantime_math_sum_any(double a, double b)
{
    struct meantime_math_pair sum;
    sum.high = a + b;
    double part = sum.high - a;
    sum.low = (a - (sum.high - part)) + (b - part);
    return sum;
}

/* a * b with an error of at most 2^-106 of the product, if nothing overflows or underflows. */
MEANTIME_MATH_INLINE struct meantime_math_pair meantime_math_product(double a, double b)
{
    struct meantime_math_pair product;
    double at = meantime_math_top(a), al = a - at;
    double bt = meantime_math_top(b), bl = b - bt;
    product.high = a * b;
    product.low = (((at * bt - product.high) + at * bl) + al * bt) + al * bl;
    return product;
}

/* c[0] + c[1] x + ... + c[terms - 1] x^(terms - 1), where c[0] is table[first]. Pairs of terms
 * first, so that chains are short. gcc 12 makes vectors of a loop that selects `first` for each
 * number, but not if it selects a pointer. */
MEANTIME_MATH_INLINE double meantime_math_polynomial_at(const double *table, uint64_t first,
                                                        int terms, double x)
{
    uint64_t last = first + (uint64_t)terms - 1;
    double square = x * x;
    double sum = terms % 2 ? table[last] : table[last - 1] + table[last] * x;
    for (int i = terms - (terms % 2 ? 3 : 4); i >= 0; i -= 2) {
        uint64_t at = first + (uint64_t)i;
        sum = (table[at] + table[at + 1] * x) + sum * square;
    }
    return sum;
}

MEANTIME_MATH_INLINE double meantime_math_polynomial(const double *c, int terms, double x)
{
    return meantime_math_polynomial_at(c, 0, terms, x);
}

/* 2^k for an integer k from -1022 to 1023. */
MEANTIME_MATH_INLINE double meantime_math_power_of_2(double k)
{
    return meantime_math_from(meantime_math_bits(k + (0x1.8p52 + 1023)) << 52);
}

/* x * 2^k, rounded once, for an integer k from -2000 to 2000 and 2^-2 < |x| < 2^2. */
MEANTIME_MATH_INLINE double meantime_math_scaled(double x, double k)
{
    double first = meantime_math_round(0.5 * k);
    return x * meantime_math_power_of_2(first) * meantime_math_power_of_2(k - first);
}

/* ---- exponential functions
 * ----------------------------------------------------------------------- */

/* exp(x) = 2^k (1 + r + tail), |r| <= ln(2) / 2. |tail| is at most 0.07. */
struct meantime_math_exponent {
    double k, r, tail;
};

/* Of the sum high + low, for |high| below 1,100. |low| is at most an ulp of high. */
MEANTIME_MATH_INLINE struct meantime_math_exponent meantime_math_exponent(double high, double low)
{
    struct meantime_math_exponent e;
    e.k = meantime_math_round(high * 0x1.71547652b82fep0);
    double rest = high - e.k * 0x1.62e42feep-1; /* exact: the upper 32 bits of ln 2 */
    double correction = low - e.k * 0x1.a39ef35793c76p-33;
    e.r = rest + correction;
    double lost = (rest - e.r) + correction;
    e.tail = lost + e.r * e.r * meantime_math_polynomial(meantime_math_exp, 10, e.r);
    return e;
}

/* exp(high + low) for a pair. Below -746 the result is 0, above 710 it is infinite. */
MEANTIME_MATH_INLINE double meantime_math_exp_pair(double high, double low)
{
    struct meantime_math_exponent e = meantime_math_exponent(high, low);
    double result = meantime_math_scaled(1 + (e.r + e.tail), e.k);
    result = high < -746 ? 0 : result;
    return high > 710 ? meantime_math_infinity() : result;
}

MEANTIME_MATH_INLINE double meantime_exp(double x)
{
    return meantime_math_exp_pair(x, 0);
}

MEANTIME_MATH_INLINE double meantime_exp2(double x)
{
    double k = meantime_math_round(x), part = x - k;
    double top = meantime_math_top(part);
    double r = part * 0x1.62e42fefa39efp-1;
    double lost = (top * 0x1.62e42f8p-1 - r) +
                  (top * 0x1.be8e7bcd5e4f2p-27 + (part - top) * 0x1.62e42fefa39efp-1);
    double tail = lost + r * r * meantime_math_polynomial(meantime_math_exp, 10, r);
    double result = meantime_math_scaled(1 + (r + tail), k);
    result = x < -1080 ? 0 : result;
    return x > 1030 ? meantime_math_infinity() : result;
}

/* exp(x) - 1, also accurate near 0. */
MEANTIME_MATH_INLINE double meantime_expm1(double x)
{
    double y = x < -50 ? -50 : x;
    y = y > 710 ? 710 : y;
    struct meantime_math_exponent e = meantime_math_exponent(y, 0);
    double inverse = meantime_math_power_of_2(e.k > 1000 ? -1000 : -e.k);
    struct meantime_math_pair sum = meantime_math_sum_any(1 - inverse, e.r);
    double result = meantime_math_scaled(sum.high + (sum.low + e.tail), e.k);
    return __builtin_fabs(x) < 0x1p-54 ? x : result;
}

/* ---- logarithms
 * ---------------------------------------------------------------------------------- */

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for a positive finite x. */
struct meantime_math_parts {
    double k, f;
};

MEANTIME_MATH_INLINE struct meantime_math_parts meantime_math_parts(double x)
{
    struct meantime_math_parts parts;
    const uint64_t root = 0x3fe6a09e667f3bcd; /* sqrt(1/2) */
    double normal = x < 0x1p-1022 ? x * 0x1p54 : x;
    double offset = x < 0x1p-1022 ? 0x1p52 + 1023 + 54 : 0x1p52 + 1023;
    uint64_t bits = meantime_math_bits(normal) - root + 0x3ff0000000000000;
    parts.k = meantime_math_from((bits >> 52) | 0x4330000000000000) - offset;
    parts.f = meantime_math_from((bits & 0xfffffffffffff) + root) - 1;
    return parts;
}

/* log(1 + f) = f - (f^2 / 2 - rest), where this function returns the rest. */
MEANTIME_MATH_INLINE double meantime_math_log_rest(double f)
{
    double s = f / (2 + f), z = s * s;
    return s * (0.5 * f * f + z * meantime_math_polynomial(meantime_math_log, 8, z));
}

/* `finite`, or the value of a logarithm of `x` if x is 0, negative, infinite or NaN. */
MEANTIME_MATH_INLINE double meantime_math_log_special(double x, double finite)
{
    double result = x < meantime_math_infinity() ? finite : x;
    result = x < 0 ? meantime_math_nan() : result;
    return x == 0 ? -meantime_math_infinity() : result;
}

MEANTIME_MATH_INLINE double meantime_log(double x)
{
    struct meantime_math_parts p = meantime_math_parts(x);
    double half = 0.5 * p.f * p.f;
    double low = meantime_math_log_rest(p.f) + p.k * 0x1.a39ef35793c76p-33;
    return meantime_math_log_special(x, p.k * 0x1.62e42feep-1 - ((half - low) - p.f));
}

/* log(1 + x), also accurate near 0. */
MEANTIME_MATH_INLINE double meantime_log1p(double x)
{
    double y = 1 + x;
    double lost = x >= 1 ? 1 - (y - x) : x - (y - 1); /* 1 + x = y + lost */
    struct meantime_math_parts p = meantime_math_parts(y);
    double half = 0.5 * p.f * p.f;
    double low = meantime_math_log_rest(p.f) + (p.k * 0x1.a39ef35793c76p-33 + lost / y);
    double result = p.k * 0x1.62e42feep-1 - ((half - low) - p.f);
    result = meantime_math_log_special(y, result);
    return __builtin_fabs(x) < 0x1p-54 ? x : result;
}

/* k * scale + log(1 + f) * (high + low), where high has at most 26 bits. */
MEANTIME_MATH_INLINE double meantime_math_log_scaled(struct meantime_math_parts p,
                                                     struct meantime_math_pair of_2,
                                                     struct meantime_math_pair of_e)
{
    double half = 0.5 * p.f * p.f;
    double high = meantime_math_top(p.f - half);
    double low = ((p.f - high) - half) + meantime_math_log_rest(p.f);
    struct meantime_math_pair sum = meantime_math_sum(p.k * of_2.high, high * of_e.high);
    return sum.high + (sum.low + (p.k * of_2.low + ((low + high) * of_e.low + low * of_e.high)));
}

MEANTIME_MATH_INLINE double meantime_log2(double x)
{
    const struct meantime_math_pair of_2 = {1, 0}, of_e = {0x1.715476p0, 0x1.4ae0bf85ddf44p-26};
    return meantime_math_log_special(x,
                                     meantime_math_log_scaled(meantime_math_parts(x), of_2, of_e));
}

MEANTIME_MATH_INLINE double meantime_log10(double x)
{
    const struct meantime_math_pair of_2 = {0x1.34413509fp-2, 0x1.e7fbcc47c4acdp-40};
    const struct meantime_math_pair of_e = {0x1.bcb7b1p-2, 0x1.49b9438ca9aaep-28};
    return meantime_math_log_special(x,
                                     meantime_math_log_scaled(meantime_math_parts(x), of_2, of_e));
}

/* ---- power
 * --------------------------------------------------------------------------------------- */

/* log(x) as a pair with an error below 2^-64 of it, for a positive finite x. */
MEANTIME_MATH_INLINE struct meantime_math_pair meantime_math_log_pair(double x)
{
    struct meantime_math_parts parts = meantime_math_parts(x);
    double f = parts.f;
    /* s = f / (2 + f) in two doubles, and z = s^2 */
    struct meantime_math_pair d = meantime_math_sum(2, f);
    double inverse = 1 / d.high, s = f * inverse;
    struct meantime_math_pair p = meantime_math_product(s, d.high);
    double sl = (((f - p.high) - p.low) - s * d.low) * inverse;
    struct meantime_math_pair z = meantime_math_product(s, s);
    z.low += 2 * s * sl;
    /* log(1 + f) = 2 s + s a, where a = 2/3 z + 2/5 z^2 + ... */
    struct meantime_math_pair a = meantime_math_product(z.high, 0x1.5555555555555p-1);
    a.low += z.high * 0x1.5555555555555p-55 + z.low * 0x1.5555555555555p-1;
    double rest = z.high * z.high * meantime_math_polynomial(meantime_math_pow, 8, z.high);
    struct meantime_math_pair b = meantime_math_sum(a.high, rest);
    b.low += a.low;
    struct meantime_math_pair c = meantime_math_product(s, b.high);
    c.low += s * b.low + sl * b.high;
    struct meantime_math_pair log1p = meantime_math_sum(2 * s, c.high);
    log1p.low += c.low + 2 * sl;
    struct meantime_math_pair sum = meantime_math_sum(parts.k * 0x1.62e42feep-1, log1p.high);
    return meantime_math_sum(sum.high, sum.low + (log1p.low + parts.k * 0x1.a39ef35793c76p-33));
}

/* x^y for x > 0, also infinite. */
MEANTIME_MATH_INLINE double meantime_math_pow_positive(double x, double y)
{
    const double infinity = meantime_math_infinity();
    /* Beyond 2^65 the result is 0, 1 or infinite. */
    double exponent = y > 0x1p65 ? 0x1p65 : y;
    exponent = exponent < -0x1p65 ? -0x1p65 : exponent;
    struct meantime_math_pair log = meantime_math_log_pair(x);
    struct meantime_math_pair p = meantime_math_product(exponent, log.high);
    double result = meantime_math_exp_pair(p.high, p.low + exponent * log.low);
    double limit = y > 0 ? infinity : 0;
    return x == infinity ? limit : result;
}

MEANTIME_MATH_INLINE double meantime_pow(double x, double y)
{
    const double infinity = meantime_math_infinity();
    double size = __builtin_fabs(x), exponent = __builtin_fabs(y);
    /* Adding 2^52 rounds smaller numbers to integers. Numbers of 2^53 or more are even. */
    double half = 0.5 * exponent;
    int integer = (exponent >= 0x1p52) | ((exponent + 0x1p52) - 0x1p52 == exponent);
    int even = (half >= 0x1p52) | ((half + 0x1p52) - 0x1p52 == half);
    int negative = meantime_math_bits(x) >> 63 != 0;
    int odd = integer & !even;

    double result = meantime_math_pow_positive(size, y);
    double of_zero = y < 0 ? infinity : 0;
    result = size == 0 ? of_zero : result;
    result = negative & odd ? -result : result;
    result = ((x < 0) & (x > -infinity) & !integer) ? meantime_math_nan() : result;
    result = ((x != x) | (y != y)) ? x + y : result;
    result = ((size == 1) & (exponent == infinity)) ? 1 : result;
    return ((x == 1) | (y == 0)) ? 1 : result;
}

MEANTIME_MATH_INLINE double meantime_sqrt(double x)
{
    return __builtin_sqrt(x);
}

/* ---- trigonometric functions
 * --------------------------------------------------------------------- */

/* An angle: quadrant * pi / 2 + r + low, |r| <= pi / 4. */
struct meantime_math_angle {
    double r, low;
    uint64_t quadrant; /* its lowest two bits */
};

/* turns + lost quarters of a turn, |turns| <= 1/2, in radians. */
MEANTIME_MATH_INLINE struct meantime_math_pair meantime_math_radians(double turns, double lost)
{
    const double high = 0x1.921fb54442d18p0, low = 0x1.1a62633145c07p-54; /* pi / 2 */
    struct meantime_math_pair p = meantime_math_product(turns, high);
    return meantime_math_sum(p.high, p.low + (turns * low + lost * high));
}

/* |x| modulo 2 pi. |x| is cut into two parts, a of 26 bits and b, and 2 / pi into chunks of 26
 * bits. So all products are exact, and sums of two products with the same unit are exact, too. The
 * exponent of x selects the chunks: the chunks before contribute multiples of 4 quarters, and those
 * behind contribute less than 2^-125. */
MEANTIME_MATH_INLINE struct meantime_math_angle meantime_math_angle(double x)
{
    double size =
        meantime_math_or_0(__builtin_fabs(x), __builtin_fabs(x) < meantime_math_infinity());
    double selector = size + 0x1p-26;
    uint64_t exponent = (meantime_math_bits(selector) >> 52) - (1023 - 26); /* 0 to 1049 */
    uint64_t group = (exponent * 2521) >> 16;                               /* exponent / 26 */
    const double *t = meantime_math_two_over_pi;
    double m = size * meantime_math_from((1023 + 78 - 26 * group) << 52); /* below 2^78 */
    double factor = m * 0x1.0000002p27, a = factor - (factor - m), b = m - a;

    double c1 = a * (t[group + 1] * 0x1p-26) + b * t[group]; /* multiples of 2^-24, below 2^54 */
    double c2 = a * (t[group + 2] * 0x1p-52) + b * (t[group + 1] * 0x1p-26);
    double c3 = a * (t[group + 3] * 0x1p-78) + b * (t[group + 2] * 0x1p-52);
    double c4 = a * (t[group + 4] * 0x1p-104) + b * (t[group + 3] * 0x1p-78);
    double c5 = a * (t[group + 5] * 0x1p-130) + b * (t[group + 4] * 0x1p-104);
    double c6 = a * (t[group + 6] * 0x1p-156) + b * (t[group + 5] * 0x1p-130);
    double c7 = a * (t[group + 7] * 0x1p-182) + b * (t[group + 6] * 0x1p-156);

    c1 -= (c1 + 0x1.8p55) - 0x1.8p55; /* modulo 8 */
    double q1 = meantime_math_round(c1), q2 = meantime_math_round(c2), q3 = meantime_math_round(c3);
    double part = (c1 - q1) + (c2 - q2), part3 = c3 - q3; /* exact */
    double q4 = meantime_math_round(part + (part3 + c4));
    struct meantime_math_pair s3 = meantime_math_sum_any(part - q4, part3);
    struct meantime_math_pair s4 = meantime_math_sum_any(s3.high, c4);
    struct meantime_math_pair s5 = meantime_math_sum_any(s4.high, c5);
    double low = (s3.low + s4.low) + (s5.low + (c6 + c7));
    struct meantime_math_pair turns = meantime_math_sum(s5.high, low);
    struct meantime_math_pair r = meantime_math_radians(turns.high, turns.low);
    struct meantime_math_angle angle;
    angle.r = r.high;
    angle.low = r.low;
    angle.quadrant = meantime_math_bits(((q1 + q2) + (q3 + q4)) + 0x1.8p52);
    return angle;
}

/* sin(r + low) */
MEANTIME_MATH_INLINE struct meantime_math_pair meantime_math_sin_near(double r, double low)
{
    double z = r * r;
    double rest = z * r * meantime_math_polynomial(meantime_math_sin, 6, z) - 0.5 * z * low;
    return meantime_math_sum(r, low + rest);
}

/* cos(r + low) */
MEANTIME_MATH_INLINE struct meantime_math_pair meantime_math_cos_near(double r, double low)
{
    double z = r * r, half = 0.5 * z, near = 1 - half;
    double rest = z * z * meantime_math_polynomial(meantime_math_cos, 6, z) - r * low;
    return meantime_math_sum(near, ((1 - near) - half) + rest);
}

/* The sine of the angle, increased by `turns` quarters of a turn. */
MEANTIME_MATH_INLINE double meantime_math_sin_of(struct meantime_math_angle angle, uint64_t turns)
{
    double sine = meantime_math_sin_near(angle.r, angle.low).high;
    double cosine = meantime_math_cos_near(angle.r, angle.low).high;
    uint64_t quadrant = angle.quadrant + turns;
    double size = (quadrant & 1) != 0 ? cosine : sine;
    return meantime_math_from(meantime_math_bits(size) ^ (quadrant & 2) << 62);
}

/* `result` with the sign changed if `x` is negative. */
MEANTIME_MATH_INLINE double meantime_math_odd(double result, double x)
{
    return meantime_math_from(meantime_math_bits(result) ^
                              (meantime_math_bits(x) & 0x8000000000000000));
}

MEANTIME_MATH_INLINE double meantime_sin(double x)
{
    double size = __builtin_fabs(x);
    double result = meantime_math_odd(meantime_math_sin_of(meantime_math_angle(x), 0), x);
    result = size < 0x1p-27 ? x : result;
    return size < meantime_math_infinity() ? result : x - x;
}

MEANTIME_MATH_INLINE double meantime_cos(double x)
{
    double result = meantime_math_sin_of(meantime_math_angle(x), 1);
    return __builtin_fabs(x) < meantime_math_infinity() ? result : x - x;
}

/* The rounding errors of sine, cosine and quotient add up to more than 2 ulp. The first two are
 * known, and the remainder of the division corrects the third. */
MEANTIME_MATH_INLINE double meantime_tan(double x)
{
    struct meantime_math_angle angle = meantime_math_angle(x);
    struct meantime_math_pair sine = meantime_math_sin_near(angle.r, angle.low);
    struct meantime_math_pair cosine = meantime_math_cos_near(angle.r, angle.low);
    int odd = (angle.quadrant & 1) != 0;
    double above = odd ? -cosine.high : sine.high, above_low = odd ? -cosine.low : sine.low;
    double below = odd ? sine.high : cosine.high, below_low = odd ? sine.low : cosine.low;
    double quotient = above / below;
    struct meantime_math_pair product = meantime_math_product(quotient, below);
    double remainder = ((above - product.high) - product.low) + (above_low - quotient * below_low);
    double result = meantime_math_odd(quotient + remainder / below, x);
    double size = __builtin_fabs(x);
    result = size < 0x1p-27 ? x : result;
    return size < meantime_math_infinity() ? result : x - x;
}

/* |x| pi modulo 2 pi. The reduction is exact and much cheaper than that of sin and cos. */
MEANTIME_MATH_INLINE struct meantime_math_angle meantime_math_angle_pi(double x)
{
    double size = __builtin_fabs(x);
    size = size < 0x1p53 ? size : 0;                 /* larger numbers are even */
    double turn = size - ((size + 0x1p53) - 0x1p53); /* modulo 2: -1 to 1 */
    double quarters = meantime_math_round(2 * turn);
    struct meantime_math_pair r = meantime_math_radians(2 * turn - quarters, 0);
    struct meantime_math_angle angle;
    angle.r = r.high;
    angle.low = r.low;
    angle.quadrant = meantime_math_bits(quarters + 0x1.8p52);
    return angle;
}

/* sin(pi x). Prefer it to meantime_sin(2 * pi * u): it is faster and more accurate. */
MEANTIME_MATH_INLINE double meantime_sinpi(double x)
{
    double size = __builtin_fabs(x);
    double result = meantime_math_odd(meantime_math_sin_of(meantime_math_angle_pi(x), 0), x);
    result = size < 0x1p-900 ? x * 0x1p100 * 0x1.921fb54442d18p1 * 0x1p-100 : result;
    int integer = size >= 0x1p52 || (size + 0x1p52) - 0x1p52 == size;
    result = integer ? meantime_math_signed(0, x) : result;
    return size < meantime_math_infinity() ? result : x - x;
}

/* cos(pi x) */
MEANTIME_MATH_INLINE double meantime_cospi(double x)
{
    double size = __builtin_fabs(x);
    double result = meantime_math_sin_of(meantime_math_angle_pi(x), 1);
    double part = size - (size < 0x1p52 ? (size + 0x1p52) - 0x1p52 : size);
    result = part == 0.5 || part == -0.5 ? 0 : result;
    return size < meantime_math_infinity() ? result : x - x;
}

/* ---- error function and normal distribution
 * ------------------------------------------------------ */

/* exp(-(p + pl)) exp(z^2) erfc(z) 2^-shift for z = high + low, 0 <= z < 31. z^2 = p + pl gives
 * erfc(z). */
MEANTIME_MATH_INLINE double meantime_math_tail(struct meantime_math_pair z,
                                               struct meantime_math_pair p, double shift)
{
    double size = z.high < 30 ? z.high : 30;
    uint64_t eighths = meantime_math_bits(1 + size) >> 49;
    uint64_t row = (eighths - 8 * 1023) * 14;
    double u = (size - (meantime_math_from(eighths << 49 | (uint64_t)1 << 48) - 1)) + z.low;
    const double *c = meantime_math_erfcx;
    double scale = c[row];
    double rest = c[row + 1] + u * meantime_math_polynomial_at(c, row + 2, 12, u);
    double square = p.high < 800 ? p.high : 800;
    struct meantime_math_exponent e = meantime_math_exponent(-square, -p.low);
    struct meantime_math_pair power = meantime_math_sum(1, e.r + e.tail);
    struct meantime_math_pair g = meantime_math_sum(scale, rest);
    double result = power.high * g.high + (power.low * g.high + power.high * g.low);
    return meantime_math_scaled(result * 0x1p5, e.k - shift - 5);
}

/* erfc(|x|) */
MEANTIME_MATH_INLINE double meantime_math_erfc_size(double x)
{
    double size = __builtin_fabs(x);
    size = size < 30 ? size : 30;
    struct meantime_math_pair z = {size, 0};
    return meantime_math_tail(z, meantime_math_product(size, size), 0);
}

MEANTIME_MATH_INLINE double meantime_erf(double x)
{
    double size = __builtin_fabs(x), near = size < 0.5 ? x : 0.5;
    double small = near + near * meantime_math_polynomial(meantime_math_erf, 11, near * near);
    double large = meantime_math_signed(1 - meantime_math_erfc_size(x), x);
    double result = size < 0.5 ? small : large;
    return x != x ? x : result;
}

/* 1 - erf(x), also accurate for large x. */
MEANTIME_MATH_INLINE double meantime_erfc(double x)
{
    double size = meantime_math_erfc_size(x);
    double result = x < 0 ? 2 - size : size;
    return x != x ? x : result;
}

/* The normal distribution: the probability that a Gaussian sample is less than x. */
MEANTIME_MATH_INLINE double meantime_normal_cdf(double x)
{
    double size = __builtin_fabs(x);
    size = size < 40 ? size : 40;
    struct meantime_math_pair z = meantime_math_product(size, 0x1.6a09e667f3bcdp-1); /* sqrt(1/2) */
    z.low += size * -0x1.bdd3413b26456p-55;
    struct meantime_math_pair p = meantime_math_product(size, 0.5 * size);
    double tail = meantime_math_tail(z, p, 1);
    double result = x > 0 ? 1 - tail : tail;
    return x != x ? x : result;
}

/* Where the table of quantiles is read. */
struct meantime_math_quantile_place {
    double offset; /* the argument of the polynomial */
    uint64_t row;  /* the index of its first number in the table */
};

/* For the probability of a tail, 0 <= q < 1/4: rows 1 to 40 have x around values of -log(q). The
 * difference of -log(q) and such a value is computed before -log(q) is rounded. 0 is taken as about
 * 2^-1077. */
MEANTIME_MATH_INLINE struct meantime_math_quantile_place meantime_math_quantile_tail(double q)
{
    struct meantime_math_parts parts = meantime_math_parts(q);
    double half = 0.5 * parts.f * parts.f;
    double low = meantime_math_log_rest(parts.f) + parts.k * 0x1.a39ef35793c76p-33;
    double high = parts.k * -0x1.62e42feep-1, rest = (half - low) - parts.f;
    uint64_t quarters = meantime_math_bits(high + rest) >> 50; /* of an octave */
    struct meantime_math_quantile_place place;
    place.offset = (high - meantime_math_from(quarters << 50 | (uint64_t)1 << 49)) + rest;
    place.row = (quarters - 4 * 1023 + 1) * 15;
    return place;
}

/* The inverse of meantime_normal_cdf(): a Gaussian sample is less than the result with probability
 * p. 0 gives -infinity, 1 gives infinity, and p outside [0, 1] gives NaN.
 * The method: polynomials that meet the function at Chebyshev nodes of -log(q), where q is the
 * smaller tail; in the middle, of (p - 1/2)^2. scripts/summand_tables.py computes them. */
MEANTIME_MATH_INLINE double meantime_normal_quantile(double p)
{
    double q = p < 0.5 ? p : 1 - p, t = p - 0.5; /* 1 - p is exact for p >= 1/2 */
    int middle = q >= 0.25;                      /* then t is exact */
    struct meantime_math_quantile_place tail =
        meantime_math_quantile_tail(meantime_math_or_0(q, (q > 0) & !middle));
    double factor = middle ? t : meantime_math_signed(1, t);
    double offset = middle ? t * t : tail.offset;
    uint64_t row = tail.row & -(uint64_t)!middle;
    const double *c = meantime_math_quantile;
    double rest = c[row + 1] + offset * meantime_math_polynomial_at(c, row + 2, 13, offset);
    double result = factor * c[row] + factor * rest;
    result = q == 0 ? meantime_math_signed(meantime_math_infinity(), t) : result;
    return q >= 0 ? result : meantime_math_nan();
}

#endif
