/* Runs many schedules in as many processes as the machine has cores. If a schedule aborts or hangs,
 * only its process ends, and the report names the seed. */
#ifndef MEANTIME_TESTS_SIM_BATCH_H
#define MEANTIME_TESTS_SIM_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/tally.h"

/* Runs the seeds first, ..., first + count - 1 and adds to `tally`. Prints each failure with the
 * command that replays it. Each process ends after a few failures; with until_failure, all end
 * after the first failure. program: the name of this program. Returns how many schedules failed. */
unsigned batch_run(uint64_t first, uint64_t count, bool until_failure, const char *program,
                   struct tally *tally);

#endif
