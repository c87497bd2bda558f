/* A limit for log warnings of one kind. */
#ifndef MEANTIME_SERVER_NET_WARNING_H
#define MEANTIME_SERVER_NET_WARNING_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

/* True at most once in every_us. next_at_us: when the next warning is due, 0 at first. */
static inline bool warning_due(int64_t *next_at_us, int64_t every_us)
{
    if (zclock_usecs() < *next_at_us)
        return false;
    *next_at_us = zclock_usecs() + every_us;
    return true;
}

#endif
