/* The invariants of a dispatcher: they hold after every step. */
#ifndef MEANTIME_TESTS_SUPPORT_INVARIANTS_H
#define MEANTIME_TESTS_SUPPORT_INVARIANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/dispatcher.h"
#include "server/core/workers.h"

/* NULL, or a text that names the first invariant that does not hold: the state contradicts itself,
 * or a span waits while a worker could take it. All effects must have been taken. */
const char *invariants_wrong(const struct dispatcher *d);

/* The credit of a worker in spans: 0 to WORKER_CREDIT_MAX. */
uint64_t invariants_credit(const struct worker *w);

/* True if a total of the span by this worker is among its votes. */
bool invariants_has_voted(const struct workers *workers, const struct span *span,
                          const struct worker *w);

/* How many workers with the skill of the span have no vote on it. */
uint32_t invariants_jurors(const struct workers *workers, const struct span *span);

#endif
