/* A pseudo-random source for tests: integers only, the same in every build for the same seed. */
#ifndef MEANTIME_TESTS_SUPPORT_CHANCE_H
#define MEANTIME_TESTS_SUPPORT_CHANCE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Set `state` to a seed, or call chance_init(). */
struct chance {
    uint64_t state;
};

/* The seed is MEANTIME_TEST_SEED from the environment, or else the time. It is printed, so that a
 * failed run can be repeated. */
static inline struct chance chance_init(void)
{
    const char *given = getenv("MEANTIME_TEST_SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    struct chance chance = {given ? strtoull(given, NULL, 0) : (uint64_t)now.tv_nsec};
    fprintf(stderr, "MEANTIME_TEST_SEED=%" PRIu64 "\n", chance.state);
    return chance;
}

/* The mixing function of splitmix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t chance_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Any 64 bits. */
static inline uint64_t chance_next(struct chance *chance)
{
    return chance_mix(chance->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* 0 to limit - 1. limit: 1 or more. */
static inline uint64_t chance_below(struct chance *chance, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)chance_next(chance) * limit >> 64);
}

/* True once in `limit` calls, on average. limit: 1 or more. */
static inline bool chance_one_in(struct chance *chance, uint64_t limit)
{
    return chance_below(chance, limit) == 0;
}

/* least to most, both included. 0 <= least <= most. */
static inline int64_t chance_between(struct chance *chance, int64_t least, int64_t most)
{
    return least + (int64_t)chance_below(chance, (uint64_t)(most - least) + 1);
}

/* least to most, with each doubling of the value equally likely. least: 1 or more. */
static inline int64_t chance_spread(struct chance *chance, int64_t least, int64_t most)
{
    uint64_t doublings = 1;

    while (least <= most >> doublings)
        doublings++;
    int64_t low = least << chance_below(chance, doublings);
    return chance_between(chance, low, low > most / 2 ? most : 2 * low);
}

#endif
