/* What the kernels of exact sums with two lanes share. */
#ifndef MEANTIME_SUMS_EXACT_TWO_LANES_H
#define MEANTIME_SUMS_EXACT_TWO_LANES_H

#include <stdbool.h>
#include <stdint.h>

#define VEC_LANES 2
#include "sums/exact_template.h"

INLINE units small(vec y, vec least)
{
    vec size = (vec)((units)y & INT64_MAX);
    return (units)(size < least) & (units)y;
}

INLINE bool fits(units outside, units rest)
{
    units wrong = outside >> 52 | rest << 1;
    return (wrong[0] | wrong[1]) == 0;
}

#endif
