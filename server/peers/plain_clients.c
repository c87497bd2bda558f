/* The plain clients at the endpoint of --plain: this peer makes their requests. */
#include "server/peers/plain_clients.h"

#include <assert.h>
#include <czmq.h>
#include <stdlib.h>
#include <sys/random.h>

#include "proto/instant.h"
#include "server/net/plain_listener.h"
#include "server/peers/turn.h"
#include "sums/total.h"

/* Samples of each sum: as many as in the teaching example. */
#define PLAIN_SAMPLES UINT64_C(10000000)

static_assert(PLAIN_MAX <= CLIENT_REQUESTS_MAX, "all plain clients together are one client");

struct plain_clients {
    struct plain_listener *listener;
    struct log_limit *log;
    struct message message; /* of the last event */
    uint32_t events_read;   /* in this turn, 0 to TURN_MESSAGES */
};

struct plain_clients *plain_clients_new(const char *endpoint, struct log_limit *log,
                                        const char **why)
{
    struct plain_clients *clients = calloc(1, sizeof *clients);

    *why = "out of memory";
    if (!clients)
        return NULL;
    clients->log = log;
    clients->listener = plain_listener_new(endpoint, why);
    if (!clients->listener)
        plain_clients_destroy(&clients, 0);
    return clients;
}

void plain_clients_destroy(struct plain_clients **clients_p, int patience_ms)
{
    struct plain_clients *clients = *clients_p;

    if (!clients)
        return;
    plain_listener_destroy(&clients->listener, patience_ms);
    free(clients);
    *clients_p = NULL;
}

/* Each plain client has one request. Its id is the connection's number plus 1, because 0 is no
 * valid id. */
static uint64_t request_id(uint32_t number)
{
    return (uint64_t)number + 1;
}

static uint32_t connection_number(uint64_t id)
{
    return (uint32_t)(id - 1);
}

/* ---- events ------------------------------------------------------------------------------ */

/* A new random seed for each request. */
static bool on_connected(struct plain_clients *clients, uint32_t number)
{
    struct sum_request *request = &clients->message.sum_request;

    clients->message.type = MESSAGE_SUM_REQUEST;
    *request = (struct sum_request){
        .id = request_id(number), .kind = MESSAGE_KIND_GAUSSIAN, .count = PLAIN_SAMPLES};
    if (getrandom(&request->seed, sizeof request->seed, 0) != sizeof request->seed)
        abort(); /* Linux returns all 8 bytes or waits for them */
    return true;
}

/* Cancels only the request of this plain client. For the dispatcher, all plain clients are one
 * client, which is not lost. */
static bool on_lost(struct plain_clients *clients, uint32_t number)
{
    clients->message.type = MESSAGE_CANCEL;
    clients->message.cancel.id = request_id(number);
    return true;
}

static bool on_flooded(struct plain_clients *clients, uint32_t number)
{
    log_limit_bad_message(clients->log, LOG_KIND_FLOOD,
                          plain_clients_address(clients, request_id(number)),
                          "a plain client sends too much data");
    return on_lost(clients, number);
}

static bool on_waiting(struct plain_clients *clients, int kind, const char *why)
{
    log_limit_client(clients->log, kind, LEVEL_WARNING, "clients wait to be accepted at",
                     plain_listener_endpoint(clients->listener), why);
    return false;
}

/* True if clients->message is an event for the dispatcher. */
static bool on_event(struct plain_clients *clients, enum plain_event event, uint32_t number)
{
    switch (event) {
    case PLAIN_EVENT_NOTHING:
    case PLAIN_EVENT_HANDLED: return false;
    case PLAIN_EVENT_CONNECTED: return on_connected(clients, number);
    case PLAIN_EVENT_LOST: return on_lost(clients, number);
    case PLAIN_EVENT_FLOODED: return on_flooded(clients, number);
    case PLAIN_EVENT_FULL: return on_waiting(clients, LOG_KIND_PLAIN_FULL, "all places are taken");
    case PLAIN_EVENT_NO_DESCRIPTOR:
        return on_waiting(clients, LOG_KIND_PLAIN_NO_DESCRIPTOR, "no file descriptor is left");
    }
    return false;
}

bool plain_clients_next(struct plain_clients *clients, int64_t now_ns, struct event *event)
{
    enum plain_event next = PLAIN_EVENT_HANDLED;
    uint32_t number;

    event->type = EVENT_CLIENT_MESSAGE;
    event->client = PLAIN_CLIENT;
    event->message = &clients->message;
    while (next != PLAIN_EVENT_NOTHING && clients->events_read < TURN_MESSAGES) {
        clients->events_read++;
        next = plain_listener_next(clients->listener, now_ns, &number);
        if (on_event(clients, next, number))
            return true;
    }
    clients->events_read = 0;
    return false;
}

int64_t plain_clients_due_at(const struct plain_clients *clients)
{
    return plain_listener_due_at(clients->listener);
}

int plain_clients_poll_items(const struct plain_clients *clients, zmq_pollitem_t *items)
{
    items[0] = (zmq_pollitem_t){.fd = plain_listener_fd(clients->listener), .events = ZMQ_POLLIN};
    return 1;
}

/* ---- effects ----------------------------------------------------------------------------- */

static int64_t clock_ns(void)
{
    return zclock_usecs() * NS_PER_US;
}

/* A refused client is disconnected without a text, because it expects a number and not a sentence.
 * The client of a cancelled request has disconnected already. */
void plain_clients_obey(struct plain_clients *clients, const struct effect *effect)
{
    const struct sum_reply *reply = &effect->message.sum_reply;
    const struct refusal *refusal = &effect->message.refusal;

    assert(effect->type == EFFECT_ANSWER);
    if (effect->message.type == MESSAGE_REFUSAL && refusal->code != REFUSAL_CANCELLED)
        log_limit_refused(clients->log, plain_clients_address(clients, refusal->id), refusal);
    if (effect->message.type == MESSAGE_SUM_REPLY)
        plain_listener_answer(clients->listener, connection_number(reply->id), clock_ns(),
                              total_value(reply->units, reply->unit_log2));
    else if (refusal->code != REFUSAL_CANCELLED)
        plain_listener_disconnect(clients->listener, connection_number(refusal->id), clock_ns());
}

void plain_clients_drain(struct plain_clients *clients)
{
    plain_listener_stop_accepting(clients->listener);
}

/* ---- questions --------------------------------------------------------------------------- */

const char *plain_clients_endpoint(const struct plain_clients *clients)
{
    return plain_listener_endpoint(clients->listener);
}

const char *plain_clients_address(const struct plain_clients *clients, uint64_t id)
{
    return plain_listener_peer(clients->listener, connection_number(id));
}
