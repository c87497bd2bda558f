#include "tests/sim/check.h"

#include <stddef.h>
#include <string.h>

#include "server/dispatcher_state.h"
#include "sums/stream.h"

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
            span->first + span->count > r->asked.first + r->given)
            return "a span is beyond what was given out";
        out += span->count;
        ++*spans;
    }
    if (r->given > r->asked.count || r->total.count + out != r->given)
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

    for (uint32_t i = 0; i < queue->requests_max + 1 + BESIDE_MAX; i++) {
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
    if (!first || !crew_ready(&d->crew))
        return NULL;
    return first->rests_until_ns > d->now_ns && dispatcher_due_at(d) <= first->rests_until_ns
               ? NULL
               : "a span rests for too long";
}

/* Two who are overdue do not keep a span that a third could have. */
static const char *twice_wrong(const struct dispatcher *d)
{
    const struct span *span;

    if (!spans_left(&d->spans))
        return NULL;
    TAILQ_FOREACH(span, &d->spans.twice, in_waiting)
    {
        int64_t patience_ns = span->taken < 20 ? OVERDUE_NS << span->taken : INT64_MAX / 2;
        if (span->runs[0]->late_at_ns + patience_ns <= d->now_ns &&
            span->runs[1]->late_at_ns + patience_ns <= d->now_ns && crew_ready_for(&d->crew, span))
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

static uint64_t worker_credit(const struct worker *w)
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
    bool ready = w->state == WORKER_JOINED && w->held < worker_credit(w);
    if (w->level != (ready ? (int)(w->held / w->capacity) : -1))
        return "a worker is not where its load puts it";
    *held += count;
    *capacity += w->state == WORKER_LEAVING ? 0 : w->capacity;
    return NULL;
}

/* Each worker with credit in its list, and nobody else. */
static const char *ready_wrong(const struct crew *crew)
{
    const struct worker *w;
    uint32_t listed = 0, ready = 0;

    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH(w, &crew->ready[level], in_ready)
    if (w->state != WORKER_JOINED || w->level != level || listed++ > crew->workers_max)
        return "a worker is ready that is not";
    for (uint32_t i = 0; i < crew->workers_max; i++)
        ready += crew->workers[i].state != WORKER_FREE && crew->workers[i].level >= 0;
    return ready == listed ? NULL : "a worker's credit is lost";
}

static const char *lists_wrong(const struct dispatcher *d, uint32_t joined)
{
    const struct worker *w;
    int64_t heard_at_ns = INT64_MIN;
    uint32_t heard = 0, listed = 0;

    TAILQ_FOREACH(w, &d->crew.heard, in_heard)
    {
        if (w->state == WORKER_FREE || w->thread || w->heard_at_ns < heard_at_ns ||
            heard++ > joined)
            return "workers are not in the order in which they were heard";
        heard_at_ns = w->heard_at_ns;
    }
    TAILQ_FOREACH(w, &d->crew.joined, in_joined)
    if (w->state == WORKER_FREE || w->thread || listed++ > joined)
        return "the list of workers that have joined is wrong";
    if (heard != joined || listed != joined)
        return "a worker that has joined is not in its list";
    if (joined > 0 && d->beat_at_ns > d->now_ns + d->settings.heartbeat_ns)
        return "heartbeats are overlooked";
    return NULL;
}

static const char *workers_wrong(const struct dispatcher *d, uint32_t runs)
{
    const struct crew *crew = &d->crew;
    uint32_t held = 0, workers = 0;
    uint64_t capacity = 0;

    for (uint32_t i = 0; i < crew->workers_max; i++) {
        const char *wrong = worker_wrong(&crew->workers[i], &held, &capacity);
        if (wrong)
            return wrong;
        workers += crew->workers[i].state != WORKER_FREE;
    }
    if (held != runs || held != crew->held)
        return "a run has no worker";
    if (workers != crew->worker_count || capacity != crew->capacity)
        return "workers are miscounted";
    FIRST_WRONG(ready_wrong(crew), lists_wrong(d, workers - d->settings.threads));
    return NULL;
}

static const char *height_wrong(const struct crew *crew)
{
    uint32_t height = 0;

    for (uint32_t i = 0; i < crew->workers_max; i++) {
        const struct worker *w = &crew->workers[i];
        if (w->state != WORKER_FREE && !w->thread && w->height >= height)
            height = w->height + 1;
    }
    return height == crew_height(crew) ? NULL : "a server is not above its highest worker";
}

/* The speed of all is what it would be were it added up anew, but for rounding. */
static const char *speed_wrong(const struct crew *crew)
{
    for (int kind = 1; kind < KINDS; kind++) {
        double sum = 0;
        for (uint32_t i = 0; i < crew->workers_max; i++)
            if (crew->workers[i].state == WORKER_JOINED || crew->workers[i].state == WORKER_RESTING)
                sum += crew->workers[i].capacity / crew->workers[i].block_ns[kind];
        double error = sum - crew->speed[kind];
        if (error > 1e-6 || error < -1e-6)
            return "the speed of all is not the sum of each";
    }
    return NULL;
}

/* A thread has just what the dispatcher believes, and knows what is cancelled. */
static const char *thread_wrong(const struct worker *w, const struct thread *thread,
                                const struct spans *spans)
{
    const struct run *run;
    uint32_t i = 0;

    if (w->held != thread->count)
        return "a thread's tasks are miscounted";
    TAILQ_FOREACH(run, &w->runs, in_worker)
    {
        const struct task *task = &thread->tasks[i++];
        if (task->span.id != spans_id(spans, run))
            return "a thread has another task";
        if (task->cancelled != (run->state == RUN_CANCELLED))
            return "a thread is not told of a cancel";
    }
    return NULL;
}

static const char *threads_wrong(const struct node *node)
{
    const struct dispatcher *d = node->dispatcher;

    for (uint32_t i = 0; i < d->settings.threads; i++) {
        const char *wrong = thread_wrong(&d->crew.workers[i], &node->threads.all[i], &d->spans);
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* ---- all --------------------------------------------------------------------------------- */

static const char *nothing_left_to_do(const struct dispatcher *d)
{
    if (d->answer_due || d->progress_next || d->crew.beat_next || d->silence_due)
        return "an instruction is not given";
    if (crew_ready(&d->crew) &&
        (!TAILQ_EMPTY(&d->spans.waiting) || !TAILQ_EMPTY(&d->queue.runnable)))
        return "a worker is idle while work waits";
    return NULL;
}

static int64_t silence_at_ns(const struct dispatcher *d, const struct worker *w)
{
    int64_t heard_at_ns = w->heard_at_ns > d->awake_at_ns ? w->heard_at_ns : d->awake_at_ns;

    return heard_at_ns + HEARTBEATS_MISSED * d->settings.heartbeat_ns;
}

/* A worker that has not been heard for so long is dropped, unless this process was not there. */
static const char *silence_wrong(const struct dispatcher *d, const struct event *event)
{
    const struct worker *w = TAILQ_FIRST(&d->crew.heard);

    if (event->type != EVENT_TIME || !w)
        return NULL;
    return d->now_ns < silence_at_ns(d, w) ? NULL : "a silent worker is kept";
}

/* It gives up in time; where the last worker was dropped in this step, from the next one on. */
static bool waits_alone(const struct dispatcher *d)
{
    return d->draining && d->crew.capacity == 0 && d->crew.held == 0 &&
           !TAILQ_EMPTY(&d->queue.open);
}

/* What time alone brings about is not slept through. */
static const char *due_wrong(const struct dispatcher *d)
{
    const struct worker *w = TAILQ_FIRST(&d->crew.heard);
    int64_t due_at_ns = dispatcher_due_at(d);

    if (w && due_at_ns > silence_at_ns(d, w))
        return "the end of a silent worker is slept through";
    return due_at_ns <= d->alone_at_ns ? NULL : "a server that is alone sleeps on";
}

static const char *news_wrong(const struct node *node, int64_t now_ns, const struct event *event)
{
    const struct dispatcher *d = node->dispatcher;

    if (event->type == EVENT_TIME && d->deadline_at_ns <= now_ns)
        return "a deadline has passed";
    if (d->counters.answered != node->ledger.replies ||
        d->counters.refused != node->ledger.refusals)
        return "answers are miscounted";
    if (waits_alone(d) && d->alone_at_ns == INT64_MAX && d->beat_at_ns == INT64_MAX)
        return "a server that drains waits for nobody, for ever";
    if (d->queue.open_count != node->ledger.count)
        return "requests are forgotten";
    FIRST_WRONG(silence_wrong(d, event), due_wrong(d));
    return NULL;
}

const char *check_dispatcher(const struct node *node, int64_t now_ns, const struct event *event)
{
    const struct dispatcher *d = node->dispatcher;
    uint32_t spans = 0, runs = 0;
    const char *wrong = requests_wrong(d, &spans);

    if (!wrong)
        wrong = runs_wrong(&d->spans, &runs);
    if (wrong)
        return wrong;
    FIRST_WRONG(clients_wrong(d), spans_wrong(&d->spans, spans), workers_wrong(d, runs),
                speed_wrong(&d->crew), height_wrong(&d->crew), nothing_left_to_do(d),
                suspects_wrong(d), twice_wrong(d), threads_wrong(node),
                news_wrong(node, now_ns, event));
    return NULL;
}

/* After its turn a client waits for that of all others, and its request for that of the others of
 * this client; but a parent's are computed in order. */
static const char *turn_wrong(const struct dispatcher *d, const struct request *r)
{
    const struct client *client = r->client;

    if (TAILQ_EMPTY(&client->runnable))
        return NULL;
    if (TAILQ_LAST(&d->queue.runnable, client_list) != client)
        return "a client has two turns in a row";
    if (request_left(r) > 0 && !client->in_order &&
        TAILQ_LAST(&client->runnable, request_list) != r)
        return "a request has two turns in a row";
    if (request_left(r) > 0 && client->in_order && TAILQ_FIRST(&client->runnable) != r)
        return "a parent's request is put off";
    return NULL;
}

static bool is_part(const struct sum_request *asked, const struct sum_request *span)
{
    return asked->seed == span->seed && asked->kind == span->kind && span->first >= asked->first &&
           span->first + span->count <= asked->first + asked->count;
}

/* What nobody has comes before what is overdue with one worker, and that before new work. */
static const char *order_wrong(const struct dispatcher *d, const struct run *run, bool new)
{
    const struct run *first = TAILQ_FIRST(&d->spans.single);

    if (run->span->state == SPAN_TWICE && !TAILQ_EMPTY(&d->spans.waiting))
        return "a span is given twice while another waits";
    if (new &&first && first->worker != run->worker && first->late_at_ns + OVERDUE_NS <= d->now_ns)
        return "a new span is given while another is overdue";
    return NULL;
}

static const char *span_given_wrong(struct node *node, const struct run *run,
                                    const struct sum_request *span)
{
    const struct request *r = run->span->request;
    uint32_t client = queue_client_number(&node->dispatcher->queue, r->client);
    struct debt *debt = ledger_find(&node->ledger, client, r->asked.id);

    if (!debt || !is_part(&debt->asked, span))
        return "a span of no request in flight is given";
    if ((span->first + span->count) % BLOCK_SAMPLES != 0 &&
        span->first + span->count != debt->asked.first + debt->asked.count)
        return "a span ends inside a block";
    const char *wrong = order_wrong(node->dispatcher, run, r->given != debt->given);
    if (wrong || r->given == debt->given)
        return wrong;
    debt->given = r->given;
    return turn_wrong(node->dispatcher, r);
}

const char *check_given(struct node *node, uint32_t worker, const struct sum_request *span)
{
    const struct dispatcher *d = node->dispatcher;
    const struct run *run = spans_run(&d->spans, span->id);
    const struct worker *w = crew_worker(&d->crew, worker);

    if (!w || w->state != WORKER_JOINED)
        return "a span is given to who takes none";
    if (w->held > worker_credit(w))
        return "a worker is given more than its credit";
    if (!run || run->state != RUN_RUNNING || run->worker != w || run->span->first != span->first ||
        run->span->count != span->count)
        return "a span is given that is another one";
    if (span_suspect(run->span) && d->now_ns < run->span->rests_until_ns)
        return "a span has its last chance before it has rested";
    return span_given_wrong(node, run, span);
}

bool check_given_instead(const struct node *node, uint64_t id)
{
    const struct run *run = spans_run(&node->dispatcher->spans, id);

    return run && run->span && run->span->taken > 0 && run->span->state == SPAN_TWICE;
}

bool check_refuses(const struct node *node, uint32_t number, uint64_t id)
{
    const struct dispatcher *d = node->dispatcher;
    const struct run *run = spans_run(&d->spans, id);

    return run && run->state == RUN_RUNNING &&
           run->worker == crew_worker(&d->crew, d->settings.threads + number);
}

static bool refusal_fits(const struct refusal *refusal)
{
    return refusal->status > STATUS_OK && refusal->status < STATUS_END &&
           memchr(refusal->text, '\0', sizeof refusal->text);
}

static bool request_fits(const struct sum_request *request)
{
    return request->id != 0 && request->count > 0 && request->count <= SAMPLE_END_MAX &&
           request->first <= SAMPLE_END_MAX - request->count &&
           (request->kind == MESSAGE_KIND_GAUSSIAN || request->kind == MESSAGE_KIND_UNIFORM);
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

static bool fits(const struct message *message)
{
    uint32_t ms = message->welcome.heartbeat_ms;

    switch (message->type) {
    case MESSAGE_SUM_REQUEST: return request_fits(&message->sum_request);
    case MESSAGE_SUM_REPLY: return reply_fits(&message->sum_reply);
    case MESSAGE_PROGRESS: return progress_fits(&message->progress);
    case MESSAGE_CANCEL: return message->cancel.id != 0;
    case MESSAGE_REFUSAL: return refusal_fits(&message->refusal);
    case MESSAGE_JOIN: return message->join.capacity <= CAPACITY_MAX;
    case MESSAGE_WELCOME: return ms >= HEARTBEAT_MS_MIN && ms <= HEARTBEAT_MS_MAX;
    case MESSAGE_HEARTBEAT: return message->heartbeat.capacity <= CAPACITY_MAX;
    case MESSAGE_LEAVE: return true;
    default: return false;
    }
}

const char *check_message(const struct message *message)
{
    return fits(message) ? NULL : "a message that nobody could read";
}

const char *check_orders(const struct parent *parent, const struct message *message,
                         const struct parent_orders *orders)
{
    if (orders->dial != (parent->state == PARENT_DIALLING && orders->dial))
        return "a parent is dialled while it is there";
    if (orders->pass &&
        (!message || (message->type != MESSAGE_SUM_REQUEST && message->type != MESSAGE_CANCEL)))
        return "a parent's message is passed on that is none of the dispatcher's";
    if (orders->pass && parent->state != PARENT_JOINED && parent->state != PARENT_LEAVING)
        return "a parent's work is taken without having joined it";
    if (orders->send && message && message->type == MESSAGE_REFUSAL &&
        message->refusal.status != STATUS_NOT_JOINED)
        return "a parent that refuses is answered at once";
    if (orders->send && orders->message.type != MESSAGE_JOIN &&
        orders->message.type != MESSAGE_HEARTBEAT && orders->message.type != MESSAGE_LEAVE)
        return "a parent is told what it does not understand";
    return orders->send ? check_message(&orders->message) : NULL;
}
