/* The workers: their speed, their load, and the time of their last message. Part of the
 * dispatcher's state: no clock, no allocation after workers_init(). */
#ifndef MEANTIME_SERVER_CORE_WORKERS_H
#define MEANTIME_SERVER_CORE_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/instant.h"
#include "proto/message.h"
#include "server/core/skills.h"
#include "server/core/spans.h"
#include "server/limits.h"

/* A run is late if it takes twice the expected time and LATE_NS more. A short pause of the network
 * or of a busy machine is no reason to compute a span twice. */
#define LATE_NS (20 * NS_PER_MS)

/* Measurements are indexed by enum message_kind. Index 0 is for terms of all summands: a request
 * learns its time per term, in ns of an average worker, and TERMS_BLOCK_NS of such time are one
 * block. So block_ns[0] is the relative speed of a worker. */
#define KINDS          3
#define TERMS_BLOCK_NS (100 * NS_PER_US)

enum worker_state {
    WORKER_FREE,
    WORKER_JOINED,
    WORKER_RESTING, /* it refused a span: it gets no span until its next heartbeat */
    WORKER_LEAVING, /* it finishes its spans and gets no more */
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

/* What a joined worker has delivered, by the clock of this server. Older totals count less: see
 * PACE_WINDOW_NS. */
struct pace {
    double core_ns;   /* time in which its cores held spans, without latency, all cores added */
    double work_ns;   /* time that one core would need for the totals at full speed, with latency */
    double busy_ns;   /* time in which the worker held spans */
    double blocks;    /* blocks of the totals that arrived in this time */
    double proven_ns; /* time in which the worker held spans, up to now; does not decay */
};

/* The time of a joined worker since its last total. */
struct use {
    int64_t counted_to_ns; /* the end of what is counted */
    double core_ns;        /* time in which its cores held spans, all cores added */
    double busy_ns;        /* time in which the worker held spans */
};

struct worker {
    enum worker_state state;
    bool thread;               /* a compute thread, which never leaves and is never lost */
    uint32_t capacity;         /* cores, 0 to CAPACITY_MAX */
    uint32_t height;           /* levels of servers below it, 0 to HEIGHT_MAX */
    uint32_t held;             /* runs that it holds */
    uint32_t runs_max;         /* runs that it may hold: WORKER_CREDIT to WORKER_CREDIT_MAX */
    uint32_t totals;           /* that arrived since it joined, up to WORKER_CREDIT_MAX */
    int level;                 /* the index of its list in workers.ready; -1: it gets no span now */
    struct run_list runs;      /* the oldest first */
    double block_ns[KINDS];    /* of one core: the reported or the delivered time, the longer */
    double reported_ns[KINDS]; /* the same, as the worker reports it, smoothed */
    double best_ns[KINDS];     /* the shortest time of a block that it reported lately */
    int measured[KINDS];       /* how many reports reported_ns holds, up to 4 */
    struct pace pace[KINDS];   /* what the worker has delivered; zeros of a compute thread */
    double latency_ns;         /* of a span and its total on their way; -1: not known */
    struct use use;            /* since its last total; zeros of a compute thread */
    int64_t queued_ns;         /* expected time of all its runs, on all its cores together */
    int64_t received_at_ns;    /* when its last message arrived */
    uint64_t samples;          /* samples that it has summed since it joined */
    uint64_t terms;            /* the same for terms of summands */
    skill_set skills;          /* that it has */
    skill_set verified;        /* skills of which a total has agreed with that of an audit */
    uint64_t joined;           /* how often a worker with this number has joined */
    skill_set banned;          /* skills that it has lost, because its totals had other bits */
    char name[NAME_BYTES_MAX + 1];
    char kernel[NAME_BYTES_MAX + 1];
    TAILQ_ENTRY(worker) in_ready;
    TAILQ_ENTRY(worker) in_by_silence; /* workers.by_silence, unless it is a thread */
    TAILQ_ENTRY(worker) in_joined;     /* workers.joined, unless it is a thread */
};
TAILQ_HEAD(worker_list, worker);

struct workers {
    struct worker *table;                       /* all workers by number: the threads first */
    uint32_t threads;                           /* compute threads */
    uint32_t workers_max;                       /* entries of `table` */
    int64_t span_ns;                            /* of a joined worker, on one core */
    uint32_t worker_count;                      /* entries that are not FREE */
    uint32_t held;                              /* runs, of all workers */
    uint64_t capacity;                          /* cores, of all workers that do not leave */
    double speed[KINDS];                        /* blocks per ns, of the same workers */
    struct skills skills;                       /* of all workers and requests */
    struct skill_loss losses[SKILL_LOSSES_MAX]; /* that workers_next_loss() has not returned yet */
    uint32_t loss_count;                     /* of `losses`; if they are full, more are dropped */
    uint32_t ready_of[SKILLS_MAX];           /* workers in `ready` that have each skill */
    struct worker_list ready[WORKER_CREDIT]; /* workers whose cores hold 0, 1, ... spans each */
    uint32_t of_height[HEIGHT_MAX + 1];      /* how many joined workers have each height */
    struct worker_list by_silence;           /* joined workers, the longest silent first */
    struct worker_list joined;               /* joined workers, in the order of their joining */
    struct worker *heartbeat_next;           /* in the current round of heartbeats; NULL: none */
};

/* The compute threads are workers at once, with these offers. False if memory is short. */
bool workers_init(struct workers *workers, uint32_t threads, uint32_t joined_max, int64_t span_ns,
                  const struct offers *offers);
void workers_clear(struct workers *workers);

/* workers_at() returns the worker of a number, in any state, or NULL if the number is too large.
 * workers_number() returns the number of a worker. */
struct worker *workers_at(const struct workers *workers, uint32_t number);
uint32_t workers_number(const struct workers *workers, const struct worker *worker);

/* Adds a FREE worker with the values of its Join. */
void workers_join(struct workers *workers, struct worker *worker, const struct join *join,
                  int64_t now_ns);

/* Removes a worker that holds no runs. */
void workers_remove(struct workers *workers, struct worker *worker);

/* Moves the worker to the state that follows from the event: any except JOIN and LOST. */
void workers_apply(struct workers *workers, struct worker *worker, enum worker_event event);

/* A message arrived from the worker. */
void workers_received(struct workers *workers, struct worker *worker, int64_t now_ns);
void workers_set_capacity(struct workers *workers, struct worker *worker, uint32_t capacity);
void workers_set_height(struct workers *workers, struct worker *worker, uint32_t height);

/* The worker has these skills and no others, except those from which it is banned. Returns true if
 * its skills have changed. */
bool workers_set_offers(struct workers *workers, struct worker *worker,
                        const struct offers *offers);

/* The worker loses the skill. SKILL_OTHER_BITS: until it joins again, whatever it offers. */
void workers_lose_skill(struct workers *workers, struct worker *worker, uint32_t skill,
                        enum skill_loss_reason reason);

/* Takes the newest loss of a skill by a worker that has not left. False if there is none. */
bool workers_next_loss(struct workers *workers, struct skill_loss *loss);

/* Cores that the worker really has, as far as this server can see: 0 to its capacity. */
uint32_t worker_cores(const struct worker *worker);

/* True if it is a compute thread, or has returned a total since it joined. */
bool worker_proven(const struct worker *worker);

/* Levels of servers that have joined this one: 0 to HEIGHT_MAX + 1. */
uint32_t workers_height(const struct workers *workers);

/* The worker that gets the next span of this skill, or NULL if no worker with the skill has credit
 * left. */
struct worker *workers_ready(const struct workers *workers, uint32_t skill);

/* The worker that gets the next run of this span: one that does not hold the span yet. Or NULL. */
struct worker *workers_ready_for(const struct workers *workers, const struct span *span);

/* A worker with the skill and an idle core, but not the worker `but`. NULL: no such worker. but:
 * may be NULL. */
struct worker *workers_idle(const struct workers *workers, uint32_t skill,
                            const struct worker *but);

/* Adds a run to the worker's load. Fills in run->takes_ns and late_at_ns.
 * blocks: its work, above 0. count: its samples or terms, 1 or more. */
void workers_hold(struct workers *workers, struct run *run, double blocks, uint64_t count,
                  int64_t now_ns);

/* Removes a run from the worker's load. After workers_measured(), unless the run has no total. */
void workers_release(struct workers *workers, struct run *run, int64_t now_ns);

/* The worker reports that `samples` of a run took compute_ns on one core. */
void workers_measured(struct workers *workers, struct run *run, uint64_t samples,
                      uint64_t compute_ns, int64_t now_ns);

/* The worker reports that `terms` of a run took compute_ns on one core.
 * blocks: the work of these terms; 0: not known. */
void workers_measured_terms(struct workers *workers, struct run *run, uint64_t terms, double blocks,
                            uint64_t compute_ns, int64_t now_ns);

/* The work of a new span of terms for this worker, in blocks. left: the work that is not assigned
 * yet. */
double workers_span_blocks(const struct workers *workers, const struct worker *worker,
                           uint32_t skill, double left);

/* How many samples a new span for this worker has. The request has `left` samples to assign, from
 * `first` on. The result is 1 to `left`. */
uint64_t workers_span_size(const struct workers *workers, const struct worker *worker,
                           enum message_kind kind, uint64_t first, uint64_t left);

#endif
