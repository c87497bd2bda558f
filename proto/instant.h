/* Points in time and lengths of time, in nanoseconds of any monotonic clock. */
#ifndef MEANTIME_PROTO_INSTANT_H
#define MEANTIME_PROTO_INSTANT_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* A point in time that never comes. It is later than every other one. */
#define NEVER INT64_MAX

static inline int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static inline int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* A length of time in seconds, for texts. */
static inline double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

#endif
