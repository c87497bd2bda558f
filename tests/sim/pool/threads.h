/* Compute threads of a simulated server: each takes one span after the other, in virtual time. */
#ifndef MEANTIME_TESTS_SIM_POOL_THREADS_H
#define MEANTIME_TESTS_SIM_POOL_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/dispatcher.h"
#include "tests/support/chance.h"

#define NODE_THREADS_MAX 3

struct sim_task {
    struct sum_request span;
    bool cancelled;
};

/* ends_at_ns: of the first task; grows stale when that is cancelled, hence the stamp. */
struct thread {
    struct sim_task tasks[WORKER_CREDIT];
    uint32_t count;
    uint32_t stamp;
    int64_t began_at_ns;
    int64_t ends_at_ns;
};

struct threads {
    struct thread all[NODE_THREADS_MAX];
    int64_t block_ns[3]; /* by kind */
    bool other_sums;
};

/* False: it holds as many as it may. starts: it begins at once, and ends at ends_at_ns. */
bool thread_give(struct threads *threads, uint32_t number, const struct sum_request *span,
                 int64_t now_ns, struct chance *chance, bool *starts);

/* False: it has no such span. moved: it ends at another time. */
bool thread_cancel(struct threads *threads, uint32_t number, uint64_t id, int64_t now_ns,
                   struct chance *chance, bool *moved);

/* The result of its first task. goes_on: it begins with the next one. */
void thread_end(struct threads *threads, uint32_t number, int64_t now_ns, struct chance *chance,
                struct sum_reply *reply, bool *goes_on);

#endif
