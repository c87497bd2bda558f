/* Decides who computes what, for whom and when. A core: no socket, no clock, no thread, and no
 * allocation after dispatcher_new(). News goes in with dispatcher_step(); what is to be done about
 * it comes out of dispatcher_next(), one instruction at a time, so that nothing has to be bounded
 * but the core's own state. One thread at a time.
 *
 *     dispatcher_step(d, now_ns, &event);
 *     while (dispatcher_next(d, &effect))
 *         obey(&effect);
 *
 * A request is cut into spans of whole blocks. Clients take turns, and the requests of a client
 * take turns, span by span, so that a small request beside a large one is answered at once.
 *
 * A worker is whatever takes spans and gives totals: a thread of this process, or another server
 * that has joined this one. A server that this one has joined is one more client. */
#ifndef MEANTIME_SERVER_CORE_DISPATCHER_H
#define MEANTIME_SERVER_CORE_DISPATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "proto/status.h"
#include "server/limits.h"

/* Towards a request's end spans shrink so that its workers end together, but not below this. */
#define SPAN_NS_MIN INT64_C(100000)

/* A span is late when it takes twice as long as expected and this: a hiccup of the network or of a
 * busy machine is no reason to compute it twice. */
#define LATE_NS INT64_C(20000000)

/* One that is late by so much more does not even wait until all else is given out: its worker shows
 * signs of life, but hardly computes. */
#define OVERDUE_NS INT64_C(2000000000)

/* One that is late by so much with two workers is taken back from one of them, for a third. For a
 * span that just is slow this is twice as long each time, up to so many times: it ends at last. */
#define REVOCATIONS_MAX 20

/* A span that was being computed by so many workers when they were lost has killed them. Before the
 * last of these it rests for HEARTBEATS_MISSED heartbeats, for one trouble may take many at once.
 */
#define SPAN_DEATHS_MAX 3

/* Time between two progress messages of a request. */
#define PROGRESS_NS INT64_C(500000000)

struct dispatcher;

/* requests_max, client_requests_max: 1 to the constant of that name. threads: 0 to THREADS_MAX;
 * they are the workers 0, 1, ... and are there from the start. joined_max: 0 to JOINED_MAX; workers
 * that join have the numbers after the threads'. digest: of a worker that sums the same bits.
 * span_ns, heartbeat_ns: of workers that join; JOINED_SPAN_NS, HEARTBEAT_NS. top: it has joined
 * nobody itself. */
struct dispatcher_settings {
    uint32_t requests_max;
    uint32_t client_requests_max;
    uint32_t threads;
    uint32_t joined_max;
    uint64_t digest;
    int64_t span_ns;
    int64_t heartbeat_ns;
    bool top;
};

enum event_type {
    EVENT_TIME,           /* something may be due */
    EVENT_CLIENT_MESSAGE, /* client, message: a sum request or a cancel */
    EVENT_CLIENT_LOST,    /* client; its number may be used anew at once */
    EVENT_WORKER_MESSAGE, /* worker, message: join, heartbeat, leave, sum reply or refusal */
    EVENT_WORKER_LOST,    /* worker; its connection has ended. The same for its number */
    EVENT_DRAIN,          /* take no new request; workers may still join, and help to finish */
    EVENT_STOP,           /* and refuse those in flight */
};

/* message: within proto/bounds.h, as message_decode() gives it, else not to be trusted; but a
 * thread's sum reply is: of its whole span, unless that was cancelled. */
struct event {
    enum event_type type;
    union {
        uint32_t client;
        uint32_t worker;
    };
    const struct message *message;
};

enum effect_type {
    EFFECT_ANSWER,      /* message to client: the one answer to a request */
    EFFECT_PROGRESS,    /* message to client, which may be lost */
    EFFECT_SEND_WORKER, /* message to worker: a span as a sum request, a cancel, welcome, heartbeat.
                           A thread is given spans and cancels, and replies to both */
    EFFECT_DROP_WORKER, /* message to worker, the refusal that says why: it is none, or no longer */
};

struct effect {
    enum effect_type type;
    union {
        uint32_t client;
        uint32_t worker;
    };
    struct message message;
};

/* NULL where memory is short. */
struct dispatcher *dispatcher_new(const struct dispatcher_settings *settings);
void dispatcher_destroy(struct dispatcher **dispatcher);

/* Takes one piece of news. now_ns: any monotonic clock, never running backwards. The effects of the
 * step before must have been taken; but EVENT_WORKER_LOST is best told of all the lost first, lest
 * one of them be given what another one had. */
void dispatcher_step(struct dispatcher *d, int64_t now_ns, const struct event *event);

/* The next instruction, or false when all is done. */
bool dispatcher_next(struct dispatcher *d, struct effect *effect);

/* When EVENT_TIME is due next; NEVER for never. */
int64_t dispatcher_due_at(const struct dispatcher *d);

/* True while a client waits for an answer. */
bool dispatcher_busy(const struct dispatcher *d);

/* Cores that sum for this dispatcher, those behind its workers included. 0 to CAPACITY_MAX. */
uint32_t dispatcher_capacity(const struct dispatcher *d);

/* What it tells those that it has joined of itself: that capacity, and the levels of servers that
 * have joined it, 0 to HEIGHT_MAX + 1. */
struct heartbeat dispatcher_heartbeat(const struct dispatcher *d);

/* What the worker calls itself, or NULL where there is none of that number. Until the next step. */
const char *dispatcher_worker_name(const struct dispatcher *d, uint32_t worker);

/* Fills in all of `status` but its name, kernel, up_ms, counters.bad_messages and the owners of
 * requests, as of the last step; ages are at now_ns. Entries from asked->first_* on. */
void dispatcher_status(const struct dispatcher *d, int64_t now_ns,
                       const struct status_request *asked, struct status_reply *status);

#endif
