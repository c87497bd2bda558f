#include "server/dispatcher.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "sums/stream.h"

#define KINDS 3 /* indexed by enum message_kind, which starts at 1 */

/* Before the first measurement: about what portable code takes. */
#define BLOCK_NS_GUESS 100000

/*                     FREE -> OPEN -> ENDED -> FREE
 * OPEN: samples are left to give out, or spans are out. ENDED: `ending` says how; the client has
 * still to be told, or cancelled spans to come back. */
enum request_state {
    REQUEST_FREE,
    REQUEST_OPEN,
    REQUEST_ENDED,
};

struct request {
    enum request_state state;
    struct client *client; /* NULL: lost, nobody to be told */
    struct sum_request asked;
    uint64_t given;         /* samples given out, from asked.first on */
    struct total total;     /* of the spans that came back */
    uint32_t spans;         /* with workers */
    int64_t deadline_at_ns; /* INT64_MAX: none */
    enum status ending;
    bool told;
    TAILQ_ENTRY(request) in_client;   /* client.requests, while it has a client */
    TAILQ_ENTRY(request) in_runnable; /* client.runnable, while samples are left to give out */
    TAILQ_ENTRY(request) in_outbox;   /* outbox; free list while FREE */
    TAILQ_ENTRY(request) in_open;     /* open, while OPEN */
};
TAILQ_HEAD(request_list, request);

struct client {
    struct request_list requests;
    struct request_list runnable;
    uint32_t request_count;
    TAILQ_ENTRY(client) in_runnable; /* dispatcher.runnable, while client.runnable is not empty */
};
TAILQ_HEAD(client_list, client);

enum span_state {
    SPAN_FREE,
    SPAN_RUNNING,
    SPAN_CANCELLED, /* the worker is still at it */
    SPAN_STATES,
};

enum span_news {
    SPAN_NEWS_START,
    SPAN_NEWS_CANCEL,
    SPAN_NEWS_DONE,
    SPAN_NEWS,
};

#define SPAN_BUG SPAN_STATES

/* clang-format off */
static const enum span_state span_after[SPAN_STATES][SPAN_NEWS] = {
    /*                    START         CANCEL          DONE      */
    [SPAN_FREE]      = { SPAN_RUNNING, SPAN_BUG,       SPAN_BUG  },
    [SPAN_RUNNING]   = { SPAN_BUG,     SPAN_CANCELLED, SPAN_FREE },
    [SPAN_CANCELLED] = { SPAN_BUG,     SPAN_BUG,       SPAN_FREE },
};
/* clang-format on */

struct span {
    enum span_state state;
    struct request *request;
    uint64_t count;
    TAILQ_ENTRY(span) in_cancels;
    bool cancel_due; /* it is in dispatcher.cancels */
};
TAILQ_HEAD(span_list, span);

struct worker {
    bool joined;
    uint32_t spans;
    double block_ns[KINDS]; /* smoothed */
    TAILQ_ENTRY(worker) in_ready;
};
TAILQ_HEAD(worker_list, worker);

struct dispatcher {
    struct dispatcher_limits limits;
    int64_t now_ns;
    bool draining;
    uint32_t worker_count;

    struct request *requests;
    struct client *clients;
    struct worker *workers;
    struct span *spans; /* those of worker w start at w * WORKER_CREDIT */

    struct request_list free;
    struct request_list open;
    struct request_list outbox;              /* ended, to be told */
    struct client_list runnable;             /* whose turn it is: the head */
    struct worker_list ready[WORKER_CREDIT]; /* workers that hold 0, 1, ... spans */
    struct span_list cancels;                /* to be cancelled */

    struct request *progress_next; /* of the round of progress messages under way */
    struct effect refusal;         /* of a request that was not let in */
    bool refusal_due;

    int64_t progress_at_ns;
    int64_t deadline_at_ns; /* no request's deadline is before this */
};

