/* The parents: fronts that this server joins as a worker. */
#include "server/peers/parents.h"

#include <assert.h>
#include <czmq.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/errno_saved.h"
#include "proto/instant.h"
#include "server/core/membership.h"
#include "server/net/parent_link.h"
#include "server/peers/turn.h"

/* If a parent cannot be reached for UNREACHABLE_NS, the server logs that. It logs the same problem
 * again after REPEAT_NS. */
#define UNREACHABLE_NS (3 * NS_PER_S)
#define REPEAT_NS      (600 * NS_PER_S)

struct parent {
    struct parent_link link;
    struct membership membership;
    int64_t unreachable_at_ns;        /* when to log that no connection exists; NEVER: connected */
    int64_t left_at_ns;               /* when the membership ended; 0: there was none */
    char problem[TEXT_BYTES_MAX + 1]; /* the problem that was logged last */
    int64_t problem_until_ns;         /* the same problem is not logged before this */
    uint64_t repeats;                 /* of this problem since it was logged last */
};

struct parents {
    struct parents_settings settings;
    struct join join;
    struct message message;          /* of the last event */
    struct decode_arena arena;       /* of `message` */
    uint32_t current;                /* index of the parent whose turn it is */
    uint32_t events_read;            /* from the current parent in this turn, 0 to TURN_MESSAGES */
    struct offer offers[OFFERS_MAX]; /* of this server, when they were read last */
    uint32_t offer_count;            /* of `offers` */
    uint32_t count;
    struct parent parents[PARENTS_MAX];
};

/* ---- life -------------------------------------------------------------------------------- */

struct parents *parents_new(const struct parents_settings *settings)
{
    struct parents *parents = calloc(1, sizeof *parents);

    if (!parents)
        return NULL;
    parents->settings = *settings;
    parents->join = *settings->join;
    return parents;
}

void parents_destroy(struct parents **parents_p, int patience_ms)
{
    struct parents *parents = *parents_p;

    if (!parents)
        return;
    for (uint32_t i = 0; i < parents->count; i++)
        parent_link_clear(&parents->parents[i].link, patience_ms);
    free(parents);
    *parents_p = NULL;
}

bool parents_add(struct parents *parents, const char *endpoint, int64_t now_ns)
{
    struct parent *parent = &parents->parents[parents->count];

    assert(parents->count < PARENTS_MAX);
    if (!parent_link_accepts(endpoint))
        return false;
    parent->unreachable_at_ns = now_ns + UNREACHABLE_NS;
    parent_link_init(&parent->link, endpoint);
    membership_init(&parent->membership, &parents->join);
    if (!parent_link_dial(&parent->link)) {
        ERRNO_SAVED(parent_link_clear(&parent->link, 0));
        return false;
    }
    parents->count++;
    return true;
}

/* ---- log --------------------------------------------------------------------------------- */

/* Before the next line about the parent: how often its last problem has occurred again. */
static void log_repeats(struct parents *parents, struct parent *parent)
{
    if (parent->repeats > 0)
        log_limit_worker(parents->settings.log, LOG_WORKER_PARENT, LEVEL_WARNING,
                         "front %s: %" PRIu64 " more: %s", parent->link.endpoint, parent->repeats,
                         parent->problem);
    parent->repeats = 0;
}

/* Repeats of one problem are counted. */
static void log_problem(struct parents *parents, struct parent *parent, int64_t now_ns,
                        const char *problem)
{
    bool repeated = now_ns < parent->problem_until_ns && streq(parent->problem, problem);

    if (repeated) {
        parent->repeats++;
        return;
    }
    log_repeats(parents, parent);
    snprintf(parent->problem, sizeof parent->problem, "%s", problem);
    parent->problem_until_ns = now_ns + REPEAT_NS;
    log_limit_worker(parents->settings.log, LOG_WORKER_PARENT, LEVEL_WARNING, "front %s: %s",
                     parent->link.endpoint, problem);
}

/* The next problem is logged even if it is the same as before. */
static void log_joined(struct parents *parents, struct parent *parent, int64_t now_ns)
{
    parent->problem_until_ns = 0;
    log_repeats(parents, parent);
    if (parent->left_at_ns == 0)
        log_limit_worker(parents->settings.log, LOG_WORKER_PARENT, LEVEL_INFO, "joined %s",
                         parent->link.endpoint);
    else
        log_limit_worker(parents->settings.log, LOG_WORKER_PARENT, LEVEL_INFO,
                         "joined %s again after %.1f s", parent->link.endpoint,
                         (double)(now_ns - parent->left_at_ns) / NS_PER_S);
}

static void log_step(struct parents *parents, struct parent *parent, int64_t now_ns,
                     enum membership_state before, const char *problem)
{
    enum membership_state state = parent->membership.state;

