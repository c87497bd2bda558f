#include "tests/support/invariants.h"

#include <stddef.h>

#include "server/core/dispatcher_state.h"

#define FIRST_WRONG(...)                                                                           \
    do {                                                                                           \
        const char *wrongs[] = {__VA_ARGS__};                                                      \
        for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)                                \
            if (wrongs[i])                                                                         \
                return wrongs[i];                                                                  \
    } while (0)

/* ---- requests ---------------------------------------------------------------------------- */

/* What is given out is summed, or a span. */
static const char *request_wrong(const struct dispatcher *d, const struct request *r,
                                 uint32_t *spans)
{
    const struct span *span;
    uint64_t out = 0;

    TAILQ_FOREACH(span, &r->spans, in_request)
    {
        if (span->request != r || span->state == SPAN_FREE)
            return "a request has a span that is not its own";
        if (span->count == 0 || span->first < r->asked.first ||
            span->first + span->count > r->asked.first + r->assigned)
            return "a span is beyond what was given out";
        out += span->count;
        ++*spans;
    }
    if (r->assigned > r->asked.count || r->total.count + out != r->assigned)
        return "samples are lost or counted twice";
    if (r->total.count == r->asked.count)
        return "a request is complete, and not answered";
    if (r->deadline_at_ns < d->deadline_at_ns)
        return "a deadline is overlooked";
    if (r->asked.progress && d->progress_at_ns > d->now_ns + PROGRESS_NS)
        return "progress is overlooked";
    return NULL;
}

static const char *requests_wrong(const struct dispatcher *d, uint32_t *spans)
{
    const struct queue *queue = &d->queue;
    const struct request *r;
    uint32_t open = 0, free = 0;

    TAILQ_FOREACH(r, &queue->open, in_state)
    {
        if (r->state != REQUEST_OPEN || !r->client || open++ > queue->requests_max)
            return "the list of open requests is wrong";
        const char *wrong = request_wrong(d, r, spans);
        if (wrong)
            return wrong;
    }
    TAILQ_FOREACH(r, &queue->free, in_state)
    if (r->state != REQUEST_FREE || free++ > queue->requests_max)
        return "the list of free requests is wrong";
    if (!TAILQ_EMPTY(&queue->outbox))
        return "a client is not told";
    if (open != queue->open_count || open + free != queue->requests_used ||
        queue->requests_used > queue->requests_max)
        return "requests are lost";
    return NULL;
}

static const char *client_wrong(const struct dispatcher *d, const struct client *client,
                                uint32_t *requests, uint32_t *runnable)
{
    const struct request *r;
    uint32_t count = 0, left = 0, turns = 0;

    TAILQ_FOREACH(r, &client->requests, in_client)
    {
        if (r->client != client || r->state != REQUEST_OPEN)
            return "a client has a request that is not its own";
        left += request_left(r) > 0;
        count++;
    }
    TAILQ_FOREACH(r, &client->runnable, in_runnable)
    if (r->client != client || request_left(r) == 0 || turns++ > left)
        return "a request has a turn that it does not need";
    if (count != client->request_count || count > d->settings.client_requests_max)
        return "a client's requests are miscounted";
    if (left != turns)
        return "a request waits and has no turn";
    *requests += count;
    *runnable += turns > 0;
    return NULL;
}

static const char *clients_wrong(const struct dispatcher *d)
{
    const struct queue *queue = &d->queue;
    const struct client *client;
    uint32_t requests = 0, runnable = 0, turns = 0;

    for (uint32_t i = 0; i < queue->requests_max + 1 + FIXED_CLIENTS; i++) {
        client = &queue->clients[i];
        if (client->request_count == 0 && TAILQ_EMPTY(&client->requests) &&
            TAILQ_EMPTY(&client->runnable))
            continue;
        const char *wrong = client_wrong(d, client, &requests, &runnable);
        if (wrong)
            return wrong;
    }
    TAILQ_FOREACH(client, &queue->runnable, in_runnable)
    if (TAILQ_EMPTY(&client->runnable) || turns++ > runnable)
        return "a client has a turn that it does not need";
    if (requests != queue->open_count)
        return "a request has no client";
    return turns == runnable ? NULL : "a client waits and has no turn";
}

/* ---- spans and runs ---------------------------------------------------------------------- */

static const char *span_wrong(const struct span *span)
{
    unsigned runs = 0;

    for (unsigned i = 0; i < SPAN_RUNS_MAX; i++) {
        const struct run *run = span->runs[i];
        if (!run)
            continue;
        if (run->span != span || run->state != RUN_RUNNING || run->cancel_due)
            return "a span has a run that is not its own";
        runs++;
    }
    if (runs == 2 && span->runs[0]->worker == span->runs[1]->worker)
        return "one worker has a span twice";
    if (runs != (unsigned)span->state - SPAN_WAITING)
        return "a span's state is not that of its runs";
    if (span->deaths >= SPAN_DEATHS_MAX)
        return "a deadly span lives on";
    return NULL;
}

