/* Assertions about the state of a dispatcher. */
#ifndef MEANTIME_TESTS_UNIT_SERVER_CHECK_H
#define MEANTIME_TESTS_UNIT_SERVER_CHECK_H

#include "server/core/dispatcher.h"

/* Fails the test if the state violates an invariant of tests/support/invariants.h. All effects must
 * have been taken. */
void check_state(const struct dispatcher *d);

/* Fails the test if any request, span or run is left. */
void check_nothing_left(const struct dispatcher *d);

#endif
