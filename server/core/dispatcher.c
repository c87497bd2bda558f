#include "server/core/dispatcher.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/instant.h"
#include "server/core/dispatcher_state.h"
#include "sums/stream.h"

/* Runs that are looked at for one that is late: the oldest, of which few are left when all work is
 * given out. */
#define LATE_LOOKS 64

struct dispatcher *dispatcher_new(const struct dispatcher_settings *settings)
{
    assert(settings->requests_max >= 1 && settings->requests_max <= REQUESTS_MAX);
    assert(settings->client_requests_max >= 1);
    assert(settings->client_requests_max <= CLIENT_REQUESTS_MAX);
    assert(settings->threads <= THREADS_MAX);
    assert(settings->joined_max <= JOINED_MAX);
    assert(settings->span_ns > 0);
    assert(settings->heartbeat_ns >= HEARTBEAT_MS_MIN * NS_PER_MS);
    assert(settings->heartbeat_ns <= HEARTBEAT_MS_MAX * NS_PER_MS);

    struct dispatcher *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->settings = *settings;
    d->progress_at_ns = d->heartbeat_at_ns = d->deadline_at_ns = d->give_up_at_ns = NEVER;
    bool there = queue_init(&d->queue, settings->requests_max);
    there = workers_init(&d->workers, settings->threads, settings->joined_max, settings->span_ns) &&
            there;
    there = spans_init(&d->spans) && there;
    if (!there)
        dispatcher_destroy(&d);
    return d;
}

void dispatcher_destroy(struct dispatcher **dispatcher)
{
    struct dispatcher *d = *dispatcher;

    if (!d)
        return;
    spans_clear(&d->spans);
    workers_clear(&d->workers);
    queue_clear(&d->queue);
    free(d);
    *dispatcher = NULL;
}

/* ---- messages ---------------------------------------------------------------------------- */

/* What the message of this step is answered with. At most one a step. */
__attribute__((format(printf, 7, 8))) static void refuse(struct dispatcher *d,
                                                         enum effect_type type, uint32_t peer,
                                                         uint64_t id, enum status status,
                                                         uint32_t retry_after_ms, const char *text,
                                                         ...)
{
    struct refusal *refusal = &d->answer.message.refusal;
    va_list arguments;

    assert(!d->answer_due);
    d->answer_due = true;
    d->answer.type = type;
    d->answer.client = peer;
    d->answer.message.type = MESSAGE_REFUSAL;
    refusal->id = id;
    refusal->status = status;
    refusal->retry_after_ms = retry_after_ms;
    va_start(arguments, text);
    vsnprintf(refusal->text, sizeof refusal->text, text, arguments);
    va_end(arguments);
}

static void reply_message(const struct request *r, struct message *message)
{
    assert(r->total.count == r->asked.count);
    message->type = MESSAGE_SUM_REPLY;
    message->sum_reply = (struct sum_reply){
        .id = r->asked.id,
        .count = r->total.count,
        .units = r->total.units,
        .unit_log2 = stream_unit_log2((enum stream_kind)r->asked.kind),
        .compute_ns = r->compute_ns,
    };
}

/* A request that ended without a sum. */
static void ending_message(const struct request *r, struct message *message)
{
    struct refusal *refusal = &message->refusal;
    char *text = refusal->text;
    size_t room = sizeof refusal->text;
    uint64_t done = r->total.count, count = r->asked.count;

    message->type = MESSAGE_REFUSAL;
    refusal->id = r->asked.id;
    refusal->status = r->ending;
    refusal->retry_after_ms = 0;
    switch (r->ending) {
    case STATUS_DEADLINE_EXCEEDED:
        snprintf(text, room, "the deadline passed after %" PRIu64 " of %" PRIu64 " samples", done,
                 count);
        break;
    case STATUS_CANCELLED:
        snprintf(text, room, "cancelled after %" PRIu64 " of %" PRIu64 " samples", done, count);
        break;
    case STATUS_STOPPING:
        snprintf(text, room,
                 "the server was stopped after %" PRIu64 " of %" PRIu64 " samples; ask another one",
                 done, count);
        break;
    case STATUS_WORKERS_LOST:
        snprintf(text, room,
                 "%d workers were lost while they summed the %" PRIu64 " samples from %" PRIu64
                 " on; is there something wrong with these?",
                 SPAN_DEATHS_MAX, r->deadly_count, r->deadly_first);
        break;
    default: assert(!"a request does not end like that");
    }
}

