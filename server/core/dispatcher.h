/* The dispatcher decides which worker computes which samples, for which client, and when.
 *
 * A core: no socket, no clock, no thread, and no allocation after dispatcher_new(). Events go in
 * with dispatcher_step(). Effects come out of dispatcher_next() one at a time, so that only the
 * core's own state needs a bound. One thread at a time.
 *
 *     dispatcher_step(d, now_ns, &event);
 *     while (dispatcher_next(d, &effect))
 *         carry_out(&effect);
 *
 * The dispatcher cuts each request into spans of whole blocks. Clients take turns, and the requests
 * of one client take turns, span by span. So a small request is answered at once, even beside a
 * large one.
 *
 * A worker takes spans and returns totals: a compute thread of this process, or another server that
 * has joined this one. For the dispatcher, a parent is one more client. */
#ifndef MEANTIME_SERVER_CORE_DISPATCHER_H
#define MEANTIME_SERVER_CORE_DISPATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/instant.h"
#include "proto/message.h"
#include "proto/status.h"
#include "server/core/skills.h"
#include "server/limits.h"

/* Time between two progress messages of a request. */
#define PROGRESS_NS (500 * NS_PER_MS)

struct dispatcher;

struct dispatcher_settings {
    uint32_t requests_max;        /* in flight, of all clients; 1 to REQUESTS_MAX */
    uint32_t client_requests_max; /* in flight, of one client; 1 to CLIENT_REQUESTS_MAX */
    uint32_t runs_max;            /* spans that workers hold at a time; 1 to RUNS_MAX */
    uint32_t outputs_max;         /* of summands, in flight; 1 to OUTPUTS_IN_FLIGHT_MAX */
    uint32_t threads;             /* 0 to THREADS_MAX; workers 0, 1, ..., ready from the start */
    uint32_t joined_max;          /* 0 to JOINED_MAX; their numbers follow the threads' */
    uint64_t digest;              /* sums_digest(): a joined worker must have the same */
    int64_t span_ns;              /* of joined workers, above 0; default JOINED_SPAN_NS */
    int64_t heartbeat_ns;         /* of joined workers; default HEARTBEAT_NS */
    bool top;                     /* this server has no parent */
    struct offers offers;         /* summands of the threads; read by dispatcher_new() only */
};

enum event_type {
    EVENT_TIME,           /* dispatcher_due_at() has passed; also allowed at any other time */
    EVENT_CLIENT_MESSAGE, /* client, message: a sum request or a cancel */
    EVENT_CLIENT_LOST,    /* client; the shell may reuse its number at once */
    EVENT_WORKER_MESSAGE, /* worker, message: join, heartbeat, leave, sum reply or refusal */
    EVENT_WORKER_LOST,    /* worker: disconnected; the shell may reuse its number at once */
    EVENT_DRAIN,          /* refuse new requests; workers may still join and help to finish */
    EVENT_STOP,           /* drain, and refuse the requests in flight */
};

struct event {
    enum event_type type;
    union {
        uint32_t client; /* the number of the client */
        uint32_t worker; /* the number of the worker */
    };
    /* Within proto/bounds.h, as message_decode() returns it. A peer's numbers are not trusted
     * beyond that. A compute thread is trusted: its sum reply is of its whole span, unless the span
     * was cancelled. It refuses spans of summands only. */
    const struct message *message;
};

enum effect_type {
    EFFECT_ANSWER,      /* message to client: the one answer to a request */
    EFFECT_PROGRESS,    /* message to client; it may be lost */
    EFFECT_SEND_WORKER, /* message to worker: a span as a sum request, a cancel, welcome, heartbeat.
                           A compute thread gets spans and cancels, and replies to both */
    EFFECT_DROP_WORKER, /* message to worker: the refusal with the reason; it has not joined, or its
                           membership has ended */
};

struct effect {
    enum effect_type type;
    union {
        uint32_t client; /* the number of the client */
        uint32_t worker; /* the number of the worker */
    };
    struct message message; /* its pointers are valid until the next step */
};

/* NULL if memory is short. */
struct dispatcher *dispatcher_new(const struct dispatcher_settings *settings);
void dispatcher_destroy(struct dispatcher **dispatcher);

/* Takes one event. now_ns: any monotonic clock that never runs backwards. All effects of the step
 * before must have been taken, with one exception: if several workers are lost, pass all
 * EVENT_WORKER_LOST first, so that no lost worker gets the span of another one. */
void dispatcher_step(struct dispatcher *d, int64_t now_ns, const struct event *event);

/* Writes the next effect, or returns false if there is none. */
bool dispatcher_next(struct dispatcher *d, struct effect *effect);

/* Takes the next loss of a skill by a worker that has not left, for the log. The newest first. */
bool dispatcher_next_loss(struct dispatcher *d, struct skill_loss *loss);

/* The time of the next EVENT_TIME, or NEVER. */
int64_t dispatcher_due_at(const struct dispatcher *d);

/* True while a client waits for an answer. */
bool dispatcher_busy(const struct dispatcher *d);

/* Cores that sum for this dispatcher, including the cores behind its workers. 0 to CAPACITY_MAX. */
uint32_t dispatcher_capacity(const struct dispatcher *d);

/* The heartbeat that this server sends to its parents: that capacity, the levels of servers that
 * have joined it, 0 to HEIGHT_MAX + 1, and the summands that its workers offer. The list is valid
 * until the next call. */
struct heartbeat dispatcher_heartbeat(struct dispatcher *d);

/* The name from the worker's Join, or NULL if no worker has this number. Valid until the next step.
 */
const char *dispatcher_worker_name(const struct dispatcher *d, uint32_t worker);

/* Whose requests a status lists. */
struct status_filter {
    bool (*shows)(const void *context, uint32_t client);
    const void *context;
};

/* Fills in all of `status` except its name, kernel, up_ms, counters.bad_messages and the owners of
 * requests, as of the last step. Ages are at now_ns. Lists the entries from asked->first_* on.
 * filter: other requests are neither listed nor counted; NULL: there are no others. */
void dispatcher_status(const struct dispatcher *d, int64_t now_ns,
                       const struct status_request *asked, const struct status_filter *filter,
                       struct status_reply *status);

#endif
