/* Tests of server/core/workers.c: rates, sizes of spans, load and lateness. */
#include <criterion/criterion.h>

#include "proto/instant.h"
#include "server/core/workers.h"
#include "sums/stream.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))
#define MS            NS_PER_MS
#define BLOCK_NS      (100 * NS_PER_US) /* expected of a new worker */
#define GAUSSIAN      MESSAGE_KIND_GAUSSIAN
#define UNIFORM       MESSAGE_KIND_UNIFORM

/* The workers of this test. They have a fixed address, because their lists contain addresses. */
static struct workers *workers_of(uint32_t threads, uint32_t joined_max)
{
    static struct workers workers;

    cr_assert(workers_init(&workers, threads, joined_max, JOINED_SPAN_NS, &(struct offers){0}));
    return &workers;
}

static struct worker *join(struct workers *workers, uint32_t number, uint32_t capacity)
{
    struct join join = {.capacity = capacity, .name = "name", .kernel = "kernel"};
    struct worker *worker = workers_at(workers, number);

    workers_join(workers, worker, &join, 0);
    return worker;
}

/* The worker reports `blocks` blocks of block_ns each. */
static void measure(struct workers *workers, struct worker *worker, enum message_kind kind,
                    unsigned blocks, uint64_t block_ns)
{
    struct run run = {.worker = worker, .kind = kind};

    workers_measured(workers, &run, (uint64_t)blocks * BLOCK_SAMPLES, blocks * block_ns, 0);
}

static bool near(double a, double b)
{
    return a > b * 0.999999 && a < b * 1.000001;
}

/* ---- membership -------------------------------------------------------------------------- */

Test(workers, compute_threads_are_workers_from_the_start)
{
    struct workers *workers = workers_of(3, 2);

    cr_assert(workers->worker_count == 3 && workers->capacity == 3);
    for (uint32_t i = 0; i < 5; i++) {
        const struct worker *worker = workers_at(workers, i);
        cr_assert(workers_number(workers, worker) == i);
        cr_assert(worker->state == (i < 3 ? WORKER_JOINED : WORKER_FREE));
    }
    cr_assert_null(workers_at(workers, 5));
    cr_assert(TAILQ_EMPTY(&workers->by_silence) && TAILQ_EMPTY(&workers->joined));
    workers_clear(workers);
}

Test(workers, may_have_no_workers_at_all)
{
    struct workers *workers = workers_of(0, 0);

    cr_assert_null(workers_at(workers, 0));
    cr_assert_null(workers_ready(workers, SKILL_SAMPLES));
    workers_clear(workers);
}

/* Every transition that the table allows. */
Test(workers, events_move_a_worker_from_state_to_state)
{
    static const struct {
        enum worker_state from;
        enum worker_event event;
        enum worker_state to;
    } rows[] = {
        {WORKER_JOINED, WORKER_EVENT_HEARTBEAT, WORKER_JOINED},
        {WORKER_JOINED, WORKER_EVENT_REFUSAL, WORKER_RESTING},
        {WORKER_JOINED, WORKER_EVENT_LEAVE, WORKER_LEAVING},
        {WORKER_RESTING, WORKER_EVENT_HEARTBEAT, WORKER_JOINED},
        {WORKER_RESTING, WORKER_EVENT_REFUSAL, WORKER_RESTING},
        {WORKER_RESTING, WORKER_EVENT_LEAVE, WORKER_LEAVING},
        {WORKER_LEAVING, WORKER_EVENT_HEARTBEAT, WORKER_LEAVING},
        {WORKER_LEAVING, WORKER_EVENT_REFUSAL, WORKER_LEAVING},
        {WORKER_LEAVING, WORKER_EVENT_LEAVE, WORKER_LEAVING},
    };
    static const enum worker_event way[WORKER_STATES] = {
        [WORKER_JOINED] = WORKER_EVENT_HEARTBEAT,
        [WORKER_RESTING] = WORKER_EVENT_REFUSAL,
        [WORKER_LEAVING] = WORKER_EVENT_LEAVE,
    };
    struct workers *workers = workers_of(0, 1);

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct worker *worker = join(workers, 0, 1);
        workers_apply(workers, worker, way[rows[i].from]);
        cr_assert(worker->state == rows[i].from);
        workers_apply(workers, worker, rows[i].event);
        cr_expect(worker->state == rows[i].to, "row %zu: %d", i, worker->state);
        cr_expect((workers_ready(workers, SKILL_SAMPLES) == worker) ==
                      (rows[i].to == WORKER_JOINED),
                  "row %zu", i);
        workers_remove(workers, worker);
        cr_assert(worker->state == WORKER_FREE && !workers_ready(workers, SKILL_SAMPLES));
    }
    workers_clear(workers);
}