/* ---- requests ---------------------------------------------------------------------------- */

static void request_end(struct dispatcher *d, struct request *r, enum status ending)
{
    struct span *span;

    while ((span = TAILQ_FIRST(&r->spans)))
        spans_drop(&d->spans, span);
    if (d->progress_next == r)
        d->progress_next = TAILQ_NEXT(r, in_state);
    queue_end(&d->queue, r, ending);
}

static void request_open(struct dispatcher *d, struct client *client,
                         const struct sum_request *asked)
{
    struct request *r = queue_open(&d->queue, client, asked);

    r->began_at_ns = d->now_ns;
    r->deadline_at_ns = asked->deadline_ms ? d->now_ns + asked->deadline_ms * NS_PER_MS : NEVER;
    if (r->deadline_at_ns < d->deadline_at_ns)
        d->deadline_at_ns = r->deadline_at_ns;
    if (asked->progress && d->progress_at_ns == NEVER)
        d->progress_at_ns = d->now_ns + PROGRESS_NS;
}

static void on_sum_request(struct dispatcher *d, const struct event *event)
{
    const struct sum_request *asked = &event->message->sum_request;
    struct client *client = queue_client(&d->queue, event->client);

    if (d->draining)
        refuse(d, EFFECT_ANSWER, event->client, asked->id, STATUS_STOPPING, 0,
               "the server is stopping; ask another one");
    else if (client_request(client, asked->id))
        refuse(d, EFFECT_ANSWER, event->client, asked->id, STATUS_DUPLICATE_ID, 0,
               "request %" PRIu64 " of this client is in flight already", asked->id);
    else if (client->request_count == d->settings.client_requests_max)
        refuse(d, EFFECT_ANSWER, event->client, asked->id, STATUS_BUSY, BUSY_RETRY_MS,
               "this client has %" PRIu32 " requests in flight, as many as it may",
               client->request_count);
    else if (queue_full(&d->queue))
        refuse(d, EFFECT_ANSWER, event->client, asked->id, STATUS_BUSY, BUSY_RETRY_MS,
               "the queue of %" PRIu32 " requests is full", d->settings.requests_max);
    else
        request_open(d, client, asked);
    d->counters.refused += d->answer_due;
}

/* Whatever is not in flight any more has been answered, or never was a request: no news. */
static void on_cancel(struct dispatcher *d, const struct event *event)
{
    struct request *r =
        client_request(queue_client(&d->queue, event->client), event->message->cancel.id);

    if (r && r->state == REQUEST_OPEN)
        request_end(d, r, STATUS_CANCELLED);
}

static void on_client_message(struct dispatcher *d, const struct event *event)
{
    switch (event->message->type) {
    case MESSAGE_SUM_REQUEST: on_sum_request(d, event); break;
    case MESSAGE_CANCEL: on_cancel(d, event); break;
    default: assert(!"a message that is not a client's");
    }
}

static void on_client_lost(struct dispatcher *d, const struct event *event)
{
    struct client *client = queue_client(&d->queue, event->client);
    struct request *r;

    while ((r = TAILQ_FIRST(&client->requests))) {
        if (r->state == REQUEST_OPEN)
            request_end(d, r, STATUS_CANCELLED);
        queue_detach(r);
    }
}

/* ---- workers ----------------------------------------------------------------------------- */

static void run_back(struct dispatcher *d, struct run *run)
{
    d->counters.requeued += run->state == RUN_RUNNING;
    workers_release(&d->workers, run);
    spans_return(&d->spans, run);
}

