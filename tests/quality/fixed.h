/* Sums of doubles that do not depend on the order, so that threads may share the work. Each double
 * is rounded to a multiple of 2^-FIXED_BITS, and these multiples add up exactly. */
#ifndef MEANTIME_TESTS_QUALITY_FIXED_H
#define MEANTIME_TESTS_QUALITY_FIXED_H

#define FIXED_BITS 40

typedef __int128 fixed;

/* x: |x| < 2^60. */
static inline fixed fixed_from(double x)
{
    return (fixed)(x * (double)(1LL << FIXED_BITS));
}

static inline double fixed_value(fixed x)
{
    return (double)x / (double)(1LL << FIXED_BITS);
}

#endif
