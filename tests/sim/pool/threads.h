/* Compute threads of a simulated server. Each computes one span after the other, in virtual time.
 */
#ifndef MEANTIME_TESTS_SIM_POOL_THREADS_H
#define MEANTIME_TESTS_SIM_POOL_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/dispatcher.h"
#include "tests/sim/pool/summands.h"
#include "tests/support/chance.h"

#define NODE_THREADS_MAX 3

/* A span that a compute thread holds. */
struct sim_task {
    struct sum_request span;
    bool cancelled;
};

struct thread {
    struct sim_task tasks[WORKER_CREDIT];
    uint32_t count;      /* of `tasks` */
    uint32_t stamp;      /* changes with ends_at_ns, so that outdated timers are ignored */
    int64_t began_at_ns; /* of the first task */
    int64_t ends_at_ns;  /* of the first task */
};

struct sim_threads {
    struct thread all[NODE_THREADS_MAX];
    int64_t block_ns[3]; /* time of a block, by enum message_kind */
    int64_t period_ns;   /* of a CPU quota; 0: none */
    int64_t burst_ns;    /* the threads compute for this long in each period, and then wait */
    bool other_sums;     /* its totals are wrong */
    struct offer offers[SUMMANDS];
    uint32_t offer_count;
    bool odd;                 /* the bits of its terms differ from run to run */
    double relative;          /* time of its terms divided by that of an average core */
    uint32_t die_one_in;      /* of the spans of summands, their helper process dies in one */
    uint32_t helper_deaths;   /* so far */
    struct sim_totals totals; /* of the last reply */
};

/* False: the thread holds its maximum of spans. starts: the span begins at once, and ends at
 * ends_at_ns. */
bool thread_give(struct sim_threads *threads, uint32_t number, const struct sum_request *span,
                 int64_t now_ns, struct chance *chance, bool *starts);

/* False: the thread has no such span. moved: ends_at_ns has changed. */
bool thread_cancel(struct sim_threads *threads, uint32_t number, uint64_t id, int64_t now_ns,
                   struct chance *chance, bool *moved);

/* Ends the first task and writes its result, which is valid until the next call. goes_on: the next
 * task begins. */
void thread_end(struct sim_threads *threads, uint32_t number, int64_t now_ns, struct chance *chance,
                struct message *message, bool *goes_on);

#endif
