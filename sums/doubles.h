/* Converts vectors of samples to doubles. Every conversion is exact. Included after sums/lanes.h.
 */
#ifndef MEANTIME_SUMS_DOUBLES_H
#define MEANTIME_SUMS_DOUBLES_H

#include <stdint.h>

#include "sums/lanes.h"

typedef double vec_double __attribute__((vector_size(8 * VEC_LANES)));
typedef int64_t vec_signed __attribute__((vector_size(8 * VEC_LANES)));

/* The bits of 12.0. The doubles from 8 to 16 are 2^-49 apart, so adding q to these bits gives the
 * double 12 + q * 2^-49 for |q| < 2^51. */
#define LEVEL1_ORIGIN UINT64_C(0x4028000000000000)

/* origin_plus_units: LEVEL1_ORIGIN + q. Returns q * 2^-49. */
INLINE vec_double level1_doubles(vec origin_plus_units)
{
    return (vec_double)origin_plus_units - 12.0;
}

#if defined(__AVX512DQ__) || defined(__aarch64__)
/* These processors convert 64-bit integers. */
INLINE vec_double gaussian_doubles(vec units)
{
    return __builtin_convertvector((vec_signed)units, vec_double) * 0x1p-49;
}

INLINE vec_double uniform_doubles(vec out)
{
    return __builtin_convertvector((vec_signed)(out >> 11), vec_double) * 0x1p-53;
}
#else
/* The doubles from 2^35 on are 2^-17 apart, so their low bits hold the high half of the units. The
 * doubles from 8 on are 2^-49 apart and hold the low half. Units are signed: 2^63 is added to them,
 * and the double 2^14 subtracts it again. */
INLINE vec_double gaussian_doubles(vec units)
{
    vec high = units >> 32 ^ UINT64_C(0x4220000080000000);         /* 2^35 + 2^14 */
    vec low = (units & UINT32_MAX) | UINT64_C(0x4020000000000000); /* 8.0 */
    return ((vec_double)high - (0x1p35 + 0x1p14 + 8.0)) + (vec_double)low;
}

/* The same method: the doubles from 2^31 on are 2^-21 apart, and those from 1/2 on 2^-53. */
INLINE vec_double uniform_doubles(vec out)
{
    vec high = out >> 43 | UINT64_C(0x41e0000000000000);               /* 2^31 */
    vec low = (out >> 11 & UINT32_MAX) | UINT64_C(0x3fe0000000000000); /* 1/2 */
    return ((vec_double)high - (0x1p31 + 0.5)) + (vec_double)low;
}
#endif

/* Stores vectors of doubles at any address. */
INLINE void doubles_store(double *to, const vec_double *from)
{
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        memcpy(to + VEC_LANES * k, &from[k], sizeof from[k]);
}

/* units: samples in units of 2^-49. */
INLINE void gaussian_store(double *x, const vec *units)
{
    vec_double doubles[VECS];
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        doubles[k] = gaussian_doubles(units[k]);
    doubles_store(x, doubles);
}

#endif
