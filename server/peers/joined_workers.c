/* The joined workers: servers that have joined this one at the endpoint of --workers. */
#include "server/peers/joined_workers.h"

#include <czmq.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/instant.h"
#include "server/peers/inbox.h"
#include "sums/fnv.h"

/* Lost workers whose names are known if they return. */
#define LOST_MAX 1024

/* What the log needs to know about a worker. The dispatcher forgets a lost worker at once. */
struct member {
    char name[NAME_BYTES_MAX + 1];
    bool joined;
    bool leaving; /* it has sent Leave */
};

struct lost_worker {
    uint64_t name_hash;
    int64_t at_ns;
};

struct joined_workers {
    struct member members[JOINED_MAX]; /* by the worker's number, from settings.first_number on */
    struct lost_worker lost[LOST_MAX]; /* a ring */
    uint32_t lost_next;
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
    const struct listener_settings listener = {
        .type = LISTENER_ROUTER,
        .endpoint = settings->endpoint,
        .log = settings->log,
        .access = settings->access,
        .gate = GATE_WORKERS,
    };
    if (!inbox_init(&workers->inbox, &listener, why))
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

/* ---- log --------------------------------------------------------------------------------- */

static int64_t clock_ns(void)
{
    return zclock_usecs() * NS_PER_US;
}

static uint64_t name_hash(const char *name)
{
    return fnv_add_bytes(FNV_OFFSET, name, strlen(name));
}

/* NULL if the number is no worker's, for instance because all places are taken. */
static struct member *member_at(struct joined_workers *workers, uint32_t sender)
{
    return sender < JOINED_MAX ? &workers->members[sender] : NULL;
}

static void remember_lost(struct joined_workers *workers, const char *name)
{
    workers->lost[workers->lost_next] = (struct lost_worker){name_hash(name), clock_ns()};
    workers->lost_next = (workers->lost_next + 1) % LOST_MAX;
}

/* When a worker of this name was lost, or 0. Forgets the loss. */
static int64_t take_lost(struct joined_workers *workers, const char *name)
{
    uint64_t hash = name_hash(name);
    int64_t at_ns = 0;

    for (uint32_t i = 0; i < LOST_MAX; i++)
        if (workers->lost[i].at_ns > at_ns && workers->lost[i].name_hash == hash) {
            at_ns = workers->lost[i].at_ns;
            workers->lost[i].at_ns = 0;
        }
    return at_ns;
}

static void log_joined(struct joined_workers *workers, const char *name, const char *peer)
{
    int64_t lost_at_ns = take_lost(workers, name);

    if (lost_at_ns == 0)
        log_limit_worker(workers->settings.log, LOG_WORKER_JOINED, LEVEL_INFO,
                         "worker %s at %s has joined", name, peer);
    else
        log_limit_worker(workers->settings.log, LOG_WORKER_JOINED, LEVEL_INFO,
                         "worker %s at %s has returned: it has joined again after %.1f s", name,
                         peer, (double)(clock_ns() - lost_at_ns) / NS_PER_S);
}

static void on_joined(struct joined_workers *workers, uint32_t sender)
{
    struct member *member = member_at(workers, sender);
    const char *name = dispatcher_worker_name(workers->settings.dispatcher,
                                              workers->settings.first_number + sender);

    if (!member || !name)
        return;
    snprintf(member->name, sizeof member->name, "%s", name);
    member->joined = true;
    member->leaving = false;
    log_joined(workers, name, listener_peer(workers->inbox.listener, sender));
}

static void on_leave(struct joined_workers *workers, uint32_t sender)
{
    struct member *member = member_at(workers, sender);

    if (!member || !member->joined || member->leaving)
        return;
    member->leaving = true;
    log_limit_worker(workers->settings.log, LOG_WORKER_LEFT, LEVEL_INFO,
                     "worker %s at %s is leaving: it drains", member->name,
                     listener_peer(workers->inbox.listener, sender));
}

static void log_disconnected(struct joined_workers *workers, const struct member *member,
                             const char *peer)
{
    if (member->leaving)
        log_limit_worker(workers->settings.log, LOG_WORKER_LEFT, LEVEL_INFO,
                         "worker %s at %s has left: it has finished its spans", member->name, peer);
    else
        log_limit_worker(workers->settings.log, LOG_WORKER_LOST, LEVEL_WARNING,
                         "worker %s at %s is lost: its connection was closed", member->name, peer);
}

static void on_disconnected(struct joined_workers *workers, uint32_t sender, const char *peer)
{
    struct member *member = member_at(workers, sender);

    if (!member || !member->joined)
        return;
    log_disconnected(workers, member, peer);
    if (!member->leaving)
        remember_lost(workers, member->name);
    member->joined = false;
}

/* Refusals of members start with "worker NAME: ", which the line has already. */
static const char *without_name(const char *text, const char *name)
{
    size_t size = strlen(name);

    if (strncmp(text, "worker ", 7) == 0 && strncmp(text + 7, name, size) == 0 &&
        strncmp(text + 7 + size, ": ", 2) == 0)
        return text + 7 + size + 2;
    return text;
}

/* Only Join has a name. */
static void log_refused(struct joined_workers *workers, uint32_t sender,
                        const struct refusal *refusal)
{
    const struct inbox *inbox = &workers->inbox;
    bool joins = inbox->message.type == MESSAGE_JOIN && inbox->from.sender == sender;

    log_limit_worker(workers->settings.log, LOG_WORKER_REFUSED, LEVEL_WARNING,
                     "%sworker%s%s at %s is refused: %s", joins ? "" : "a ", joins ? " " : "",
                     joins ? inbox->message.join.name : "", listener_peer(inbox->listener, sender),
                     refusal->text);
}

static void on_dropped(struct joined_workers *workers, uint32_t sender,
                       const struct refusal *refusal)
{
    struct member *member = member_at(workers, sender);

    if (!member || !member->joined) {
        log_refused(workers, sender, refusal);
        return;
    }
    log_limit_worker(workers->settings.log, LOG_WORKER_LOST, LEVEL_WARNING,
                     "worker %s at %s is lost: %s", member->name,
                     listener_peer(workers->inbox.listener, sender),
                     without_name(refusal->text, member->name));
    remember_lost(workers, member->name);
    member->joined = false;
}

static void log_loss(struct joined_workers *workers, const struct skill_loss *loss, const char *why)
{
    uint32_t sender = loss->worker - workers->settings.first_number;
    const struct member *member = member_at(workers, sender);

    log_limit_worker(workers->settings.log, LOG_WORKER_SUMMAND, LEVEL_WARNING,
                     "worker %s at %s gets no more terms of the summand %s, build %016" PRIx64
                     ": %s",
                     member ? member->name : "?", listener_peer(workers->inbox.listener, sender),
                     loss->summand, loss->build, why);
}

void joined_workers_log_loss(struct joined_workers *workers, const struct skill_loss *loss)
{
    static const char *const reasons[SKILL_LOSS_REASONS] = {
        [SKILL_WITHDRAWN] = "it no longer offers the summand",
        [SKILL_REFUSED] = "it has refused a span, because it no longer has the summand",
        [SKILL_OTHER_BITS] = "its totals have other bits than those of the majority",
    };
    char other[64];

    snprintf(other, sizeof other, "it now offers the build %016" PRIx64, loss->other_build);
    log_loss(workers, loss, loss->other_build ? other : reasons[loss->reason]);
}

/* ---- events ------------------------------------------------------------------------------ */

/* A client at the wrong endpoint would repeat its request forever. */
static bool on_sum_request(struct inbox *inbox)
{
    const struct refusal refusal = {
        .id = inbox->message.sum_request.id,
        .code = REFUSAL_MALFORMED,
        .text = "workers join here; clients ask at the endpoint of --bind",
    };

    log_limit_bad_message(inbox->log, LOG_KIND_UNEXPECTED, inbox->from.peer, refusal.text);
    inbox_refuse(inbox, &refusal);
    return false;
}

static bool on_unexpected(struct inbox *inbox)
{
    log_limit_bad_message(inbox->log, LOG_KIND_UNEXPECTED, inbox->from.peer,
                          "a worker does not send this message");
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

static bool next_lost(struct joined_workers *workers, struct event *event)
{
    uint32_t sender;
    const char *peer;

    if (!inbox_lost(&workers->inbox, &sender, &peer))
        return false;
    event->type = EVENT_WORKER_LOST;
    event->worker = workers->settings.first_number + sender;
    on_disconnected(workers, sender, peer);
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
            if (inbox->message.type == MESSAGE_LEAVE)
                on_leave(workers, inbox->from.sender);
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
        on_joined(workers, sender);
    if (drop)
        on_dropped(workers, sender, &effect->message.refusal);
    if (welcome)
        listener_keep_number(workers->inbox.listener, sender, true);
    inbox_send(&workers->inbox, sender, &effect->message);
    if (drop)
        listener_keep_number(workers->inbox.listener, sender, false);
}

void joined_workers_check_keys(struct joined_workers *workers)
{
    listener_check_keys(workers->inbox.listener);
}

const char *joined_workers_endpoint(const struct joined_workers *workers)
{
    return listener_endpoint(workers->inbox.listener);
}
