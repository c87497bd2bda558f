/* A front with workers in virtual time. See pool_model.h. */
#include "tests/unit/server/pool_model.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proto/instant.h"
#include "server/core/dispatcher.h"
#include "sums/stream.h"

#define WORKERS_MAX 4
#define STEP_NS     (50 * NS_PER_US)
#define GAUSSIAN    MESSAGE_KIND_GAUSSIAN

/* As client/sum/window.h has them. */
#define PIECES_IN_FLIGHT 4
#define PIECE_BLOCKS_MIN UINT64_C(256)
#define PIECE_NS         NS_PER_S

/* A run in a worker, on its way to the worker, or back. */
struct model_span {
    uint64_t id, count;
    int64_t arrives_at_ns; /* at the worker; then, when it is done, at the front */
    int64_t began_at_ns;   /* 0: it waits for a core */
    double left_ns;        /* of one core */
    bool done, cancelled;
};

struct model_state {
    const struct model_worker *worker;
    struct model_span spans[WORKER_CREDIT_MAX]; /* in the order of their arrival */
    uint32_t count;
    double budget_ns; /* of this period */
    int64_t period_ends_at_ns;
};

struct model {
    struct dispatcher *dispatcher;
    struct model_state states[WORKERS_MAX];
    uint32_t count;
    int64_t now_ns, block_ns;
    uint64_t asked, answered, total; /* blocks */
    uint64_t pieces[PIECES_IN_FLIGHT];
    int64_t asked_at_ns[PIECES_IN_FLIGHT];
    uint64_t piece_blocks;
    uint64_t next_id;
};

/* ---- messages ---------------------------------------------------------------------------- */

static void answered(struct model *model, const struct message *message)
{
    cr_assert(message->type == MESSAGE_SUM_REPLY);
    uint64_t slot = message->sum_reply.id % PIECES_IN_FLIGHT;
    uint64_t blocks = model->pieces[slot];
    int64_t took_ns = model->now_ns - model->asked_at_ns[slot];

    model->answered += blocks;
    model->pieces[slot] = 0;
    model->piece_blocks = (uint64_t)((double)blocks * PIECE_NS / (double)(took_ns + 1));
    if (model->piece_blocks > 4 * blocks)
        model->piece_blocks = 4 * blocks;
    if (model->piece_blocks < PIECE_BLOCKS_MIN)
        model->piece_blocks = PIECE_BLOCKS_MIN;
}

static void to_worker(struct model *model, struct model_state *state, const struct message *message)
{
    if (message->type == MESSAGE_SUM_REQUEST) {
        cr_assert(state->count < WORKER_CREDIT_MAX);
        state->spans[state->count++] = (struct model_span){
            .id = message->sum_request.id,
            .count = message->sum_request.count,
            .arrives_at_ns = model->now_ns + state->worker->latency_ns,
            .left_ns = (double)message->sum_request.count / BLOCK_SAMPLES * (double)model->block_ns,
        };
    }
    for (uint32_t i = 0; message->type == MESSAGE_CANCEL && i < state->count; i++)
        if (state->spans[i].id == message->cancel.id && !state->spans[i].done)
            state->spans[i].cancelled = true;
}

static void take_effects(struct model *model)
{
    struct effect effect;

    while (dispatcher_next(model->dispatcher, &effect)) {
        cr_assert(effect.type != EFFECT_DROP_WORKER, "%s", effect.message.refusal.text);
        if (effect.type == EFFECT_SEND_WORKER)
            to_worker(model, &model->states[effect.worker], &effect.message);
        else if (effect.type == EFFECT_ANSWER)
            answered(model, &effect.message);
    }
}

static void step(struct model *model, enum event_type type, uint32_t number,
                 const struct message *message)
{
    struct event event = {.type = type, .worker = number, .message = message};

    dispatcher_step(model->dispatcher, model->now_ns, &event);
    take_effects(model);
}

/* ---- the client -------------------------------------------------------------------------- */

static void ask(struct model *model, uint32_t slot)
{
    uint64_t left = model->total - model->asked;
    uint64_t blocks = model->piece_blocks < left ? model->piece_blocks : left;
    struct message message = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = (model->next_id += PIECES_IN_FLIGHT) + slot,
                        .kind = GAUSSIAN,
                        .first = model->asked * BLOCK_SAMPLES,
                        .count = blocks * BLOCK_SAMPLES},
    };

    model->pieces[slot] = blocks;
    model->asked_at_ns[slot] = model->now_ns;
    model->asked += blocks;
    step(model, EVENT_CLIENT_MESSAGE, 0, &message);
}

static void client_run(struct model *model)
{
    for (uint32_t slot = 0; slot < PIECES_IN_FLIGHT; slot++)
        if (model->pieces[slot] == 0 && model->asked < model->total)
            ask(model, slot);
}

/* ---- workers ----------------------------------------------------------------------------- */

static void span_remove(struct model_state *state, uint32_t i)
{
    memmove(&state->spans[i], &state->spans[i + 1], (--state->count - i) * sizeof state->spans[0]);
}

