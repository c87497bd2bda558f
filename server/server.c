#include "server/server.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "proto/message.h"
#include "proto/status.h"
#include "server/dispatcher.h"
#include "server/front.h"
#include "server/uplink.h"
#include "server/worker.h"
#include "sums/digest.h"

/* Messages read from one socket before the others, results and signals have their turn again. */
#define MESSAGES_AT_ONCE 64

/* Time between two lines in the log about the same wrong. */
#define COMPLAINT_NS INT64_C(1000000000)

/* Time that answers have to leave when the server ends: after a drain, and at once. */
#define DRAIN_MS 1000
#define STOP_MS  100

/* What peers do wrong, logged apart: decoding errors by their status, and: */
enum complaint_type {
    COMPLAINT_ENVELOPE = STATUS_END,
    COMPLAINT_UNEXPECTED,
    COMPLAINT_PARENT,
    COMPLAINT_WORKER,                            /* is dropped, by the status that it is told */
    NEWS_JOINED = COMPLAINT_WORKER + STATUS_END, /* no complaints, but as many as peers like */
    NEWS_GONE,
    COMPLAINTS,
};

struct complaint {
    uint64_t count;     /* since the last line */
    int64_t line_at_ns; /* no line before this */
};

struct server {
    struct options options;
    int signals;
    struct dispatcher *dispatcher;
    struct workers *threads;
    struct front *front; /* clients; NULL: none are served */
    struct front *pool;  /* workers that join; NULL: none may */
    struct uplink *parents[PARENTS_MAX];
    struct join join; /* what this server offers its parents */
    int64_t began_at_ns;
    bool draining;
    bool stopped;
    uint64_t bad_messages;
    uint64_t refused; /* clients, by the shell: the dispatcher has never heard of them */
    struct complaint complaints[COMPLAINTS];
};

static_assert((int)MESSAGE_KIND_GAUSSIAN == (int)STREAM_GAUSSIAN, "kinds have their wire values");
static_assert((int)MESSAGE_KIND_UNIFORM == (int)STREAM_UNIFORM, "kinds have their wire values");

static int64_t now_ns(void)
{
    return zclock_usecs() * 1000;
}

/* How many there are to be told of in one line, this one included; 0: none yet. */
static uint64_t complaints_due(struct server *server, int type)
{
    struct complaint *complaint = &server->complaints[type];
    int64_t now = now_ns();
    uint64_t count = ++complaint->count;

    if (now < complaint->line_at_ns)
        return 0;
    complaint->count = 0;
    complaint->line_at_ns = now + COMPLAINT_NS;
    return count;
}

static void complain(struct server *server, int type, const char *text)
{
    uint64_t count = complaints_due(server, type);

    server->bad_messages++;
    if (count > 0)
        zsys_warning("%" PRIu64 " bad message%s since the last line of this kind: %s", count,
                     count == 1 ? "" : "s", text);
}

static void complain_of_worker(struct server *server, const struct refusal *refusal)
{
    uint64_t count = complaints_due(server, COMPLAINT_WORKER + (int)refusal->status);

    if (count == 1)
        zsys_warning("%s", refusal->text);
    else if (count > 1)
        zsys_warning("%s (the last of %" PRIu64 ")", refusal->text, count);
}

/* ---- what the dispatcher wants done ------------------------------------------------------ */

static bool is_parent(uint32_t client)
{
    return client >= CLIENTS_MAX;
}

static void obey_answer(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    if (is_parent(effect->client)) {
        uplink_send(server->parents[effect->client - CLIENTS_MAX], &effect->message);
        return;
    }
    front_send(server->front, effect->client, bytes, message_encode(&effect->message, bytes));
    front_release(server->front, effect->client);
}

static void obey_progress(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    front_offer(server->front, effect->client, bytes, message_encode(&effect->message, bytes));
}

