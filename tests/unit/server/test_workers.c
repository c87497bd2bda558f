/* Workers: their rates, the sizes of their spans, how much they hold and when it is late. */
#include <criterion/criterion.h>

#include "server/core/workers.h"
#include "sums/stream.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))
#define MS            INT64_C(1000000)
#define BLOCK_NS      100000 /* what is expected of a worker that is new */
#define GAUSSIAN      MESSAGE_KIND_GAUSSIAN
#define UNIFORM       MESSAGE_KIND_UNIFORM

/* The one of this test; it does not move, as its lists hold addresses. */
static struct workers *workers_of(uint32_t threads, uint32_t joined_max)
{
    static struct workers workers;

    cr_assert(workers_init(&workers, threads, joined_max, JOINED_SPAN_NS));
    return &workers;
}

static struct worker *join(struct workers *workers, uint32_t number, uint32_t capacity)
{
    struct join join = {.capacity = capacity, .name = "name", .kernel = "kernel"};
    struct worker *worker = workers_at(workers, number);

    workers_join(workers, worker, &join, 0);
    return worker;
}

/* So many blocks took so long for each. */
static void measure(struct workers *workers, struct worker *worker, enum message_kind kind,
                    unsigned blocks, uint64_t block_ns)
{
    struct run run = {.worker = worker, .kind = kind};

    workers_measured(workers, &run, (uint64_t)blocks * BLOCK_SAMPLES, blocks * block_ns);
}

static bool near(double a, double b)
{
    return a > b * 0.999999 && a < b * 1.000001;
}

/* ---- who is there ------------------------------------------------------------------------ */

Test(workers, threads_are_there_from_the_start)
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
    cr_assert_null(workers_ready(workers));
    workers_clear(workers);
}

/* The states that the table allows, each by each. */
Test(workers, news_move_a_worker_from_state_to_state)
{
    static const struct {
        enum worker_state from;
        enum worker_event news;
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
        workers_apply(workers, worker, rows[i].news);
        cr_expect(worker->state == rows[i].to, "row %zu: %d", i, worker->state);
        cr_expect((workers_ready(workers) == worker) == (rows[i].to == WORKER_JOINED), "row %zu",
                  i);
        workers_remove(workers, worker);
        cr_assert(worker->state == WORKER_FREE && !workers_ready(workers));
    }
    workers_clear(workers);
}

Test(workers, the_most_silent_is_first_in_line)
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

/* ---- how fast ---------------------------------------------------------------------------- */

Test(workers, a_rate_is_at_first_the_mean_of_what_was_measured)
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

Test(workers, a_rate_that_changes_is_followed_nine_tenths_of_the_way_in_eight_spans)
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

Test(workers, the_kinds_are_measured_apart)
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

    workers_measured(workers, &run, BLOCK_SAMPLES - 1, 77 * BLOCK_NS);
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

