#include "server/server.h"

#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "proto/instant.h"
#include "proto/printable.h"
#include "proto/status.h"
#include "server/peers/joined_workers.h"
#include "server/peers/plain_clients.h"
#include "server/server_state.h"
#include "sums/digest.h"

/* Time that answers have to leave when the server ends: after a drain, and at once. */
#define DRAIN_MS 1000
#define STOP_MS  100

/* ---- what the dispatcher wants done ------------------------------------------------------ */

static bool is_plain(uint32_t client)
{
    return client == PLAIN_CLIENT;
}

static bool is_parent(uint32_t client)
{
    return client >= CLIENTS_MAX && !is_plain(client);
}

static void obey_answer(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    if (is_plain(effect->client)) {
        plain_clients_answer(server, &effect->message);
        return;
    }
    if (is_parent(effect->client)) {
        parent_link_send(server->parents[effect->client - CLIENTS_MAX], &effect->message);
        return;
    }
    listener_send(server->front, effect->client, bytes, message_encode(&effect->message, bytes));
    listener_release(server->front, effect->client);
}

static void obey_progress(struct server *server, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    listener_offer(server->front, effect->client, bytes, message_encode(&effect->message, bytes));
}

void server_tell(struct server *server, const struct event *event)
{
    dispatcher_step(server->dispatcher, now_ns(), event);
}

void server_obey(struct server *server)
{
    static void (*const how[])(struct server *, const struct effect *) = {
        [EFFECT_ANSWER] = obey_answer,
        [EFFECT_PROGRESS] = obey_progress,
        [EFFECT_SEND_WORKER] = pool_tell,
        [EFFECT_DROP_WORKER] = pool_drop,
    };
    struct effect effect;

    while (dispatcher_next(server->dispatcher, &effect))
        how[effect.type](server, &effect);
}

void server_step(struct server *server, const struct event *event)
{
    server_tell(server, event);
    server_obey(server);
}

/* ---- what clients say -------------------------------------------------------------------- */

void server_refuse(struct server *server, struct listener *front, uint32_t peer,
                   const struct refusal *refusal)
{
    struct message message = {.type = MESSAGE_REFUSAL, .refusal = *refusal};
    uint8_t bytes[MESSAGE_BYTES_MAX];

    server->refused += front == server->front;
    listener_send(front, peer, bytes, message_encode(&message, bytes));
    listener_release(front, peer);
}

void server_refuse_bad(struct server *server, struct listener *front, uint32_t peer,
                       const struct message_error *error)
{
    struct refusal refusal = {.id = error->id, .status = error->status};

    snprintf(refusal.text, sizeof refusal.text, "%s", error->reason);
    complain(&server->complaints, (int)error->status, error->reason);
    server_refuse(server, front, peer, &refusal);
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

    server_refuse(server, server->front, client, &refusal);
}

static void on_sum_request(struct server *server, const struct listener_message *from,
                           struct message *message)
{
    struct event event = {.type = EVENT_CLIENT_MESSAGE, .client = from->sender, .message = message};

    if (from->crowded) {
        refuse_crowded(server, from->sender, message->sum_request.id);
        return;
    }
    message->sum_request.progress = message->sum_request.progress && !from->lockstep;
    server_step(server, &event);
}

/* A cancel has no answer of its own: the request's answer says that it was cancelled. */
static void on_cancel(struct server *server, const struct listener_message *from,
                      struct message *message)
{
    struct event event = {.type = EVENT_CLIENT_MESSAGE, .client = from->sender, .message = message};

    server_step(server, &event);
    listener_release(server->front, from->sender);
}

static void status_take(const struct server *server, const struct status_request *asked,
                        struct status_reply *status)
{
    dispatcher_status(server->dispatcher, now_ns(), asked, status);
    status->counters.refused += server->refused;
    status->counters.bad_messages = server->complaints.bad_messages;
}

