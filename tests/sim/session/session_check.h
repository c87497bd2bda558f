/* Checks the inside of a session between two calls: its timer, and the users of its links. */
#ifndef MEANTIME_TESTS_SIM_SESSION_SESSION_CHECK_H
#define MEANTIME_TESTS_SIM_SESSION_SESSION_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"

/* Returns NULL, or a text that describes the error. timer_at_ns: what the session's timer is set
 * to. */
const char *session_check(const struct meantime *m, int64_t timer_at_ns);

/* Whether the last look left messages unread. */
bool session_has_unread(const struct meantime *m);

/* True if so many looks in a row left messages unread that the exchanges get EXCHANGE_EVENT_TIME
 * nevertheless. */
bool session_is_flooded(const struct meantime *m);

#endif