static void span_fail(struct dispatcher *d, struct span *span)
{
    span->request->deadly_first = span->first;
    span->request->deadly_count = span->count;
    request_end(d, span->request, STATUS_WORKERS_LOST);
}

/* deadly: its span may be what the worker was lost of. That is counted first, for a suspect waits
 * apart: whatever else takes workers, a power cut or a person, most often takes several within
 * moments, and the span is not to be with each of them. */
static void run_lost(struct dispatcher *d, struct run *run, bool deadly)
{
    struct span *span = run->span;

    if (span && deadly)
        spans_count_death(span, d->now_ns + HEARTBEATS_MISSED * d->settings.heartbeat_ns);
    run_back(d, run);
    if (span && span->deaths == SPAN_DEATHS_MAX)
        span_fail(d, span);
}

/* Its spans are given to others, before all that was not given yet. deadly: what it was computing,
 * the first span of each core, may have killed it. */
static void worker_lose(struct dispatcher *d, struct worker *w, bool deadly)
{
    uint32_t suspects = deadly ? w->capacity : 0;
    struct run *run;

    while ((run = TAILQ_FIRST(&w->runs))) {
        run_lost(d, run, suspects > 0);
        suspects -= suspects > 0;
    }
    workers_lose(&d->workers, w);
}

/* Who has joined nobody is in no circle. One that is below it is for those in it to open. */
static bool may_be_circle(const struct dispatcher *d, uint32_t height)
{
    return height > HEIGHT_MAX && !d->settings.top;
}

/* Each of a circle is below the others, and its height grows by that of all with each word that
 * goes round: it ends at the one that finds this. */
static void refuse_circle(struct dispatcher *d, uint32_t worker, const char *name)
{
    refuse(d, EFFECT_DROP_WORKER, worker, 0, STATUS_OUT_OF_RANGE, 0,
           "worker %s has more than %d levels of servers below it; have they joined in a circle?",
           name, HEIGHT_MAX);
}

static void worker_drop(struct dispatcher *d, struct worker *w, const char *text)
{
    d->counters.workers_lost++;
    worker_lose(d, w, false);
    refuse(d, EFFECT_DROP_WORKER, workers_number(&d->workers, w), 0, STATUS_NOT_JOINED, 0,
           "worker %s: %s", w->name, text);
}

static void worker_welcome(struct dispatcher *d, struct worker *w)
{
    d->answer_due = true;
    d->answer.type = EFFECT_SEND_WORKER;
    d->answer.worker = workers_number(&d->workers, w);
    d->answer.message.type = MESSAGE_WELCOME;
    d->answer.message.welcome.heartbeat_ms = (uint32_t)(d->settings.heartbeat_ns / NS_PER_MS);
    if (d->heartbeat_at_ns == NEVER)
        d->heartbeat_at_ns = d->now_ns + d->settings.heartbeat_ns;
}

/* A worker that joins once more has forgotten what it had. */
static void on_join(struct dispatcher *d, const struct event *event)
{
    const struct join *join = &event->message->join;
    struct worker *w = workers_at(&d->workers, event->worker);

    if (w && w->state != WORKER_FREE)
        worker_lose(d, w, false);
    if (!w)
        refuse(d, EFFECT_DROP_WORKER, event->worker, 0, STATUS_BUSY, BUSY_RETRY_MS,
               "%" PRIu32 " workers have joined, as many as may", d->settings.joined_max);
    else if (join->digest != d->settings.digest)
        refuse(d, EFFECT_DROP_WORKER, event->worker, 0, STATUS_OTHER_SUMS, 0,
               "worker %s would sum other bits: its digest is %016" PRIx64 ", not %016" PRIx64,
               join->name, join->digest, d->settings.digest);
    else if (may_be_circle(d, join->height))
        refuse_circle(d, event->worker, join->name);
    else {
        workers_join(&d->workers, w, join, d->now_ns);
        worker_welcome(d, w);
    }
}

