#include "server/server.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "proto/message.h"
#include "server/dispatcher.h"
#include "server/front.h"
#include "server/worker.h"

/* Messages read before results and signals have their turn again. */
#define MESSAGES_AT_ONCE 64

/* Time between two lines in the log about the same wrong. */
#define COMPLAINT_NS INT64_C(1000000000)

/* What peers do wrong, counted and logged apart: decoding errors by their status, and: */
enum complaint_type {
    COMPLAINT_ENVELOPE = STATUS_STOPPING + 1,
    COMPLAINT_UNEXPECTED,
    COMPLAINTS,
};

struct complaint {
    uint64_t count;     /* since the last line */
    int64_t line_at_ns; /* no line before this */
};

struct server {
    struct front *front;
    struct workers *workers;
    struct dispatcher *dispatcher;
    struct options options;
    int signals;
    bool draining;
    bool stopped;
    uint64_t answered;
    uint64_t refused;
    struct complaint complaints[COMPLAINTS];
};

static_assert((int)MESSAGE_KIND_GAUSSIAN == (int)STREAM_GAUSSIAN, "kinds have their wire values");
static_assert((int)MESSAGE_KIND_UNIFORM == (int)STREAM_UNIFORM, "kinds have their wire values");

static int64_t now_ns(void)
{
    return zclock_usecs() * 1000;
}

static void complain(struct server *server, int type, const char *text)
{
    struct complaint *complaint = &server->complaints[type];
    int64_t now = now_ns();

    complaint->count++;
    if (now < complaint->line_at_ns)
        return;
    zsys_warning("%" PRIu64 " bad message%s since the last line of this kind: %s", complaint->count,
                 complaint->count == 1 ? "" : "s", text);
    complaint->count = 0;
    complaint->line_at_ns = now + COMPLAINT_NS;
}

/* ---- what the dispatcher wants done ------------------------------------------------------ */

static void obey_answer(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(&effect->message, bytes);

    front_send(server->front, effect->client, bytes, size);
    front_release(server->front, effect->client);
    if (effect->message.type == MESSAGE_SUM_REPLY)
        server->answered++;
    else
        server->refused++;
}

static void obey_progress(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(&effect->message, bytes);

    front_offer(server->front, effect->client, bytes, size);
}

static void obey_start_span(struct server *server, const struct effect *effect)
{
    struct task task = {
        .span = effect->span,
        .first = effect->first,
        .count = effect->count,
    };

    stream_init(&task.stream, effect->seed, (enum stream_kind)effect->kind);
    workers_start(server->workers, effect->worker, &task);
}

static void obey_cancel_span(struct server *server, const struct effect *effect)
{
    workers_cancel(server->workers, effect->span);
}

/* Tells the dispatcher, and does all that follows. */
static void step(struct server *server, const struct event *event)
{
    static void (*const obey[])(struct server *, const struct effect *) = {
        [EFFECT_ANSWER] = obey_answer,
        [EFFECT_PROGRESS] = obey_progress,
        [EFFECT_START_SPAN] = obey_start_span,
        [EFFECT_CANCEL_SPAN] = obey_cancel_span,
    };
    struct effect effect;

    dispatcher_step(server->dispatcher, now_ns(), event);
    while (dispatcher_next(server->dispatcher, &effect))
        obey[effect.type](server, &effect);
}

/* ---- what happens ------------------------------------------------------------------------ */

static void refuse_bad(struct server *server, uint32_t client, const struct message_error *error)
{
    struct effect effect = {
        .type = EFFECT_ANSWER,
        .client = client,
        .message = {.type = MESSAGE_REFUSAL, .refusal = {.id = error->id, .status = error->status}},
    };

    snprintf(effect.message.refusal.text, sizeof effect.message.refusal.text, "%s", error->reason);
    obey_answer(server, &effect);
}

static void on_sum_request(struct server *server, const struct front_message *from,
                           const struct message *message)
{
    struct event event = {
        .type = EVENT_REQUEST,
        .client = from->client,
        .request = message->sum_request,
    };

    event.request.progress = event.request.progress && !from->lockstep;
    step(server, &event);
}

/* A lockstep peer would wait for ever, so it is answered; others are not, for a peer that answers
 * refusals with refusals must not find one here. */
static void on_unexpected(struct server *server, const struct front_message *from)
{
    static const struct message_error error = {
        .status = STATUS_MALFORMED,
        .reason = "a server takes sum requests, and cancels from DEALER peers of its ROUTER",
    };

    complain(server, COMPLAINT_UNEXPECTED, error.reason);
    if (from->lockstep)
        refuse_bad(server, from->client, &error);
    else
        front_release(server->front, from->client);
}

/* A cancel has no answer of its own: the request's answer says that it was cancelled. */
static void on_cancel(struct server *server, const struct front_message *from,
                      const struct message *message)
{
    struct event event = {
        .type = EVENT_CANCEL,
        .client = from->client,
        .id = message->cancel.id,
    };

    step(server, &event);
    front_release(server->front, from->client);
}