static void thread_start(struct server *server, uint32_t thread, const struct sum_request *asked)
{
    struct task task = {.span = asked->id, .first = asked->first, .count = asked->count};

    stream_init(&task.stream, asked->seed, (enum stream_kind)asked->kind);
    workers_start(server->threads, thread, &task);
}

static void thread_tell(struct server *server, const struct effect *effect)
{
    if (effect->message.type == MESSAGE_SUM_REQUEST)
        thread_start(server, effect->worker, &effect->message.sum_request);
    else
        workers_cancel(server->threads, effect->message.cancel.id);
}

static void pool_send(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    front_send(server->pool, effect->worker - server->options.threads, bytes,
               message_encode(&effect->message, bytes));
}

static void log_worker(struct server *server, uint32_t worker, int type, const char *what)
{
    const char *name = dispatcher_worker_name(server->dispatcher, worker);
    uint64_t count = name && !server->options.quiet ? complaints_due(server, type) : 0;

    if (count == 1)
        zsys_info("worker %s %s", name, what);
    else if (count > 1)
        zsys_info("worker %s %s (the last of %" PRIu64 ")", name, what, count);
}

static void welcome(struct server *server, uint32_t worker)
{
    front_keep(server->pool, worker - server->options.threads, true);
    log_worker(server, worker, NEWS_JOINED, "has joined");
}

static void obey_tell_worker(struct server *server, const struct effect *effect)
{
    if (effect->worker < server->options.threads) {
        thread_tell(server, effect);
        return;
    }
    if (effect->message.type == MESSAGE_WELCOME)
        welcome(server, effect->worker);
    pool_send(server, effect);
}

static void obey_drop_worker(struct server *server, const struct effect *effect)
{
    complain_of_worker(server, &effect->message.refusal);
    pool_send(server, effect);
    front_keep(server->pool, effect->worker - server->options.threads, false);
}

static void tell(struct server *server, const struct event *event)
{
    dispatcher_step(server->dispatcher, now_ns(), event);
}

static void obey(struct server *server)
{
    static void (*const how[])(struct server *, const struct effect *) = {
        [EFFECT_ANSWER] = obey_answer,
        [EFFECT_PROGRESS] = obey_progress,
        [EFFECT_TELL_WORKER] = obey_tell_worker,
        [EFFECT_DROP_WORKER] = obey_drop_worker,
    };
    struct effect effect;

    while (dispatcher_next(server->dispatcher, &effect))
        how[effect.type](server, &effect);
}

/* Tells the dispatcher, and does all that follows. */
static void step(struct server *server, const struct event *event)
{
    tell(server, event);
    obey(server);
}

/* ---- what clients say -------------------------------------------------------------------- */

/* Refuses what the dispatcher is not asked. */
static void refuse(struct server *server, struct front *front, uint32_t peer,
                   const struct refusal *refusal)
{
    struct message message = {.type = MESSAGE_REFUSAL, .refusal = *refusal};
    uint8_t bytes[MESSAGE_BYTES_MAX];

    server->refused += front == server->front;
    front_send(front, peer, bytes, message_encode(&message, bytes));
    front_release(front, peer);
}

static void refuse_bad(struct server *server, struct front *front, uint32_t peer,
                       const struct message_error *error)
{
    struct refusal refusal = {.id = error->id, .status = error->status};

    snprintf(refusal.text, sizeof refusal.text, "%s", error->reason);
    complain(server, (int)error->status, error->reason);
    refuse(server, front, peer, &refusal);
}

static void refuse_crowded(struct server *server, uint32_t client, uint64_t id)
{
    const struct refusal refusal = {
        .id = id,
        .status = STATUS_BUSY,
        .retry_after_ms = BUSY_RETRY_MS,
        .text =
            "this connection has too many requests in flight, or has just taken another's place",
    };

    refuse(server, server->front, client, &refusal);
}

static void on_sum_request(struct server *server, const struct front_message *from,
                           struct message *message)
{
    struct event event = {.type = EVENT_CLIENT_MESSAGE, .client = from->client, .message = message};

