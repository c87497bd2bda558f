/* The compute threads as workers of the dispatcher. */
#include "server/peers/threads.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/errno_saved.h"
#include "server/compute_threads.h"

static_assert((int)MESSAGE_KIND_GAUSSIAN == (int)STREAM_GAUSSIAN, "kinds have their wire values");
static_assert((int)MESSAGE_KIND_UNIFORM == (int)STREAM_UNIFORM, "kinds have their wire values");

struct threads {
    struct compute_threads *compute;
    uint32_t count;
    const struct summands *summands;
    struct message message;      /* of the last event */
    struct compute_terms *terms; /* that the message points to; NULL: none */
    struct output_total outputs[OUTPUTS_MAX];
};

struct threads *threads_new(uint32_t count, const struct kernel *kernel,
                            const struct summands *summands)
{
    struct threads *threads = calloc(1, sizeof *threads);

    if (!threads)
        return NULL;
    threads->count = count;
    threads->summands = summands;
    threads->compute = compute_threads_new(count, kernel);
    if (!threads->compute)
        ERRNO_SAVED(threads_destroy(&threads));
    return threads;
}

void threads_destroy(struct threads **threads_p)
{
    struct threads *threads = *threads_p;

    if (!threads)
        return;
    compute_threads_destroy(&threads->compute);
    free(threads->terms);
    free(threads);
    *threads_p = NULL;
}

/* ---- results ----------------------------------------------------------------------------- */

static void reply_samples(struct threads *threads, const struct compute_result *result)
{
    threads->message.type = MESSAGE_SUM_REPLY;
    threads->message.sum_reply = (struct sum_reply){
        .id = result->span,
        .count = result->total.count,
        .units = result->total.units,
        .unit_log2 = stream_unit_log2(result->kind),
        .compute_ns = (uint64_t)result->elapsed_ns,
    };
}

static struct outputs view_outputs(struct threads *threads, const struct helper_outcome *outcome)
{
    for (uint32_t k = 0; k < outcome->outputs; k++)
        threads->outputs[k] = (struct output_total){
            .name = outcome->output[k].name,
            .sum = units_view(&outcome->output[k].sum),
            .squares = units_view(&outcome->output[k].squares),
            .has_squares = outcome->output[k].has_squares,
        };
    return (struct outputs){.count = outcome->outputs, .list = threads->outputs};
}

/* The time leaves out the start of the helper, which says nothing about the time of terms. */
static void reply_terms(struct threads *threads, const struct compute_result *result)
{
    const struct helper_outcome *outcome = &result->terms->outcome;

    threads->message.type = MESSAGE_SUM_REPLY;
    threads->message.sum_reply = (struct sum_reply){
        .id = result->span,
        .count = outcome->count,
        .compute_ns = outcome->fill_ns + outcome->value_ns,
        .outputs = view_outputs(threads, outcome),
        .build = result->terms->task.summand->build,
        .grain = outcome->grain,
        .fill_ns = outcome->fill_ns,
    };
}

/* If a helper was killed here, the same terms may succeed at another worker. */
static const struct {
    enum refusal_code code;
    uint32_t deaths;
} refusals[] = {
    [HELPER_CANCELLED] = {REFUSAL_CANCELLED, 0},
    [HELPER_BAD_PARAMETERS] = {REFUSAL_BAD_PARAMETERS, 0},
    [HELPER_FAILED] = {REFUSAL_SUMMAND_FAILED, 0},
    [HELPER_DIED] = {REFUSAL_SUMMAND_FAILED, 1},
};

static void refuse_terms(struct threads *threads, const struct compute_result *result)
{
    const struct helper_outcome *outcome = &result->terms->outcome;
    struct refusal *refusal = &threads->message.refusal;

    threads->message.type = MESSAGE_REFUSAL;
    *refusal = (struct refusal){
        .id = result->span,
        .code = refusals[outcome->end].code,
        .deaths = refusals[outcome->end].deaths,
    };
    snprintf(refusal->text, sizeof refusal->text, "%s", outcome->text);
}

static void answer(struct threads *threads, const struct compute_result *result)
{
    free(threads->terms);
    threads->terms = result->terms;
    if (!result->terms)
        reply_samples(threads, result);
    else if (result->terms->outcome.end == HELPER_SUMMED)
        reply_terms(threads, result);
    else
        refuse_terms(threads, result);
}

/* Without compute threads nothing is read: a front that only hands out spans calls this thousands
 * of times a second. */
bool threads_next(struct threads *threads, int64_t now_ns, struct event *event)
{
    struct compute_result result;

    (void)now_ns;
    if (threads->count == 0 || !compute_threads_done(threads->compute, &result))
        return false;
    answer(threads, &result);
    event->type = EVENT_WORKER_MESSAGE;
    event->worker = result.thread;
    event->message = &threads->message;
    return true;
}

/* ---- spans ------------------------------------------------------------------------------- */

/* The dispatcher gives a thread only spans of its own summands. If there is no memory, ends the
 * server, as libzmq does. */
static struct compute_terms *terms_of(const struct threads *threads, const struct sum_request *span)
{
    struct compute_terms *terms = malloc(sizeof *terms);

    assert(terms);
    terms->task = (struct helpers_task){
        .summand = summands_find(threads->summands, span->summand),
        .question = {.seed = span->seed},
        .first = span->first,
        .count = span->count,
        .audit = span->audit,
    };
    assert(terms->task.summand);
    snprintf(terms->task.question.parameters, sizeof terms->task.question.parameters, "%s",
             span->parameters ? span->parameters : "");
    return terms;
}

static void start_span(struct threads *threads, uint32_t thread, const struct sum_request *span)
{
    struct compute_task task = {.span = span->id, .first = span->first, .count = span->count};

    if (span->summand)
        task.terms = terms_of(threads, span);
    else
        stream_init(&task.stream, span->seed, (enum stream_kind)span->kind);
    compute_threads_start(threads->compute, thread, &task);
}

void threads_obey(struct threads *threads, const struct effect *effect)
{
    if (effect->message.type == MESSAGE_SUM_REQUEST)
        start_span(threads, effect->worker, &effect->message.sum_request);
    else
        compute_threads_cancel(threads->compute, effect->message.cancel.id);
}

int threads_poll_items(const struct threads *threads, zmq_pollitem_t *items)
{
    if (threads->count > 0)
        items[0] = (zmq_pollitem_t){.socket = compute_threads_socket(threads->compute),
                                    .events = ZMQ_POLLIN};
    return threads->count > 0;
}