static void on_message(struct server *server, const struct front_message *from)
{
    struct message message;
    struct message_error error;

    if (!message_decode(from->bytes, from->size, &message, &error)) {
        complain(server, (int)error.status, error.reason);
        refuse_bad(server, from->client, &error);
    } else if (message.type == MESSAGE_SUM_REQUEST)
        on_sum_request(server, from, &message);
    else if (message.type == MESSAGE_CANCEL && !from->lockstep)
        on_cancel(server, from, &message);
    else
        on_unexpected(server, from);
}

static void take_messages(struct server *server)
{
    struct front_message message;

    for (int taken = 0; taken < MESSAGES_AT_ONCE; taken++)
        switch (front_recv(server->front, &message)) {
        case FRONT_NOTHING: return;
        case FRONT_MESSAGE: on_message(server, &message); break;
        case FRONT_BAD: complain(server, COMPLAINT_ENVELOPE, "its envelope is too long"); break;
        }
}

static void take_lost_clients(struct server *server)
{
    struct event event = {.type = EVENT_CLIENT_LOST};

    while (front_lost(server->front, &event.client))
        step(server, &event);
}

static void take_results(struct server *server)
{
    struct result result;

    while (workers_done(server->workers, &result)) {
        struct event event = {
            .type = EVENT_SPAN_DONE,
            .span = result.span,
            .elapsed_ns = result.elapsed_ns,
            .total = result.total,
        };
        step(server, &event);
    }
}

static void take_signals(struct server *server)
{
    struct signalfd_siginfo signal;
    struct event event;

    while (read(server->signals, &signal, sizeof signal) == sizeof signal) {
        event.type = server->draining ? EVENT_STOP : EVENT_DRAIN;
        server->stopped = server->draining;
        server->draining = true;
        step(server, &event);
    }
}

static void take_time(struct server *server)
{
    static const struct event event = {.type = EVENT_TIME};

    if (now_ns() >= dispatcher_due_at(server->dispatcher))
        step(server, &event);
}

/* Until the next thing is due. */
static long wait_ms(const struct server *server, bool flush)
{
    int64_t due_at_ns = dispatcher_due_at(server->dispatcher);
    int64_t wait_ns = due_at_ns - now_ns();
    long ms = due_at_ns == INT64_MAX ? -1 : wait_ns > 0 ? (long)((wait_ns + 999999) / 1000000) : 0;

    return flush && (ms == -1 || ms > FRONT_FLUSH_MS) ? FRONT_FLUSH_MS : ms;
}

static void serve(struct server *server)
{
    zmq_pollitem_t items[] = {
        {front_socket(server->front), 0, ZMQ_POLLIN, 0},
        {front_monitor(server->front), 0, ZMQ_POLLIN, 0},
        {workers_socket(server->workers), 0, ZMQ_POLLIN, 0},
        {NULL, server->signals, ZMQ_POLLIN, 0},
    };

    int64_t flush_at_ns = 0;
    bool flush = false;

    while (!server->stopped && (!server->draining || dispatcher_busy(server->dispatcher))) {
        if (now_ns() >= flush_at_ns) {
            flush = front_flush(server->front);
            flush_at_ns = now_ns() + FRONT_FLUSH_MS * INT64_C(1000000);
        }
        zmq_poll(items, sizeof items / sizeof *items, wait_ms(server, flush));
        take_results(server);
        take_messages(server);
        take_lost_clients(server);
        take_signals(server);
        take_time(server);
    }
}

/* ---- life -------------------------------------------------------------------------------- */

static bool server_set_up(struct server *server, const struct options *options)
{
    struct dispatcher_limits limits = {REQUESTS_MAX, CLIENT_REQUESTS_MAX, options->threads};
    struct event joined = {.type = EVENT_WORKER_JOINED};

    server->dispatcher = dispatcher_new(&limits);
    server->workers =
        workers_new(options->threads, options->threads * WORKER_CREDIT, options->kernel);
    if (!server->dispatcher || !server->workers) {
        zsys_error("cannot start %" PRIu32 " threads: %s; try fewer with --threads",
                   options->threads, strerror(errno));
        return false;
    }
    for (; joined.worker < options->threads; joined.worker++)
        step(server, &joined);

    server->front = front_new(options->front_type, options->endpoint);
    if (!server->front)
        zsys_error("cannot listen on %s: %s; name another endpoint with --bind", options->endpoint,
                   zmq_strerror(errno));
    return server->front;
}

struct server *server_new(const struct options *options, int signals)
{
    struct server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    server->signals = signals;
    server->options = *options;
    if (!server_set_up(server, options))
        server_destroy(&server);
    return server;
}

void server_destroy(struct server **server_p)
{
    struct server *server = *server_p;

    if (!server)
        return;
    front_destroy(&server->front);
    workers_destroy(&server->workers);
    dispatcher_destroy(&server->dispatcher);
    free(server);
    *server_p = NULL;
}

bool server_run(struct server *server)
{
    if (!server->options.quiet) {
        printf("Listening on %s (%s, %" PRIu32 " thread%s).\n", front_endpoint(server->front),
               server->options.front_type == FRONT_REP ? "REP" : "ROUTER", server->options.threads,
               server->options.threads == 1 ? "" : "s");
        fflush(stdout);
    }
    serve(server);
    if (!server->options.quiet)
        printf("%s: %" PRIu64 " requests answered, %" PRIu64 " refused.\n",
               server->stopped ? "Stopped" : "Done", server->answered, server->refused);
    return !server->stopped;
}