Test(workers, the_longest_silent_worker_is_first)
{
    struct workers *workers = workers_of(0, 3);
    struct worker *a = join(workers, 0, 1), *b = join(workers, 1, 1), *c = join(workers, 2, 1);

    cr_assert(TAILQ_FIRST(&workers->by_silence) == a);
    workers_received(workers, a, 5);
    cr_assert(TAILQ_FIRST(&workers->by_silence) == b);
    workers_remove(workers, b);
    cr_assert(TAILQ_FIRST(&workers->by_silence) == c);
    workers_clear(workers);
}

/* ---- rates ------------------------------------------------------------------------------- */

Test(workers, a_rate_is_first_the_mean_of_the_measurements)
{
    struct workers *workers = workers_of(1, 0);
    struct worker *worker = workers_at(workers, 0);

    cr_assert(worker->block_ns[GAUSSIAN] == BLOCK_NS);
    measure(workers, worker, GAUSSIAN, 7, 2 * BLOCK_NS);
    cr_assert(near(worker->block_ns[GAUSSIAN], 2 * BLOCK_NS));
    measure(workers, worker, GAUSSIAN, 7, 4 * BLOCK_NS);
    cr_assert(near(worker->block_ns[GAUSSIAN], 3 * BLOCK_NS));
    cr_assert(worker->samples == 14 * BLOCK_SAMPLES);
    workers_clear(workers);
}

Test(workers, eight_spans_follow_a_changed_rate_by_nine_tenths)
{
    struct workers *workers = workers_of(1, 0);
    struct worker *worker = workers_at(workers, 0);

    for (int i = 0; i < 4; i++)
        measure(workers, worker, GAUSSIAN, 7, BLOCK_NS);
    for (int i = 0; i < 8; i++)
        measure(workers, worker, GAUSSIAN, 7, 2 * BLOCK_NS);
    cr_assert(worker->block_ns[GAUSSIAN] > 1.89 * BLOCK_NS);
    cr_assert(worker->block_ns[GAUSSIAN] < 2 * BLOCK_NS);
    workers_clear(workers);
}

Test(workers, each_kind_has_its_own_rate)
{
    struct workers *workers = workers_of(1, 0);
    struct worker *worker = workers_at(workers, 0);

    measure(workers, worker, UNIFORM, 1, 2 * BLOCK_NS);
    cr_assert(worker->block_ns[UNIFORM] == 2 * BLOCK_NS);
    cr_assert(worker->block_ns[GAUSSIAN] == BLOCK_NS);
    cr_assert(near(workers->speed[UNIFORM], 0.5 / BLOCK_NS));
    cr_assert(near(workers->speed[GAUSSIAN], 1.0 / BLOCK_NS));
    workers_clear(workers);
}

Test(workers, less_than_a_block_is_no_measure)
{
    struct workers *workers = workers_of(1, 0);
    struct worker *worker = workers_at(workers, 0);
    struct run run = {.worker = worker, .kind = GAUSSIAN};

    workers_measured(workers, &run, BLOCK_SAMPLES - 1, 77 * BLOCK_NS, 0);
    cr_assert(worker->block_ns[GAUSSIAN] == BLOCK_NS);
    cr_assert(worker->samples == BLOCK_SAMPLES - 1);
    workers_clear(workers);
}

Test(workers, what_a_worker_says_of_itself_is_believed_within_reason)
{
    static const uint64_t said_ns[] = {0, 1, UINT64_MAX};
    struct workers *workers = workers_of(0, 1);

    for (size_t i = 0; i < LENGTH(said_ns); i++) {
        struct worker *worker = join(workers, 0, 1);
        for (int n = 0; n < 100; n++)
            measure(workers, worker, GAUSSIAN, 1, said_ns[i]);
        cr_expect(worker->block_ns[GAUSSIAN] > 0.99e3, "%f", worker->block_ns[GAUSSIAN]);
        cr_expect(worker->block_ns[GAUSSIAN] < 1.01e10, "%f", worker->block_ns[GAUSSIAN]);
        workers_remove(workers, worker);
    }
    workers_clear(workers);
}