struct dispatcher *dispatcher_new(const struct dispatcher_limits *limits)
{
    assert(limits->requests_max >= 1 && limits->requests_max <= REQUESTS_MAX);
    assert(limits->client_requests_max >= 1 && limits->client_requests_max <= CLIENT_REQUESTS_MAX);
    assert(limits->workers_max >= 1 && limits->workers_max <= WORKERS_MAX);

    struct dispatcher *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->limits = *limits;
    d->requests = calloc(limits->requests_max, sizeof *d->requests);
    d->clients = calloc(CLIENTS_MAX, sizeof *d->clients);
    d->workers = calloc(limits->workers_max, sizeof *d->workers);
    d->spans = calloc((size_t)limits->workers_max * WORKER_CREDIT, sizeof *d->spans);
    if (!d->requests || !d->clients || !d->workers || !d->spans) {
        dispatcher_destroy(&d);
        return NULL;
    }
    TAILQ_INIT(&d->free);
    TAILQ_INIT(&d->open);
    TAILQ_INIT(&d->outbox);
    TAILQ_INIT(&d->runnable);
    TAILQ_INIT(&d->cancels);
    for (uint32_t held = 0; held < WORKER_CREDIT; held++)
        TAILQ_INIT(&d->ready[held]);
    for (uint32_t i = 0; i < limits->requests_max; i++)
        TAILQ_INSERT_TAIL(&d->free, &d->requests[i], in_outbox);
    for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
        TAILQ_INIT(&d->clients[i].requests);
        TAILQ_INIT(&d->clients[i].runnable);
    }
    d->progress_at_ns = d->deadline_at_ns = INT64_MAX;
    return d;
}

void dispatcher_destroy(struct dispatcher **dispatcher)
{
    struct dispatcher *d = *dispatcher;

    if (!d)
        return;
    free(d->spans);
    free(d->workers);
    free(d->clients);
    free(d->requests);
    free(d);
    *dispatcher = NULL;
}

/* ---- messages ---------------------------------------------------------------------------- */

__attribute__((format(printf, 6, 7))) static void refusal_message(struct effect *effect,
                                                                  uint32_t client, uint64_t id,
                                                                  enum status status,
                                                                  uint32_t retry_after_ms,
                                                                  const char *text, ...)
{
    struct refusal *refusal = &effect->message.refusal;
    va_list arguments;

    effect->client = client;
    effect->message.type = MESSAGE_REFUSAL;
    refusal->id = id;
    refusal->status = status;
    refusal->retry_after_ms = retry_after_ms;
    va_start(arguments, text);
    vsnprintf(refusal->text, sizeof refusal->text, text, arguments);
    va_end(arguments);
}

static void reply_message(struct effect *effect, uint32_t client, const struct request *r)
{
    assert(r->total.count == r->asked.count);
    effect->client = client;
    effect->message.type = MESSAGE_SUM_REPLY;
    effect->message.sum_reply = (struct sum_reply){
        .id = r->asked.id,
        .count = r->total.count,
        .units = r->total.units,
        .unit_log2 = stream_unit_log2((enum stream_kind)r->asked.kind),
    };
}

static void progress_message(struct effect *effect, uint32_t client, const struct request *r)
{
    effect->type = EFFECT_PROGRESS;
    effect->client = client;
    effect->message.type = MESSAGE_PROGRESS;
    effect->message.progress = (struct progress){
        .id = r->asked.id,
        .done = r->total.count,
        .count = r->asked.count,
    };
}

/* ---- requests ---------------------------------------------------------------------------- */

static uint32_t client_number(const struct dispatcher *d, const struct client *client)
{
    return (uint32_t)(client - d->clients);
}

static struct client *client_of(struct dispatcher *d, uint32_t number)
{
    assert(number < CLIENTS_MAX);
    return &d->clients[number];
}

static struct request *client_request(struct client *client, uint64_t id)
{
    struct request *r;

    TAILQ_FOREACH(r, &client->requests, in_client)
    if (r->asked.id == id)
        return r;
    return NULL;
}

static bool request_runnable(const struct request *r)
{
    return r->state == REQUEST_OPEN && r->given < r->asked.count;
}

