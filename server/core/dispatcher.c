/* Requests, workers and time: the handlers of all events, and the effects that follow. Which worker
 * gets which span is decided in assign.c. */
#include "server/core/dispatcher.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/instant.h"
#include "server/core/answers.h"
#include "server/core/assign.h"
#include "server/core/audits.h"
#include "server/core/dispatcher_state.h"
#include "sums/stream.h"

struct dispatcher *dispatcher_new(const struct dispatcher_settings *settings)
{
    assert(settings->requests_max >= 1 && settings->requests_max <= REQUESTS_MAX);
    assert(settings->client_requests_max >= 1);
    assert(settings->client_requests_max <= CLIENT_REQUESTS_MAX);
    assert(settings->runs_max >= 1 && settings->runs_max <= RUNS_MAX);
    assert(settings->outputs_max >= 1 && settings->outputs_max <= OUTPUTS_IN_FLIGHT_MAX);
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
    bool ready = queue_init(&d->queue, settings->requests_max);
    ready = workers_init(&d->workers, settings->threads, settings->joined_max, settings->span_ns,
                         &settings->offers) &&
            ready;
    ready = spans_init(&d->spans, settings->runs_max) && ready;
    ready = terms_pool_init(&d->terms, settings->requests_max, settings->outputs_max) && ready;
    if (!ready)
        dispatcher_destroy(&d);
    return d;
}

void dispatcher_destroy(struct dispatcher **dispatcher)
{
    struct dispatcher *d = *dispatcher;

    if (!d)
        return;
    terms_pool_clear(&d->terms);
    spans_clear(&d->spans);
    workers_clear(&d->workers);
    queue_clear(&d->queue);
    free(d);
    *dispatcher = NULL;
}

/* ---- requests ---------------------------------------------------------------------------- */

static void request_end(struct dispatcher *d, struct request *r, enum refusal_code ending)
{
    struct span *span;

    while ((span = TAILQ_FIRST(&r->spans)))
        spans_drop(&d->spans, span);
    if (d->progress_next == r)
        d->progress_next = TAILQ_NEXT(r, in_state);
    queue_end(&d->queue, r, ending);
}

/* The request needs this skill from now on. Its texts move to the tables of this server. */
static void request_take_terms(struct dispatcher *d, struct request *r)
{
    struct skill *skill = &d->workers.skills.all[r->skill];

    skills_keep(&d->workers.skills, r->skill);
    r->asked.summand = skill->name;
    r->asked.build = skill->build;
    r->terms = terms_new(&d->terms, &r->asked, skill->ns_per_term);
    r->asked.parameters = r->terms->parameters;
}

static void request_drop_terms(struct dispatcher *d, struct request *r)
{
    if (!r->terms)
        return;
    terms_free(&d->terms, r->terms);
    skills_drop(&d->workers.skills, r->skill);
    r->terms = NULL;
}

static void request_open(struct dispatcher *d, struct client *client,
                         const struct sum_request *asked, uint32_t skill)
{
    struct request *r = queue_open(&d->queue, client, asked, skill);

    if (skill != SKILL_SAMPLES)
        request_take_terms(d, r);
    r->began_at_ns = d->now_ns;
    r->deadline_at_ns = asked->deadline_ms ? d->now_ns + asked->deadline_ms * NS_PER_MS : NEVER;
    if (r->deadline_at_ns < d->deadline_at_ns)
        d->deadline_at_ns = r->deadline_at_ns;
    if (asked->progress && d->progress_at_ns == NEVER)
        d->progress_at_ns = d->now_ns + PROGRESS_NS;
}

static void refuse_unknown(struct dispatcher *d, uint32_t client, const struct sum_request *asked)
{
    if (skills_find(&d->workers.skills, asked->summand, 0) == SKILL_SAMPLES)
        answer_refuse(d, EFFECT_ANSWER, client, asked->id, REFUSAL_UNKNOWN_SUMMAND, 0,
                      "no worker of this server offers the summand %s", asked->summand);
    else
        answer_refuse(d, EFFECT_ANSWER, client, asked->id, REFUSAL_UNKNOWN_SUMMAND, 0,
                      "no worker of this server offers the summand %s with the build %016" PRIx64,
                      asked->summand, asked->build);
}

