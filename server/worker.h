/* Compute threads. Each takes tasks over a pipe of its own and sends results over one socket that
 * all share. Nothing but the wish to cancel is shared memory. */
#ifndef MEANTIME_SERVER_WORKER_H
#define MEANTIME_SERVER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* A span to compute. span: its number, below workers_new()'s spans. */
struct task {
    uint32_t span;
    struct stream stream;
    uint64_t first;
    uint64_t count;
};

/* total: of what was summed, the whole span unless it was cancelled. elapsed_ns: computing it. */
struct result {
    uint32_t span;
    struct total total;
    int64_t elapsed_ns;
};

struct workers;

/* Starts `count` threads, which compute with `kernel`; `spans` tasks may be out at a time. They are
 * batch threads and nicer than the caller, so that the thread that owns the sockets wakes at once.
 * NULL with errno set on failure. */
struct workers *workers_new(uint32_t count, uint32_t spans, const struct kernel *kernel);

/* Waits for the threads to end: cancel the tasks first. */
void workers_destroy(struct workers **workers);

/* Hands a copy of `task` to a worker, 0 to count - 1, which queues it. */
void workers_start(struct workers *workers, uint32_t worker, const struct task *task);

/* Ends the work on a span within a block; its result comes all the same. */
void workers_cancel(struct workers *workers, uint32_t span);

/* Takes the next result, or returns false. Never waits. */
bool workers_done(struct workers *workers, struct result *result);

/* For zmq_poll(): readable when workers_done() has one. */
void *workers_socket(const struct workers *workers);

#endif
