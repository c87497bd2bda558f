/* Many schedules, in as many processes as there are cores: one that aborts or hangs takes no other
 * with it, and is told apart by its seed. */
#ifndef MEANTIME_TESTS_SIM_BATCH_H
#define MEANTIME_TESTS_SIM_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/tally.h"

/* Seeds first, ..., first + count - 1. Adds to `tally`, and prints each failure with the command
 * that replays it; gives up after some, or after the first. program: its own name. Returns how many
 * failed. */
unsigned batch_run(uint64_t first, uint64_t count, bool until_failure, const char *program,
                   struct tally *tally);

#endif
