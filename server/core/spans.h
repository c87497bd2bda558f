/* Spans, the pieces of requests that workers compute, and runs: a span with a worker. Part of the
 * dispatcher's state: no clock, no allocation after spans_init(). */
#ifndef MEANTIME_SERVER_CORE_SPANS_H
#define MEANTIME_SERVER_CORE_SPANS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/core/dispatcher.h"

struct request;
struct worker;

/* A late span is with two workers; whoever is first ends it. */
#define SPAN_RUNS_MAX 2

enum span_state {
    SPAN_FREE,
    SPAN_WAITING, /* it came back without a total */
    SPAN_RUNNING, /* with one worker */
    SPAN_TWICE,   /* with two */
    SPAN_STATES,
};

/* Samples [first, first + count) of the request's stream. deaths: workers that were lost while they
 * computed it. rests_until_ns: its last chance comes no sooner, while it is a suspect. taken: how
 * often it was taken back from one of two who had it for too long. */
struct span {
    enum span_state state;
    struct request *request;
    uint64_t first;
    uint64_t count;
    uint32_t deaths;
    uint32_t revocations;
    int64_t rests_until_ns;
    struct run *runs[SPAN_RUNS_MAX]; /* NULL: none */
    TAILQ_ENTRY(span) in_request;    /* request.spans; the free list while FREE */
    TAILQ_ENTRY(span)
    in_waiting; /* spans.waiting or .suspects, while WAITING; .twice, while TWICE */
};
TAILQ_HEAD(span_list, span);

enum run_state {
    RUN_FREE,
    RUN_RUNNING,
    RUN_CANCELLED, /* the worker is still at it, or has yet to be told */
    RUN_STATES,
};

/* generation: grows each time that the storage is used, so that no two runs have the same id.
 * kind: the index of the stream's kind. span: while RUNNING. */
struct run {
    enum run_state state;
    uint64_t generation;
    struct worker *worker;
    struct span *span;
    unsigned kind;
    int64_t takes_ns; /* of its worker's time */
    int64_t late_at_ns;
    bool cancel_due;            /* it is in spans.cancels */
    TAILQ_ENTRY(run) in_worker; /* worker.runs; the free list while FREE */
    TAILQ_ENTRY(run) in_single; /* spans.single, while its span is RUNNING */
    TAILQ_ENTRY(run) in_cancels;
};
TAILQ_HEAD(run_list, run);

struct spans {
    struct span *all;
    struct run *runs;
    uint32_t spans_used; /* of `all`: the others have never been used */
    uint32_t runs_used;
    struct span_list free_spans;
    struct run_list free_runs;
    struct span_list waiting;  /* to be given before any other */
    struct span_list suspects; /* WAITING too, and resting: one death more fails the request */
    struct span_list twice;    /* that are TWICE, in the order in which they became it */
    struct run_list single;    /* runs of spans that are RUNNING, in the order of their starts */
    struct run_list cancels;   /* whose workers are to be told */
};

/* False where memory is short. */
bool spans_init(struct spans *spans);
void spans_clear(struct spans *spans);

/* True while another run can be had, and another span. */
bool spans_run_available(const struct spans *spans);
bool spans_span_available(const struct spans *spans);

/* True when one death more of its workers is one too many. */
static inline bool span_suspect(const struct span *span)
{
    return span->deaths == SPAN_DEATHS_MAX - 1;
}

/* A new span, with a worker at once. Needs spans_run_available(), spans_span_available() and, for a
 * worker that is proven, an empty spans.waiting. */
struct run *spans_cut(struct spans *spans, struct request *request, uint64_t first, uint64_t count,
                      struct worker *worker);

/* Whoever has the span was lost: it may be what that died of. Before spans_return(). */
void spans_count_death(struct span *span, int64_t rests_until_ns);

/* Gives a span that waits, or is late, to a worker. Needs spans_run_available(). */
struct run *spans_assign(struct spans *spans, struct span *span, struct worker *worker);

/* The number of a run, not 0, and the run of a number, or NULL where there is none any more. */
uint64_t spans_id(const struct spans *spans, const struct run *run);
struct run *spans_run(const struct spans *spans, uint64_t id);

/* The run has ended without a total. Its span, if it was wanted and nobody else has it, waits. */
void spans_return(struct spans *spans, struct run *run);

/* The run's worker is no longer to compute its span, which it has yet to be told. The span, if
 * nobody else has it, waits. */
void spans_revoke(struct spans *spans, struct run *run);

/* Nothing is left of the span: it is summed, or no longer wanted. Workers that still have it are to
 * be told. */
void spans_drop(struct spans *spans, struct span *span);

/* The next run whose worker is to be told that it is cancelled, or NULL. */
struct run *spans_next_cancel(struct spans *spans);

#endif