static const char *owner_of(const struct server *server, const struct request_status *request)
{
    if (is_plain(request->client))
        return plain_clients_owner(server, request->id);
    if (is_parent(request->client))
        return parent_link_endpoint(server->parents[request->client - CLIENTS_MAX]);
    return listener_peer(server->front, request->client);
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
        snprintf(request->owner, sizeof request->owner, "%s", owner_of(server, request));
        make_printable(request->owner);
    }
}

static void on_status_request(struct server *server, const struct listener_message *from,
                              struct message *message)
{
    static struct status_reply status; /* too large for a stack; one thread has a server */
    static uint8_t bytes[FRAME_BYTES_MAX];

    status_take(server, &message->status_request, &status);
    status_complete(server, &status);
    listener_offer(server->front, from->sender, bytes, status_encode(&status, bytes));
    listener_release(server->front, from->sender);
}

/* A lockstep peer would wait for ever, so it is answered; others are not, for a peer that answers
 * refusals with refusals must not find one here. A worker that joins here would go on for ever. */
static void on_unexpected(struct server *server, const struct listener_message *from,
                          const struct message *message)
{
    static const char joins[] = "workers do not join here, but at the endpoint of --workers";
    static const char others[] =
        "a server takes sum and status requests, and cancels from DEALER peers of its ROUTER";
    bool join = message->type == MESSAGE_JOIN;
    struct refusal refusal = {
        .id = message->type == MESSAGE_CANCEL ? message->cancel.id : 0,
        .status = STATUS_MALFORMED,
    };

    snprintf(refusal.text, sizeof refusal.text, "%s", join ? joins : others);
    complain(&server->complaints, COMPLAINT_UNEXPECTED, refusal.text);
    if (from->lockstep || join)
        server_refuse(server, server->front, from->sender, &refusal);
    else
        listener_release(server->front, from->sender);
}

static void on_client_message(struct server *server, const struct listener_message *from)
{
    struct message message;
    struct message_error error;

    if (!message_decode(from->bytes, from->size, &message, &error))
        server_refuse_bad(server, server->front, from->sender, &error);
    else if (message.type == MESSAGE_SUM_REQUEST)
        on_sum_request(server, from, &message);
    else if (message.type == MESSAGE_STATUS_REQUEST)
        on_status_request(server, from, &message);
    else if (message.type == MESSAGE_CANCEL && !from->lockstep)
        on_cancel(server, from, &message);
    else
        on_unexpected(server, from, &message);
}

bool server_take(struct server *server, struct listener *front,
                 void (*on_message)(struct server *, const struct listener_message *))
{
    enum listener_news news = LISTENER_MESSAGE;
    struct listener_message message;
    int taken;

    for (taken = 0; taken < MESSAGES_AT_ONCE && news != LISTENER_NOTHING; taken++) {
        news = listener_recv(front, &message);
        if (news == LISTENER_MESSAGE)
            on_message(server, &message);
        else if (news == LISTENER_BAD)
            complain(&server->complaints, COMPLAINT_ENVELOPE, "its envelope is too long");
    }
    return taken > 1;
}

static bool take_clients(struct server *server)
{
    struct event lost = {.type = EVENT_CLIENT_LOST};

    if (!server->front)
        return false;
    bool took = server_take(server, server->front, on_client_message);
    while (listener_lost(server->front, &lost.client))
        server_step(server, &lost);
    return took;
}

/* ---- what parents say -------------------------------------------------------------------- */

