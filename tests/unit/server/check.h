/* A dispatcher's state, looked at from outside. */
#ifndef MEANTIME_TESTS_UNIT_SERVER_CHECK_H
#define MEANTIME_TESTS_UNIT_SERVER_CHECK_H

#include "server/core/dispatcher.h"

/* Fails the test where the state contradicts itself, or work waits while a worker could take it.
 * All effects must have been taken. */
void check_state(const struct dispatcher *d);

/* Fails the test where anything is left of a request. */
void check_nothing_left(const struct dispatcher *d);

#endif