Test(workers, the_speed_of_all_is_the_sum_of_the_speeds_of_the_workers)
{
    struct workers *workers = workers_of(0, 2);
    struct worker *a = join(workers, 0, 3), *b = join(workers, 1, 4);

    measure(workers, a, GAUSSIAN, 1, 2 * BLOCK_NS);
    cr_assert(near(workers->speed[GAUSSIAN], 5.5 / BLOCK_NS));
    workers_set_capacity(workers, b, 1);
    cr_assert(near(workers->speed[GAUSSIAN], 2.5 / BLOCK_NS));
    cr_assert(workers->capacity == 4);
    workers_apply(workers, a, WORKER_EVENT_LEAVE); /* a leaving worker does not count */
    cr_assert(near(workers->speed[GAUSSIAN], 1.0 / BLOCK_NS));
    cr_assert(workers->capacity == 1);
    workers_remove(workers, a);
    cr_assert(near(workers->speed[GAUSSIAN], 1.0 / BLOCK_NS));
    workers_remove(workers, b);
    cr_assert(workers->speed[GAUSSIAN] == 0 && workers->speed[UNIFORM] == 0 &&
              workers->capacity == 0);
    workers_clear(workers);
}

/* ---- sizes of spans ---------------------------------------------------------------------- */

Test(workers, a_span_is_half_of_a_cores_share_within_limits_and_ends_with_a_block)
{
    static const struct {
        uint32_t others; /* cores */
        uint64_t first, left, size;
    } rows[] = {
        {0, 0, 1, 1},                                          /* at most the samples left */
        {0, 0, BLOCK_SAMPLES + 1, BLOCK_SAMPLES},              /* at least a block */
        {0, 0, 21 * BLOCK_SAMPLES, 10 * BLOCK_SAMPLES},        /* half */
        {1, 0, 21 * BLOCK_SAMPLES, 5 * BLOCK_SAMPLES},         /* of this core's share */
        {99, 0, 21 * BLOCK_SAMPLES, BLOCK_SAMPLES},            /* at least a block */
        {0, 5, 21 * BLOCK_SAMPLES, 10 * BLOCK_SAMPLES - 5},    /* the end of a block */
        {0, BLOCK_SAMPLES - 1, 2 * BLOCK_SAMPLES, 1},          /* even if the end is near */
        {0, 0, SAMPLE_END_MAX, 500 * (uint64_t)BLOCK_SAMPLES}, /* JOINED_SPAN_NS */
        {99, 0, SAMPLE_END_MAX, 500 * (uint64_t)BLOCK_SAMPLES},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct workers *workers = workers_of(0, 2);
        const struct worker *worker = join(workers, 0, 1);
        join(workers, 1, rows[i].others);
        uint64_t size = workers_span_size(workers, worker, GAUSSIAN, rows[i].first, rows[i].left);
        cr_expect(size == rows[i].size, "row %zu: %lu", i, (unsigned long)size);
        workers_clear(workers);
    }
}

Test(workers, a_slow_worker_and_a_compute_thread_get_shorter_spans)
{
    struct workers *workers = workers_of(1, 2);
    struct worker *fast = join(workers, 1, 1), *slow = join(workers, 2, 1);

    measure(workers, slow, GAUSSIAN, 1, 2 * BLOCK_NS);
    measure(workers, fast, GAUSSIAN, 1, BLOCK_NS);
    cr_assert(workers_span_size(workers, fast, GAUSSIAN, 0, SAMPLE_END_MAX) == 500 * BLOCK_SAMPLES);
    cr_assert(workers_span_size(workers, slow, GAUSSIAN, 0, SAMPLE_END_MAX) == 250 * BLOCK_SAMPLES);
    cr_assert(workers_span_size(workers, workers_at(workers, 0), GAUSSIAN, 0, SAMPLE_END_MAX) ==
              100 * BLOCK_SAMPLES);
    workers_clear(workers);
}

/* ---- load -------------------------------------------------------------------------------- */

/* The runs of one worker, in the order of their starts. */
struct load {
    struct workers *workers;
    struct worker *worker;
    struct run runs[WORKER_CREDIT_MAX];
    uint32_t held;
};

/* Fills the worker's credit with spans of `blocks` blocks. */
static void fill(struct load *load, unsigned blocks, int64_t now_ns)
{
    while (workers_ready(load->workers, SKILL_SAMPLES) == load->worker) {
        struct run *run = &load->runs[load->held++];
        *run = (struct run){.worker = load->worker, .kind = GAUSSIAN};
        workers_hold(load->workers, run, blocks, (uint64_t)blocks, now_ns);
    }
}

static void finish(struct load *load)
{
    for (uint32_t i = 0; i < load->held; i++)
        workers_release(load->workers, &load->runs[i], 0);
    load->held = 0;
}