    if (from->crowded) {
        refuse_crowded(server, from->client, message->sum_request.id);
        return;
    }
    message->sum_request.progress = message->sum_request.progress && !from->lockstep;
    step(server, &event);
}

/* A cancel has no answer of its own: the request's answer says that it was cancelled. */
static void on_cancel(struct server *server, const struct front_message *from,
                      struct message *message)
{
    struct event event = {.type = EVENT_CLIENT_MESSAGE, .client = from->client, .message = message};

    step(server, &event);
    front_release(server->front, from->client);
}

/* What is shown to people elsewhere is plain ASCII. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void status_take(const struct server *server, const struct status_request *asked,
                        struct status_reply *status)
{
    dispatcher_status(server->dispatcher, asked, status);
    status->counters.refused += server->refused;
    status->counters.bad_messages = server->bad_messages;
}

/* What the dispatcher does not know. */
static void status_complete(const struct server *server, struct status_reply *status)
{
    memcpy(status->name, server->join.name, sizeof status->name);
    memcpy(status->kernel, server->join.kernel, sizeof status->kernel);
    status->up_ms = (uint64_t)(now_ns() - server->began_at_ns) / 1000000;
    for (uint32_t i = 0; i < status->workers_listed; i++)
        if (status->workers[i].state == WORKER_STATUS_THREAD)
            memcpy(status->workers[i].kernel, server->join.kernel, sizeof status->kernel);
    for (uint32_t i = 0; i < status->requests_listed; i++) {
        struct request_status *request = &status->requests[i];
        const char *owner = is_parent(request->client)
                                ? uplink_endpoint(server->parents[request->client - CLIENTS_MAX])
                                : front_peer(server->front, request->client);
        snprintf(request->owner, sizeof request->owner, "%s", owner);
        make_printable(request->owner);
    }
}

static void on_status_request(struct server *server, const struct front_message *from,
                              struct message *message)
{
    static struct status_reply status; /* too large for a stack; one thread has a server */
    static uint8_t bytes[FRAME_BYTES_MAX];

    status_take(server, &message->status_request, &status);
    status_complete(server, &status);
    front_offer(server->front, from->client, bytes, status_encode(&status, bytes));
    front_release(server->front, from->client);
}

/* A lockstep peer would wait for ever, so it is answered; others are not, for a peer that answers
 * refusals with refusals must not find one here. */
static void on_unexpected(struct server *server, const struct front_message *from)
{
    static const struct refusal refusal = {
        .status = STATUS_MALFORMED,
        .text =
            "a server takes sum and status requests, and cancels from DEALER peers of its ROUTER",
    };

    complain(server, COMPLAINT_UNEXPECTED, refusal.text);
    if (from->lockstep)
        refuse(server, server->front, from->client, &refusal);
    else
        front_release(server->front, from->client);
}

static void on_client_message(struct server *server, const struct front_message *from)
{
    struct message message;
    struct message_error error;

    if (!message_decode(from->bytes, from->size, &message, &error))
        refuse_bad(server, server->front, from->client, &error);
    else if (message.type == MESSAGE_SUM_REQUEST)
        on_sum_request(server, from, &message);
    else if (message.type == MESSAGE_STATUS_REQUEST)
        on_status_request(server, from, &message);
    else if (message.type == MESSAGE_CANCEL && !from->lockstep)
        on_cancel(server, from, &message);
    else
        on_unexpected(server, from);
}

/* Takes what a socket has, up to MESSAGES_AT_ONCE. False where it had nothing. */
static bool take_messages(struct server *server, struct front *front,
                          void (*on_message)(struct server *, const struct front_message *))
{
    enum front_news news = FRONT_MESSAGE;
    struct front_message message;
    int taken;

    for (taken = 0; taken < MESSAGES_AT_ONCE && news != FRONT_NOTHING; taken++) {
        news = front_recv(front, &message);
        if (news == FRONT_MESSAGE)
            on_message(server, &message);
        else if (news == FRONT_BAD)
            complain(server, COMPLAINT_ENVELOPE, "its envelope is too long");
    }
    return taken > 1;
}

