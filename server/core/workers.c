/* The workers: their speed, their load, and the time of their last message. See workers.h. */
#include "server/core/workers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sums/stream.h"

/* Assumed before the first measurement: about the time of the portable kernel. */
#define BLOCK_NS_GUESS 100000

/* The times that workers report are limited to this range. A block in 1 us is ten times faster than
 * any core; 10 s for a block is slower than any computer. */
#define BLOCK_NS_MIN 1e3
#define BLOCK_NS_MAX 1e10

#define WORKER_BUG WORKER_STATES

/* clang-format off */
static const enum worker_state worker_after[WORKER_STATES][WORKER_EVENTS] = {
    /*                    JOIN           HEARTBEAT       REFUSAL         LEAVE           LOST       */
    [WORKER_FREE]    = { WORKER_JOINED, WORKER_BUG,     WORKER_BUG,     WORKER_BUG,     WORKER_BUG  },
    [WORKER_JOINED]  = { WORKER_BUG,    WORKER_JOINED,  WORKER_RESTING, WORKER_LEAVING, WORKER_FREE },
    [WORKER_RESTING] = { WORKER_BUG,    WORKER_JOINED,  WORKER_RESTING, WORKER_LEAVING, WORKER_FREE },
    [WORKER_LEAVING] = { WORKER_BUG,    WORKER_LEAVING, WORKER_LEAVING, WORKER_LEAVING, WORKER_FREE },
};
/* clang-format on */

static void worker_move(struct worker *worker, enum worker_event event)
{
    worker->state = worker_after[worker->state][event];
    assert(worker->state != WORKER_BUG);
}

/* ---- readiness --------------------------------------------------------------------------- */

/* The index of its list in workers.ready, or -1 if it gets no span now. */
static int worker_level(const struct worker *worker)
{
    if (worker->state != WORKER_JOINED || worker->held >= WORKER_CREDIT_MAX ||
        worker->held >= (uint64_t)worker->capacity * WORKER_CREDIT)
        return -1;
    return (int)(worker->held / worker->capacity);
}

/* Moves the worker to the end of the list that fits its load. */
static void worker_update_level(struct workers *workers, struct worker *worker)
{
    int level = worker_level(worker);

    if (worker->level >= 0)
        TAILQ_REMOVE(&workers->ready[worker->level], worker, in_ready);
    worker->level = level;
    if (level >= 0)
        TAILQ_INSERT_TAIL(&workers->ready[level], worker, in_ready);
}

struct worker *workers_ready(const struct workers *workers)
{
    for (int level = 0; level < WORKER_CREDIT; level++)
        if (!TAILQ_EMPTY(&workers->ready[level]))
            return TAILQ_FIRST(&workers->ready[level]);
    return NULL;
}

bool worker_proven(const struct worker *worker)
{
    return worker->thread || worker->samples > 0;
}

static bool worker_holds(const struct worker *worker, const struct span *span)
{
    for (unsigned i = 0; i < SPAN_RUNS_MAX; i++)
        if (span->runs[i] && span->runs[i]->worker == worker)
            return true;
    return false;
}

/* At most SPAN_RUNS_MAX workers hold the span, so this loop is short. */
struct worker *workers_ready_for(const struct workers *workers, const struct span *span)
{
    struct worker *worker;

    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH (worker, &workers->ready[level], in_ready)
            if (!worker_holds(worker, span))
                return worker;
    return NULL;
}

struct worker *workers_idle(const struct workers *workers, const struct worker *but)
{
    struct worker *worker = TAILQ_FIRST(&workers->ready[0]);

    return worker && worker == but ? TAILQ_NEXT(worker, in_ready) : worker;
}

/* ---- speed ------------------------------------------------------------------------------- */

/* Adds the worker to the speed and the capacity of all workers (sign: 1), or subtracts it (-1). A
 * leaving worker does not count. */
static void workers_account(struct workers *workers, const struct worker *worker, int sign)
{
    if (worker->state == WORKER_LEAVING)
        return;
    workers->capacity += (uint64_t)(int64_t)sign * worker->capacity;
    for (int kind = 0; kind < KINDS; kind++)
        workers->speed[kind] += sign * (worker->capacity / worker->block_ns[kind]);
}

