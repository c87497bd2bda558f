/* A pool of servers with its clients, network and faults, in virtual time. The seed determines
 * everything. */
#ifndef MEANTIME_TESTS_SIM_POOL_WORLD_H
#define MEANTIME_TESTS_SIM_POOL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/agenda.h"
#include "tests/sim/pool/clients.h"
#include "tests/sim/pool/faults.h"
#include "tests/sim/pool/happenings.h"
#include "tests/sim/pool/hostile.h"
#include "tests/sim/pool/network.h"
#include "tests/sim/pool/node.h"
#include "tests/sim/simulation.h"
#include "tests/sim/tally.h"
#include "tests/sim/trace.h"
#include "tests/support/chance.h"

struct world {
    uint64_t seed;
    int64_t now_ns;
    struct chance chance;
    struct trace trace;
    struct tally *tally;
    struct agenda agenda;
    struct network network;
    struct pool pool;
    struct crowd crowd;
    struct hostiles hostiles;
    struct faults faults;
    bool healed;                     /* all faults have ended */
    int64_t answered_at_ns;          /* the last sum reply to a client */
    bool ended;                      /* the schedule is finished, or has a violation */
    char violation[VIOLATION_BYTES]; /* the first one; empty: none */
};

/* Runs the schedule of a seed and adds it to `tally`. world: storage, which each run reuses. */
void world_run(struct world *world, uint64_t seed, bool print, struct tally *tally);

/* Handles one occasion. */
void world_handle(struct world *world, const struct occasion *occasion);

/* Puts an occasion on the agenda, `delay_ns` from now. */
void world_later(struct world *world, int64_t delay_ns, struct occasion occasion);

/* Reports that an invariant is broken, and ends the schedule. */
__attribute__((format(printf, 2, 3))) void world_violation(struct world *world, const char *text,
                                                           ...);

static inline void world_happened(struct world *world, enum happening happening)
{
    world->tally->happened[happening]++;
}

#endif
