/* The faults of a schedule: which kinds happen, how often, and until when. Each schedule draws a
 * new plan. */
#ifndef MEANTIME_TESTS_SIM_SESSION_FAULT_PLAN_H
#define MEANTIME_TESTS_SIM_SESSION_FAULT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct session_scene;

struct fault_plan {
    uint32_t kinds;     /* one bit for each kind */
    bool lost_all;      /* some wire loses all packets, or has done so */
    int64_t pause_ns;   /* the longest time that a server is dead, frozen or isolated */
    int64_t heal_at_ns; /* all faults end */
};

void fault_plan_init(struct session_scene *scene);

/* Injects one fault, and schedules the next one. */
void fault_plan_strike(struct session_scene *scene);

/* Ends all faults. */
void fault_plan_heal(struct session_scene *scene);

#endif