static bool take_parent(struct server *server, uint32_t i)
{
    struct parent_link *link = server->parents[i];
    struct heartbeat own = dispatcher_heartbeat(server->dispatcher);
    struct message message;
    struct event event = {.client = CLIENTS_MAX + i, .message = &message};

    for (int taken = 0; taken < MESSAGES_AT_ONCE; taken++)
        switch (parent_link_next(link, now_ns(), &own, &message)) {
        case PARENT_LINK_NOTHING: return taken > 0;
        case PARENT_LINK_HEARD: break;
        case PARENT_LINK_MESSAGE:
            event.type = EVENT_CLIENT_MESSAGE;
            server_step(server, &event);
            break;
        case PARENT_LINK_LOST:
            event.type = EVENT_CLIENT_LOST;
            server_step(server, &event);
            break;
        case PARENT_LINK_BAD:
            complain(&server->complaints, COMPLAINT_PARENT,
                     "what a server that was joined says makes no sense");
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
        server_step(server, &event);
        if (server->plain)
            plain_listener_leave(server->plain);
        for (uint32_t i = 0; i < server->options.parent_count; i++)
            parent_link_leave(server->parents[i], now_ns());
    }
}

static void take_time(struct server *server)
{
    static const struct event event = {.type = EVENT_TIME};

    if (now_ns() >= dispatcher_due_at(server->dispatcher))
        server_step(server, &event);
}

/* Until the next thing is due. */
static long wait_ms(const struct server *server)
{
    int64_t due_at_ns = dispatcher_due_at(server->dispatcher);

    for (uint32_t i = 0; i < server->options.parent_count; i++)
        due_at_ns = earlier(due_at_ns, parent_link_due_at(server->parents[i]));
    if (server->front)
        due_at_ns = earlier(due_at_ns, listener_due_at(server->front));
    if (server->pool)
        due_at_ns = earlier(due_at_ns, listener_due_at(server->pool));
    if (server->plain)
        due_at_ns = earlier(due_at_ns, plain_listener_due_at(server->plain));
    if (due_at_ns == INT64_MAX)
        return -1;
    int64_t wait_ns = due_at_ns - now_ns();
    return wait_ns > 0 ? (long)((wait_ns + 999999) / 1000000) : 0;
}

#define ITEMS_MAX (3 + 2 * 2 + 2 * PARENTS_MAX)

/* Sockets of parents are replaced now and then. */
static int poll_items(const struct server *server, zmq_pollitem_t *items)
{
    struct listener *const fronts[] = {server->front, server->pool};
    int count = 0;

    items[count++] = (zmq_pollitem_t){NULL, server->signals, ZMQ_POLLIN, 0};
    if (server->options.threads > 0)
        items[count++] =
            (zmq_pollitem_t){compute_threads_socket(server->threads), 0, ZMQ_POLLIN, 0};
    if (server->plain)
        items[count++] = (zmq_pollitem_t){NULL, plain_listener_fd(server->plain), ZMQ_POLLIN, 0};
    for (int i = 0; i < 2; i++) {
        if (!fronts[i])
            continue;
        items[count++] = (zmq_pollitem_t){listener_socket(fronts[i]), 0, ZMQ_POLLIN, 0};
        items[count++] = (zmq_pollitem_t){listener_monitor(fronts[i]), 0, ZMQ_POLLIN, 0};
    }
    for (uint32_t i = 0; i < server->options.parent_count; i++) {
        items[count++] = (zmq_pollitem_t){parent_link_socket(server->parents[i]), 0, ZMQ_POLLIN, 0};
        items[count++] =
            (zmq_pollitem_t){parent_link_monitor(server->parents[i]), 0, ZMQ_POLLIN, 0};
    }
    return count;
}

static void tend_fronts(struct server *server)
{
    if (server->front)
        listener_tend(server->front, now_ns());
    if (server->pool)
        listener_tend(server->pool, now_ns());
}

/* Takes what there is. False where there was no message. Fronts may give somebody up, which is
 * taken with their messages. Time comes last: what peers have said by now is heard before they are
 * found silent. */
static bool take_all(struct server *server)
{
    bool took = pool_take_results(server);

    tend_fronts(server);
    took = pool_take_messages(server) || took;
    took = take_clients(server) || took;
    took = plain_clients_take(server) || took;
    took = take_parents(server) || took;
    take_signals(server);
    take_time(server);
    return took;
}