    if (problem)
        log_problem(parents, parent, now_ns, problem);
    if (before == MEMBERSHIP_JOINING && state == MEMBERSHIP_JOINED)
        log_joined(parents, parent, now_ns);
    if (before == MEMBERSHIP_JOINED && state != MEMBERSHIP_JOINED)
        parent->left_at_ns = now_ns;
    if (before == MEMBERSHIP_JOINED && state == MEMBERSHIP_DISCONNECTED)
        log_limit_worker(parents->settings.log, LOG_WORKER_PARENT, LEVEL_WARNING,
                         "front %s is lost: its connection was closed; dialling again",
                         parent->link.endpoint);
    if (before == MEMBERSHIP_JOINED && state == MEMBERSHIP_LEAVING)
        log_limit_worker(parents->settings.log, LOG_WORKER_PARENT, LEVEL_INFO,
                         "leaving %s: this server drains", parent->link.endpoint);
}

static void log_unreachable(struct parents *parents, struct parent *parent, int64_t now_ns)
{
    const char *reason = parent->link.failure.text;
    char problem[TEXT_BYTES_MAX + 1];

    if (now_ns < parent->unreachable_at_ns)
        return;
    parent->unreachable_at_ns = now_ns + REPEAT_NS;
    snprintf(problem, sizeof problem, "%s%s%s; dialling on",
             parent->link.failure.denied ? "no access" : "no server can be reached there",
             *reason ? ": " : "", reason);
    log_problem(parents, parent, now_ns, problem);
}

static bool is_connected(const struct parent *parent)
{
    return parent->membership.state != MEMBERSHIP_DISCONNECTED &&
           parent->membership.state != MEMBERSHIP_DIALLING;
}

static void watch_connection(struct parent *parent, int64_t now_ns)
{
    if (is_connected(parent))
        parent->unreachable_at_ns = NEVER;
    else if (parent->unreachable_at_ns == NEVER)
        parent->unreachable_at_ns = now_ns + UNREACHABLE_NS;
}

/* ---- events ------------------------------------------------------------------------------ */

static void send_message(struct parent *parent, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    parent_link_send(&parent->link, bytes, message_encode(message, bytes));
}

/* If no socket can be opened, the membership core handles the failure like a lost connection and
 * dials again later. */
static void dial(struct parents *parents, struct parent *parent, int64_t now_ns)
{
    struct membership_effects none;

    if (parent_link_dial(&parent->link))
        return;
    log_limit_worker(parents->settings.log, LOG_WORKER_PARENT, LEVEL_ERROR, "cannot dial %s: %s",
                     parent->link.endpoint, zmq_strerror(errno));
    membership_step(&parent->membership, now_ns, MEMBERSHIP_EVENT_DISCONNECTED, NULL, &none);
}

/* An event of one parent. */
enum parent_event {
    PARENT_EVENT_NOTHING, /* the parent has no event */
    PARENT_EVENT_HANDLED, /* an event that is not for the dispatcher */
    PARENT_EVENT_MESSAGE, /* the dispatcher gets parents->message */
    PARENT_EVENT_LOST,    /* the dispatcher loses this client and its requests */
};

static enum parent_event step(struct parents *parents, struct parent *parent, int64_t now_ns,
                              enum membership_event event, const struct message *message)
{
    struct membership_effects effects;
    enum membership_state before = parent->membership.state;

    membership_step(&parent->membership, now_ns, event, message, &effects);
    log_step(parents, parent, now_ns, before, effects.problem);
    watch_connection(parent, now_ns);
    if (effects.dial)
        dial(parents, parent, now_ns);
    if (effects.send)
        send_message(parent, &effects.message);
    return effects.client_lost ? PARENT_EVENT_LOST
           : effects.deliver   ? PARENT_EVENT_MESSAGE
                               : PARENT_EVENT_HANDLED;
}

/* A parent gets no progress, whatever it asks for: progress messages are only for clients. */
static enum parent_event on_message(struct parents *parents, struct parent *parent, int64_t now_ns)
{
    zmq_msg_t *frame = &parent->link.frame;
    struct message_error error;

    if (!message_decode(&parents->arena, zmq_msg_data(frame), zmq_msg_size(frame),
                        &parents->message, &error)) {
        log_limit_bad_message(parents->settings.log, LOG_KIND_PARENT, parent->link.endpoint,
                              "a parent has sent a message that cannot be decoded");
        return PARENT_EVENT_HANDLED;
    }
    if (parents->message.type == MESSAGE_SUM_REQUEST)
        parents->message.sum_request.progress = false;
    return step(parents, parent, now_ns, MEMBERSHIP_EVENT_MESSAGE, &parents->message);
}

