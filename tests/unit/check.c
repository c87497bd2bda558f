#include "check.h"

#include <criterion/criterion.h>

#include "server/dispatcher_state.h"

/* What a walk over all requests found. */
struct found {
    uint32_t waiting; /* spans */
    uint32_t twice;
    uint32_t running;
    uint32_t runs; /* of spans */
};

static void check_span(const struct span *span, const struct request *r, struct found *found)
{
    uint32_t runs = 0;

    cr_assert(span->request == r);
    cr_assert(span->count > 0);
    for (unsigned i = 0; i < SPAN_RUNS_MAX; i++) {
        const struct run *run = span->runs[i];
        cr_assert(!run || (run->state == RUN_RUNNING && run->span == span));
        runs += run != NULL;
    }
    cr_assert(span->state == (enum span_state)(SPAN_WAITING + runs));
    cr_assert(span->deaths < SPAN_DEATHS_MAX);
    cr_assert(runs < 2 || span->runs[0]->worker != span->runs[1]->worker);
    found->waiting += span->state == SPAN_WAITING;
    found->running += span->state == SPAN_RUNNING;
    found->twice += span->state == SPAN_TWICE;
    found->runs += runs;
}

static void check_request(const struct request *r, struct found *found)
{
    uint64_t out = 0;
    const struct span *span;

    cr_assert(r->state == REQUEST_OPEN);
    cr_assert(r->client != NULL);
    TAILQ_FOREACH(span, &r->spans, in_request)
    {
        check_span(span, r, found);
        out += span->count;
    }
    cr_assert(r->total.count + out == r->given, "samples got lost, or were counted twice");
    cr_assert(r->given <= r->asked.count);
    cr_assert(r->total.count < r->asked.count, "it should have ended");
}

/* The number of its requests that wait for a turn. */
static uint32_t check_client(const struct client *client)
{
    const struct request *r;
    uint32_t all = 0, left = 0, runnable = 0;

    TAILQ_FOREACH(r, &client->requests, in_client)
    {
        cr_assert(r->client == client);
        all++;
        left += request_left(r) > 0;
    }
    TAILQ_FOREACH(r, &client->runnable, in_runnable)
    runnable++;
    cr_assert(client->request_count == all);
    cr_assert(runnable == left);
    return all;
}

static void check_queue(const struct dispatcher *d, struct found *found)
{
    const struct client *client;
    const struct request *r;
    uint32_t open = 0, clients = 0, with_turns = 0, all = 0;

    TAILQ_FOREACH(r, &d->queue.open, in_state)
    {
        check_request(r, found);
        open++;
    }
    for (uint32_t i = 0; i < d->queue.requests_max + 1 + BESIDE_MAX; i++) {
        all += check_client(&d->queue.clients[i]);
        with_turns += !TAILQ_EMPTY(&d->queue.clients[i].runnable);
    }
    TAILQ_FOREACH(client, &d->queue.runnable, in_runnable)
    clients++;
    cr_assert(d->queue.open_count == open && all == open);
    cr_assert(clients == with_turns);
    cr_assert(TAILQ_EMPTY(&d->queue.outbox));
}

/* The number of runs that it holds. */
static uint32_t check_worker(const struct worker *w)
{
    const struct run *run;
    uint32_t held = 0;

    TAILQ_FOREACH(run, &w->runs, in_worker)
    {
        cr_assert(run->worker == w);
        cr_assert(run->state != RUN_FREE);
        held++;
    }
    cr_assert(w->held == held);
    cr_assert(w->held <= WORKER_CREDIT_MAX);
    cr_assert(!w->thread || (w->state == WORKER_JOINED && w->capacity == 1));
    return held;
}

static uint32_t check_ready(const struct crew *crew)
{
    const struct worker *w;
    uint32_t ready = 0;

    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH(w, &crew->ready[level], in_ready)
        {
            cr_assert(w->state == WORKER_JOINED && w->level == level);
            cr_assert(w->held / w->capacity == (uint32_t)level);
            cr_assert(w->held < WORKER_CREDIT_MAX);
            ready++;
        }
    return ready;
}

static bool could_take(const struct worker *w)
{
    return w->state == WORKER_JOINED && w->held < WORKER_CREDIT_MAX &&
           w->held < (uint64_t)w->capacity * WORKER_CREDIT;
}

/* The number of runs with workers. */
static uint32_t check_crew(const struct dispatcher *d)
{
    const struct crew *crew = &d->crew;
    uint32_t workers = 0, ready = 0, runs = 0;
    uint64_t capacity = 0;

    for (uint32_t i = 0; i < crew->workers_max; i++) {
        const struct worker *w = &crew->workers[i];
        if (w->state == WORKER_FREE)
            continue;
        workers++;
        ready += could_take(w);
        capacity += w->state == WORKER_LEAVING ? 0 : w->capacity;
        runs += check_worker(w);
    }
    cr_assert(crew->worker_count == workers);
    cr_assert(crew->capacity == capacity);
    cr_assert(check_ready(crew) == ready);
    return runs;
}

static void check_spans(const struct spans *spans, const struct found *found, uint32_t held)
{
    const struct span *span;
    const struct run *run;
    uint32_t waiting = 0, twice = 0, single = 0, runs = 0, running = 0;

    TAILQ_FOREACH(span, &spans->waiting, in_waiting)
    waiting++;
    TAILQ_FOREACH(span, &spans->suspects, in_waiting)
    {
        cr_assert(span_suspect(span));
        waiting++;
    }
    TAILQ_FOREACH(span, &spans->twice, in_waiting)
    twice++;
    TAILQ_FOREACH(run, &spans->single, in_single)
    single++;
    for (uint32_t i = 0; i < spans->runs_used; i++) {
        runs += spans->runs[i].state != RUN_FREE;
        running += spans->runs[i].state == RUN_RUNNING;
    }
    cr_assert(waiting == found->waiting);
    cr_assert(twice == found->twice);
    cr_assert(single == found->running);
    cr_assert(running == found->runs);
    cr_assert(runs == held);
    cr_assert(TAILQ_EMPTY(&spans->cancels));
}

void check_state(const struct dispatcher *d)
{
    struct found found = {0};

    check_queue(d, &found);
    check_spans(&d->spans, &found, check_crew(d));
    cr_assert(!d->answer_due && !d->progress_next && !d->crew.beat_next);
    if (crew_ready(&d->crew) && spans_left(&d->spans))
        cr_assert(TAILQ_EMPTY(&d->spans.waiting) && !queue_turn(&d->queue),
                  "work waits, and so does a worker");
}

void check_nothing_left(const struct dispatcher *d)
{
    const struct span *span;
    uint32_t free_spans = 0;

    check_state(d);
    cr_assert_not(dispatcher_busy(d));
    for (uint32_t i = 0; i < d->spans.runs_used; i++)
        cr_assert(d->spans.runs[i].state == RUN_FREE, "a worker still has a span");
    TAILQ_FOREACH(span, &d->spans.free_spans, in_request)
    free_spans++;
    cr_assert(free_spans == d->spans.spans_used);
    for (uint32_t i = 0; i < d->queue.requests_used; i++)
        cr_assert(d->queue.requests[i].state == REQUEST_FREE);
}
