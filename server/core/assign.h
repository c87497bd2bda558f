/* The assignment policy: which worker gets which span next, and when. Part of the dispatcher. */
#ifndef MEANTIME_SERVER_CORE_ASSIGN_H
#define MEANTIME_SERVER_CORE_ASSIGN_H

#include "proto/instant.h"
#include "server/core/dispatcher_state.h"

/* A run is overdue if it is late by OVERDUE_NS. Its worker sends heartbeats but computes too
 * slowly. Another worker gets the span at once, before new spans are cut. */
#define OVERDUE_NS (2 * NS_PER_S)

/* Audits that are checked for a ready worker. Those that wait longest come first. */
#define AUDIT_LOOKS 512

/* If both runs of a span are overdue, the dispatcher revokes one and a third worker gets the span.
 * The time until the next revocation of this span doubles each time, up to this many times. So a
 * span that is only slow ends at last. */
#define REVOCATIONS_MAX 20

/* Assigns one span to one worker and returns the new run, or NULL if there is nothing to assign
 * now. The rules are in assign.c. */
struct run *assign_next(struct dispatcher *d);

/* The time at which assign_next() has something to assign although no event arrives, or NEVER. */
int64_t assign_due_at(const struct dispatcher *d);

#endif