Test(workers, the_speed_of_all_is_the_sum_of_those_who_are_there)
{
    struct workers *workers = workers_of(0, 2);
    struct worker *a = join(workers, 0, 3), *b = join(workers, 1, 4);

    measure(workers, a, GAUSSIAN, 1, 2 * BLOCK_NS);
    cr_assert(near(workers->speed[GAUSSIAN], 5.5 / BLOCK_NS));
    workers_set_capacity(workers, b, 1);
    cr_assert(near(workers->speed[GAUSSIAN], 2.5 / BLOCK_NS));
    cr_assert(workers->capacity == 4);
    workers_apply(workers, a, WORKER_EVENT_LEAVE); /* what it gives is not to be counted on */
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

Test(workers, a_span_is_half_of_a_cores_share_within_its_bounds_up_to_the_end_of_a_block)
{
    static const struct {
        uint32_t others; /* cores */
        uint64_t first, left, size;
    } rows[] = {
        {0, 0, 1, 1},                                          /* never more than is left */
        {0, 0, BLOCK_SAMPLES + 1, BLOCK_SAMPLES},              /* nor less than a block */
        {0, 0, 21 * BLOCK_SAMPLES, 10 * BLOCK_SAMPLES},        /* half */
        {1, 0, 21 * BLOCK_SAMPLES, 5 * BLOCK_SAMPLES},         /* of this core's share */
        {99, 0, 21 * BLOCK_SAMPLES, BLOCK_SAMPLES},            /* and not less than a block */
        {0, 5, 21 * BLOCK_SAMPLES, 10 * BLOCK_SAMPLES - 5},    /* the end of a block */
        {0, BLOCK_SAMPLES - 1, 2 * BLOCK_SAMPLES, 1},          /* even if it is near */
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

Test(workers, a_slow_worker_gets_less_than_a_fast_one_and_a_thread_shorter_spans)
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

/* ---- what they hold ---------------------------------------------------------------------- */

/* What the worker is given, in the order in which it is. */
struct load {
    struct workers *workers;
    struct worker *worker;
    struct run runs[WORKER_CREDIT_MAX];
    uint32_t held;
};

/* Until it may have no more: spans of so many blocks. */
static void fill(struct load *load, unsigned blocks, int64_t now_ns)
{
    while (workers_ready(load->workers) == load->worker) {
        struct run *run = &load->runs[load->held++];
        *run = (struct run){.worker = load->worker, .kind = GAUSSIAN};
        workers_hold(load->workers, run, (uint64_t)blocks * BLOCK_SAMPLES, now_ns);
    }
}

static void finish(struct load *load)
{
    for (uint32_t i = 0; i < load->held; i++)
        workers_release(load->workers, &load->runs[i]);
    load->held = 0;
}

Test(workers, a_worker_holds_two_spans_a_core_and_no_more_than_a_client_may)
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

Test(workers, spans_go_to_idle_cores_first_and_then_to_whoever_waited_longest)
{
    struct workers *workers = workers_of(3, 0);
    struct run runs[6];
    static const uint32_t order[] = {0, 1, 2, 0, 1, 2};

    for (size_t i = 0; i < LENGTH(order); i++) {
        struct worker *worker = workers_ready(workers);
        cr_assert(workers_number(workers, worker) == order[i]);
        runs[i] = (struct run){.worker = worker, .kind = GAUSSIAN};
        workers_hold(workers, &runs[i], BLOCK_SAMPLES, 0);
    }
    cr_assert_null(workers_ready(workers));
    workers_release(workers, &runs[2]);
    workers_release(workers, &runs[1]);
    cr_assert(workers_number(workers, workers_ready(workers)) == 2);
    workers_release(workers, &runs[4]);
    cr_assert(workers_number(workers, workers_ready(workers)) == 1); /* it has nothing at all */
    workers_clear(workers);
}

Test(workers, an_idle_one_is_another_with_a_free_core)
{
    struct workers *workers = workers_of(0, 2);
    struct worker *a = join(workers, 0, 2), *b = join(workers, 1, 1);
    struct run run = {.worker = a, .kind = GAUSSIAN}, other = {.worker = b, .kind = GAUSSIAN};

    workers_hold(workers, &run, BLOCK_SAMPLES, 0);
    cr_assert(workers_idle(workers, b) == a, "its other core is free");
    cr_assert(workers_idle(workers, a) == b);
    workers_hold(workers, &other, BLOCK_SAMPLES, 0);
    cr_assert_null(workers_idle(workers, a));
    workers_clear(workers);
}

/* ---- lateness ---------------------------------------------------------------------------- */

Test(workers, a_span_is_late_after_twice_what_it_and_those_before_it_should_take)
{
    static struct load load;
    struct workers *workers = workers_of(0, 1);

    load = (struct load){.workers = workers, .worker = join(workers, 0, 2)};
    fill(&load, 100, 5 * MS); /* 10 ms of a core each, 5 ms of two */
    for (int i = 0; i < 4; i++)
        cr_expect(load.runs[i].late_at_ns == (5 + 10 * (i + 1)) * MS + LATE_NS, "run %d", i);
    workers_clear(workers);
}

Test(workers, a_worker_that_stood_still_once_is_not_waited_for_longer_ever_after)
{
    static struct load load;
    struct workers *workers = workers_of(0, 1);
    int64_t now_ns = 0;

    load = (struct load){.workers = workers, .worker = join(workers, 0, 64)};
    for (int round = 0; round < 20; round++) {
        int64_t stall_ns = round == 3 ? 1000 * MS : 0;
        fill(&load, 640, now_ns); /* 64 ms of a core each, 1 ms of all */
        cr_expect(load.runs[0].late_at_ns <= now_ns + 2 * MS + LATE_NS, "round %d: %f ms", round,
                  (double)(load.runs[0].late_at_ns - now_ns) / MS);
        now_ns += 128 * MS + stall_ns;
        finish(&load);
    }
    workers_clear(workers);
}

Test(workers, a_rate_that_is_wrong_by_half_does_not_add_up)
{
    static struct load load;
    struct workers *workers = workers_of(0, 1);
    int64_t now_ns = 0;

    load = (struct load){.workers = workers, .worker = join(workers, 0, 1)};
    fill(&load, 100, 0); /* 10 ms each, as it seems, but it takes 15 */
    for (unsigned i = 0; i < 1000; i++) {
        struct run *run = &load.runs[i % 2];
        now_ns += 15 * MS;
        workers_release(workers, run);
        workers_hold(workers, run, 100 * BLOCK_SAMPLES, now_ns);
        cr_assert(run->late_at_ns >= now_ns + 2 * 20 * MS);
        cr_assert(run->late_at_ns <= now_ns + 2 * 30 * MS + LATE_NS);
    }
    workers_clear(workers);
}
