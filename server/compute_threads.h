/* Compute threads: threads that sum spans. Each thread receives tasks through a pipe of its own,
 * and all threads send their results to one socket. Only the cancel flags are shared memory. */
#ifndef MEANTIME_SERVER_COMPUTE_THREADS_H
#define MEANTIME_SERVER_COMPUTE_THREADS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/limits.h"
#include "summand/helpers.h"
#include "sums/kernel.h"
#include "sums/stream.h"
#include "sums/total.h"

/* Terms of a summand to sum, and what came of it. */
struct compute_terms {
    /* The task is queued or runs, so that only its thread may use the rest. Stored and loaded as
     * release and acquire, because the thread gets only the address through its pipe. */
    atomic_bool is_running;
    struct helpers_task task;
    struct helper_outcome outcome;
};

/* A span to sum. */
struct compute_task {
    uint64_t
        span; /* its id; the low RUN_INDEX_BITS differ from those of all other spans in flight */
    struct compute_terms *terms; /* of a summand; NULL: samples. The result returns it. */
    /* Only without terms: */
    struct stream stream;
    uint64_t first; /* the first sample */
    uint64_t count; /* samples */
};

struct compute_result {
    uint64_t span;
    uint32_t thread;
    struct compute_terms *terms; /* of the task, with the outcome; NULL: samples */
    enum stream_kind kind;
    struct total total; /* of the whole span, unless the span was cancelled */
    int64_t elapsed_ns; /* time to compute the total */
};

struct compute_threads;

/* File descriptors of one compute thread: both ends of its pipe, its results socket, and a spare.
 */
#define COMPUTE_THREAD_FILES 4

/* Whether `count` threads can be started: starts and ends them. False with errno set. The count
 * includes libzmq's threads, because libzmq aborts if it cannot start a thread. */
bool compute_threads_rehearse(uint32_t count);

/* Starts `count` threads, 0 or more, that compute with `kernel`. They are batch threads with a
 * higher nice value than the caller, so that the thread that owns the sockets wakes at once. NULL
 * with errno set on failure. */
struct compute_threads *compute_threads_new(uint32_t count, const struct kernel *kernel);

/* Waits for the threads to end. The caller cancels their tasks first. */
void compute_threads_destroy(struct compute_threads **threads);

/* Queues a copy of `task` for a thread, 0 to count - 1. */
void compute_threads_start(struct compute_threads *threads, uint32_t thread,
                           const struct compute_task *task);

/* Ends the work on a span within the time of one block, or of one call of a user's function, but
 * 110 ms at most. Its result is sent nevertheless. */
void compute_threads_cancel(struct compute_threads *threads, uint64_t span);

/* Takes the next result, or returns false. Never waits. */
bool compute_threads_done(struct compute_threads *threads, struct compute_result *result);

/* For zmq_poll(): readable when compute_threads_done() has a result. */
void *compute_threads_socket(const struct compute_threads *threads);

#endif