/* Waits only when there was nothing to take: to wait costs more than to look everywhere again. */
static void serve(struct server *server)
{
    zmq_pollitem_t items[ITEMS_MAX];
    bool took = false;

    while (!server->stopped && (!server->draining || dispatcher_busy(server->dispatcher))) {
        if (!took)
            zmq_poll(items, poll_items(server, items), wait_ms(server));
        took = take_all(server);
    }
}

/* ---- life -------------------------------------------------------------------------------- */

static bool set_up_dispatcher(struct server *server)
{
    const struct server_options *options = &server->options;
    struct dispatcher_settings settings = {
        .requests_max = REQUESTS_MAX,
        .client_requests_max = CLIENT_REQUESTS_MAX,
        .threads = options->threads,
        .joined_max = options->workers_endpoint ? JOINED_MAX : 0,
        .digest = server->join.digest,
        .span_ns = options->span_ns,
        .heartbeat_ns = options->heartbeat_ns,
        .top = options->parent_count == 0,
    };

    server->dispatcher = dispatcher_new(&settings);
    server->threads = compute_threads_new(options->threads, options->kernel);
    if (!server->dispatcher || !server->threads)
        zsys_error("cannot start %" PRIu32 " threads: %s; try fewer with --threads",
                   options->threads, strerror(errno));
    return server->dispatcher && server->threads;
}

/* Where the endpoint is NULL nobody is listened to. */
static bool set_up_front(struct listener **front, enum listener_type type, const char *endpoint,
                         const char *option)
{
    if (!endpoint)
        return true;
    *front = listener_new(type, endpoint);
    if (!*front)
        zsys_error("cannot listen on %s: %s; name another endpoint with %s", endpoint,
                   errno == ENODEV ? "that is no address or interface of this machine"
                                   : zmq_strerror(errno),
                   option);
    return *front;
}

static bool set_up_plain(struct server *server)
{
    const char *endpoint = server->options.plain_endpoint;
    const char *why;

    if (!endpoint)
        return true;
    server->plain = plain_listener_new(endpoint, &why);
    if (!server->plain)
        zsys_error("cannot listen on %s: %s; name another endpoint with --plain", endpoint, why);
    return server->plain;
}

static bool set_up_parents(struct server *server)
{
    for (uint32_t i = 0; i < server->options.parent_count; i++) {
        const char *endpoint = server->options.parents[i];
        server->parents[i] = parent_link_new(endpoint, &server->join, now_ns());
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
    const struct server_options *options = &server->options;

    introduce(server);
    return set_up_dispatcher(server) &&
           set_up_front(&server->front, options->listener_type, options->endpoint, "--bind") &&
           set_up_front(&server->pool, LISTENER_ROUTER, options->workers_endpoint, "--workers") &&
           set_up_plain(server) && set_up_parents(server);
}

struct server *server_new(const struct server_options *options, int signals)
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
        parent_link_destroy(&server->parents[i], patience_ms);
    plain_listener_destroy(&server->plain, patience_ms);
    listener_destroy(&server->pool, patience_ms);
    listener_destroy(&server->front, patience_ms);
    compute_threads_destroy(&server->threads);
    dispatcher_destroy(&server->dispatcher);
    free(server);
    *server_p = NULL;
}

static void say_where(const struct server *server)
{
    const struct server_options *options = &server->options;

    if (server->front)
        printf("Listening on %s (%s, %" PRIu32 " thread%s).\n", listener_endpoint(server->front),
               options->listener_type == LISTENER_REP ? "REP" : "ROUTER", options->threads,
               options->threads == 1 ? "" : "s");
    if (server->pool)
        printf("Workers join at %s.\n", listener_endpoint(server->pool));
    if (server->plain)
        printf("Plain TCP at %s (%" PRIu32 " thread%s).\n", plain_listener_endpoint(server->plain),
               options->threads, options->threads == 1 ? "" : "s");
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
