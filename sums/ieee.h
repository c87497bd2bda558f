/* Doubles whose bits are the same on every machine: IEEE 754 binary64 and its + - * /. */
#ifndef MEANTIME_SUMS_IEEE_H
#define MEANTIME_SUMS_IEEE_H

#include <stdint.h>
#include <string.h>

#define DOUBLE_FRACTION_BITS 52
#define DOUBLE_BIAS          1023

static inline uint64_t double_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double bits_double(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^exponent, exactly. exponent: -1022 to 1023. */
static inline double power_of_two(int exponent)
{
    return bits_double((uint64_t)(exponent + DOUBLE_BIAS) << DOUBLE_FRACTION_BITS);
}

/* exp(y) for -700 < y <= 0 and ln(u) for 2^-1022 <= u <= 1, within 3 units of the last place.
 * sums/SAMPLER.md specifies their operations. The C library's functions may differ in the last
 * bit. */
double exp_ieee(double y);
double log_ieee(double u);

#endif
