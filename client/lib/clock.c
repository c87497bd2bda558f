/* Reads the system's monotonic clock. The simulator of sessions links another clock instead. */
#include "client/lib/clock.h"

#include <time.h>

int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}