/* The worker has lost all of its own: what it has would wait for ever. */
static void runs_take(struct dispatcher *d, struct worker *w)
{
    struct run *run;

    TAILQ_FOREACH(run, &w->runs, in_worker)
    if (run->state == RUN_RUNNING) {
        d->counters.requeued++;
        spans_revoke(&d->spans, run);
    }
}

static void on_heartbeat(struct dispatcher *d, struct worker *w, const struct message *message)
{
    if (may_be_circle(d, message->heartbeat.height)) {
        d->counters.workers_lost++;
        worker_lose(d, w, false);
        refuse_circle(d, workers_number(&d->workers, w), w->name);
        return;
    }
    if (message->heartbeat.capacity == 0)
        runs_take(d, w);
    workers_set_height(&d->workers, w, message->heartbeat.height);
    workers_set_capacity(&d->workers, w, message->heartbeat.capacity);
    workers_apply(&d->workers, w, WORKER_EVENT_HEARTBEAT);
}

static void on_leave(struct dispatcher *d, struct worker *w, const struct message *message)
{
    (void)message;
    workers_apply(&d->workers, w, WORKER_EVENT_LEAVE);
}

/* The worker's run of that id, or NULL: answered already, or taken from it. */
static struct run *worker_run(const struct dispatcher *d, const struct worker *w, uint64_t id)
{
    struct run *run = spans_run(&d->spans, id);

    return run && run->worker == w ? run : NULL;
}

/* Samples are smaller than 2^53 units, whatever the kind. */
static bool total_makes_sense(const struct span *span, const struct sum_reply *reply)
{
    __int128 most = (__int128)span->count << 53;

    return reply->count == span->count && reply->units < most && reply->units > -most &&
           reply->unit_log2 == stream_unit_log2((enum stream_kind)span->request->asked.kind);
}

static void span_done(struct dispatcher *d, struct run *run, const struct sum_reply *reply)
{
    struct span *span = run->span;
    struct request *r = span->request;

    workers_measured(&d->workers, run, reply->count, reply->compute_ns);
    workers_release(&d->workers, run);
    spans_return(&d->spans, run);
    spans_drop(&d->spans, span);
    total_add(&r->total, &(struct total){.units = reply->units, .count = reply->count});
    r->compute_ns += reply->compute_ns;
    d->counters.spans++;
    if (r->total.count == r->asked.count)
        request_end(d, r, STATUS_OK);
}

static void on_sum_reply(struct dispatcher *d, struct worker *w, const struct message *message)
{
    const struct sum_reply *reply = &message->sum_reply;
    struct run *run = worker_run(d, w, reply->id);

    if (run && run->state == RUN_RUNNING && total_makes_sense(run->span, reply)) {
        span_done(d, run, reply);
    } else if (run && run->state == RUN_RUNNING) {
        assert(!w->thread);
        worker_drop(d, w, "its total is not that of the span");
    } else {
        d->counters.duplicates++;
        if (run)
            run_back(d, run);
    }
}

/* A cancelled run has ended as it should. Else the worker cannot compute more for now, or its own
 * workers die of the span. */
static void on_span_refused(struct dispatcher *d, struct worker *w, const struct message *message)
{
    const struct refusal *refusal = &message->refusal;
    struct run *run = worker_run(d, w, refusal->id);

    if (!run)
        return;
    if (run->span)
        workers_apply(&d->workers, w,
                      refusal->status == STATUS_STOPPING ? WORKER_EVENT_LEAVE
                                                         : WORKER_EVENT_REFUSAL);
    run_lost(d, run, refusal->status == STATUS_WORKERS_LOST);
}