/* The last chance of a span comes when it has rested. */
static const char *suspects_wrong(const struct dispatcher *d)
{
    const struct span *first = TAILQ_FIRST(&d->spans.suspects), *span;

    TAILQ_FOREACH(span, &d->spans.waiting, in_waiting)
    if (span_suspect(span))
        return "a span that may be deadly does not wait apart";
    TAILQ_FOREACH(span, &d->spans.suspects, in_waiting)
    if (!span_suspect(span))
        return "a span waits apart without a reason";
    if (!first || !workers_ready(&d->workers))
        return NULL;
    return first->rests_until_ns > d->now_ns && dispatcher_due_at(d) <= first->rests_until_ns
               ? NULL
               : "a span rests for too long";
}

/* Two who are overdue do not keep a span that a third could have. */
static const char *twice_wrong(const struct dispatcher *d)
{
    const struct span *span;

    if (!spans_run_available(&d->spans))
        return NULL;
    TAILQ_FOREACH(span, &d->spans.twice, in_waiting)
    {
        int64_t patience_ns =
            span->revocations < 20 ? OVERDUE_NS << span->revocations : INT64_MAX / 2;
        if (span->runs[0]->late_at_ns + patience_ns <= d->now_ns &&
            span->runs[1]->late_at_ns + patience_ns <= d->now_ns &&
            workers_ready_for(&d->workers, span))
            return "a span stays with two who do not answer";
    }
    return NULL;
}

static uint32_t spans_length(const struct span_list *list, bool waiting)
{
    const struct span *span;
    uint32_t length = 0;

    if (waiting)
        TAILQ_FOREACH(span, list, in_waiting)
    length++;
    else TAILQ_FOREACH(span, list, in_request) length++;
    return length;
}

static uint32_t singles_length(const struct run_list *list)
{
    const struct run *run;
    uint32_t length = 0;

    TAILQ_FOREACH(run, list, in_single)
    length++;
    return length;
}

static const char *spans_wrong(const struct spans *spans, uint32_t of_requests)
{
    uint32_t states[SPAN_STATES] = {0};

    for (uint32_t i = 0; i < spans->spans_used; i++) {
        const struct span *span = &spans->all[i];
        const char *wrong = span->state == SPAN_FREE ? NULL : span_wrong(span);
        if (wrong)
            return wrong;
        states[span->state]++;
    }
    if (spans->spans_used - states[SPAN_FREE] != of_requests)
        return "a span has no request";
    if (states[SPAN_FREE] != spans_length(&spans->free_spans, false) ||
        states[SPAN_WAITING] !=
            spans_length(&spans->waiting, true) + spans_length(&spans->suspects, true) ||
        states[SPAN_TWICE] != spans_length(&spans->twice, true) ||
        states[SPAN_RUNNING] != singles_length(&spans->single))
        return "a span is not in the list of its state";
    return NULL;
}

static const char *runs_wrong(const struct spans *spans, uint32_t *held)
{
    const struct run *run;
    uint32_t free = 0;

    for (uint32_t i = 0; i < spans->runs_used; i++) {
        run = &spans->runs[i];
        if (run->generation == 0)
            return "a run has no generation";
        if (run->state == RUN_FREE)
            continue;
        if ((run->state == RUN_RUNNING) != (run->span != NULL))
            return "a run's state is not that of its span";
        if (run->span && run->span->runs[0] != run && run->span->runs[1] != run)
            return "a run's span does not know it";
        if (run->worker->state == WORKER_FREE)
            return "a run is with a worker that is gone";
        ++*held;
    }
    TAILQ_FOREACH(run, &spans->free_runs, in_worker)
    if (run->state != RUN_FREE || free++ > spans->runs_used)
        return "the list of free runs is wrong";
    if (free + *held != spans->runs_used)
        return "runs are lost";
    return TAILQ_EMPTY(&spans->cancels) ? NULL : "a worker is not told of a cancel";
}

/* ---- workers ----------------------------------------------------------------------------- */

uint64_t invariants_credit(const struct worker *w)
{
    uint64_t credit = (uint64_t)w->capacity * WORKER_CREDIT;

    return credit < WORKER_CREDIT_MAX ? credit : WORKER_CREDIT_MAX;
}

static const char *worker_wrong(const struct worker *w, uint32_t *held, uint64_t *capacity)
{
    const struct run *run;
    uint32_t count = 0;

    if (w->state == WORKER_FREE)
        return w->held == 0 && w->level <= 0 ? NULL : "a worker that is gone holds something";
    TAILQ_FOREACH(run, &w->runs, in_worker)
    if (run->worker != w || run->state == RUN_FREE || count++ > w->held)
        return "a worker's runs are not its own";
    if (count != w->held)
        return "a worker's runs are miscounted";
    bool ready = w->state == WORKER_JOINED && w->held < invariants_credit(w);
    if (w->level != (ready ? (int)(w->held / w->capacity) : -1))
        return "a worker is not where its load puts it";
    *held += count;
    *capacity += w->state == WORKER_LEAVING ? 0 : w->capacity;
    return NULL;
}