static bool take_clients(struct server *server)
{
    struct event lost = {.type = EVENT_CLIENT_LOST};

    if (!server->front)
        return false;
    bool took = take_messages(server, server->front, on_client_message);
    while (front_lost(server->front, &lost.client))
        step(server, &lost);
    return took;
}

/* ---- what workers say -------------------------------------------------------------------- */

static bool says_worker(enum message_type type)
{
    return type == MESSAGE_JOIN || type == MESSAGE_HEARTBEAT || type == MESSAGE_LEAVE ||
           type == MESSAGE_SUM_REPLY || type == MESSAGE_REFUSAL;
}

static void on_pool_message(struct server *server, const struct front_message *from)
{
    static const struct refusal ourselves = {
        .status = STATUS_OUT_OF_RANGE,
        .text = "a server cannot join itself",
    };
    struct message message;
    struct message_error error;
    struct event event = {
        .type = EVENT_WORKER_MESSAGE,
        .worker = server->options.threads + from->client,
        .message = &message,
    };

    if (!message_decode(from->bytes, from->size, &message, &error)) {
        refuse_bad(server, server->pool, from->client, &error);
        return;
    }
    if (message.type == MESSAGE_JOIN && streq(message.join.name, server->join.name)) {
        refuse(server, server->pool, from->client, &ourselves);
        return;
    }
    if (says_worker(message.type))
        step(server, &event);
    else
        complain(server, COMPLAINT_UNEXPECTED, "that is nothing that a worker says");
    front_release(server->pool, from->client);
}

static bool take_pool(struct server *server)
{
    struct event lost = {.type = EVENT_WORKER_LOST};
    uint32_t number;

    if (!server->pool)
        return false;
    bool took = take_messages(server, server->pool, on_pool_message);
    while (front_lost(server->pool, &number)) {
        lost.worker = server->options.threads + number;
        log_worker(server, lost.worker, NEWS_GONE, "has gone");
        tell(server, &lost);
    }
    obey(server);
    return took;
}

static bool take_results(struct server *server)
{
    struct result result;
    bool took = false;

    if (server->options.threads == 0)
        return false; /* a front that only hands out looks here in vain, thousands of times a second
                       */
    for (; workers_done(server->threads, &result); took = true) {
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
        step(server, &event);
    }
    return took;
}

/* ---- what parents say -------------------------------------------------------------------- */

static bool take_parent(struct server *server, uint32_t i)
{
    struct uplink *uplink = server->parents[i];
    uint32_t capacity = dispatcher_capacity(server->dispatcher);
    struct message message;
    struct event event = {.client = CLIENTS_MAX + i, .message = &message};

    for (int taken = 0; taken < MESSAGES_AT_ONCE; taken++)
        switch (uplink_next(uplink, now_ns(), capacity, &message)) {
        case UPLINK_NOTHING: return taken > 0;
        case UPLINK_HEARD: break;
        case UPLINK_MESSAGE:
            event.type = EVENT_CLIENT_MESSAGE;
            step(server, &event);
            break;
        case UPLINK_LOST:
            event.type = EVENT_CLIENT_LOST;
            step(server, &event);
            break;
        case UPLINK_BAD:
            complain(server, COMPLAINT_PARENT, "what a server that was joined says makes no sense");
            break;
        }
    return true;
}

static bool take_parents(struct server *server)
{
    bool took = false;

    for (uint32_t i = 0; i < server->options.parent_count; i++)
        took = take_parent(server, i) || took;
    return took;
}

/* ---- what else happens ------------------------------------------------------------------- */

