/* How often each thing happened: what never happens is not tested. */
#ifndef MEANTIME_TESTS_SIM_TALLY_H
#define MEANTIME_TESTS_SIM_TALLY_H

#include <stdint.h>

#define HAPPENINGS_MAX 64

/* happened: by the number that the simulator has for it. */
struct tally {
    uint64_t schedules;
    uint64_t violations;
    uint64_t steps;
    uint64_t simulated_ms;
    uint64_t happened[HAPPENINGS_MAX];
};

void tally_add(struct tally *into, const struct tally *part);

/* A table for people. */
void tally_print(const struct tally *tally);

/* How many of the happenings never happened; each is named. */
unsigned tally_print_missing(const struct tally *tally);

#endif