static void on_worker_message(struct dispatcher *d, const struct event *event)
{
    static void (*const handlers[MESSAGE_TYPES])(struct dispatcher *, struct worker *,
                                                 const struct message *) = {
        [MESSAGE_HEARTBEAT] = on_heartbeat,
        [MESSAGE_LEAVE] = on_leave,
        [MESSAGE_SUM_REPLY] = on_sum_reply,
        [MESSAGE_REFUSAL] = on_span_refused,
    };
    struct worker *w = workers_at(&d->workers, event->worker);

    if (event->message->type == MESSAGE_JOIN) {
        on_join(d, event);
        return;
    }
    assert(handlers[event->message->type]);
    if (!w || w->state == WORKER_FREE) {
        refuse(d, EFFECT_DROP_WORKER, event->worker, 0, STATUS_NOT_JOINED, 0,
               "this server does not know this worker, or no longer; join");
        return;
    }
    if (!w->thread)
        workers_received(&d->workers, w, d->now_ns);
    handlers[event->message->type](d, w, event->message);
}

/* One that leaves goes when it has finished, or is sent away: it does not die. */
static void on_worker_lost(struct dispatcher *d, const struct event *event)
{
    struct worker *w = workers_at(&d->workers, event->worker);

    if (!w || w->state == WORKER_FREE)
        return;
    bool died = w->state != WORKER_LEAVING;
    d->counters.workers_lost += died;
    worker_lose(d, w, died);
}

/* ---- time -------------------------------------------------------------------------------- */

static void on_drain(struct dispatcher *d, const struct event *event)
{
    (void)event;
    d->draining = true;
}

static void deadlines_due(struct dispatcher *d)
{
    struct request *r = TAILQ_FIRST(&d->queue.open);

    d->deadline_at_ns = NEVER;
    while (r) {
        struct request *next = TAILQ_NEXT(r, in_state);
        if (r->deadline_at_ns <= d->now_ns)
            request_end(d, r, STATUS_DEADLINE_EXCEEDED);
        else if (r->deadline_at_ns < d->deadline_at_ns)
            d->deadline_at_ns = r->deadline_at_ns;
        r = next;
    }
}

/* When the most silent worker is taken for dead. */
static int64_t silence_at_ns(const struct dispatcher *d)
{
    const struct worker *w = TAILQ_FIRST(&d->workers.by_silence);

    if (!w)
        return NEVER;
    int64_t received_at_ns =
        w->received_at_ns > d->resumed_at_ns ? w->received_at_ns : d->resumed_at_ns;
    return received_at_ns + HEARTBEATS_MISSED * d->settings.heartbeat_ns;
}

/* While workers are there time is told at every heartbeat. Where it was not, this process has not
 * run, and what the workers have said meanwhile has still to be read. */
static void tick(struct dispatcher *d)
{
    if (d->now_ns - d->ticked_at_ns > 2 * d->settings.heartbeat_ns)
        d->resumed_at_ns = d->now_ns;
    d->ticked_at_ns = d->now_ns;
    d->silence_due = d->now_ns >= silence_at_ns(d);
}

static void requests_stop(struct dispatcher *d)
{
    struct request *r;

    while ((r = TAILQ_FIRST(&d->queue.open)))
        request_end(d, r, STATUS_STOPPING);
}

/* Workers may be stopped together with their front: it waits for others as long as for a sign of
 * life. */
static void watch_out(struct dispatcher *d)
{
    bool alone = d->draining && d->workers.capacity == 0 && d->workers.held == 0;

    if (!alone || TAILQ_EMPTY(&d->queue.open))
        d->give_up_at_ns = NEVER;
    else if (d->give_up_at_ns == NEVER)
        d->give_up_at_ns = d->now_ns + HEARTBEATS_MISSED * d->settings.heartbeat_ns;
}

static void on_stop(struct dispatcher *d, const struct event *event)
{
    on_drain(d, event);
    requests_stop(d);
}