static void runnable_add(struct dispatcher *d, struct request *r)
{
    struct client *client = r->client;

    if (TAILQ_EMPTY(&client->runnable))
        TAILQ_INSERT_TAIL(&d->runnable, client, in_runnable);
    TAILQ_INSERT_TAIL(&client->runnable, r, in_runnable);
}

static void runnable_remove(struct dispatcher *d, struct request *r)
{
    struct client *client = r->client;

    TAILQ_REMOVE(&client->runnable, r, in_runnable);
    if (TAILQ_EMPTY(&client->runnable))
        TAILQ_REMOVE(&d->runnable, client, in_runnable);
}

static void client_leave(struct request *r)
{
    TAILQ_REMOVE(&r->client->requests, r, in_client);
    r->client->request_count--;
    r->client = NULL;
}

static void request_open(struct dispatcher *d, struct client *client,
                         const struct sum_request *asked)
{
    struct request *r = TAILQ_FIRST(&d->free);

    TAILQ_REMOVE(&d->free, r, in_outbox);
    *r = (struct request){.state = REQUEST_OPEN, .client = client, .asked = *asked};
    r->deadline_at_ns =
        asked->deadline_ms ? d->now_ns + asked->deadline_ms * INT64_C(1000000) : INT64_MAX;
    if (r->deadline_at_ns < d->deadline_at_ns)
        d->deadline_at_ns = r->deadline_at_ns;
    if (asked->progress && d->progress_at_ns == INT64_MAX)
        d->progress_at_ns = d->now_ns + PROGRESS_NS;
    TAILQ_INSERT_TAIL(&client->requests, r, in_client);
    client->request_count++;
    TAILQ_INSERT_TAIL(&d->open, r, in_open);
    runnable_add(d, r);
}

/* A request's storage is free again once its client is told, or lost, and its workers are back. */
static void request_release(struct dispatcher *d, struct request *r)
{
    if (r->state != REQUEST_ENDED || !r->told || r->spans > 0)
        return;
    assert(!r->client);
    r->state = REQUEST_FREE;
    TAILQ_INSERT_TAIL(&d->free, r, in_outbox);
}

static void spans_cancel(struct dispatcher *d, struct request *r);

/* `ending` is STATUS_OK for a sum that is complete. The client is told next. */
static void request_end(struct dispatcher *d, struct request *r, enum status ending)
{
    assert(r->state == REQUEST_OPEN);
    if (request_runnable(r))
        runnable_remove(d, r);
    if (d->progress_next == r)
        d->progress_next = TAILQ_NEXT(r, in_open);
    TAILQ_REMOVE(&d->open, r, in_open);
    r->state = REQUEST_ENDED;
    r->ending = ending;
    if (r->spans > 0)
        spans_cancel(d, r);
    TAILQ_INSERT_TAIL(&d->outbox, r, in_outbox);
}