/* Each worker with credit in its list, and nobody else. */
static const char *ready_wrong(const struct workers *workers)
{
    const struct worker *w;
    uint32_t listed = 0, ready = 0;

    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH(w, &workers->ready[level], in_ready)
    if (w->state != WORKER_JOINED || w->level != level || listed++ > workers->workers_max)
        return "a worker is ready that is not";
    for (uint32_t i = 0; i < workers->workers_max; i++)
        ready += workers->table[i].state != WORKER_FREE && workers->table[i].level >= 0;
    return ready == listed ? NULL : "a worker's credit is lost";
}

static const char *lists_wrong(const struct dispatcher *d, uint32_t joined)
{
    const struct worker *w;
    int64_t received_at_ns = INT64_MIN;
    uint32_t heard = 0, listed = 0;

    TAILQ_FOREACH(w, &d->workers.by_silence, in_by_silence)
    {
        if (w->state == WORKER_FREE || w->thread || w->received_at_ns < received_at_ns ||
            heard++ > joined)
            return "workers are not in the order in which they were heard";
        received_at_ns = w->received_at_ns;
    }
    TAILQ_FOREACH(w, &d->workers.joined, in_joined)
    if (w->state == WORKER_FREE || w->thread || listed++ > joined)
        return "the list of workers that have joined is wrong";
    if (heard != joined || listed != joined)
        return "a worker that has joined is not in its list";
    if (joined > 0 && d->heartbeat_at_ns > d->now_ns + d->settings.heartbeat_ns)
        return "heartbeats are overlooked";
    return NULL;
}

static const char *workers_wrong(const struct dispatcher *d, uint32_t runs)
{
    const struct workers *workers = &d->workers;
    uint32_t held = 0, count = 0;
    uint64_t capacity = 0;

    for (uint32_t i = 0; i < workers->workers_max; i++) {
        const char *wrong = worker_wrong(&workers->table[i], &held, &capacity);
        if (wrong)
            return wrong;
        count += workers->table[i].state != WORKER_FREE;
    }
    if (held != runs || held != workers->held)
        return "a run has no worker";
    if (count != workers->worker_count || capacity != workers->capacity)
        return "workers are miscounted";
    FIRST_WRONG(ready_wrong(workers), lists_wrong(d, count - d->settings.threads));
    return NULL;
}

static const char *height_wrong(const struct workers *workers)
{
    uint32_t height = 0;

    for (uint32_t i = 0; i < workers->workers_max; i++) {
        const struct worker *w = &workers->table[i];
        if (w->state != WORKER_FREE && !w->thread && w->height >= height)
            height = w->height + 1;
    }
    return height == workers_height(workers) ? NULL : "a server is not above its highest worker";
}

/* The speed of all is what it would be were it added up anew, but for rounding. */
static const char *speed_wrong(const struct workers *workers)
{
    for (int kind = 1; kind < KINDS; kind++) {
        double sum = 0;
        for (uint32_t i = 0; i < workers->workers_max; i++)
            if (workers->table[i].state == WORKER_JOINED ||
                workers->table[i].state == WORKER_RESTING)
                sum += workers->table[i].capacity / workers->table[i].block_ns[kind];
        double error = sum - workers->speed[kind];
        if (error > 1e-6 || error < -1e-6)
            return "the speed of all is not the sum of each";
    }
    return NULL;
}

/* ---- all --------------------------------------------------------------------------------- */

static const char *nothing_left_to_do(const struct dispatcher *d)
{
    if (d->answer_due || d->progress_next || d->workers.heartbeat_next || d->silence_due)
        return "an instruction is not given";
    if (workers_ready(&d->workers) && spans_run_available(&d->spans) &&
        (!TAILQ_EMPTY(&d->spans.waiting) || !TAILQ_EMPTY(&d->queue.runnable)))
        return "a worker is idle while work waits";
    return NULL;
}

const char *invariants_wrong(const struct dispatcher *d)
{
    uint32_t spans = 0, runs = 0;
    const char *wrong = requests_wrong(d, &spans);

    if (!wrong)
        wrong = runs_wrong(&d->spans, &runs);
    if (wrong)
        return wrong;
    FIRST_WRONG(clients_wrong(d), spans_wrong(&d->spans, spans), workers_wrong(d, runs),
                speed_wrong(&d->workers), height_wrong(&d->workers), nothing_left_to_do(d),
                suspects_wrong(d), twice_wrong(d));
    return NULL;
}