static void on_time(struct dispatcher *d, const struct event *event)
{
    (void)event;
    tick(d);
    if (d->now_ns >= d->give_up_at_ns)
        requests_stop(d);
    if (d->now_ns >= d->deadline_at_ns)
        deadlines_due(d);
    if (d->now_ns >= d->progress_at_ns) {
        d->progress_at_ns = TAILQ_EMPTY(&d->queue.open) ? NEVER : d->now_ns + PROGRESS_NS;
        d->progress_next = TAILQ_FIRST(&d->queue.open);
    }
    if (d->now_ns >= d->heartbeat_at_ns) {
        d->heartbeat_at_ns =
            TAILQ_EMPTY(&d->workers.joined) ? NEVER : d->now_ns + d->settings.heartbeat_ns;
        d->workers.heartbeat_next = TAILQ_FIRST(&d->workers.joined);
    }
}

/* ---- in and out -------------------------------------------------------------------------- */

void dispatcher_step(struct dispatcher *d, int64_t now_ns, const struct event *event)
{
    static void (*const handlers[])(struct dispatcher *, const struct event *) = {
        [EVENT_TIME] = on_time,
        [EVENT_CLIENT_MESSAGE] = on_client_message,
        [EVENT_CLIENT_LOST] = on_client_lost,
        [EVENT_WORKER_MESSAGE] = on_worker_message,
        [EVENT_WORKER_LOST] = on_worker_lost,
        [EVENT_DRAIN] = on_drain,
        [EVENT_STOP] = on_stop,
    };

    assert(now_ns >= d->now_ns);
    assert(!d->answer_due);
    d->now_ns = now_ns;
    handlers[event->type](d, event);
    watch_out(d);
}

static bool next_answer(struct dispatcher *d, struct effect *effect)
{
    if (!d->answer_due)
        return false;
    d->answer_due = false;
    *effect = d->answer;
    return true;
}

static bool next_silent(struct dispatcher *d, struct effect *effect)
{
    if (!d->silence_due || d->now_ns < silence_at_ns(d)) {
        d->silence_due = false;
        return false;
    }
    worker_drop(d, TAILQ_FIRST(&d->workers.by_silence), "nothing was heard of it for too long");
    return next_answer(d, effect);
}

static bool next_cancel(struct dispatcher *d, struct effect *effect)
{
    const struct run *run = spans_next_cancel(&d->spans);

    if (!run)
        return false;
    effect->type = EFFECT_SEND_WORKER;
    effect->worker = workers_number(&d->workers, run->worker);
    effect->message.type = MESSAGE_CANCEL;
    effect->message.cancel.id = spans_id(&d->spans, run);
    return true;
}

/* The worker gets the next span of the request whose turn it is. */
static struct run *span_cut(struct dispatcher *d, struct request *r, struct worker *w)
{
    uint64_t first = r->asked.first + r->assigned;
    uint64_t count = workers_span_size(&d->workers, w, r->asked.kind, first, request_left(r));

    queue_assigned(&d->queue, r, count);
    return spans_cut(&d->spans, r, first, count, w);
}

/* Of the oldest runs of spans that only one worker has, the one that is late first among those that
 * another worker with an idle core could take, or NULL. */
static const struct run *late_run(const struct dispatcher *d)
{
    const struct run *late = NULL, *run;
    int looks = 0;

    if (!workers_idle(&d->workers, NULL))
        return NULL;
    TAILQ_FOREACH(run, &d->spans.single, in_single)
    {
        if (looks++ == LATE_LOOKS)
            break;
        if (workers_idle(&d->workers, run->worker) && (!late || run->late_at_ns < late->late_at_ns))
            late = run;
    }
    return late;
}

/* The oldest run of a span that only one worker has, where it is overdue and not this worker's. */
static const struct run *overdue_run(const struct dispatcher *d, const struct worker *w)
{
    const struct run *run = TAILQ_FIRST(&d->spans.single);

    return run && run->worker != w && run->late_at_ns + OVERDUE_NS <= d->now_ns ? run : NULL;
}

