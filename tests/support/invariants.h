/* What must hold in a dispatcher after every step, looked up in its own state. */
#ifndef MEANTIME_TESTS_SUPPORT_INVARIANTS_H
#define MEANTIME_TESTS_SUPPORT_INVARIANTS_H

#include <stdint.h>

#include "server/core/dispatcher.h"
#include "server/core/workers.h"

/* NULL, or what does not hold: the state contradicts itself, or work waits while a worker could
 * take it. All instructions must have been taken. */
const char *invariants_wrong(const struct dispatcher *d);

/* How many spans a worker may be given: 1 to WORKER_CREDIT_MAX. */
uint64_t invariants_credit(const struct worker *w);

#endif
