/* Counts how often each happening occurred. A happening that never occurs is not tested. */
#ifndef MEANTIME_TESTS_SIM_TALLY_H
#define MEANTIME_TESTS_SIM_TALLY_H

#include <stdint.h>

#define HAPPENINGS_MAX 64

struct tally {
    uint64_t schedules;
    uint64_t violations;
    uint64_t steps;
    uint64_t simulated_ms;
    uint64_t happened[HAPPENINGS_MAX]; /* by the simulator's number of the happening */
};

void tally_add(struct tally *into, const struct tally *part);

/* Prints a table. happenings: `count` names, one for each number. */
void tally_print(const struct tally *tally, const char *const *happenings, unsigned count);

/* Prints the happenings that never occurred, and returns how many they are. */
unsigned tally_print_missing(const struct tally *tally, const char *const *happenings,
                             unsigned count);

#endif