static enum parent_event on_time(struct parents *parents, struct parent *parent, int64_t now_ns)
{
    if (now_ns < membership_due_at(&parent->membership))
        return PARENT_EVENT_NOTHING;
    return step(parents, parent, now_ns, MEMBERSHIP_EVENT_TIME, NULL);
}

static enum parent_event parent_next(struct parents *parents, struct parent *parent, int64_t now_ns)
{
    log_unreachable(parents, parent, now_ns);
    switch (parent_link_next(&parent->link)) {
    case PARENT_LINK_CONNECTED:
        return step(parents, parent, now_ns, MEMBERSHIP_EVENT_CONNECTED, NULL);
    case PARENT_LINK_DISCONNECTED:
        return step(parents, parent, now_ns, MEMBERSHIP_EVENT_DISCONNECTED, NULL);
    case PARENT_LINK_MESSAGE: return on_message(parents, parent, now_ns);
    case PARENT_LINK_NOTHING: return on_time(parents, parent, now_ns);
    }
    return PARENT_EVENT_NOTHING;
}

/* The next event of the current parent for the dispatcher, or false at the end of its turn. */
static bool current_next(struct parents *parents, int64_t now_ns, struct event *event)
{
    struct parent *parent = &parents->parents[parents->current];
    enum parent_event next = PARENT_EVENT_HANDLED;

    while (next == PARENT_EVENT_HANDLED && parents->events_read < TURN_MESSAGES) {
        parents->events_read++;
        next = parent_next(parents, parent, now_ns);
    }
    event->type = next == PARENT_EVENT_LOST ? EVENT_CLIENT_LOST : EVENT_CLIENT_MESSAGE;
    event->client = CLIENTS_MAX + parents->current;
    event->message = &parents->message;
    return next == PARENT_EVENT_MESSAGE || next == PARENT_EVENT_LOST;
}

static bool offers_include(const struct offers *offers, const struct offer *offer)
{
    for (uint32_t i = 0; i < offers->count; i++)
        if (offers->list[i].build == offer->build && strcmp(offers->list[i].name, offer->name) == 0)
            return true;
    return false;
}

/* A server offers what its compute threads and its joined workers can sum. */
static void log_withdrawn(struct parents *parents, const struct offers *own)
{
    for (uint32_t i = 0; i < parents->offer_count; i++)
        if (!offers_include(own, &parents->offers[i]))
            log_limit_worker(parents->settings.log, LOG_WORKER_SUMMAND, LEVEL_WARNING,
                             "no longer offers the summand %s, build %016" PRIx64
                             ": no worker of this server has it",
                             parents->offers[i].name, parents->offers[i].build);
    parents->offer_count = own->count;
    memcpy(parents->offers, own->list, own->count * sizeof *own->list);
}

static void update_own_heartbeat(struct parents *parents)
{
    struct heartbeat own = dispatcher_heartbeat(parents->settings.dispatcher);

    log_withdrawn(parents, &own.offers);
    membership_set_own(&parents->parents[parents->current].membership, &own);
}

bool parents_next(struct parents *parents, int64_t now_ns, struct event *event)
{
    for (; parents->current < parents->count; parents->current++) {
        if (parents->events_read == 0)
            update_own_heartbeat(parents);
        if (current_next(parents, now_ns, event))
            return true;
        parents->events_read = 0;
    }
    parents->current = 0;
    return false;
}

int64_t parents_due_at(const struct parents *parents)
{
    int64_t due_at_ns = NEVER;

    for (uint32_t i = 0; i < parents->count; i++) {
        const struct parent *parent = &parents->parents[i];
        due_at_ns = earlier(due_at_ns, membership_due_at(&parent->membership));
        due_at_ns = earlier(due_at_ns, parent->unreachable_at_ns);
    }
    return due_at_ns;
}

int parents_poll_items(const struct parents *parents, zmq_pollitem_t *items)
{
    int count = 0;

    for (uint32_t i = 0; i < parents->count; i++)
        count += parent_link_poll_items(&parents->parents[i].link, items + count);
    return count;
}

/* ---- effects ----------------------------------------------------------------------------- */

void parents_obey(struct parents *parents, const struct effect *effect)
{
    assert(effect->type == EFFECT_ANSWER);
    send_message(&parents->parents[effect->client - CLIENTS_MAX], &effect->message);
}

void parents_drain(struct parents *parents, int64_t now_ns)
{
    for (uint32_t i = 0; i < parents->count; i++) {
        log_repeats(parents, &parents->parents[i]);
        step(parents, &parents->parents[i], now_ns, MEMBERSHIP_EVENT_LEAVE, NULL);
    }
}

const char *parents_endpoint(const struct parents *parents, uint32_t client)
{
    return parents->parents[client - CLIENTS_MAX].link.endpoint;
}