void workers_set_capacity(struct workers *workers, struct worker *worker, uint32_t capacity)
{
    if (worker->capacity == capacity)
        return;
    workers_account(workers, worker, -1);
    worker->capacity = capacity;
    workers_account(workers, worker, 1);
    worker_update_level(workers, worker);
}

/* Heights above HEIGHT_MAX count as HEIGHT_MAX. */
static uint32_t height_within(uint32_t height)
{
    return height < HEIGHT_MAX ? height : HEIGHT_MAX;
}

void workers_set_height(struct workers *workers, struct worker *worker, uint32_t height)
{
    workers->of_height[worker->height]--;
    worker->height = height_within(height);
    workers->of_height[worker->height]++;
}

uint32_t workers_height(const struct workers *workers)
{
    uint32_t height = HEIGHT_MAX + 1;

    while (height > 0 && workers->of_height[height - 1] == 0)
        height--;
    return height;
}

/* block_ns is the mean of the first four measurements. Each later measurement counts for a quarter.
 */
void workers_measured(struct workers *workers, struct run *run, uint64_t samples,
                      uint64_t compute_ns)
{
    struct worker *worker = run->worker;
    double measured = (double)compute_ns * BLOCK_SAMPLES / (double)samples;
    double *block_ns = &worker->block_ns[run->kind];

    worker->samples += samples;
    if (samples < BLOCK_SAMPLES)
        return;
    measured = measured < BLOCK_NS_MIN ? BLOCK_NS_MIN : measured;
    measured = measured > BLOCK_NS_MAX ? BLOCK_NS_MAX : measured;
    workers_account(workers, worker, -1);
    if (worker->measured[run->kind] < 4)
        worker->measured[run->kind]++;
    *block_ns += (measured - *block_ns) / worker->measured[run->kind];
    workers_account(workers, worker, 1);
}

static uint64_t blocks_in(double ns, double block_ns)
{
    double blocks = ns / block_ns;

    return blocks > 1 ? (uint64_t)blocks : 1;
}

/* Towards the end of a request, spans shrink so that all workers finish together. No span takes
 * less time than this. */
#define SPAN_NS_MIN INT64_C(100000)

/* The longest time of one core that a span is cut for. Only a span of one block may take longer. */
static double span_ns_max(const struct workers *workers, const struct worker *worker)
{
    return (double)(worker->thread ? THREAD_SPAN_NS : workers->span_ns);
}

/* Guided self-scheduling (Polychronopoulos and Kuck, 1987): a span is half of this core's share of
 * the samples left, by the speeds of all workers. Its time is limited to SPAN_NS_MIN up to the time
 * of a span. It ends at the end of a block. */
uint64_t workers_span_size(const struct workers *workers, const struct worker *worker,
                           enum message_kind kind, uint64_t first, uint64_t left)
{
    double block_ns = worker->block_ns[kind];
    double most_ns = span_ns_max(workers, worker);
    double least_ns = most_ns < SPAN_NS_MIN ? most_ns : SPAN_NS_MIN;
    double ns = (double)left / BLOCK_SAMPLES / workers->speed[kind] / 2;

    ns = ns < least_ns ? least_ns : ns;
    ns = ns > most_ns ? most_ns : ns;
    uint64_t size = blocks_in(ns, block_ns) * BLOCK_SAMPLES - first % BLOCK_SAMPLES;
    return size < left ? size : left;
}

/* ---- load -------------------------------------------------------------------------------- */

/* A span that was cut for a faster worker takes longer here than a span of this worker. The run is
 * nevertheless late after the time of one span, so that an idle worker can get the span too. */
void workers_hold(struct workers *workers, struct run *run, uint64_t count, int64_t now_ns)
{
    struct worker *worker = run->worker;
    double ns = (double)count / BLOCK_SAMPLES * worker->block_ns[run->kind];
    double most_ns = span_ns_max(workers, worker);

    run->takes_ns = (int64_t)((ns < most_ns ? ns : most_ns) / worker->capacity);
    worker->queued_ns += run->takes_ns;
    run->late_at_ns = now_ns + 2 * worker->queued_ns + LATE_NS;
    TAILQ_INSERT_TAIL(&worker->runs, run, in_worker);
    worker->held++;
    workers->held++;
    worker_update_level(workers, worker);
}