static void on_sum_request(struct dispatcher *d, const struct event *event)
{
    const struct sum_request *asked = &event->message->sum_request;
    struct client *client = queue_client(&d->queue, event->client);
    uint32_t skill = SKILL_SAMPLES;

    if (asked->summand)
        skill = skills_find(&d->workers.skills, asked->summand, asked->build);

    if (d->draining)
        answer_refuse(d, EFFECT_ANSWER, event->client, asked->id, REFUSAL_STOPPING, 0,
                      "the server is stopping; ask another one");
    else if (client_request(client, asked->id))
        answer_refuse(d, EFFECT_ANSWER, event->client, asked->id, REFUSAL_DUPLICATE_ID, 0,
                      "request %" PRIu64 " of this client is in flight already", asked->id);
    else if (client->request_count == d->settings.client_requests_max)
        answer_refuse(d, EFFECT_ANSWER, event->client, asked->id, REFUSAL_BUSY, BUSY_RETRY_MS,
                      "this client has %" PRIu32 " requests in flight, the maximum",
                      client->request_count);
    else if (queue_full(&d->queue))
        answer_refuse(d, EFFECT_ANSWER, event->client, asked->id, REFUSAL_BUSY, BUSY_RETRY_MS,
                      "the queue of %" PRIu32 " requests is full", d->settings.requests_max);
    else if (asked->summand && skill == SKILL_SAMPLES)
        refuse_unknown(d, event->client, asked);
    else
        request_open(d, client, asked, skill);
    d->counters.refused += d->answer_due;
}

/* A cancel of a request that is not in flight changes nothing: the request may have been answered
 * while the cancel was on its way. */
static void on_cancel(struct dispatcher *d, const struct event *event)
{
    struct request *r =
        client_request(queue_client(&d->queue, event->client), event->message->cancel.id);

    if (r && r->state == REQUEST_OPEN)
        request_end(d, r, REFUSAL_CANCELLED);
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
            request_end(d, r, REFUSAL_CANCELLED);
        queue_detach(r);
    }
}

/* ---- workers ----------------------------------------------------------------------------- */

/* The run ends without a total. */
static void run_return(struct dispatcher *d, struct run *run)
{
    d->counters.requeued += run->state == RUN_RUNNING;
    workers_release(&d->workers, run, d->now_ns);
    spans_return(&d->spans, run);
}

static void span_fail(struct dispatcher *d, struct span *span)
{
    span->request->deadly_first = span->first;
    span->request->deadly_count = span->count;
    request_end(d, span->request, REFUSAL_WORKERS_LOST);
}

/* Ends a run whose worker is lost, or has lost its own workers. deadly: its span may have crashed
 * the worker. The death is counted before the span returns, because a suspect waits in a list of
 * its own. A power cut or an operator often takes several workers within moments, and meanwhile no
 * other worker must get the suspect. */
static void run_lost(struct dispatcher *d, struct run *run, bool deadly)
{
    struct span *span = run->span;

    if (span && deadly)
        spans_count_death(span, d->now_ns + HEARTBEATS_MISSED * d->settings.heartbeat_ns);
    run_return(d, run);
    if (span && span->deaths == SPAN_DEATHS_MAX)
        span_fail(d, span);
}

/* Requeues the spans of a worker in front of all new spans, and removes the worker. deadly: the
 * spans that it was computing, the first one of each core, may have crashed it. */
static void worker_remove(struct dispatcher *d, struct worker *w, bool deadly)
{
    uint32_t suspects = deadly ? w->capacity : 0;
    struct run *run;

    while ((run = TAILQ_FIRST(&w->runs))) {
        run_lost(d, run, suspects > 0);
        suspects -= suspects > 0;
    }
    workers_remove(&d->workers, w);
}

/* True if this server may be in a cycle of servers that have joined each other. In a cycle, heights
 * grow with every heartbeat until one member sees more than HEIGHT_MAX. A server without parents is
 * in no cycle: the members of a cycle below it must break the cycle. */
