/* Compute threads. Each takes tasks over a pipe of its own and sends results over one socket that
 * all share. Nothing but the wish to cancel is shared memory. */
#ifndef MEANTIME_SERVER_COMPUTE_THREADS_H
#define MEANTIME_SERVER_COMPUTE_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/dispatcher.h"
#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* A span to compute. span: an id as of server/core/dispatcher.h: the low RUN_INDEX_BITS are its
 * index, which no other span has that is out meanwhile. */
struct compute_task {
    uint64_t span;
    struct stream stream;
    uint64_t first;
    uint64_t count;
};

/* total: of what was summed, the whole span unless it was cancelled. elapsed_ns: computing it. */
struct compute_result {
    uint64_t span;
    uint32_t worker;
    enum stream_kind kind;
    struct total total;
    int64_t elapsed_ns;
};

struct compute_threads;

/* File descriptors that a compute thread takes: one for each end of its pipe, one for its results,
 * and one to spare. */
#define WORKER_FILES 4

/* Whether `count` threads can be started, libzmq's among them, which aborts where it finds that
 * they cannot. False with errno set. Starts them, and ends them again. */
bool compute_threads_rehearse(uint32_t count);

/* Starts `count` threads, 0 or more, which compute with `kernel`. They are batch threads and nicer
 * than the caller, so that the thread that owns the sockets wakes at once. NULL with errno set on
 * failure. */
struct compute_threads *compute_threads_new(uint32_t count, const struct kernel *kernel);

/* Waits for the threads to end: cancel the tasks first. */
void compute_threads_destroy(struct compute_threads **workers);

/* Hands a copy of `task` to a worker, 0 to count - 1, which queues it. */
void compute_threads_start(struct compute_threads *workers, uint32_t worker,
                           const struct compute_task *task);

/* Ends the work on a span within a block; its result comes all the same. */
void compute_threads_cancel(struct compute_threads *workers, uint64_t span);

/* Takes the next result, or returns false. Never waits. */
bool compute_threads_done(struct compute_threads *workers, struct compute_result *result);

/* For zmq_poll(): readable when compute_threads_done() has one. */
void *compute_threads_socket(const struct compute_threads *workers);

#endif
