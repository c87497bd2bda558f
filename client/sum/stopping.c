/* Decides at which count of terms a sum ends. */
#include "client/sum/stopping.h"

#define COUNT_LOG2_MAX 63

static uint64_t power_at_most(uint64_t count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(count));
}

/* After 2^k come 3 * 2^(k-1) and 2^(k+1). */
uint64_t stopping_next(uint64_t count)
{
    if (count < STOPPING_FIRST)
        return STOPPING_FIRST;
    uint64_t power = power_at_most(count);
    if (power >> COUNT_LOG2_MAX)
        return UINT64_MAX;
    return count < power + power / 2 ? power + power / 2 : 2 * power;
}

static bool is_evaluated(uint64_t count)
{
    return count >= STOPPING_FIRST && stopping_next(count - 1) == count;
}

bool stopping_reached(uint64_t count, double wanted, double variance, double standard_error)
{
    return is_evaluated(count) && variance > 0 && standard_error <= wanted;
}

uint64_t stopping_expected(uint64_t count, double wanted, double standard_error, uint64_t count_max)
{
    double ratio = standard_error / wanted;
    double needed = (double)count * ratio * ratio;

    if (!(needed < (double)count_max))
        return count_max;
    uint64_t least = (uint64_t)needed < count ? count : (uint64_t)needed;
    uint64_t next = stopping_next(least > 0 ? least - 1 : 0);
    return next < count_max ? next : count_max;
}
