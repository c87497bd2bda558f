/* The faults of a schedule, drawn from its seed: which kinds, how many, and until when. */
#ifndef MEANTIME_TESTS_SIM_POOL_FAULTS_H
#define MEANTIME_TESTS_SIM_POOL_FAULTS_H

#include <stdint.h>

struct world;
struct node;

struct faults {
    uint32_t kinds;     /* one bit for each kind of fault */
    int64_t rush_ns;    /* requests begin before this time, and faults before twice this time */
    int64_t heal_at_ns; /* all faults end */
};

void faults_init(struct world *world);

/* faults_happen(): one fault happens. faults_heal(): all faults end. */
void faults_happen(struct world *world);
void faults_heal(struct world *world);

/* The server's process has ended: plans its restart. */
void faults_restart(struct world *world, const struct node *node);

#endif
