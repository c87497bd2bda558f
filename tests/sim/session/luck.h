/* Bad luck, drawn anew for each schedule: which kinds, how often, and until when. */
#ifndef MEANTIME_TESTS_SIM_SESSION_LUCK_H
#define MEANTIME_TESTS_SIM_SESSION_LUCK_H

#include <stdbool.h>
#include <stdint.h>

struct scene;

/* kinds: a bit each. deafened: some connection loses everything, or has. */
struct luck {
    uint32_t kinds;
    bool deafened;
    int64_t pause_ns;
    int64_t heal_at_ns;
};

void luck_init(struct scene *scene);

/* One fault happens; and all end. */
void luck_strike(struct scene *scene);
void luck_heal(struct scene *scene);

#endif
