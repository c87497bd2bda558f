/* Asks the scheduler for a time slice of the calling thread: see sched_setattr(2). From Linux 6.12
 * on, the scheduler takes such a wish into account. */
#ifndef MEANTIME_PROTO_TIME_SLICE_H
#define MEANTIME_PROTO_TIME_SLICE_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* policy, nice: of the thread from now on, such as SCHED_BATCH and 0. slice_ns: 0: the system's own
 * slice. If the system does not allow the change, the thread keeps what it has. */
static inline void time_slice_ask(int policy, int nice, uint64_t slice_ns)
{
    /* The argument of sched_setattr(2). glibc declares it from 2.41 on. */
    struct {
        uint32_t size;
        uint32_t policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t slice_ns, deadline_ns, period_ns;
    } wish = {.size = sizeof wish, .policy = (uint32_t)policy, .nice = nice, .slice_ns = slice_ns};

    syscall(SYS_sched_setattr, 0, &wish, 0);
}

#endif
