/* Checks of the real cores after every step: see check.h. */
#include "tests/sim/pool/check.h"

#include <stddef.h>
#include <string.h>

#include "proto/instant.h"
#include "server/core/assign.h"
#include "server/core/audits.h"
#include "server/core/dispatcher_state.h"
#include "sums/stream.h"
#include "tests/sim/pool/summands.h"
#include "tests/support/invariants.h"

/* A compute thread holds exactly the runs of the dispatcher, and has got all cancels. */
static const char *thread_wrong(const struct worker *w, const struct thread *thread,
                                const struct spans *spans)
{
    const struct run *run;
    uint32_t i = 0;

    if (w->held != thread->count)
        return "a thread's tasks are miscounted";
    TAILQ_FOREACH (run, &w->runs, in_worker) {
        const struct sim_task *task = &thread->tasks[i++];
        if (task->span.id != spans_id(spans, run))
            return "a thread has another task";
        if (task->cancelled != (run->state == RUN_CANCELLED))
            return "a thread did not get a cancel";
    }
    return NULL;
}

static const char *threads_wrong(const struct node *node)
{
    const struct dispatcher *d = node->dispatcher;

    for (uint32_t i = 0; i < d->settings.threads; i++) {
        const char *wrong = thread_wrong(&d->workers.table[i], &node->threads.all[i], &d->spans);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static int64_t silence_at_ns(const struct dispatcher *d, const struct worker *w)
{
    int64_t received_at_ns =
        w->received_at_ns > d->resumed_at_ns ? w->received_at_ns : d->resumed_at_ns;

    return received_at_ns + HEARTBEATS_MISSED * d->settings.heartbeat_ns;
}

/* A worker that is silent for too long is dropped, unless this process did not run. */
static const char *silence_wrong(const struct dispatcher *d, const struct event *event)
{
    const struct worker *w = TAILQ_FIRST(&d->workers.by_silence);

    if (event->type != EVENT_TIME || !w)
        return NULL;
    return d->now_ns < silence_at_ns(d, w) ? NULL : "a silent worker is kept";
}

/* A draining server without workers. */
static bool is_stranded(const struct dispatcher *d)
{
    return d->draining && d->workers.capacity == 0 && d->workers.held == 0 &&
           !TAILQ_EMPTY(&d->queue.open);
}

/* A timer is set for everything that happens by time alone. */
static const char *due_wrong(const struct dispatcher *d)
{
    const struct worker *w = TAILQ_FIRST(&d->workers.by_silence);
    int64_t due_at_ns = dispatcher_due_at(d);

    if (w && due_at_ns > silence_at_ns(d, w))
        return "no timer is set for a silent worker";
    return due_at_ns <= d->give_up_at_ns ? NULL : "no timer is set for a server without workers";
}

/* A request is accepted only if a worker can compute its terms now. */
static const char *accepted_wrong(const struct node *node, const struct event *event)
{
    const struct dispatcher *d = node->dispatcher;

    if (event->type != EVENT_CLIENT_MESSAGE || !node->ledger.fresh)
        return NULL;
    const struct request *r =
        client_request(queue_client(&d->queue, event->client), event->message->sum_request.id);
    return r && r->terms && d->workers.skills.all[r->skill].workers == 0
               ? "a request is accepted for a summand that no worker has"
               : NULL;
}

static const char *event_wrong(const struct node *node, int64_t now_ns, const struct event *event)
{
    const struct dispatcher *d = node->dispatcher;

    if (event->type == EVENT_TIME && d->deadline_at_ns <= now_ns)
        return "a deadline has passed";
    if (d->counters.answered != node->ledger.replies ||
        d->counters.refused != node->ledger.refusals)
        return "answers are miscounted";
    if (is_stranded(d) && d->give_up_at_ns == NEVER && d->heartbeat_at_ns == NEVER)
        return "a draining server without workers never gives up";
    if (d->queue.open_count != node->ledger.count)
        return "requests are forgotten";
    const char *wrong = silence_wrong(d, event);
    if (!wrong)
        wrong = accepted_wrong(node, event);
    return wrong ? wrong : due_wrong(d);
}

const char *check_dispatcher(const struct node *node, int64_t now_ns, const struct event *event)
{
    const char *wrong = invariants_wrong(node->dispatcher);

    if (!wrong)
        wrong = threads_wrong(node);
    return wrong ? wrong : event_wrong(node, now_ns, event);
}

/* After a turn, the client waits for the turns of all other clients. The request that had the turn
 * waits for the turns of the client's other requests. The requests of a parent are computed in
 * order. */
static const char *turn_wrong(const struct dispatcher *d, const struct request *r)
{
    const struct client *client = r->client;
    const struct turn *turn;

    TAILQ_FOREACH (turn, &client->turns, in_client)
        if (TAILQ_LAST(&d->queue.turns[turn->skill], turn_list) != turn)
            return "a client has two turns in a row";
    if (request_left(r) > 0 && !client->in_order &&
        TAILQ_LAST(&r->turn->runnable, request_list) != r)
        return "a request has two turns in a row";
    if (request_left(r) > 0 && client->in_order && TAILQ_FIRST(&r->turn->runnable) != r)
        return "a parent's requests take turns";
    return NULL;
}

static bool is_part(const struct sum_request *asked, const struct sum_request *span)
{
    if ((asked->summand != NULL) != (span->summand != NULL) ||
        (asked->summand && !(summands_fit(asked) & summands_fit(span))))
        return false;
    return asked->seed == span->seed && asked->kind == span->kind && span->first >= asked->first &&
           span->first + span->count <= asked->first + asked->count;
}

/* All spans of a request are of the same function. */
static bool is_function(struct debt *debt, const struct sum_request *span)
{
    if (!span->summand)
        return true;
    if (debt->build == 0)
        debt->build = span->build;
    return span->build == debt->build && strcmp(span->parameters, debt->asked.parameters) == 0;
}

/* Spans end at multiples of the grain, as soon as the server knows it. */
static bool splits_grain(const struct node *node, const struct debt *debt,
                         const struct sum_request *span)
{
    uint64_t end = span->first + span->count;

    if (!span->summand || !node_knows_grain(node, span) ||
        end == debt->asked.first + debt->asked.count)
        return false;
    return end % SUMMAND_GRAIN > 0 && end % SUMMAND_GRAIN < span->count;
}

/* An audit is computed by a worker that has not computed the span, if there is one. */
static const char *audit_wrong(const struct node *node, const struct run *run,
                               const struct sum_request *span, bool asked)
{
    const struct workers *workers = &node->dispatcher->workers;

    if (span->audit != (asked || run->span->vote_count > 0))
        return "an audit is sent as another span";
    return invariants_has_voted(workers, run->span, run->worker) &&
                   invariants_jurors(workers, run->span) > 0
               ? "a worker audits itself"
               : NULL;
}

static bool suspect_has_rested(const struct dispatcher *d, uint32_t skill)
{
    const struct span *suspect = TAILQ_FIRST(&d->spans.of[skill].suspects);

    return suspect && suspect->rests_until_ns <= d->now_ns;
}

/* The assignment rules of assign.c: waiting spans, then overdue runs, then new spans. For an
 * unproven worker, new spans come before waiting ones. */
static const char *order_wrong(const struct dispatcher *d, const struct run *run, bool new)
{
    uint32_t skill = run->span->request->skill;
    const struct run *first = TAILQ_FIRST(&d->spans.of[skill].single);
    bool waits = !TAILQ_EMPTY(&d->spans.of[skill].waiting), proven = worker_proven(run->worker);

    if (run->span->state == SPAN_TWICE && waits)
        return "a span is assigned twice while another waits";
    if (new &&proven && waits)
        return "a new span is assigned while another waits";
    if (!new && !proven && run->span->state == SPAN_RUNNING &&spans_span_available(&d->spans) &&
        d->queue.wanted >> skill & 1)
        return "an unproven worker gets a returned span";
    if (new && (proven || !(waits || suspect_has_rested(d, skill))) && first &&
        first->worker != run->worker && !audit_has_voted(&d->workers, first->span, run->worker) &&
        first->late_at_ns + OVERDUE_NS <= d->now_ns)
        return "a new span is assigned while another is overdue";
    return NULL;
}

static const char *assignment_wrong(struct node *node, const struct run *run,
                                    const struct sum_request *span)
{
    const struct request *r = run->span->request;
    uint32_t client = queue_client_number(&node->dispatcher->queue, r->client);
    struct debt *debt = ledger_find(&node->ledger, client, r->asked.id);

    if (!debt || !is_part(&debt->asked, span) || !is_function(debt, span))
        return "a span without a request in flight is assigned";
    if (!span->summand && (span->first + span->count) % BLOCK_SAMPLES != 0 &&
        span->first + span->count != debt->asked.first + debt->asked.count)
        return "a span ends inside a block";
    uint32_t restarts = r->terms ? r->terms->restarts : 0;
    bool new = r->assigned != debt->assigned || restarts != debt->restarts;
    const char *wrong = order_wrong(node->dispatcher, run, new);
    if (!wrong)
        wrong = audit_wrong(node, run, span, debt->asked.audit);
    if (wrong || !new)
        return wrong;
    if (splits_grain(node, debt, span))
        return "a span ends inside a grain";
    node->deaths[run->span - node->dispatcher->spans.all] = 0;
    node->begun_anew += restarts != debt->restarts;
    debt->assigned = r->assigned;
    debt->restarts = restarts;
    return turn_wrong(node->dispatcher, r);
}

const char *check_assigned(struct node *node, uint32_t worker, const struct sum_request *span)
{
    const struct dispatcher *d = node->dispatcher;
    const struct run *run = spans_run(&d->spans, span->id);
    const struct worker *w = workers_at(&d->workers, worker);

    if (!w || w->state != WORKER_JOINED)
        return "a span is sent to a worker that is not ready";
    if (w->held > invariants_credit(w))
        return "a worker gets more than its credit";
    if (!run || run->state != RUN_RUNNING || run->worker != w || run->span->first != span->first ||
        run->span->count != span->count)
        return "the span that is sent differs from its run";
    if (span_suspect(run->span) && d->now_ns < run->span->rests_until_ns)
        return "a suspect is assigned before it has rested";
    return assignment_wrong(node, run, span);
}

bool check_assigned_instead(const struct node *node, uint64_t id)
{
    const struct run *run = spans_run(&node->dispatcher->spans, id);

    return run && run->span && run->span->revocations > 0 && run->span->state == SPAN_TWICE;
}

const struct run *check_running(const struct node *node, uint32_t worker, uint64_t id)
{
    const struct dispatcher *d = node->dispatcher;
    const struct run *run = spans_run(&d->spans, id);

    return run && run->state == RUN_RUNNING && run->worker == workers_at(&d->workers, worker)
               ? run
               : NULL;
}

static bool refusal_fits(const struct refusal *refusal)
{
    return refusal->code > REFUSAL_NONE && refusal->code < REFUSAL_END &&
           memchr(refusal->text, '\0', sizeof refusal->text);
}

static bool request_fits(const struct sum_request *request)
{
    return request->id != 0 && request->count > 0 && request->count <= SAMPLE_END_MAX &&
           request->first <= SAMPLE_END_MAX - request->count &&
           (request->kind == MESSAGE_KIND_NONE) == (request->summand != NULL);
}

static bool reply_fits(const struct sum_reply *reply)
{
    return reply->id != 0 && reply->count > 0 && reply->count <= SAMPLE_END_MAX &&
           reply->unit_log2 <= 0;
}

static bool progress_fits(const struct progress *progress)
{
    return progress->id != 0 && progress->count > 0 && progress->done <= progress->count;
}

static bool offers_fit(const struct offers *offers, uint32_t capacity)
{
    uint32_t set = 0;

    for (uint32_t i = 0; i < offers->count; i++) {
        const struct offer *offer = &offers->list[i];
        uint32_t summand = summands_named(offer->name, offer->build);
        if (offer->build == 0 || offer->capacity == 0 || offer->capacity > capacity ||
            set & summand)
            return false;
        set |= summand;
    }
    return capacity <= CAPACITY_MAX;
}

static bool fits(const struct message *message)
{
    uint32_t ms = message->welcome.heartbeat_ms;

    switch (message->type) {
    case MESSAGE_SUM_REQUEST: return request_fits(&message->sum_request);
    case MESSAGE_SUM_REPLY: return reply_fits(&message->sum_reply);
    case MESSAGE_PROGRESS: return progress_fits(&message->progress);
    case MESSAGE_CANCEL: return message->cancel.id != 0;
    case MESSAGE_REFUSAL: return refusal_fits(&message->refusal);
    case MESSAGE_JOIN: return offers_fit(&message->join.offers, message->join.capacity);
    case MESSAGE_WELCOME: return ms >= HEARTBEAT_MS_MIN && ms <= HEARTBEAT_MS_MAX;
    case MESSAGE_HEARTBEAT:
        return offers_fit(&message->heartbeat.offers, message->heartbeat.capacity);
    case MESSAGE_LEAVE: return true;
    default: return false;
    }
}

const char *check_message(const struct message *message)
{
    return fits(message) ? NULL : "an invalid message";
}

const char *check_effects(const struct membership *parent, const struct message *message,
                          const struct membership_effects *effects)
{
    if (effects->dial != (parent->state == MEMBERSHIP_DIALLING && effects->dial))
        return "a connected parent is dialled";
    if (effects->deliver &&
        (!message || (message->type != MESSAGE_SUM_REQUEST && message->type != MESSAGE_CANCEL)))
        return "a message that the dispatcher does not handle is delivered";
    if (effects->deliver && parent->state != MEMBERSHIP_JOINED &&
        parent->state != MEMBERSHIP_LEAVING)
        return "a request of a parent is accepted before joining";
    if (effects->send && message && message->type == MESSAGE_REFUSAL &&
        message->refusal.code != REFUSAL_NOT_JOINED)
        return "a message is sent at once after a refusal";
    if (effects->send && effects->message.type != MESSAGE_JOIN &&
        effects->message.type != MESSAGE_HEARTBEAT && effects->message.type != MESSAGE_LEAVE)
        return "a message that parents do not accept is sent";
    return effects->send ? check_message(&effects->message) : NULL;
}
