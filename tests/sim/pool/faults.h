/* Bad luck, drawn anew for each schedule: which kinds, how often, and until when. */
#ifndef MEANTIME_TESTS_SIM_POOL_FAULTS_H
#define MEANTIME_TESTS_SIM_POOL_FAULTS_H

#include <stdint.h>

struct world;
struct node;

/* kinds: a bit each. rush_ns: requests come before this, and most faults not long after. */
struct faults {
    uint32_t kinds;
    int64_t rush_ns;
    int64_t heal_at_ns;
};

void faults_init(struct world *world);

/* One happens; and all end. */
void faults_happen(struct world *world);
void faults_heal(struct world *world);

/* The server's process has ended: somebody starts it again. */
void faults_restart(struct world *world, const struct node *node);

#endif
