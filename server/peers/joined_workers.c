#include "server/peers/joined_workers.h"

#include <assert.h>

#include "server/server_state.h"

static_assert((int)MESSAGE_KIND_GAUSSIAN == (int)STREAM_GAUSSIAN, "kinds have their wire values");
static_assert((int)MESSAGE_KIND_UNIFORM == (int)STREAM_UNIFORM, "kinds have their wire values");

/* ---- what they are told ------------------------------------------------------------------ */

static void thread_start(struct server *server, uint32_t thread, const struct sum_request *asked)
{
    struct compute_task task = {.span = asked->id, .first = asked->first, .count = asked->count};

    stream_init(&task.stream, asked->seed, (enum stream_kind)asked->kind);
    compute_threads_start(server->threads, thread, &task);
}

static void thread_tell(struct server *server, const struct effect *effect)
{
    if (effect->message.type == MESSAGE_SUM_REQUEST)
        thread_start(server, effect->worker, &effect->message.sum_request);
    else
        compute_threads_cancel(server->threads, effect->message.cancel.id);
}

static void pool_send(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    listener_send(server->pool, effect->worker - server->options.threads, bytes,
                  message_encode(&effect->message, bytes));
}

static void log_worker(struct server *server, uint32_t worker, int type, const char *what)
{
    const char *name = dispatcher_worker_name(server->dispatcher, worker);
    uint64_t count = name && !server->options.quiet ? complaints_due(&server->complaints, type) : 0;

    if (count == 1)
        zsys_info("worker %s %s", name, what);
    else if (count > 1)
        zsys_info("worker %s %s (the last of %" PRIu64 ")", name, what, count);
}

static void welcome(struct server *server, uint32_t worker)
{
    listener_keep(server->pool, worker - server->options.threads, true);
    log_worker(server, worker, NEWS_JOINED, "has joined");
}

void pool_tell(struct server *server, const struct effect *effect)
{
    if (effect->worker < server->options.threads) {
        thread_tell(server, effect);
        return;
    }
    if (effect->message.type == MESSAGE_WELCOME)
        welcome(server, effect->worker);
    pool_send(server, effect);
}

void pool_drop(struct server *server, const struct effect *effect)
{
    complain_of_worker(&server->complaints, &effect->message.refusal);
    pool_send(server, effect);
    listener_keep(server->pool, effect->worker - server->options.threads, false);
}

/* ---- what they say ----------------------------------------------------------------------- */

static bool says_worker(enum message_type type)
{
    return type == MESSAGE_JOIN || type == MESSAGE_HEARTBEAT || type == MESSAGE_LEAVE ||
           type == MESSAGE_SUM_REPLY || type == MESSAGE_REFUSAL;
}

/* One that has taken the wrong endpoint would ask for ever. */
static void refuse_client(struct server *server, uint32_t client, uint64_t id)
{
    const struct refusal refusal = {
        .id = id,
        .status = STATUS_MALFORMED,
        .text = "workers join here; clients ask at the endpoint of --bind",
    };

    complain(&server->complaints, COMPLAINT_UNEXPECTED, refusal.text);
    server_refuse(server, server->pool, client, &refusal);
}

static void on_pool_message(struct server *server, const struct listener_message *from)
{
    struct message message;
    struct message_error error;
    struct event event = {
        .type = EVENT_WORKER_MESSAGE,
        .worker = server->options.threads + from->sender,
        .message = &message,
    };

    if (!message_decode(from->bytes, from->size, &message, &error)) {
        server_refuse_bad(server, server->pool, from->sender, &error);
        return;
    }
    if (message.type == MESSAGE_SUM_REQUEST) {
        refuse_client(server, from->sender, message.sum_request.id);
        return;
    }
    if (says_worker(message.type))
        server_step(server, &event);
    else
        complain(&server->complaints, COMPLAINT_UNEXPECTED, "that is nothing that a worker says");
    listener_release(server->pool, from->sender);
}

bool pool_take_messages(struct server *server)
{
    struct event lost = {.type = EVENT_WORKER_LOST};
    uint32_t number;

    if (!server->pool)
        return false;
    bool took = server_take(server, server->pool, on_pool_message);
    while (listener_lost(server->pool, &number)) {
        lost.worker = server->options.threads + number;
        log_worker(server, lost.worker, NEWS_GONE, "has gone");
        server_tell(server, &lost);
    }
    server_obey(server);
    return took;
}

bool pool_take_results(struct server *server)
{
    struct compute_result result;
    bool took = false;

    if (server->options.threads == 0)
        return false; /* a front that only hands out looks here in vain, thousands of times a second
                       */
    for (; compute_threads_done(server->threads, &result); took = true) {
        struct message message = {
            .type = MESSAGE_SUM_REPLY,
            .sum_reply = {.id = result.span,
                          .count = result.total.count,
                          .units = result.total.units,
                          .unit_log2 = stream_unit_log2(result.kind),
                          .compute_ns = (uint64_t)result.elapsed_ns},
        };
        struct event event = {
            .type = EVENT_WORKER_MESSAGE, .worker = result.worker, .message = &message};
        server_step(server, &event);
    }
    return took;
}