static void reply(struct model *model, uint32_t number, const struct model_span *span)
{
    struct message message = {.type = MESSAGE_SUM_REPLY};

    message.sum_reply = (struct sum_reply){
        .id = span->id,
        .count = span->count,
        .unit_log2 = stream_unit_log2(STREAM_GAUSSIAN),
        .compute_ns = (uint64_t)(span->arrives_at_ns - model->states[number].worker->latency_ns -
                                 span->began_at_ns),
    };
    if (span->cancelled) {
        message.type = MESSAGE_REFUSAL;
        message.refusal = (struct refusal){.id = span->id, .code = REFUSAL_CANCELLED};
    }
    step(model, EVENT_WORKER_MESSAGE, number, &message);
}

static void replies_deliver(struct model *model, uint32_t number)
{
    struct model_state *state = &model->states[number];
    uint32_t i = 0;

    while (i < state->count) {
        struct model_span span = state->spans[i];
        if (!span.done || span.arrives_at_ns > model->now_ns) {
            i++;
            continue;
        }
        span_remove(state, i);
        reply(model, number, &span);
    }
}

static bool span_runs(const struct model *model, const struct model_span *span)
{
    return !span->done && span->arrives_at_ns <= model->now_ns;
}

/* Gives ns of CPU time to a span. Returns what it used. */
static double span_run(struct model *model, struct model_state *state, struct model_span *span,
                       double ns)
{
    double used = span->cancelled ? 0 : ns < span->left_ns ? ns : span->left_ns;

    if (span->began_at_ns == 0)
        span->began_at_ns = model->now_ns;
    span->left_ns -= used;
    if (span->left_ns > 0 && !span->cancelled)
        return used;
    span->done = true;
    span->arrives_at_ns = model->now_ns + STEP_NS + state->worker->latency_ns;
    return used;
}

static uint32_t spans_running(const struct model *model, const struct model_state *state)
{
    uint32_t running = 0;

    for (uint32_t i = 0; i < state->count; i++)
        running += span_runs(model, &state->spans[i]);
    return running < state->worker->capacity ? running : state->worker->capacity;
}

static void worker_run(struct model *model, struct model_state *state)
{
    const struct model_worker *worker = state->worker;
    uint32_t running = spans_running(model, state);
    double ns = worker->cpus * STEP_NS;

    if (worker->period_ns && model->now_ns >= state->period_ends_at_ns) {
        state->period_ends_at_ns = model->now_ns + worker->period_ns;
        state->budget_ns = (double)worker->quota_ns;
    }
    if (worker->period_ns && ns > state->budget_ns)
        ns = state->budget_ns;
    double share = worker->in_order ? STEP_NS : ns / (running ? running : 1);
    if (share > STEP_NS)
        share = STEP_NS;
    for (uint32_t i = 0; i < state->count && running > 0 && ns > 0; i++)
        if (span_runs(model, &state->spans[i])) {
            double used = span_run(model, state, &state->spans[i], share < ns ? share : ns);
            running--;
            ns -= used;
            state->budget_ns -= used;
        }
}

/* ------------------------------------------------------------------------------------------ */

static void join(struct model *model, uint32_t number)
{
    struct message message = {.type = MESSAGE_JOIN,
                              .join = {.capacity = model->states[number].worker->capacity}};

    step(model, EVENT_WORKER_MESSAGE, number, &message);
}

static void heartbeat(struct model *model, uint32_t number)
{
    struct message message = {.type = MESSAGE_HEARTBEAT,
                              .heartbeat = {.capacity = model->states[number].worker->capacity}};

    step(model, EVENT_WORKER_MESSAGE, number, &message);
}

static void model_step(struct model *model)
{
    model->now_ns += STEP_NS;
    for (uint32_t i = 0; i < model->count; i++) {
        worker_run(model, &model->states[i]);
        replies_deliver(model, i);
        if (model->now_ns % HEARTBEAT_NS == 0)
            heartbeat(model, i);
    }
    client_run(model);
    if (model->now_ns >= dispatcher_due_at(model->dispatcher))
        step(model, EVENT_TIME, 0, NULL);
}

int64_t model_run(const struct model_worker *workers, uint32_t count, uint64_t blocks,
                  int64_t block_ns)
{
    static struct model model;
    struct dispatcher_settings settings = {
        .requests_max = REQUESTS_MAX,
        .client_requests_max = CLIENT_REQUESTS_MAX,
        .runs_max = RUNS_MAX,
        .outputs_max = OUTPUTS_IN_FLIGHT_MAX,
        .joined_max = count,
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
        .top = true,
    };

    model = (struct model){.dispatcher = dispatcher_new(&settings),
                           .count = count,
                           .block_ns = block_ns,
                           .total = blocks,
                           .piece_blocks = PIECE_BLOCKS_MIN};
    cr_assert(model.dispatcher && count <= WORKERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        model.states[i].worker = &workers[i];
        join(&model, i);
    }
    while (model.answered < blocks)
        model_step(&model);
    dispatcher_destroy(&model.dispatcher);
    return model.now_ns;
}
