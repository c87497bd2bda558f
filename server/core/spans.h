/* Spans and runs. A span is a part of a request, whole blocks, that one worker computes at a time.
 * A run is one span held by one worker. Part of the dispatcher's state: no clock, no allocation
 * after spans_init(). */
#ifndef MEANTIME_SERVER_CORE_SPANS_H
#define MEANTIME_SERVER_CORE_SPANS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/core/queue.h"

struct worker;

/* If a run is late, a second worker gets the span too. The first total ends both runs. */
#define SPAN_RUNS_MAX 2

/* If this many workers were lost while they computed the same span, its request fails. Before the
 * span gets its last worker, it rests for HEARTBEATS_MISSED heartbeats, because one cause, such as
 * a power cut, may take several workers at once. */
#define SPAN_DEATHS_MAX 3

enum span_state {
    SPAN_FREE,
    SPAN_WAITING, /* no run: a worker returned it without a total */
    SPAN_RUNNING, /* one run */
    SPAN_TWICE,   /* two runs, by two workers */
    SPAN_STATES,
};

/* Totals of an audited span that may differ. The third one has a majority, or there is none. */
#define AUDIT_VOTES_MAX 3

/* The total of an audited span, see audits.h. */
struct vote {
    uint64_t digest; /* of its bits */
    uint64_t joined; /* worker.joined */
    uint32_t worker; /* the number of the worker */
};

struct span {
    enum span_state state;
    struct request *request;
    uint64_t first;         /* the first sample, of the request's stream */
    uint64_t count;         /* samples */
    uint32_t deaths;        /* workers that were lost while they computed it */
    uint32_t helper_deaths; /* helper processes that died while they computed it */
    uint32_t vote_count;    /* of `votes`, which differ unless the span is settled */
    struct vote votes[AUDIT_VOTES_MAX];
    uint64_t agreed;                 /* the digest of the last total */
    uint32_t revocations;            /* how often one of two overdue runs was revoked */
    int64_t rests_until_ns;          /* a suspect is not assigned again before this */
    struct run *runs[SPAN_RUNS_MAX]; /* NULL: none */
    TAILQ_ENTRY(span) in_request;    /* request.spans; the free list while FREE */
    TAILQ_ENTRY(span)
    in_waiting; /* .waiting or .suspects of its skill, while WAITING; .twice, while TWICE */
};

enum run_state {
    RUN_FREE,
    RUN_RUNNING,
    RUN_CANCELLED, /* no total is wanted, but the worker has not confirmed the end yet */
    RUN_STATES,
};

struct run {
    enum run_state state;
    uint64_t generation; /* grows at each reuse of the storage, so that no two runs share an id */
    struct worker *worker;
    struct span *span;          /* NULL unless RUNNING */
    unsigned kind;              /* enum message_kind of the stream */
    int64_t takes_ns;           /* the expected time with all cores of its worker */
    int64_t held_at_ns;         /* when its worker got it */
    bool at_once;               /* its worker had an idle core for it */
    int64_t late_at_ns;         /* from then on another worker may get the span too */
    bool cancel_due;            /* it is in spans.cancels */
    TAILQ_ENTRY(run) in_worker; /* worker.runs; the free list while FREE */
    TAILQ_ENTRY(run) in_single; /* .single of its skill, while its span is RUNNING */
    TAILQ_ENTRY(run) in_cancels;
};
TAILQ_HEAD(run_list, run);

/* Spans whose requests need one skill. */
struct spans_of_skill {
    struct span_list waiting;  /* WAITING: assigned before new spans are cut */
    struct span_list suspects; /* WAITING and resting: one more death fails the request */
    struct span_list audits;   /* WAITING for another total, after the first one */
    struct span_list twice;    /* TWICE, in the order in which they got their second run */
    struct run_list single;    /* runs of spans that are RUNNING, in the order of their starts */
};

struct spans {
    struct span *all;
    struct run *runs;
    uint32_t runs_max;   /* entries of `all` and of `runs`, 1 to RUNS_MAX */
    uint32_t spans_used; /* of `all`: the others have never been used */
    uint32_t runs_used;
    struct span_list free_spans;
    struct run_list free_runs;
    struct spans_of_skill of[SKILLS_MAX];
    struct run_list cancels; /* runs whose worker has to get a cancel */
};

/* runs_max: runs at a time, and spans, 1 to RUNS_MAX. False if memory is short. */
bool spans_init(struct spans *spans, uint32_t runs_max);
void spans_clear(struct spans *spans);

/* Return true while storage is free for one more run, and for one more span. */
bool spans_run_available(const struct spans *spans);
bool spans_span_available(const struct spans *spans);

/* True if one more lost worker fails the span's request. */
static inline bool span_suspect(const struct span *span)
{
    return span->deaths == SPAN_DEATHS_MAX - 1;
}

/* Cuts a new span and assigns it to the worker at once. Needs spans_run_available() and
 * spans_span_available(). */
struct run *spans_cut(struct spans *spans, struct request *request, uint64_t first, uint64_t count,
                      struct worker *worker);

/* A worker was lost while it computed the span, and the span may have crashed it. Call this before
 * spans_return(). A suspect is not assigned again before rests_until_ns. */
void spans_count_death(struct span *span, int64_t rests_until_ns);

/* Assigns a waiting or late span to a worker. Needs spans_run_available(). */
struct run *spans_assign(struct spans *spans, struct span *span, struct worker *worker);

/* spans_id() returns the id of a run, never 0. spans_run() returns the run of an id, or NULL if
 * that run has ended. */
uint64_t spans_id(const struct spans *spans, const struct run *run);
struct run *spans_run(const struct spans *spans, uint64_t id);

/* Ends a run without a total. If its span is still wanted and has no other run, the span waits. */
void spans_return(struct spans *spans, struct run *run);

/* Cancels a run; its worker has to get a cancel. If the span has no other run, the span waits. */
void spans_revoke(struct spans *spans, struct run *run);

/* Frees a span that is summed or no longer wanted. Workers that still compute it have to get a
 * cancel. */
void spans_drop(struct spans *spans, struct span *span);

/* Takes the next run whose worker has to get a cancel, or NULL. */
struct run *spans_next_cancel(struct spans *spans);

#endif
