/* The simulator's own random source: integers alone, the same in every build. */
#ifndef MEANTIME_TESTS_SIM_CHANCE_H
#define MEANTIME_TESTS_SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* The mixing of splitmix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t chance_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline uint64_t chance_next(struct chance *chance)
{
    return chance_mix(chance->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* 0 to limit - 1. limit: 1 or more. */
static inline uint64_t chance_below(struct chance *chance, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)chance_next(chance) * limit >> 64);
}

static inline bool chance_one_in(struct chance *chance, uint64_t limit)
{
    return chance_below(chance, limit) == 0;
}

/* least to most, both included, 0 <= least <= most. */
static inline int64_t chance_between(struct chance *chance, int64_t least, int64_t most)
{
    return least + (int64_t)chance_below(chance, (uint64_t)(most - least) + 1);
}

/* least to most, every power of two between them as likely as the next. least: 1 or more. */
static inline int64_t chance_spread(struct chance *chance, int64_t least, int64_t most)
{
    uint64_t doublings = 1;

    while (least <= most >> doublings)
        doublings++;
    int64_t low = least << chance_below(chance, doublings);
    return chance_between(chance, low, low > most / 2 ? most : 2 * low);
}

#endif
