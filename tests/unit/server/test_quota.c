/* Workers with CPU quotas: they must not slow a pool. See pool_model.h. */
#include <criterion/criterion.h>

#include "proto/instant.h"
#include "server/core/workers.h"
#include "sums/stream.h"
#include "tests/unit/server/pool_model.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))
#define MS            NS_PER_MS
#define BLOCK_NS      (85 * NS_PER_US)
#define GAUSSIAN      MESSAGE_KIND_GAUSSIAN

#define BLOCKS_OF(ms) ((uint64_t)(ms)*MS / BLOCK_NS)

static const struct model_worker good = {1, 1, 0, 0, MS / 10, true};

/* The time of a sum with this worker beside the good one, as a part of the time without it. The
 * good worker alone needs about `ms`. */
static double time_with(const struct model_worker *worker, int64_t ms)
{
    const struct model_worker both[] = {good, *worker};
    double alone_ns = (double)model_run(&good, 1, BLOCKS_OF(ms), BLOCK_NS);

    return (double)model_run(both, 2, BLOCKS_OF(ms), BLOCK_NS) / alone_ns;
}

Test(quota, a_weak_worker_does_not_slow_a_pool)
{
    static const struct {
        struct model_worker weak;
        double most; /* time with it, as a part of the time without it */
    } rows[] = {
        {{64, 2, 100 * MS, 50 * MS, MS / 10, false}, 0.7}, /* half a CPU */
        {{64, 2, 100 * MS, 50 * MS, MS / 10, true}, 0.7},
        {{64, 1, 100 * MS, 50 * MS, MS / 10, true}, 0.7},
        {{64, 64, 100 * MS, 50 * MS, MS / 10, false}, 0.7}, /* bursts of 0.8 ms */
        {{64, 2, 1000 * MS, 500 * MS, MS / 10, true}, 0.7}, /* a long period */
        {{1024, 64, 100 * MS, 50 * MS, MS / 10, false}, 0.75},
        {{8, 8, 100 * MS, 50 * MS, MS / 10, false}, 0.7},
        {{1, 1, 100 * MS, 50 * MS, MS / 10, false}, 0.7},
        {{64, 2, 100 * MS, 5 * MS, MS / 10, true}, 1.1}, /* a twentieth */
        {{64, 2, 100 * MS, 5 * MS, MS / 10, false}, 1.1},
        {{1, 1, 100 * MS, 10 * MS, MS / 10, false}, 0.95},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        double time = time_with(&rows[i].weak, 3000);
        cr_expect(time <= rows[i].most, "row %zu: %f", i, time);
    }
}

Test(quota, a_worker_with_as_many_cores_as_it_says_is_used_at_once)
{
    static const struct model_worker many = {64, 64, 0, 0, MS / 10, true};

    cr_expect(time_with(&many, 300) <= 0.03, "%f", time_with(&many, 300));
    cr_expect(time_with(&many, 3000) <= 0.02, "%f", time_with(&many, 3000));
}

/* ---- what a worker delivers -------------------------------------------------------------- */

#define CAPACITY 64

struct burst {
    struct workers workers;
    struct worker *worker;
    struct run runs[CAPACITY * WORKER_CREDIT];
    int64_t now_ns;
};

static void hold(struct burst *burst, struct run *run)
{
    *run = (struct run){.worker = burst->worker, .kind = GAUSSIAN};
    workers_hold(&burst->workers, run, 1, 1, burst->now_ns);
}

static struct burst *burst_new(uint32_t capacity)
{
    static struct burst burst;
    struct join join = {.capacity = capacity};

    burst = (struct burst){.now_ns = 0};
    cr_assert(workers_init(&burst.workers, 0, 1, JOINED_SPAN_NS, &(struct offers){0}));
    burst.worker = workers_at(&burst.workers, 0);
    workers_join(&burst.workers, burst.worker, &join, 0);
    for (uint32_t i = 0; i < capacity * WORKER_CREDIT; i++)
        hold(&burst, &burst.runs[i]);
    return &burst;
}

/* `count` runs of one block end, BLOCK_NS after another, and new ones take their place. Each took
 * BLOCK_NS of one core, as the worker reports. Then the worker stops for wait_ns. */
static void deliver(struct burst *burst, uint32_t count, int64_t wait_ns)
{
    for (uint32_t i = 0; i < count; i++) {
        burst->now_ns += BLOCK_NS;
        workers_measured(&burst->workers, &burst->runs[i], BLOCK_SAMPLES, BLOCK_NS, burst->now_ns);
        workers_release(&burst->workers, &burst->runs[i], burst->now_ns);
        if (workers_ready(&burst->workers, SKILL_SAMPLES))
            hold(burst, &burst->runs[i]);
        else
            return;
    }
    burst->now_ns += wait_ns;
}

Test(quota, the_rate_of_a_worker_is_what_it_delivers_not_what_it_reports)
{
    struct burst *burst = burst_new(1);

    for (int i = 0; i < 100; i++)
        deliver(burst, 2, 18 * BLOCK_NS); /* a tenth of its time */
    cr_expect(burst->worker->reported_ns[GAUSSIAN] < 1.01 * BLOCK_NS);
    cr_expect(burst->worker->block_ns[GAUSSIAN] > 8 * BLOCK_NS);
    cr_expect(burst->worker->block_ns[GAUSSIAN] < 12 * BLOCK_NS);
    workers_clear(&burst->workers);
}

Test(quota, a_worker_with_fewer_cores_than_it_says_holds_fewer_runs)
{
    struct burst *burst = burst_new(CAPACITY);

    deliver(burst, CAPACITY * WORKER_CREDIT - 1, 0); /* one core */
    cr_expect(burst->worker->held == CAPACITY * WORKER_CREDIT, "too early: %u",
              burst->worker->held);
    deliver(burst, CAPACITY * WORKER_CREDIT, 0);
    cr_expect(burst->worker->runs_max <= 2 * WORKER_CREDIT, "%u", burst->worker->runs_max);
    cr_expect_null(workers_ready(&burst->workers, SKILL_SAMPLES));
    cr_expect(worker_cores(burst->worker) == burst->worker->runs_max);
    workers_clear(&burst->workers);
}
