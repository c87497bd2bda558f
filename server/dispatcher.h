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
 * take turns, span by span, so that a small request beside a large one is answered at once. */
#ifndef MEANTIME_SERVER_DISPATCHER_H
#define MEANTIME_SERVER_DISPATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "sums/total.h"

/* Requests in flight, of all clients: 2 MiB of state, and at 10 ms each a queue of minutes. */
#define REQUESTS_MAX 10000

/* Requests in flight of one client, so that one cannot fill the queue for all. */
#define CLIENT_REQUESTS_MAX 1024

/* Clients are numbered by the shell from 0. Each has a request in flight or is being heard now. */
#define CLIENTS_MAX (REQUESTS_MAX + 1)

/* Compute threads: more than any machine of today has cores. */
#define WORKERS_MAX 1024

/* Spans that a worker holds: one that it computes and one that waits, so that it is never idle
 * while a total is on its way here and the next span is on its way there. */
#define WORKER_CREDIT 2

/* A span takes about this long on the worker that gets it: long beside the 10 us that handing it
 * over costs, short for a newcomer who waits for WORKER_CREDIT spans to end. */
#define SPAN_NS INT64_C(10000000)

/* Towards a request's end spans shrink so that its workers end together, but not below this. */
#define SPAN_NS_MIN INT64_C(100000)

/* Time between two progress messages of a request. */
#define PROGRESS_NS INT64_C(500000000)

/* What a refused client is told to wait. A crowd of ten thousand that does so costs the server a
 * few per cent of one core. */
#define BUSY_RETRY_MS 1000

struct dispatcher;

/* Each at least 1, and at most the constant of its name. */
struct dispatcher_limits {
    uint32_t requests_max;
    uint32_t client_requests_max;
    uint32_t workers_max;
};

enum event_type {
    EVENT_TIME,          /* something may be due */
    EVENT_WORKER_JOINED, /* worker */
    EVENT_REQUEST,       /* client, request */
    EVENT_CANCEL,        /* client, id */
    EVENT_SPAN_DONE,     /* span, total, elapsed_ns */
    EVENT_CLIENT_LOST,   /* client; its number may be used anew at once */
    EVENT_DRAIN,         /* take no new request */
    EVENT_STOP,          /* and refuse those in flight */
};

/* worker, span: below workers_max and workers_max * WORKER_CREDIT. total: what was summed; of the
 * whole span unless it was cancelled. elapsed_ns: what computing it took, 0 or more. */
struct event {
    enum event_type type;
    uint32_t client;
    uint32_t worker;
    uint32_t span;
    int64_t elapsed_ns;
    union {
        struct sum_request request;
        uint64_t id;
        struct total total;
    };
};

enum effect_type {
    EFFECT_ANSWER,      /* message to client: the one answer to a request */
    EFFECT_PROGRESS,    /* message to client, which may be lost */
    EFFECT_START_SPAN,  /* worker computes span: count samples of (seed, kind) from first */
    EFFECT_CANCEL_SPAN, /* worker ends span as soon as it can, and says EVENT_SPAN_DONE */
};

struct effect {
    enum effect_type type;
    union {
        struct {
            uint32_t client;
            struct message message;
        };
        struct {
            uint32_t worker;
            uint32_t span;
            uint64_t seed;
            enum message_kind kind;
            uint64_t first;
            uint64_t count;
        };
    };
};

/* NULL where memory is short. */
struct dispatcher *dispatcher_new(const struct dispatcher_limits *limits);
void dispatcher_destroy(struct dispatcher **dispatcher);

/* Takes one piece of news. now_ns: any monotonic clock, never running backwards. The effects of the
 * step before must have been taken. */
void dispatcher_step(struct dispatcher *d, int64_t now_ns, const struct event *event);

/* The next instruction, or false when all is done. */
bool dispatcher_next(struct dispatcher *d, struct effect *effect);

/* When EVENT_TIME is due next; INT64_MAX for never. */
int64_t dispatcher_due_at(const struct dispatcher *d);

/* True while a client waits for an answer. */
bool dispatcher_busy(const struct dispatcher *d);

#endif
