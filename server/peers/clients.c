/* The clients at the endpoint of --bind. */
#include "server/peers/clients.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/peers/inbox.h"

struct clients {
    struct inbox inbox;
};

struct clients *clients_new(const struct listener_settings *settings, const char **why)
{
    struct clients *clients = calloc(1, sizeof *clients);

    *why = "out of memory";
    if (clients && !inbox_init(&clients->inbox, settings, why))
        clients_destroy(&clients, 0);
    return clients;
}

void clients_destroy(struct clients **clients_p, int patience_ms)
{
    struct clients *clients = *clients_p;

    if (!clients)
        return;
    inbox_clear(&clients->inbox, patience_ms);
    free(clients);
    *clients_p = NULL;
}

/* ---- events ------------------------------------------------------------------------------ */

static void refuse_crowded(struct inbox *inbox)
{
    const struct refusal refusal = {
        .id = inbox->message.sum_request.id,
        .code = REFUSAL_BUSY,
        .retry_after_ms = BUSY_RETRY_MS,
        .text = "this connection has too many requests in flight, or replaces one whose messages "
                "are still being read",
    };

    log_limit_refused(inbox->log, inbox->from.peer, &refusal);
    inbox_refuse(inbox, &refusal);
}

/* A lockstep client reads one message for each request, so it gets no progress. */
static bool on_sum_request(struct inbox *inbox)
{
    if (inbox->from.crowded) {
        refuse_crowded(inbox);
        return false;
    }
    inbox->message.sum_request.progress =
        inbox->message.sum_request.progress && !inbox->from.lockstep;
    inbox_await_answer(inbox);
    return true;
}

/* A lockstep client is refused, because it waits for an answer forever. A worker that tries to join
 * here is refused, because it repeats its Join forever. Other senders get no answer: a peer that
 * answers refusals with refusals would start an endless exchange. */
static bool on_unexpected(struct inbox *inbox)
{
    static const char joins[] = "workers do not join here, but at the endpoint of --workers";
    static const char others[] =
        "a server takes sum and status requests, and cancels from DEALER peers of its ROUTER";
    const struct message *message = &inbox->message;
    bool join = message->type == MESSAGE_JOIN;
    struct refusal refusal = {
        .id = message->type == MESSAGE_CANCEL ? message->cancel.id : 0,
        .code = REFUSAL_MALFORMED,
    };

    snprintf(refusal.text, sizeof refusal.text, "%s", join ? joins : others);
    log_limit_bad_message(inbox->log, LOG_KIND_UNEXPECTED, inbox->from.peer, refusal.text);
    if (inbox->from.lockstep || join)
        inbox_refuse(inbox, &refusal);
    return false;
}

/* True if the message is an event for the server. A cancel has no answer of its own: the answer to
 * its request says that the request was cancelled. */
static bool on_message(struct inbox *inbox)
{
    switch (inbox->message.type) {
    case MESSAGE_SUM_REQUEST: return on_sum_request(inbox);
    case MESSAGE_STATUS_REQUEST: return true;
    case MESSAGE_CANCEL: return !inbox->from.lockstep || on_unexpected(inbox);
    default: return on_unexpected(inbox);
    }
}

static bool next_lost(struct inbox *inbox, struct event *event)
{
    const char *peer;

    if (!inbox_lost(inbox, &event->client, &peer))
        return false;
    log_limit_client(inbox->log, LOG_KIND_DISCONNECTED, LEVEL_INFO, "lost a client at", peer,
                     "it has disconnected before its answer, and its requests are cancelled");
    return true;
}

bool clients_next(struct clients *clients, int64_t now_ns, struct event *event)
{
    struct inbox *inbox = &clients->inbox;

    event->type = EVENT_CLIENT_MESSAGE;
    event->message = &inbox->message;
    while (inbox_next(inbox, now_ns))
        if (on_message(inbox)) {
            event->client = inbox->from.sender;
            return true;
        }
    event->type = EVENT_CLIENT_LOST;
    return next_lost(inbox, event);
}

int64_t clients_due_at(const struct clients *clients)
{
    return listener_due_at(clients->inbox.listener);
}

int clients_poll_items(const struct clients *clients, zmq_pollitem_t *items)
{
    return inbox_poll_items(&clients->inbox, items);
}

/* ---- effects ----------------------------------------------------------------------------- */

/* The client may miss a progress message if its connection has no room. */
static void send_progress(struct clients *clients, const struct effect *effect)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    listener_send_or_drop(clients->inbox.listener, effect->client, bytes,
                          message_encode(&effect->message, bytes));
}

void clients_obey(struct clients *clients, const struct effect *effect)
{
    if (effect->type == EFFECT_ANSWER && effect->message.type == MESSAGE_REFUSAL)
        log_limit_refused(clients->inbox.log, clients_address(clients, effect->client),
                          &effect->message.refusal);
    if (effect->type == EFFECT_ANSWER)
        inbox_answer(&clients->inbox, effect->client, &effect->message);
    else
        send_progress(clients, effect);
}

/* A client that reads none of its status replies gets one at a time. */
void clients_send_status(struct clients *clients, uint32_t client, const void *bytes, size_t size)
{
    const struct refusal refusal = {
        .code = REFUSAL_BUSY,
        .retry_after_ms = BUSY_RETRY_MS,
        .text = "this connection has not read the last status reply yet",
    };

    if (!listener_send_status(clients->inbox.listener, client, bytes, size))
        inbox_refuse(&clients->inbox, &refusal);
}

/* ---- questions --------------------------------------------------------------------------- */

const char *clients_endpoint(const struct clients *clients)
{
    return listener_endpoint(clients->inbox.listener);
}

const char *clients_address(const struct clients *clients, uint32_t client)
{
    return listener_peer(clients->inbox.listener, client);
}

bool clients_may_see(const struct clients *clients, uint32_t client, uint32_t other)
{
    return listener_may_see(clients->inbox.listener, client, other);
}

bool clients_may_see_all(const struct clients *clients, uint32_t client)
{
    return listener_may_see_all(clients->inbox.listener, client);
}

void clients_check_keys(struct clients *clients)
{
    listener_check_keys(clients->inbox.listener);
}

uint64_t clients_refused(const struct clients *clients)
{
    return clients->inbox.refused;
}
