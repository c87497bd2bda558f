/* Compute threads. Each takes tasks over a pipe of its own and gives them back, done, over one
 * socket that all share. */
#ifndef MEANTIME_SERVER_WORKER_H
#define MEANTIME_SERVER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* One span for one worker. It belongs to the worker from workers_start() until workers_done() gives
 * it back; meanwhile the owner may only set `cancelled`, which ends the work within a block. */
struct task {
    struct stream stream;
    uint64_t first;
    uint64_t count;
    atomic_bool cancelled;
    struct total total; /* of what was summed: the whole span unless it was cancelled */
    int64_t elapsed_ns;
};

struct workers;

/* Starts `count` threads, which compute with `kernel`. They are batch threads and nicer than the
 * caller, so that the thread that owns the sockets wakes at once. NULL with errno set on failure.
 */
struct workers *workers_new(uint32_t count, const struct kernel *kernel);

/* Waits for the threads to end: cancel the tasks first. */
void workers_destroy(struct workers **workers);

/* Hands `task` to a worker, 0 to count - 1, which queues it. At most WORKER_CREDIT each. */
void workers_start(struct workers *workers, uint32_t worker, struct task *task);

/* The next task that is done, or NULL. Never waits. */
struct task *workers_done(struct workers *workers);

/* For zmq_poll(): readable when workers_done() has one. */
void *workers_socket(const struct workers *workers);

#endif
