/* The clock of the client: a monotonic one, which never goes backwards. */
#ifndef MEANTIME_CLIENT_LIB_CLOCK_H
#define MEANTIME_CLIENT_LIB_CLOCK_H

#include <stdint.h>

#include "proto/instant.h"

/* Nanoseconds since a fixed moment. One call takes about 20 ns. Any thread. */
int64_t clock_ns(void);

#endif
