/* Workers: who is there, how fast, how busy, and when last heard. Part of the dispatcher's state:
 * no clock, no allocation after workers_init(). */
#ifndef MEANTIME_SERVER_CORE_WORKERS_H
#define MEANTIME_SERVER_CORE_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/message.h"
#include "server/core/dispatcher.h"
#include "server/core/spans.h"

#define KINDS 3 /* indexed by enum message_kind, which starts at 1 */

enum worker_state {
    WORKER_FREE,
    WORKER_JOINED,
    WORKER_RESTING, /* it refused a span: none until its next heartbeat */
    WORKER_LEAVING, /* finishes what it has */
    WORKER_STATES,
};

enum worker_event {
    WORKER_EVENT_JOIN,
    WORKER_EVENT_HEARTBEAT,
    WORKER_EVENT_REFUSAL, /* of a span */
    WORKER_EVENT_LEAVE,
    WORKER_EVENT_LOST,
    WORKER_EVENTS,
};

/* height: levels of servers below it, as far as HEIGHT_MAX. held: runs that it holds. level: index
 * of the workers.ready that it is in, -1 for none. block_ns: of one core, smoothed. queued_ns: what
 * all that it holds should take on its cores together. */
struct worker {
    enum worker_state state;
    bool thread;
    uint32_t capacity;
    uint32_t height;
    uint32_t held;
    int level;
    struct run_list runs; /* the oldest first */
    double block_ns[KINDS];
    int measured[KINDS]; /* how often, up to 4 */
    int64_t queued_ns;
    int64_t received_at_ns;
    uint64_t samples;
    char name[NAME_BYTES_MAX + 1];
    char kernel[NAME_BYTES_MAX + 1];
    TAILQ_ENTRY(worker) in_ready;
    TAILQ_ENTRY(worker) in_by_silence; /* workers.by_silence, unless it is a thread */
    TAILQ_ENTRY(worker) in_joined;     /* workers.joined, the same */
};
TAILQ_HEAD(worker_list, worker);

struct workers {
    struct worker *table;
    uint32_t threads; /* the first ones */
    uint32_t workers_max;
    int64_t span_ns;
    uint32_t worker_count;
    uint32_t held;                           /* runs, by all */
    uint64_t capacity;                       /* of all */
    double speed[KINDS];                     /* blocks a ns, of all */
    struct worker_list ready[WORKER_CREDIT]; /* workers whose cores have 0, 1, ... spans each */
    uint32_t of_height[HEIGHT_MAX + 1];      /* workers that have joined */
    struct worker_list by_silence;           /* the most silent first */
    struct worker_list joined;
    struct worker *heartbeat_next; /* of the round of heartbeats under way */
};

/* The threads are there at once. False where memory is short. */
bool workers_init(struct workers *workers, uint32_t threads, uint32_t joined_max, int64_t span_ns);
void workers_clear(struct workers *workers);

/* By number; NULL beyond the last. */
struct worker *workers_at(const struct workers *workers, uint32_t number);
uint32_t workers_number(const struct workers *workers, const struct worker *worker);

/* A worker that holds nothing joins. */
void workers_join(struct workers *workers, struct worker *worker, const struct join *join,
                  int64_t now_ns);

/* It is no worker any more. It must hold nothing. */
void workers_lose(struct workers *workers, struct worker *worker);

/* Any other news of one that is there. */
void workers_apply(struct workers *workers, struct worker *worker, enum worker_event news);

void workers_received(struct workers *workers, struct worker *worker, int64_t now_ns);
void workers_set_capacity(struct workers *workers, struct worker *worker, uint32_t capacity);
void workers_set_height(struct workers *workers, struct worker *worker, uint32_t height);

/* It is a thread, or has given a total since it joined. */
bool worker_proven(const struct worker *worker);

/* Levels of servers that have joined: 0 to HEIGHT_MAX + 1. */
uint32_t workers_height(const struct workers *workers);

/* The worker that a span is best given to, or NULL; the same of those who do not have this span;
 * and one with an idle core, another than this, or NULL. */
struct worker *workers_ready(const struct workers *workers);
struct worker *workers_ready_for(const struct workers *workers, const struct span *span);
struct worker *workers_idle(const struct workers *workers, const struct worker *but);

/* The worker holds a run more, of `count` samples: fills in how long it takes, and when it is late.
 * And one less. */
void workers_hold(struct workers *workers, struct run *run, uint64_t count, int64_t now_ns);
void workers_release(struct workers *workers, struct run *run);

/* `samples` of a run took compute_ns on one core, as the worker says. */
void workers_measured(struct workers *workers, struct run *run, uint64_t samples,
                      uint64_t compute_ns);

/* Samples that the worker should be given of a request with `left` to give out from `first` on. */
uint64_t workers_span_size(const struct workers *workers, const struct worker *worker,
                           enum message_kind kind, uint64_t first, uint64_t left);

#endif
