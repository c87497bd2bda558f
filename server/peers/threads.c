/* The compute threads as workers of the dispatcher. */
#include "server/peers/threads.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/errno_saved.h"
#include "server/compute_threads.h"

static_assert((int)MESSAGE_KIND_GAUSSIAN == (int)STREAM_GAUSSIAN, "kinds have their wire values");
static_assert((int)MESSAGE_KIND_UNIFORM == (int)STREAM_UNIFORM, "kinds have their wire values");

struct threads {
    struct compute_threads *compute;
    uint32_t count;
    struct message message; /* of the last event */
};

struct threads *threads_new(uint32_t count, const struct kernel *kernel)
{
    struct threads *threads = calloc(1, sizeof *threads);

    if (!threads)
        return NULL;
    threads->count = count;
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
    free(threads);
    *threads_p = NULL;
}

/* Without compute threads nothing is read: a front that only hands out spans calls this thousands
 * of times a second. */
bool threads_next(struct threads *threads, int64_t now_ns, struct event *event)
{
    struct compute_result result;

    (void)now_ns;
    if (threads->count == 0 || !compute_threads_done(threads->compute, &result))
        return false;
    threads->message.type = MESSAGE_SUM_REPLY;
    threads->message.sum_reply = (struct sum_reply){
        .id = result.span,
        .count = result.total.count,
        .units = result.total.units,
        .unit_log2 = stream_unit_log2(result.kind),
        .compute_ns = (uint64_t)result.elapsed_ns,
    };
    event->type = EVENT_WORKER_MESSAGE;
    event->worker = result.thread;
    event->message = &threads->message;
    return true;
}

static void start_span(struct threads *threads, uint32_t thread, const struct sum_request *span)
{
    struct compute_task task = {.span = span->id, .first = span->first, .count = span->count};

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
