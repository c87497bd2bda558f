/* The assignment policy: which worker gets which span next, and when. Part of the dispatcher. */
#ifndef MEANTIME_SERVER_CORE_ASSIGN_H
#define MEANTIME_SERVER_CORE_ASSIGN_H

#include "server/core/dispatcher_state.h"

/* Assigns one span to one worker and returns the new run, or NULL if there is nothing to assign
 * now. The rules are in assign.c. */
struct run *assign_next(struct dispatcher *d);

/* The time at which assign_next() has something to assign although no event arrives, or NEVER. */
int64_t assign_due_at(const struct dispatcher *d);

#endif