static bool may_be_cycle(const struct dispatcher *d, uint32_t height)
{
    return height > HEIGHT_MAX && !d->settings.top;
}

static void refuse_cycle(struct dispatcher *d, uint32_t worker, const char *name)
{
    answer_refuse(d, EFFECT_DROP_WORKER, worker, 0, REFUSAL_OUT_OF_RANGE, 0,
                  "worker %s has more than %d levels of servers below it; have servers joined each "
                  "other in a cycle?",
                  name, HEIGHT_MAX);
}

static void worker_drop(struct dispatcher *d, struct worker *w, const char *text)
{
    d->counters.workers_lost++;
    worker_remove(d, w, false);
    answer_refuse(d, EFFECT_DROP_WORKER, workers_number(&d->workers, w), 0, REFUSAL_NOT_JOINED, 0,
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

/* If a worker joins again, it has dropped the spans that it had. */
static void on_join(struct dispatcher *d, const struct event *event)
{
    const struct join *join = &event->message->join;
    struct worker *w = workers_at(&d->workers, event->worker);

    if (w && w->state != WORKER_FREE)
        worker_remove(d, w, false);
    if (!w)
        answer_refuse(d, EFFECT_DROP_WORKER, event->worker, 0, REFUSAL_BUSY, BUSY_RETRY_MS,
                      "%" PRIu32 " workers have joined, the maximum", d->settings.joined_max);
    else if (join->digest != d->settings.digest)
        answer_refuse(d, EFFECT_DROP_WORKER, event->worker, 0, REFUSAL_OTHER_SUMS, 0,
                      "worker %s would sum other bits: its digest is %016" PRIx64
                      ", not %016" PRIx64,
                      join->name, join->digest, d->settings.digest);
    else if (may_be_cycle(d, join->height))
        refuse_cycle(d, event->worker, join->name);
    else {
        workers_join(&d->workers, w, join, d->now_ns);
        worker_welcome(d, w);
    }
}

/* A worker without capacity has lost all of its own workers: its spans would wait for ever. */
static void runs_revoke(struct dispatcher *d, struct worker *w)
{
    struct run *run;

    TAILQ_FOREACH (run, &w->runs, in_worker)
        if (run->state == RUN_RUNNING) {
            d->counters.requeued++;
            spans_revoke(&d->spans, run);
        }
}

static void on_heartbeat(struct dispatcher *d, struct worker *w, const struct message *message)
{
    if (may_be_cycle(d, message->heartbeat.height)) {
        d->counters.workers_lost++;
        worker_remove(d, w, false);
        refuse_cycle(d, workers_number(&d->workers, w), w->name);
        return;
    }
    if (message->heartbeat.capacity == 0)
        runs_revoke(d, w);
    workers_set_height(&d->workers, w, message->heartbeat.height);
    workers_set_capacity(&d->workers, w, message->heartbeat.capacity);
    workers_set_offers(&d->workers, w, &message->heartbeat.offers);
    workers_apply(&d->workers, w, WORKER_EVENT_HEARTBEAT);
}

static void on_leave(struct dispatcher *d, struct worker *w, const struct message *message)
{
    (void)message;
    workers_apply(&d->workers, w, WORKER_EVENT_LEAVE);
}

/* The worker's run of that id, or NULL if the run has ended. */
static struct run *worker_run(const struct dispatcher *d, const struct worker *w, uint64_t id)
{
    struct run *run = spans_run(&d->spans, id);

    return run && run->worker == w ? run : NULL;
}

static bool terms_are_plausible(const struct span *span, const struct sum_reply *reply)
{
    const struct request *r = span->request;

    return reply->count == span->count && reply->build == r->asked.build &&
           reply->outputs.count > 0;
}

/* A sample of any kind is smaller than 2^53 units. */
static bool total_is_plausible(const struct span *span, const struct sum_reply *reply)
{
    if (span->request->terms)
        return terms_are_plausible(span, reply);
    __int128 most = (__int128)span->count << 53;

    return reply->count == span->count && reply->units < most && reply->units > -most &&
           reply->unit_log2 == stream_unit_log2((enum stream_kind)span->request->asked.kind);
}

/* The request learns the time of its terms, and the worker its speed. */
static void measure_terms(struct dispatcher *d, struct run *run, const struct sum_reply *reply)
{
    struct rate *rate = terms_rate(&d->terms, run->span->request->terms);
    double known_ns = rate_ns(rate, reply->count);

    rate_learn(rate, run->span->first, reply);
    workers_measured_terms(&d->workers, run, reply->count, known_ns / TERMS_BLOCK_NS,
                           reply->compute_ns, d->now_ns);
}

static void measure(struct dispatcher *d, struct run *run, const struct sum_reply *reply)
{
    if (run->span->request->terms)
        measure_terms(d, run, reply);
    else
        workers_measured(&d->workers, run, reply->count, reply->compute_ns, d->now_ns);
}

/* ---- audits ---- */

/* Computes the whole request again: its totals may contain spans of a worker with other bits. */
static void request_restart(struct dispatcher *d, struct request *r)
{
    struct span *span;

    while ((span = TAILQ_FIRST(&r->spans)))
        spans_drop(&d->spans, span);
    terms_restart(&d->terms, r->terms);
    r->total = (struct total){0};
    r->compute_ns = 0;
    queue_restart(&d->queue, r);
}

/* A majority has other bits than a worker. It loses the skill, and all requests that it may have
 * computed terms for begin anew. w: NULL: it has left. */
static void convict(struct dispatcher *d, struct worker *w, uint32_t skill)
{
    struct request *r;

    if (w)
        workers_lose_skill(&d->workers, w, skill, SKILL_OTHER_BITS);
    TAILQ_FOREACH (r, &d->queue.open, in_state)
        if (r->skill == skill)
            request_restart(d, r);
}

static size_t write_voter(const struct dispatcher *d, const struct vote *vote, char *text,
                          size_t room)
{
    const struct worker *w = workers_at(&d->workers, vote->worker);
    int size = snprintf(text, room, "; %s%s%s", w->name, w->kernel[0] ? ", " : "", w->kernel);

    return size < 0 || (size_t)size >= room ? room - 1 : (size_t)size;
}

/* The sentence names terms, workers and kernels. */
static void request_split(struct dispatcher *d, const struct span *span)
{
    struct request *r = span->request;
    char *text = r->terms->text;
    size_t room = sizeof r->terms->text;
    int head = snprintf(text, room,
                        "%" PRIu64 " terms of %s from term %" PRIu64
                        " on have other bits each time they are computed",
                        span->count, r->asked.summand, span->first);
    size_t used = (size_t)head;

    for (uint32_t i = 0; i < span->vote_count; i++)
        used += write_voter(d, &span->votes[i], text + used, room - used);
    request_end(d, r, REFUSAL_OTHER_BITS);
}

/* Two totals are equal. True if no worker is odd, so that the total counts. */
static bool span_settled(struct dispatcher *d, const struct span *span)
{
    struct span votes = *span; /* a restart drops the span */
    uint32_t skill = span->request->skill;
    bool odd = false;

    for (uint32_t i = 0; i < votes.vote_count; i++) {
        if (votes.votes[i].digest == votes.agreed)
            continue;
        odd = true;
        convict(d, audit_voter(&d->workers, &votes.votes[i]), skill);
    }
    return !odd;
}

/* True if the total counts now. */
static bool audit_ends(struct dispatcher *d, struct span *span, struct worker *w,
                       enum verdict verdict)
{
    if (verdict == VERDICT_FAILED)
        request_split(d, span);
    if (verdict != VERDICT_AGREED)
        return false;
    audit_verify(&d->workers, span, w);
    return span_settled(d, span);
}

/* Ends requests of a skill that no worker can decide any more. */
static void skill_audits_check(struct dispatcher *d, uint32_t skill)
{
    struct span *span, *next;

    for (span = TAILQ_FIRST(&d->spans.of[skill].audits); span; span = next) {
        next = TAILQ_NEXT(span, in_waiting);
        if (!audit_hopeless(&d->workers, span))
            continue;
        request_split(d, span);
        next = TAILQ_FIRST(&d->spans.of[skill].audits); /* more spans may have gone */
    }
}

/* Call it whenever a worker may have left or lost a skill. */
static void audits_check(struct dispatcher *d)
{
    for (skill_set left = d->queue.needed; left; left &= left - 1)
        skill_audits_check(d, skill_lowest(left));
}

/* ---- totals ---- */

static void total_count(struct dispatcher *d, struct span *span, const struct sum_reply *reply)
{
    struct request *r = span->request;

    spans_drop(&d->spans, span);
    if (r->terms && !terms_add(&d->terms, r->terms, &reply->outputs)) {
        request_end(d, r, REFUSAL_BUSY);
        return;
    }
    if (r->terms)
        r->terms->fill_ns += reply->fill_ns;
    total_add(&r->total, &(struct total){.units = reply->units, .count = reply->count});
    r->compute_ns += reply->compute_ns;
    d->counters.spans++;
    if (r->total.count == r->asked.count)
        request_end(d, r, REFUSAL_NONE);
}

static bool outputs_fit(const struct request *r, const struct sum_reply *reply)
{
    return !r->terms || terms_fit(r->terms, &reply->outputs);
}

/* begin() chooses the names of the outputs, so this is a fault of the function and not of the
 * worker. */
static void on_outputs_changed(struct dispatcher *d, struct run *run)
{
    struct request *r = run->span->request;

    run_return(d, run);
    snprintf(r->terms->text, sizeof r->terms->text,
             "begin() gives the outputs other names or squares each time it is called.");
    request_end(d, r, REFUSAL_SUMMAND_FAILED);
}

/* The votes are counted before the run returns, because a span with votes waits in another list. */
static void span_done(struct dispatcher *d, struct run *run, const struct sum_reply *reply)
{
    struct span *span = run->span;
    struct worker *w = run->worker;
    bool audited = audit_needed(span, w);
    enum verdict verdict = VERDICT_AGREED;

    measure(d, run, reply);
    workers_release(&d->workers, run, d->now_ns);
    if (audited)
        verdict = audit_vote(&d->workers, span, w, &reply->outputs);
    spans_return(&d->spans, run);
    if (!audited || audit_ends(d, span, w, verdict))
        total_count(d, span, reply);
}

static void on_sum_reply(struct dispatcher *d, struct worker *w, const struct message *message)
{
    const struct sum_reply *reply = &message->sum_reply;
    struct run *run = worker_run(d, w, reply->id);

    if (run && run->state == RUN_RUNNING && total_is_plausible(run->span, reply)) {
        if (outputs_fit(run->span->request, reply))
            span_done(d, run, reply);
        else
            on_outputs_changed(d, run);
    } else if (run && run->state == RUN_RUNNING) {
        assert(!w->thread);
        worker_drop(d, w, "its total does not fit the span");
    } else {
        d->counters.duplicates++;
        if (run)
            run_return(d, run);
    }
}

/* The request ends with the reason that a worker has found. deaths: of helper processes. */
static void request_fail(struct dispatcher *d, struct request *r, const struct refusal *refusal,
                         uint32_t deaths)
{
    snprintf(r->terms->text, sizeof r->terms->text, "%s", refusal->text);
    r->terms->deaths = deaths;
    request_end(d, r, refusal->code);
}

/* Parameters that one worker rejects, all workers reject. */
static void on_request_wrong(struct dispatcher *d, struct run *run, const struct refusal *refusal)
{
    struct request *r = run->span->request;

    run_return(d, run);
    request_fail(d, r, refusal, 0);
}

/* If a helper process died, another one tries again, because something else may have killed it.
 * deaths: 0: the terms themselves are wrong. The answer counts the deaths of all workers, so that a
 * parent does not try again. */
static void on_summand_failed(struct dispatcher *d, struct run *run, const struct refusal *refusal)
{
    struct span *span = run->span;
    uint32_t more = refusal->deaths < SPAN_DEATHS_MAX ? refusal->deaths : SPAN_DEATHS_MAX;

    span->helper_deaths += more;
    run_return(d, run);
    if (more == 0 || span->helper_deaths >= SPAN_DEATHS_MAX)
        request_fail(d, span->request, refusal, more == 0 ? 0 : span->helper_deaths);
}

/* The worker has just lost the summand. */
static void on_summand_lost(struct dispatcher *d, struct run *run, const struct refusal *refusal)
{
    (void)refusal;
    workers_lose_skill(&d->workers, run->worker, run->span->request->skill, SKILL_REFUSED);
    run_return(d, run);
}

/* True if the refusal is one that only spans of summands get. */
static bool terms_refused(struct dispatcher *d, struct run *run, const struct refusal *refusal)
{
    static void (*const handlers[REFUSAL_END])(struct dispatcher *, struct run *,
                                               const struct refusal *) = {
        [REFUSAL_UNKNOWN_SUMMAND] = on_summand_lost,
        [REFUSAL_BAD_PARAMETERS] = on_request_wrong,
        [REFUSAL_SUMMAND_FAILED] = on_summand_failed,
        [REFUSAL_OTHER_BITS] = on_request_wrong,
    };

    if (!run->span || !run->span->request->terms || !handlers[refusal->code])
        return false;
    handlers[refusal->code](d, run, refusal);
    return true;
}

/* If the run was cancelled, the refusal is its normal end. Otherwise the worker cannot compute more
 * for now, or the span has crashed its own workers. */
static void on_span_refused(struct dispatcher *d, struct worker *w, const struct message *message)
{
    const struct refusal *refusal = &message->refusal;
    struct run *run = worker_run(d, w, refusal->id);

    if (!run || terms_refused(d, run, refusal))
        return;
    if (run->span && !w->thread)
        workers_apply(&d->workers, w,
                      refusal->code == REFUSAL_STOPPING ? WORKER_EVENT_LEAVE
                                                        : WORKER_EVENT_REFUSAL);
    run_lost(d, run, refusal->code == REFUSAL_WORKERS_LOST);
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
        answer_refuse(d, EFFECT_DROP_WORKER, event->worker, 0, REFUSAL_NOT_JOINED, 0,
                      "this worker has not joined, or its membership has ended; join again");
        return;
    }
    if (!w->thread)
        workers_received(&d->workers, w, d->now_ns);
    handlers[event->message->type](d, w, event->message);
}

/* A leaving worker disconnects when it has finished, so its spans are not suspected. */
static void on_worker_lost(struct dispatcher *d, const struct event *event)
{
    struct worker *w = workers_at(&d->workers, event->worker);

    if (!w || w->state == WORKER_FREE)
        return;
    bool crashed = w->state != WORKER_LEAVING;
    d->counters.workers_lost += crashed;
    worker_remove(d, w, crashed);
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
            request_end(d, r, REFUSAL_DEADLINE_EXCEEDED);
        else if (r->deadline_at_ns < d->deadline_at_ns)
            d->deadline_at_ns = r->deadline_at_ns;
        r = next;
    }
}

