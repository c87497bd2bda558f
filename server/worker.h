/* Compute threads. Each takes tasks over a pipe of its own and sends results over one socket that
 * all share. Nothing but the wish to cancel is shared memory. */
#ifndef MEANTIME_SERVER_WORKER_H
#define MEANTIME_SERVER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/dispatcher.h"
#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* A span to compute. span: an id as of server/dispatcher.h: the low RUN_INDEX_BITS are its index,
 * which no other span has that is out meanwhile. */
struct task {
    uint64_t span;
    struct stream stream;
    uint64_t first;
    uint64_t count;
};

/* total: of what was summed, the whole span unless it was cancelled. elapsed_ns: computing it. */
struct result {
    uint64_t span;
    uint32_t worker;
    enum stream_kind kind;
    struct total total;
    int64_t elapsed_ns;
};

struct workers;

/* File descriptors that a compute thread takes: one for each end of its pipe, one for its results,
 * and one to spare. */
#define WORKER_FILES 4

/* Whether `count` threads can be started, libzmq's among them, which aborts where it finds that
 * they cannot. False with errno set. Starts them, and ends them again. */
bool workers_rehearse(uint32_t count);

/* Starts `count` threads, 0 or more, which compute with `kernel`. They are batch threads and nicer
 * than the caller, so that the thread that owns the sockets wakes at once. NULL with errno set on
 * failure. */
struct workers *workers_new(uint32_t count, const struct kernel *kernel);

/* Waits for the threads to end: cancel the tasks first. */
void workers_destroy(struct workers **workers);

/* Hands a copy of `task` to a worker, 0 to count - 1, which queues it. */
void workers_start(struct workers *workers, uint32_t worker, const struct task *task);

/* Ends the work on a span within a block; its result comes all the same. */
void workers_cancel(struct workers *workers, uint64_t span);

/* Takes the next result, or returns false. Never waits. */
bool workers_done(struct workers *workers, struct result *result);

/* For zmq_poll(): readable when workers_done() has one. */
void *workers_socket(const struct workers *workers);

#endif
