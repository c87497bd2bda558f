/* How many compute threads this process can keep busy: its CPU affinity and the CPU quotas of its
 * control groups. */
#ifndef MEANTIME_SERVER_CPU_LIMIT_H
#define MEANTIME_SERVER_CPU_LIMIT_H

#include <stdint.h>

#define CPU_LIMIT_REASON_BYTES 512

struct cpu_limit {
    uint32_t threads;                    /* 1 or more */
    char reason[CPU_LIMIT_REASON_BYTES]; /* what decides the number: printable, for a log line */
};

/* The minimum of the CPUs that the process may use and of the quotas of its own control group and
 * all parents, rounded up. Reads files below root/proc and root/sys. Without them, no quota counts.
 * root: "", or a folder that a test has prepared. */
void cpu_limit_find(const char *root, struct cpu_limit *limit);

#endif