/* The time at which the worker that has been silent for longest is dropped, or NEVER. */
static int64_t silence_at_ns(const struct dispatcher *d)
{
    const struct worker *w = TAILQ_FIRST(&d->workers.by_silence);

    if (!w)
        return NEVER;
    return later(w->received_at_ns, d->resumed_at_ns) +
           HEARTBEATS_MISSED * d->settings.heartbeat_ns;
}

/* While workers are joined, EVENT_TIME comes at every heartbeat. If EVENT_TIME is very late, this
 * process did not run, and messages that the workers sent meanwhile are still unread. */
static void detect_pause(struct dispatcher *d)
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
        request_end(d, r, REFUSAL_STOPPING);
}

/* A draining server without workers gives up. First it waits for workers to join, for
 * HEARTBEATS_MISSED heartbeats, because an operator may restart the workers together with their
 * front. */
static void plan_give_up(struct dispatcher *d)
{
    bool stranded = d->draining && d->workers.capacity == 0 && d->workers.held == 0;

    if (!stranded || TAILQ_EMPTY(&d->queue.open))
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
    detect_pause(d);
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

/* ---- events and effects ------------------------------------------------------------------ */

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
    audits_check(d);
    plan_give_up(d);
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
    worker_drop(d, TAILQ_FIRST(&d->workers.by_silence), "it sent no message for too long");
    audits_check(d);
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

/* The work of a span, in blocks. */
static double span_blocks(struct dispatcher *d, const struct span *span)
{
    const struct terms *terms = span->request->terms;

    if (!terms)
        return (double)span->count / BLOCK_SAMPLES;
    double ns = rate_ns(terms_rate(&d->terms, terms), span->count);
    return (ns > 0 ? ns : RATE_UNKNOWN_NS) / TERMS_BLOCK_NS;
}

static bool next_span(struct dispatcher *d, struct effect *effect)
{
    struct run *run = assign_next(d);

    if (!run)
        return false;
    const struct span *span = run->span;
    const struct sum_request *asked = &span->request->asked;
    workers_hold(&d->workers, run, span_blocks(d, span), span->count, d->now_ns);
    effect->type = EFFECT_SEND_WORKER;
    effect->worker = workers_number(&d->workers, run->worker);
    effect->message.type = MESSAGE_SUM_REQUEST;
    effect->message.sum_request = (struct sum_request){
        .id = spans_id(&d->spans, run),
        .seed = asked->seed,
        .kind = asked->kind,
        .first = span->first,
        .count = span->count,
        .summand = asked->summand,
        .parameters = asked->parameters,
        .build = asked->build,
        .audit = asked->audit || span->vote_count > 0,
    };
    return true;
}

static bool next_ending(struct dispatcher *d, struct effect *effect)
{
    struct request *r;

    while ((r = TAILQ_FIRST(&d->queue.outbox))) {
        bool wanted = r->client; /* else the client is lost */
        if (wanted) {
            effect->type = EFFECT_ANSWER;
            effect->client = queue_client_number(&d->queue, r->client);
            d->counters.answered += r->ending == REFUSAL_NONE;
            d->counters.refused += r->ending != REFUSAL_NONE;
            answer_request(d, r, &effect->message);
            queue_detach(r);
        }
        request_drop_terms(d, r);
        queue_release(&d->queue, r);
        if (wanted)
            return true;
    }
    return false;
}

static bool next_heartbeat(struct dispatcher *d, struct effect *effect)
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
        if (r->terms)
            effect->message.progress.outputs = terms_outputs(r->terms, d->outputs);
        return true;
    }
    return false;
}

