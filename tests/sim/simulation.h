/* What main.c and batch.c run: each simulator is one of these. */
#ifndef MEANTIME_TESTS_SIM_SIMULATION_H
#define MEANTIME_TESTS_SIM_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/tally.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

#define VIOLATION_BYTES 256

/* violation: the first; empty: none. hash: of all that happened. */
struct outcome {
    char violation[VIOLATION_BYTES];
    int64_t at_ns;
    uint64_t hash;
};

/* run: the schedule of a seed, which it adds to `tally`. world: `world_bytes`, zero at first, then
 * as the run before left them. */
struct simulation {
    void (*run)(void *world, uint64_t seed, bool print, struct tally *tally,
                struct outcome *outcome);
    size_t world_bytes;
    uint64_t seeds;      /* in the short form */
    uint64_t seeds_long; /* with --long */
    unsigned happening_count;
    const char *const *happenings;
};

/* The one of this program. */
extern const struct simulation simulation;

#endif
