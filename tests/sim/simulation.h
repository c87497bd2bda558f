/* The interface between a simulator and main.c and batch.c. */
#ifndef MEANTIME_TESTS_SIM_SIMULATION_H
#define MEANTIME_TESTS_SIM_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/instant.h"
#include "tests/sim/tally.h"

#define US NS_PER_US
#define MS NS_PER_MS
#define S  NS_PER_S

#define VIOLATION_BYTES 256

/* The result of one schedule. */
struct outcome {
    char violation[VIOLATION_BYTES]; /* the first one; empty: none */
    int64_t at_ns;                   /* the simulated time at the end */
    uint64_t hash;                   /* of all events */
};

struct simulation {
    /* Runs the schedule of `seed` and adds it to `tally`. world: world_bytes bytes of storage, zero
     * in the first call, later as the previous call left them. print: print every event. */
    void (*run)(void *world, uint64_t seed, bool print, struct tally *tally,
                struct outcome *outcome);
    size_t world_bytes;
    uint64_t seeds;      /* schedules without options */
    uint64_t seeds_long; /* schedules with --long */
    unsigned happening_count;
    const char *const *happenings;
};

/* The simulator of this program. */
extern const struct simulation simulation;

#endif