/* When both who have the span are overdue. */
static int64_t stuck_at_ns(const struct span *span)
{
    uint32_t taken = span->revocations < REVOCATIONS_MAX ? span->revocations : REVOCATIONS_MAX;
    int64_t a_ns = span->runs[0]->late_at_ns, b_ns = span->runs[1]->late_at_ns;

    return (a_ns > b_ns ? a_ns : b_ns) + (OVERDUE_NS << taken);
}

/* Of the oldest spans that two workers have, the one that both are overdue with first among those
 * that a third worker could take, or NULL. */
static struct span *stuck_span(const struct dispatcher *d)
{
    struct span *stuck = NULL, *span;
    int looks = 0;

    TAILQ_FOREACH(span, &d->spans.twice, in_waiting)
    {
        if (looks++ == LATE_LOOKS)
            break;
        if ((!stuck || stuck_at_ns(span) < stuck_at_ns(stuck)) &&
            workers_ready_for(&d->workers, span))
            stuck = span;
    }
    return stuck;
}

/* A third worker has the span instead of the one that was late first. */
static struct run *span_give_instead(struct dispatcher *d, struct span *span)
{
    struct worker *w = workers_ready_for(&d->workers, span);
    bool first = span->runs[0]->late_at_ns <= span->runs[1]->late_at_ns;

    d->counters.requeued++;
    span->revocations++;
    spans_revoke(&d->spans, span->runs[first ? 0 : 1]);
    return spans_assign(&d->spans, span, w);
}

static struct run *span_give_too(struct dispatcher *d, const struct run *late, struct worker *w)
{
    d->counters.given_twice++;
    return spans_assign(&d->spans, late->span, w);
}

/* The first span that waits, or the first suspect that has rested, or NULL. */
static struct span *span_waiting(const struct dispatcher *d)
{
    struct span *waiting = TAILQ_FIRST(&d->spans.waiting);
    struct span *suspect = TAILQ_FIRST(&d->spans.suspects);

    if (waiting)
        return waiting;
    return suspect && suspect->rests_until_ns <= d->now_ns ? suspect : NULL;
}

/* A span that waits, or is overdue with one or with two workers, or a new one, or one that is late:
 * NULL where there is none. What waits has been with a worker already. It is not for one that may
 * never give a total, else it would stay with who comes, takes it and goes, over and over. */
static struct run *span_give(struct dispatcher *d)
{
    struct worker *w = workers_ready(&d->workers);
    struct span *waiting = span_waiting(d);
    struct request *r = spans_span_available(&d->spans) ? queue_next(&d->queue) : NULL;

    if (!w || !spans_run_available(&d->spans))
        return NULL;
    if (waiting && r && !worker_proven(w))
        return span_cut(d, r, w);
    if (waiting)
        return spans_assign(&d->spans, waiting, w);
    const struct run *overdue = overdue_run(d, w);
    if (overdue)
        return span_give_too(d, overdue, w);
    struct span *stuck = stuck_span(d);
    if (stuck && stuck_at_ns(stuck) <= d->now_ns)
        return span_give_instead(d, stuck);
    if (r)
        return span_cut(d, r, w);
    const struct run *late = late_run(d);
    if (!late || late->late_at_ns > d->now_ns)
        return NULL;
    return span_give_too(d, late, workers_idle(&d->workers, late->worker));
}

static bool next_span(struct dispatcher *d, struct effect *effect)
{
    struct run *run = span_give(d);

    if (!run)
        return false;
    const struct span *span = run->span;
    workers_hold(&d->workers, run, span->count, d->now_ns);
    effect->type = EFFECT_SEND_WORKER;
    effect->worker = workers_number(&d->workers, run->worker);
    effect->message.type = MESSAGE_SUM_REQUEST;
    effect->message.sum_request = (struct sum_request){
        .id = spans_id(&d->spans, run),
        .seed = span->request->asked.seed,
        .kind = span->request->asked.kind,
        .first = span->first,
        .count = span->count,
    };
    return true;
}