Test(workers, a_worker_holds_two_spans_per_core_and_at_most_the_requests_of_a_client)
{
    static const struct {
        uint32_t capacity, held;
    } rows[] = {
        {0, 0},
        {1, 2},
        {2, 4},
        {7, 14},
        {511, 1022},
        {512, 1024},
        {100000, WORKER_CREDIT_MAX},
        {CAPACITY_MAX, WORKER_CREDIT_MAX},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        static struct load load;
        struct workers *workers = workers_of(0, 1);
        load = (struct load){.workers = workers, .worker = join(workers, 0, rows[i].capacity)};
        fill(&load, 1, 0);
        cr_expect(load.held == rows[i].held, "row %zu: %u", i, load.held);
        cr_expect(load.worker->held == rows[i].held);
        workers_clear(workers);
    }
}

Test(workers, spans_go_to_idle_cores_first_and_then_to_the_worker_that_waited_longest)
{
    struct workers *workers = workers_of(3, 0);
    struct run runs[6];
    static const uint32_t order[] = {0, 1, 2, 0, 1, 2};

    for (size_t i = 0; i < LENGTH(order); i++) {
        struct worker *worker = workers_ready(workers, SKILL_SAMPLES);
        cr_assert(workers_number(workers, worker) == order[i]);
        runs[i] = (struct run){.worker = worker, .kind = GAUSSIAN};
        workers_hold(workers, &runs[i], 1, 1, 0);
    }
    cr_assert_null(workers_ready(workers, SKILL_SAMPLES));
    workers_release(workers, &runs[2], 0);
    workers_release(workers, &runs[1], 0);
    cr_assert(workers_number(workers, workers_ready(workers, SKILL_SAMPLES)) == 2);
    workers_release(workers, &runs[4], 0);
    cr_assert(workers_number(workers, workers_ready(workers, SKILL_SAMPLES)) ==
              1); /* both its cores' spans have ended */
    workers_clear(workers);
}

Test(workers, an_idle_worker_is_another_worker_with_a_free_core)
{
    struct workers *workers = workers_of(0, 2);
    struct worker *a = join(workers, 0, 2), *b = join(workers, 1, 1);
    struct run run = {.worker = a, .kind = GAUSSIAN}, other = {.worker = b, .kind = GAUSSIAN};

    workers_hold(workers, &run, 1, 1, 0);
    cr_assert(workers_idle(workers, SKILL_SAMPLES, b) == a, "w0 has a free core");
    cr_assert(workers_idle(workers, SKILL_SAMPLES, a) == b);
    workers_hold(workers, &other, 1, 1, 0);
    cr_assert_null(workers_idle(workers, SKILL_SAMPLES, a));
    workers_clear(workers);
}

/* ---- lateness ---------------------------------------------------------------------------- */

Test(workers, a_span_is_late_after_twice_the_expected_time_of_all_spans_up_to_it)
{
    static struct load load;
    struct workers *workers = workers_of(0, 1);

    load = (struct load){.workers = workers, .worker = join(workers, 0, 2)};
    fill(&load, 100, 5 * MS); /* each takes 10 ms on one core, 5 ms on two */
    for (int i = 0; i < 4; i++)
        cr_expect(load.runs[i].late_at_ns == (5 + 10 * (i + 1)) * MS + LATE_NS, "run %d", i);
    workers_clear(workers);
}

Test(workers, one_pause_of_a_worker_does_not_lengthen_later_waits)
{
    static struct load load;
    struct workers *workers = workers_of(0, 1);
    int64_t now_ns = 0;

    load = (struct load){.workers = workers, .worker = join(workers, 0, 64)};
    for (int round = 0; round < 20; round++) {
        int64_t stall_ns = round == 3 ? 1000 * MS : 0;
        fill(&load, 640, now_ns); /* each takes 64 ms on one core, 1 ms on all */
        cr_expect(load.runs[0].late_at_ns <= now_ns + 2 * MS + LATE_NS, "round %d: %f ms", round,
                  (double)(load.runs[0].late_at_ns - now_ns) / MS);
        now_ns += 128 * MS + stall_ns;
        finish(&load);
    }
    workers_clear(workers);
}

Test(workers, a_rate_that_is_wrong_by_half_does_not_accumulate)
{
    static struct load load;
    struct workers *workers = workers_of(0, 1);
    int64_t now_ns = 0;

    load = (struct load){.workers = workers, .worker = join(workers, 0, 1)};
    fill(&load, 100, 0); /* expected: 10 ms each; real: 15 ms */
    for (unsigned i = 0; i < 1000; i++) {
        struct run *run = &load.runs[i % 2];
        now_ns += 15 * MS;
        workers_release(workers, run, now_ns);
        workers_hold(workers, run, 100, 1, now_ns);
        cr_assert(run->late_at_ns >= now_ns + 2 * 20 * MS);
        cr_assert(run->late_at_ns <= now_ns + 2 * 30 * MS + LATE_NS);
    }
    workers_clear(workers);
}
