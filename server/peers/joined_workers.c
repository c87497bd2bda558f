/* The joined workers: servers that have joined this one at the endpoint of --workers. */
#include "server/peers/joined_workers.h"

#include <czmq.h>
#include <inttypes.h>
#include <stdlib.h>

#include "server/peers/inbox.h"

struct joined_workers {
    struct joined_workers_settings settings;
    struct inbox inbox;
};

struct joined_workers *joined_workers_new(const struct joined_workers_settings *settings,
                                          const char **why)
{
    struct joined_workers *workers = calloc(1, sizeof *workers);

    *why = "out of memory";
    if (!workers)
        return NULL;
    workers->settings = *settings;
    if (!inbox_init(&workers->inbox, LISTENER_ROUTER, settings->endpoint, settings->log, why))
        joined_workers_destroy(&workers, 0);
    return workers;
}

void joined_workers_destroy(struct joined_workers **workers_p, int patience_ms)
{
    struct joined_workers *workers = *workers_p;

    if (!workers)
        return;
    inbox_clear(&workers->inbox, patience_ms);
    free(workers);
    *workers_p = NULL;
}

static void log_worker(const struct joined_workers *workers, uint32_t worker, int kind,
                       const char *what)
{
    const char *name = dispatcher_worker_name(workers->settings.dispatcher, worker);
    uint64_t count =
        name && !workers->settings.quiet ? log_limit_due(workers->settings.log, kind) : 0;

    if (count == 1)
        zsys_info("worker %s %s", name, what);
    else if (count > 1)
        zsys_info("worker %s %s (the last of %" PRIu64 ")", name, what, count);
}

/* ---- events ------------------------------------------------------------------------------ */

/* A client at the wrong endpoint would repeat its request forever. */
static bool on_sum_request(struct inbox *inbox)
{
    const struct refusal refusal = {
        .id = inbox->message.sum_request.id,
        .status = STATUS_MALFORMED,
        .text = "workers join here; clients ask at the endpoint of --bind",
    };

    log_limit_bad_message(inbox->log, LOG_KIND_UNEXPECTED, refusal.text);
    inbox_refuse(inbox, &refusal);
    return false;
}

static bool on_unexpected(struct inbox *inbox)
{
    log_limit_bad_message(inbox->log, LOG_KIND_UNEXPECTED, "a worker does not send this message");
    return false;
}

/* True if the message is an event for the dispatcher. */
static bool on_message(struct inbox *inbox)
{
    switch (inbox->message.type) {
    case MESSAGE_JOIN:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_LEAVE:
    case MESSAGE_SUM_REPLY:
    case MESSAGE_REFUSAL: return true;
    case MESSAGE_SUM_REQUEST: return on_sum_request(inbox);
    default: return on_unexpected(inbox);
    }
}

/* The dispatcher knows the name of a lost worker until it is stepped with the event. */
static bool next_lost(struct joined_workers *workers, struct event *event)
{
    uint32_t sender;

    if (!inbox_lost(&workers->inbox, &sender))
        return false;
    event->type = EVENT_WORKER_LOST;
    event->worker = workers->settings.first_number + sender;
    log_worker(workers, event->worker, LOG_KIND_WORKER_LOST, "has disconnected");
    return true;
}

bool joined_workers_next(struct joined_workers *workers, int64_t now_ns, struct event *event)
{
    struct inbox *inbox = &workers->inbox;

    event->type = EVENT_WORKER_MESSAGE;
    event->message = &inbox->message;
    while (inbox_next(inbox, now_ns))
        if (on_message(inbox)) {
            event->worker = workers->settings.first_number + inbox->from.sender;
            return true;
        }
    return next_lost(workers, event);
}

int64_t joined_workers_due_at(const struct joined_workers *workers)
{
    return listener_due_at(workers->inbox.listener);
}

int joined_workers_poll_items(const struct joined_workers *workers, zmq_pollitem_t *items)
{
    return inbox_poll_items(&workers->inbox, items);
}

/* ---- effects ----------------------------------------------------------------------------- */

/* A worker keeps its number from Welcome until the server drops it or loses the connection. */
void joined_workers_obey(struct joined_workers *workers, const struct effect *effect)
{
    uint32_t sender = effect->worker - workers->settings.first_number;
    bool welcome = effect->message.type == MESSAGE_WELCOME;
    bool drop = effect->type == EFFECT_DROP_WORKER;

    if (welcome)
        log_worker(workers, effect->worker, LOG_KIND_WORKER_JOINED, "has joined");
    if (drop)
        log_limit_worker_dropped(workers->settings.log, &effect->message.refusal);
    if (welcome)
        listener_keep_number(workers->inbox.listener, sender, true);
    inbox_send(&workers->inbox, sender, &effect->message);
    if (drop)
        listener_keep_number(workers->inbox.listener, sender, false);
}

const char *joined_workers_endpoint(const struct joined_workers *workers)
{
    return listener_endpoint(workers->inbox.listener);
}
