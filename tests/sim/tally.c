/* Counts how often each happening occurred: see tally.h. */
#include "tests/sim/tally.h"

#include <inttypes.h>
#include <stdio.h>

void tally_add(struct tally *into, const struct tally *part)
{
    into->schedules += part->schedules;
    into->violations += part->violations;
    into->steps += part->steps;
    into->simulated_ms += part->simulated_ms;
    for (unsigned i = 0; i < HAPPENINGS_MAX; i++)
        into->happened[i] += part->happened[i];
}

void tally_print(const struct tally *tally, const char *const *happenings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        printf("%14" PRIu64 "  %s\n", tally->happened[i], happenings[i]);
}

unsigned tally_print_missing(const struct tally *tally, const char *const *happenings,
                             unsigned count)
{
    unsigned missing = 0;

    for (unsigned i = 0; i < count; i++)
        if (tally->happened[i] == 0) {
            printf("never: %s\n", happenings[i]);
            missing++;
        }
    return missing;
}