static void take_signals(struct server *server)
{
    struct signalfd_siginfo signal;
    struct event event;

    while (read(server->signals, &signal, sizeof signal) == sizeof signal) {
        event.type = server->draining ? EVENT_STOP : EVENT_DRAIN;
        server->stopped = server->draining;
        server->draining = true;
        step(server, &event);
        for (uint32_t i = 0; i < server->options.parent_count; i++)
            uplink_leave(server->parents[i], now_ns());
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

    for (uint32_t i = 0; i < server->options.parent_count; i++)
        if (uplink_due_at(server->parents[i]) < due_at_ns)
            due_at_ns = uplink_due_at(server->parents[i]);
    int64_t wait_ns = due_at_ns - now_ns();
    long ms = due_at_ns == INT64_MAX ? -1 : wait_ns > 0 ? (long)((wait_ns + 999999) / 1000000) : 0;
    return flush && (ms == -1 || ms > FRONT_FLUSH_MS) ? FRONT_FLUSH_MS : ms;
}

#define ITEMS_MAX (2 + 2 * 2 + 2 * PARENTS_MAX)

/* Sockets of parents are replaced now and then. */
static int poll_items(const struct server *server, zmq_pollitem_t *items)
{
    struct front *const fronts[] = {server->front, server->pool};
    int count = 0;

    items[count++] = (zmq_pollitem_t){NULL, server->signals, ZMQ_POLLIN, 0};
    if (server->options.threads > 0)
        items[count++] = (zmq_pollitem_t){workers_socket(server->threads), 0, ZMQ_POLLIN, 0};
    for (int i = 0; i < 2; i++) {
        if (!fronts[i])
            continue;
        items[count++] = (zmq_pollitem_t){front_socket(fronts[i]), 0, ZMQ_POLLIN, 0};
        items[count++] = (zmq_pollitem_t){front_monitor(fronts[i]), 0, ZMQ_POLLIN, 0};
    }
    for (uint32_t i = 0; i < server->options.parent_count; i++) {
        items[count++] = (zmq_pollitem_t){uplink_socket(server->parents[i]), 0, ZMQ_POLLIN, 0};
        items[count++] = (zmq_pollitem_t){uplink_monitor(server->parents[i]), 0, ZMQ_POLLIN, 0};
    }
    return count;
}

/* True while messages wait for peers that do not read. */
static bool flush(struct server *server)
{
    bool left = server->front && front_flush(server->front);

    return (server->pool && front_flush(server->pool)) || left;
}

/* Takes what there is. False where there was no message. Time comes last: what peers have said by
 * now is heard before they are found silent. */
static bool take_all(struct server *server)
{
    bool took = take_results(server);

    took = take_pool(server) || took;
    took = take_clients(server) || took;
    took = take_parents(server) || took;
    take_signals(server);
    take_time(server);
    return took;
}

/* Waits only when there was nothing to take: to wait costs more than to look everywhere again. */
static void serve(struct server *server)
{
    zmq_pollitem_t items[ITEMS_MAX];
    int64_t flush_at_ns = 0;
    bool left = false;
    bool took = false;

    while (!server->stopped && (!server->draining || dispatcher_busy(server->dispatcher))) {
        if (now_ns() >= flush_at_ns) {
            left = flush(server);
            flush_at_ns = now_ns() + FRONT_FLUSH_MS * INT64_C(1000000);
        }
        if (!took)
            zmq_poll(items, poll_items(server, items), wait_ms(server, left));
        took = take_all(server);
    }
}

/* ---- life -------------------------------------------------------------------------------- */

static bool set_up_dispatcher(struct server *server)
{
    const struct options *options = &server->options;
    struct dispatcher_settings settings = {
        .requests_max = REQUESTS_MAX,
        .client_requests_max = CLIENT_REQUESTS_MAX,
        .threads = options->threads,
        .joined_max = options->workers_endpoint ? JOINED_MAX : 0,
        .digest = server->join.digest,
        .span_ns = options->span_ns,
        .heartbeat_ns = options->heartbeat_ns,
    };

    server->dispatcher = dispatcher_new(&settings);
    server->threads = workers_new(options->threads, options->kernel);
    if (!server->dispatcher || !server->threads)
        zsys_error("cannot start %" PRIu32 " threads: %s; try fewer with --threads",
                   options->threads, strerror(errno));
    return server->dispatcher && server->threads;
}

/* Where the endpoint is NULL nobody is listened to. */
static bool set_up_front(struct front **front, enum front_type type, const char *endpoint,
                         const char *option)
{
    if (!endpoint)
        return true;
    *front = front_new(type, endpoint);
    if (!*front)
        zsys_error("cannot listen on %s: %s; name another endpoint with %s", endpoint,
                   zmq_strerror(errno), option);
    return *front;
}

static bool set_up_parents(struct server *server)
{
    for (uint32_t i = 0; i < server->options.parent_count; i++) {
        const char *endpoint = server->options.parents[i];
        server->parents[i] = uplink_new(endpoint, &server->join);
        if (!server->parents[i]) {
            zsys_error("cannot join %s: %s; an endpoint is such as tcp://host:8198", endpoint,
                       zmq_strerror(errno));
            return false;
        }
    }
    return true;
}

/* The process number tells servers on one machine apart. */
static void introduce(struct server *server)
{
    struct join *join = &server->join;
    char host[NAME_BYTES_MAX - 20] = "";

    gethostname(host, sizeof host - 1);
    make_printable(host);
    snprintf(join->name, sizeof join->name, "%s:%d", host, (int)getpid());
    snprintf(join->kernel, sizeof join->kernel, "%s", server->options.kernel->name);
    join->capacity = server->options.threads;
    join->digest = sums_digest(server->options.kernel);
}

static bool server_set_up(struct server *server)
{
    const struct options *options = &server->options;

    introduce(server);
    return set_up_dispatcher(server) &&
           set_up_front(&server->front, options->front_type, options->endpoint, "--bind") &&
           set_up_front(&server->pool, FRONT_ROUTER, options->workers_endpoint, "--workers") &&
           set_up_parents(server);
}

struct server *server_new(const struct options *options, int signals)
{
    struct server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    server->signals = signals;
    server->options = *options;
    server->began_at_ns = now_ns();
    if (!server_set_up(server))
        server_destroy(&server);
    return server;
}

void server_destroy(struct server **server_p)
{
    struct server *server = *server_p;
    int patience_ms;

    if (!server)
        return;
    patience_ms = server->stopped ? STOP_MS : DRAIN_MS;
    for (uint32_t i = 0; i < server->options.parent_count; i++)
        uplink_destroy(&server->parents[i], patience_ms);
    front_destroy(&server->pool, patience_ms);
    front_destroy(&server->front, patience_ms);
    workers_destroy(&server->threads);
    dispatcher_destroy(&server->dispatcher);
    free(server);
    *server_p = NULL;
}

static void say_where(const struct server *server)
{
    const struct options *options = &server->options;

    if (server->front)
        printf("Listening on %s (%s, %" PRIu32 " thread%s).\n", front_endpoint(server->front),
               options->front_type == FRONT_REP ? "REP" : "ROUTER", options->threads,
               options->threads == 1 ? "" : "s");
    if (server->pool)
        printf("Workers join at %s.\n", front_endpoint(server->pool));
    for (uint32_t i = 0; i < options->parent_count; i++)
        printf("Joining %s (%" PRIu32 " thread%s).\n", options->parents[i], options->threads,
               options->threads == 1 ? "" : "s");
    fflush(stdout);
}

static void say_done(struct server *server)
{
    static struct status_reply status;

    status_take(server, &(struct status_request){0, 0}, &status);
    printf("%s: %" PRIu64 " requests answered, %" PRIu64 " refused.\n",
           server->stopped ? "Stopped" : "Done", status.counters.answered, status.counters.refused);
}

bool server_run(struct server *server)
{
    if (!server->options.quiet)
        say_where(server);
    serve(server);
    if (!server->options.quiet)
        say_done(server);
    return !server->stopped;
}