static void request_tell(const struct dispatcher *d, const struct request *r, struct effect *effect)
{
    static const char *const texts[] = {
        [STATUS_DEADLINE_EXCEEDED] = "the deadline passed after %" PRIu64 " of %" PRIu64 " samples",
        [STATUS_CANCELLED] = "cancelled after %" PRIu64 " of %" PRIu64 " samples",
        [STATUS_STOPPING] =
            "the server was stopped after %" PRIu64 " of %" PRIu64 " samples; ask another one",
    };
    uint32_t client = client_number(d, r->client);

    effect->type = EFFECT_ANSWER;
    if (r->ending == STATUS_OK) {
        reply_message(effect, client, r);
        return;
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    refusal_message(effect, client, r->asked.id, r->ending, 0, texts[r->ending], r->total.count,
                    r->asked.count);
#pragma GCC diagnostic pop
}

/* ---- spans and workers ------------------------------------------------------------------- */

static struct worker *span_worker(struct dispatcher *d, const struct span *s)
{
    return &d->workers[(size_t)(s - d->spans) / WORKER_CREDIT];
}

static void span_move(struct span *s, enum span_news news)
{
    s->state = span_after[s->state][news];
    assert(s->state != SPAN_BUG);
}

/* Puts a worker, which now holds `spans` spans, in the list that it belongs in. */
static void worker_hold(struct dispatcher *d, struct worker *w, uint32_t spans)
{
    if (w->spans < WORKER_CREDIT)
        TAILQ_REMOVE(&d->ready[w->spans], w, in_ready);
    w->spans = spans;
    if (w->spans < WORKER_CREDIT)
        TAILQ_INSERT_TAIL(&d->ready[w->spans], w, in_ready);
}

static struct worker *worker_ready(struct dispatcher *d)
{
    for (uint32_t held = 0; held < WORKER_CREDIT; held++)
        if (!TAILQ_EMPTY(&d->ready[held]))
            return TAILQ_FIRST(&d->ready[held]);
    return NULL;
}

static struct span *worker_free_span(struct dispatcher *d, const struct worker *w)
{
    struct span *s = &d->spans[(size_t)(w - d->workers) * WORKER_CREDIT];

    while (s->state != SPAN_FREE)
        s++;
    return s;
}

/* A quarter of the way to each new measurement: steady, yet within 10 % after eight spans. */
static void worker_measured(struct worker *w, enum message_kind kind, uint64_t samples,
                            int64_t elapsed_ns)
{
    if (samples >= BLOCK_SAMPLES)
        w->block_ns[kind] +=
            ((double)elapsed_ns * BLOCK_SAMPLES / (double)samples - w->block_ns[kind]) / 4;
}

static uint64_t blocks_in(double ns, double block_ns)
{
    double blocks = ns / (block_ns > 1 ? block_ns : 1);

    return blocks > 1 ? (uint64_t)blocks : 1;
}

/* Guided self-scheduling (Polychronopoulos and Kuck, 1987): half of an even share of what is left,
 * within what takes SPAN_NS_MIN to SPAN_NS on this worker; up to the end of a block. */
static uint64_t span_size(const struct dispatcher *d, const struct worker *w,
                          const struct request *r)
{
    uint64_t first = r->asked.first + r->given;
    uint64_t left = r->asked.count - r->given;
    double block_ns = w->block_ns[r->asked.kind];
    uint64_t blocks = left / BLOCK_SAMPLES / (2 * (uint64_t)d->worker_count) + 1;
    uint64_t least = blocks_in(SPAN_NS_MIN, block_ns);
    uint64_t most = blocks_in(SPAN_NS, block_ns);

    if (blocks < least)
        blocks = least;
    if (blocks > most)
        blocks = most;
    uint64_t size = blocks * BLOCK_SAMPLES - first % BLOCK_SAMPLES;
    return size < left ? size : left;
}

/* The next span of the client, and of its request, whose turn it is. Both go to the end. */
static void span_start(struct dispatcher *d, struct worker *w, struct effect *effect)
{
    struct client *client = TAILQ_FIRST(&d->runnable);
    struct request *r = TAILQ_FIRST(&client->runnable);
    struct span *s = worker_free_span(d, w);

    span_move(s, SPAN_NEWS_START);
    s->request = r;
    s->count = span_size(d, w, r);
    *effect = (struct effect){
        .type = EFFECT_START_SPAN,
        .worker = (uint32_t)(w - d->workers),
        .span = (uint32_t)(s - d->spans),
        .seed = r->asked.seed,
        .kind = r->asked.kind,
        .first = r->asked.first + r->given,
        .count = s->count,
    };
    runnable_remove(d, r);
    r->given += s->count;
    r->spans++;
    if (request_runnable(r))
        runnable_add(d, r);
    if (!TAILQ_EMPTY(&client->runnable)) {
        TAILQ_REMOVE(&d->runnable, client, in_runnable);
        TAILQ_INSERT_TAIL(&d->runnable, client, in_runnable);
    }
    worker_hold(d, w, w->spans + 1);
}

static void spans_cancel(struct dispatcher *d, struct request *r)
{
    for (uint32_t i = 0; i < d->limits.workers_max * WORKER_CREDIT; i++) {
        struct span *s = &d->spans[i];
        if (s->state != SPAN_RUNNING || s->request != r)
            continue;
        span_move(s, SPAN_NEWS_CANCEL);
        s->cancel_due = true;
        TAILQ_INSERT_TAIL(&d->cancels, s, in_cancels);
    }
}

static void span_cancel_take(struct dispatcher *d, struct span *s)
{
    TAILQ_REMOVE(&d->cancels, s, in_cancels);
    s->cancel_due = false;
}

/* ---- news -------------------------------------------------------------------------------- */

static void on_worker_joined(struct dispatcher *d, const struct event *event)
{
    assert(event->worker < d->limits.workers_max);
    struct worker *w = &d->workers[event->worker];

    assert(!w->joined);
    w->joined = true;
    for (int kind = 0; kind < KINDS; kind++)
        w->block_ns[kind] = BLOCK_NS_GUESS;
    TAILQ_INSERT_TAIL(&d->ready[0], w, in_ready);
    d->worker_count++;
}

static void on_request(struct dispatcher *d, const struct event *event)
{
    const struct sum_request *asked = &event->request;
    struct client *client = client_of(d, event->client);

    d->refusal.type = EFFECT_ANSWER;
    d->refusal_due = true;
    if (d->draining)
        refusal_message(&d->refusal, event->client, asked->id, STATUS_STOPPING, 0,
                        "the server is stopping; ask another one");
    else if (client_request(client, asked->id))
        refusal_message(&d->refusal, event->client, asked->id, STATUS_DUPLICATE_ID, 0,
                        "request %" PRIu64 " of this client is in flight already", asked->id);
    else if (client->request_count == d->limits.client_requests_max)
        refusal_message(&d->refusal, event->client, asked->id, STATUS_BUSY, BUSY_RETRY_MS,
                        "this client has %" PRIu32 " requests in flight, as many as it may",
                        client->request_count);
    else if (TAILQ_EMPTY(&d->free))
        refusal_message(&d->refusal, event->client, asked->id, STATUS_BUSY, BUSY_RETRY_MS,
                        "the queue of %" PRIu32 " requests is full", d->limits.requests_max);
    else {
        d->refusal_due = false;
        request_open(d, client, asked);
    }
}

/* Whatever is not in flight any more has been answered, or never was a request: no news. */
static void on_cancel(struct dispatcher *d, const struct event *event)
{
    struct request *r = client_request(client_of(d, event->client), event->id);

    if (r && r->state == REQUEST_OPEN)
        request_end(d, r, STATUS_CANCELLED);
}

static void on_span_done(struct dispatcher *d, const struct event *event)
{
    assert(event->span < d->limits.workers_max * WORKER_CREDIT);
    struct span *s = &d->spans[event->span];
    struct request *r = s->request;
    struct worker *w = span_worker(d, s);
    bool wanted = s->state == SPAN_RUNNING;

    if (s->cancel_due)
        span_cancel_take(d, s);
    span_move(s, SPAN_NEWS_DONE);
    worker_measured(w, r->asked.kind, event->total.count, event->elapsed_ns);
    worker_hold(d, w, w->spans - 1);
    r->spans--;
    if (wanted) {
        assert(event->total.count == s->count);
        total_add(&r->total, &event->total);
        if (r->total.count == r->asked.count)
            request_end(d, r, STATUS_OK);
    }
    request_release(d, r);
}

static void on_client_lost(struct dispatcher *d, const struct event *event)
{
    struct client *client = client_of(d, event->client);
    struct request *r;

    while ((r = TAILQ_FIRST(&client->requests))) {
        if (r->state == REQUEST_OPEN)
            request_end(d, r, STATUS_CANCELLED);
        client_leave(r);
    }
}

static void on_drain(struct dispatcher *d, const struct event *event)
{
    (void)event;
    d->draining = true;
}

static void on_stop(struct dispatcher *d, const struct event *event)
{
    struct request *r;

    on_drain(d, event);
    while ((r = TAILQ_FIRST(&d->open)))
        request_end(d, r, STATUS_STOPPING);
}

static void deadlines_due(struct dispatcher *d)
{
    struct request *r = TAILQ_FIRST(&d->open);

    d->deadline_at_ns = INT64_MAX;
    while (r) {
        struct request *next = TAILQ_NEXT(r, in_open);
        if (r->deadline_at_ns <= d->now_ns)
            request_end(d, r, STATUS_DEADLINE_EXCEEDED);
        else if (r->deadline_at_ns < d->deadline_at_ns)
            d->deadline_at_ns = r->deadline_at_ns;
        r = next;
    }
}

static void on_time(struct dispatcher *d, const struct event *event)
{
    (void)event;
    if (d->now_ns >= d->deadline_at_ns)
        deadlines_due(d);
    if (d->now_ns >= d->progress_at_ns) {
        d->progress_at_ns = TAILQ_EMPTY(&d->open) ? INT64_MAX : d->now_ns + PROGRESS_NS;
        d->progress_next = TAILQ_FIRST(&d->open);
    }
}

/* ---- in and out -------------------------------------------------------------------------- */

void dispatcher_step(struct dispatcher *d, int64_t now_ns, const struct event *event)
{
    static void (*const handlers[])(struct dispatcher *, const struct event *) = {
        [EVENT_TIME] = on_time,           [EVENT_WORKER_JOINED] = on_worker_joined,
        [EVENT_REQUEST] = on_request,     [EVENT_CANCEL] = on_cancel,
        [EVENT_SPAN_DONE] = on_span_done, [EVENT_CLIENT_LOST] = on_client_lost,
        [EVENT_DRAIN] = on_drain,         [EVENT_STOP] = on_stop,
    };

    assert(now_ns >= d->now_ns);
    assert(!d->refusal_due);
    d->now_ns = now_ns;
    handlers[event->type](d, event);
}

static bool next_refusal(struct dispatcher *d, struct effect *effect)
{
    if (!d->refusal_due)
        return false;
    d->refusal_due = false;
    *effect = d->refusal;
    return true;
}

static bool next_cancel(struct dispatcher *d, struct effect *effect)
{
    struct span *s = TAILQ_FIRST(&d->cancels);

    if (!s)
        return false;
    span_cancel_take(d, s);
    *effect = (struct effect){
        .type = EFFECT_CANCEL_SPAN,
        .worker = (uint32_t)(span_worker(d, s) - d->workers),
        .span = (uint32_t)(s - d->spans),
    };
    return true;
}

static bool next_answer(struct dispatcher *d, struct effect *effect)
{
    struct request *r;

    while ((r = TAILQ_FIRST(&d->outbox))) {
        bool wanted = r->client;
        TAILQ_REMOVE(&d->outbox, r, in_outbox);
        if (wanted) {
            request_tell(d, r, effect);
            client_leave(r);
        }
        r->told = true;
        request_release(d, r);
        if (wanted)
            return true;
    }
    return false;
}

static bool next_span(struct dispatcher *d, struct effect *effect)
{
    struct worker *w = worker_ready(d);

    if (!w || TAILQ_EMPTY(&d->runnable))
        return false;
    span_start(d, w, effect);
    return true;
}

static bool next_progress(struct dispatcher *d, struct effect *effect)
{
    while (d->progress_next) {
        struct request *r = d->progress_next;
        d->progress_next = TAILQ_NEXT(r, in_open);
        if (!r->asked.progress)
            continue;
        progress_message(effect, client_number(d, r->client), r);
        return true;
    }
    return false;
}

bool dispatcher_next(struct dispatcher *d, struct effect *effect)
{
    return next_refusal(d, effect) || next_cancel(d, effect) || next_span(d, effect) ||
           next_answer(d, effect) || next_progress(d, effect);
}

int64_t dispatcher_due_at(const struct dispatcher *d)
{
    return d->progress_at_ns < d->deadline_at_ns ? d->progress_at_ns : d->deadline_at_ns;
}

bool dispatcher_busy(const struct dispatcher *d)
{
    return !TAILQ_EMPTY(&d->open);
}
