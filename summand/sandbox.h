/* Restricts the process that calls it, a helper process, before it runs the code of a user. */
#ifndef MEANTIME_SUMMAND_SANDBOX_H
#define MEANTIME_SUMMAND_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

/* The kernel kills this process when the thread of `parent` that has started it ends. Exits if it
 * has ended already. No core file; killed first if the system runs out of memory; at most
 * `memory_bytes` of data. A call of fork(), of exec() or of kill() for another process ends this
 * process with SIGSYS, if the kernel has seccomp filters. Restrictions that the system does not
 * offer are left out. */
void sandbox_enter(pid_t parent, uint64_t memory_bytes);

#endif