static bool next_ending(struct dispatcher *d, struct effect *effect)
{
    struct request *r;

    while ((r = TAILQ_FIRST(&d->queue.outbox))) {
        bool wanted = r->client;
        if (wanted) {
            effect->type = EFFECT_ANSWER;
            effect->client = queue_client_number(&d->queue, r->client);
            d->counters.answered += r->ending == STATUS_OK;
            d->counters.refused += r->ending != STATUS_OK;
            if (r->ending == STATUS_OK)
                reply_message(r, &effect->message);
            else
                ending_message(r, &effect->message);
            queue_detach(r);
        }
        queue_release(&d->queue, r);
        if (wanted)
            return true;
    }
    return false;
}

static bool next_beat(struct dispatcher *d, struct effect *effect)
{
    const struct worker *w = d->workers.heartbeat_next;

    if (!w)
        return false;
    d->workers.heartbeat_next = TAILQ_NEXT(w, in_joined);
    effect->type = EFFECT_SEND_WORKER;
    effect->worker = workers_number(&d->workers, w);
    effect->message.type = MESSAGE_HEARTBEAT;
    effect->message.heartbeat = (struct heartbeat){0};
    return true;
}

static bool next_progress(struct dispatcher *d, struct effect *effect)
{
    while (d->progress_next) {
        const struct request *r = d->progress_next;
        d->progress_next = TAILQ_NEXT(r, in_state);
        if (!r->asked.progress)
            continue;
        effect->type = EFFECT_PROGRESS;
        effect->client = queue_client_number(&d->queue, r->client);
        effect->message.type = MESSAGE_PROGRESS;
        effect->message.progress = (struct progress){
            .id = r->asked.id,
            .done = r->total.count,
            .count = r->asked.count,
        };
        return true;
    }
    return false;
}

bool dispatcher_next(struct dispatcher *d, struct effect *effect)
{
    return next_answer(d, effect) || next_silent(d, effect) || next_cancel(d, effect) ||
           next_span(d, effect) || next_ending(d, effect) || next_beat(d, effect) ||
           next_progress(d, effect);
}

/* When a span is to be given for no other reason than the time. */
static int64_t give_at_ns(const struct dispatcher *d)
{
    const struct span *suspect = TAILQ_FIRST(&d->spans.suspects);

    if (!spans_run_available(&d->spans) || !workers_ready(&d->workers))
        return NEVER;
    const struct run *late = late_run(d);
    const struct span *stuck = stuck_span(d);
    int64_t give_at_ns = late ? late->late_at_ns : NEVER;
    if (stuck)
        give_at_ns = earlier(give_at_ns, stuck_at_ns(stuck));
    return suspect ? earlier(give_at_ns, suspect->rests_until_ns) : give_at_ns;
}

int64_t dispatcher_due_at(const struct dispatcher *d)
{
    int64_t due_at_ns = earlier(d->progress_at_ns, d->deadline_at_ns);

    due_at_ns = earlier(due_at_ns, d->heartbeat_at_ns);
    due_at_ns = earlier(due_at_ns, silence_at_ns(d));
    due_at_ns = earlier(due_at_ns, d->give_up_at_ns);
    return earlier(due_at_ns, give_at_ns(d));
}

bool dispatcher_busy(const struct dispatcher *d)
{
    return !TAILQ_EMPTY(&d->queue.open);
}

uint32_t dispatcher_capacity(const struct dispatcher *d)
{
    return d->workers.capacity < CAPACITY_MAX ? (uint32_t)d->workers.capacity : CAPACITY_MAX;
}

struct heartbeat dispatcher_heartbeat(const struct dispatcher *d)
{
    return (struct heartbeat){
        .capacity = dispatcher_capacity(d),
        .height = workers_height(&d->workers),
    };
}

const char *dispatcher_worker_name(const struct dispatcher *d, uint32_t worker)
{
    const struct worker *w = workers_at(&d->workers, worker);

    return w && w->state != WORKER_FREE ? w->name : NULL;
}