bool dispatcher_next(struct dispatcher *d, struct effect *effect)
{
    return next_answer(d, effect) || next_silent(d, effect) || next_cancel(d, effect) ||
           next_span(d, effect) || next_ending(d, effect) || next_heartbeat(d, effect) ||
           next_progress(d, effect);
}

int64_t dispatcher_due_at(const struct dispatcher *d)
{
    int64_t due_at_ns = earlier(d->progress_at_ns, d->deadline_at_ns);

    due_at_ns = earlier(due_at_ns, d->heartbeat_at_ns);
    due_at_ns = earlier(due_at_ns, silence_at_ns(d));
    due_at_ns = earlier(due_at_ns, d->give_up_at_ns);
    return earlier(due_at_ns, assign_due_at(d));
}

bool dispatcher_busy(const struct dispatcher *d)
{
    return !TAILQ_EMPTY(&d->queue.open);
}

uint32_t dispatcher_capacity(const struct dispatcher *d)
{
    return d->workers.capacity < CAPACITY_MAX ? (uint32_t)d->workers.capacity : CAPACITY_MAX;
}

struct heartbeat dispatcher_heartbeat(struct dispatcher *d)
{
    return (struct heartbeat){
        .offers = {.count = skills_offers(&d->workers.skills, d->offers), .list = d->offers},
        .capacity = dispatcher_capacity(d),
        .height = workers_height(&d->workers),
    };
}

bool dispatcher_next_loss(struct dispatcher *d, struct skill_loss *loss)
{
    return workers_next_loss(&d->workers, loss);
}

const char *dispatcher_worker_name(const struct dispatcher *d, uint32_t worker)
{
    const struct worker *w = workers_at(&d->workers, worker);

    return w && w->state != WORKER_FREE ? w->name : NULL;
}
