/* A crew: threads that share out numbered items of work. */
#ifndef MEANTIME_TESTS_QUALITY_CREW_H
#define MEANTIME_TESTS_QUALITY_CREW_H

#include <stdbool.h>
#include <stdint.h>

/* Does one item; `member` (0 to threads - 1) is never in two calls at once. False ends the run. */
typedef bool crew_work(void *context, unsigned member, uint64_t item);

/* Told on the caller's thread, now and then. */
typedef void crew_progress(uint64_t done, uint64_t items);

/* Does items 0 to items - 1, each once, in any order; threads: at least 1. False if an item failed
 * or no thread could be started. */
bool crew_run(unsigned threads, uint64_t items, crew_work *work, void *context,
              crew_progress *progress);

#endif
