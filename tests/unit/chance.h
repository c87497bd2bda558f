/* A random source with a printed seed: MEANTIME_TEST_SEED=... repeats a run. */
#ifndef MEANTIME_TESTS_UNIT_CHANCE_H
#define MEANTIME_TESTS_UNIT_CHANCE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct chance {
    uint64_t state;
};

static inline struct chance chance_init(void)
{
    const char *given = getenv("MEANTIME_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct chance chance = {given ? strtoull(given, NULL, 0) : (uint64_t)now.tv_nsec};
    fprintf(stderr, "MEANTIME_TEST_SEED=%" PRIu64 "\n", chance.state);
    return chance;
}

/* splitmix64 */
static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t x = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline uint64_t chance_below(struct chance *chance, uint64_t limit)
{
    return chance_next(chance) % limit;
}

#endif