void workers_release(struct workers *workers, struct run *run)
{
    struct worker *worker = run->worker;

    TAILQ_REMOVE(&worker->runs, run, in_worker);
    worker->held--;
    workers->held--;
    worker->queued_ns -= run->takes_ns;
    worker_update_level(workers, worker);
}

/* ---- membership -------------------------------------------------------------------------- */

bool workers_init(struct workers *workers, uint32_t threads, uint32_t joined_max, int64_t span_ns)
{
    uint32_t workers_max = threads + joined_max;

    *workers = (struct workers){
        .table =
            calloc(workers_max + 1, sizeof *workers->table), /* + 1: calloc(0) may return NULL */
        .threads = threads,
        .workers_max = workers_max,
        .span_ns = span_ns,
    };
    TAILQ_INIT(&workers->by_silence);
    TAILQ_INIT(&workers->joined);
    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_INIT(&workers->ready[level]);
    if (!workers->table)
        return false;
    for (uint32_t i = 0; i < threads; i++) {
        struct join join = {.capacity = 1};
        snprintf(join.name, sizeof join.name, "thread %u", (unsigned)i + 1);
        workers_join(workers, &workers->table[i], &join, 0);
    }
    return true;
}

void workers_clear(struct workers *workers)
{
    free(workers->table);
}

struct worker *workers_at(const struct workers *workers, uint32_t number)
{
    return number < workers->workers_max ? &workers->table[number] : NULL;
}

uint32_t workers_number(const struct workers *workers, const struct worker *worker)
{
    return (uint32_t)(worker - workers->table);
}

void workers_join(struct workers *workers, struct worker *worker, const struct join *join,
                  int64_t now_ns)
{
    worker_move(worker, WORKER_EVENT_JOIN);
    worker->thread = workers_number(workers, worker) < workers->threads;
    worker->capacity = join->capacity;
    worker->height = height_within(join->height);
    worker->held = 0;
    worker->level = -1;
    worker->samples = 0;
    worker->queued_ns = 0;
    worker->received_at_ns = now_ns;
    snprintf(worker->name, sizeof worker->name, "%s", join->name);
    snprintf(worker->kernel, sizeof worker->kernel, "%s", join->kernel);
    for (int kind = 0; kind < KINDS; kind++) {
        worker->block_ns[kind] = BLOCK_NS_GUESS;
        worker->measured[kind] = 0;
    }
    TAILQ_INIT(&worker->runs);
    if (!worker->thread) {
        TAILQ_INSERT_TAIL(&workers->by_silence, worker, in_by_silence);
        TAILQ_INSERT_TAIL(&workers->joined, worker, in_joined);
        workers->of_height[worker->height]++;
    }
    workers->worker_count++;
    workers_account(workers, worker, 1);
    worker_update_level(workers, worker);
}

void workers_remove(struct workers *workers, struct worker *worker)
{
    assert(!worker->thread);
    assert(worker->held == 0);
    workers_account(workers, worker, -1);
    worker_move(worker, WORKER_EVENT_LOST);
    worker_update_level(workers, worker);
    if (workers->heartbeat_next == worker)
        workers->heartbeat_next = TAILQ_NEXT(worker, in_joined);
    TAILQ_REMOVE(&workers->by_silence, worker, in_by_silence);
    TAILQ_REMOVE(&workers->joined, worker, in_joined);
    workers->of_height[worker->height]--;
    if (--workers->worker_count == 0)
        for (int kind = 0; kind < KINDS; kind++)
            workers->speed[kind] = 0; /* exactly: drop the rounding errors */
}

void workers_apply(struct workers *workers, struct worker *worker, enum worker_event event)
{
    enum worker_state before = worker->state;

    workers_account(workers, worker, -1);
    worker_move(worker, event);
    workers_account(workers, worker, 1);
    if (worker->state != before)
        worker_update_level(workers, worker); /* else it keeps its place in the list */
}

void workers_received(struct workers *workers, struct worker *worker, int64_t now_ns)
{
    worker->received_at_ns = now_ns;
    TAILQ_REMOVE(&workers->by_silence, worker, in_by_silence);
    TAILQ_INSERT_TAIL(&workers->by_silence, worker, in_by_silence);
}
