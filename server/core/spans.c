/* The life of spans and runs: see spans.h. */
#include "server/core/spans.h"

#include <assert.h>
#include <stdlib.h>

#include "server/limits.h"

enum span_event {
    SPAN_EVENT_ASSIGN, /* a worker gets it */
    SPAN_EVENT_RETURN, /* one of its runs ends without a total */
    SPAN_EVENT_DROP,   /* it is summed, or its request has ended */
    SPAN_EVENTS,
};

#define SPAN_BUG SPAN_STATES

/* clang-format off */
static const enum span_state span_after[SPAN_STATES][SPAN_EVENTS] = {
    /*                  ASSIGN        RETURN        DROP      */
    [SPAN_FREE]    = { SPAN_RUNNING, SPAN_BUG,     SPAN_BUG  },
    [SPAN_WAITING] = { SPAN_RUNNING, SPAN_BUG,     SPAN_FREE },
    [SPAN_RUNNING] = { SPAN_TWICE,   SPAN_WAITING, SPAN_FREE },
    [SPAN_TWICE]   = { SPAN_BUG,     SPAN_RUNNING, SPAN_FREE },
};

enum run_event {
    RUN_EVENT_START,
    RUN_EVENT_CANCEL,
    RUN_EVENT_END, /* the worker has answered, or is lost */
    RUN_EVENTS,
};

#define RUN_BUG RUN_STATES

static const enum run_state run_after[RUN_STATES][RUN_EVENTS] = {
    /*                   START        CANCEL         END      */
    [RUN_FREE]      = { RUN_RUNNING, RUN_BUG,       RUN_BUG  },
    [RUN_RUNNING]   = { RUN_BUG,     RUN_CANCELLED, RUN_FREE },
    [RUN_CANCELLED] = { RUN_BUG,     RUN_BUG,       RUN_FREE },
};
/* clang-format on */

bool spans_init(struct spans *spans, uint32_t runs_max)
{
    /* calloc() of this size takes no memory for pages that are never used. */
    *spans = (struct spans){
        .all = calloc(runs_max, sizeof *spans->all),
        .runs = calloc(runs_max, sizeof *spans->runs),
        .runs_max = runs_max,
    };
    TAILQ_INIT(&spans->free_spans);
    TAILQ_INIT(&spans->free_runs);
    TAILQ_INIT(&spans->cancels);
    for (uint32_t skill = 0; skill < SKILLS_MAX; skill++) {
        TAILQ_INIT(&spans->of[skill].waiting);
        TAILQ_INIT(&spans->of[skill].suspects);
        TAILQ_INIT(&spans->of[skill].audits);
        TAILQ_INIT(&spans->of[skill].twice);
        TAILQ_INIT(&spans->of[skill].single);
    }
    return spans->all && spans->runs;
}

void spans_clear(struct spans *spans)
{
    free(spans->all);
    free(spans->runs);
}

/* ---- runs -------------------------------------------------------------------------------- */

static void run_move(struct run *run, enum run_event event)
{
    run->state = run_after[run->state][event];
    assert(run->state != RUN_BUG);
}

bool spans_run_available(const struct spans *spans)
{
    return spans->runs_used < spans->runs_max || !TAILQ_EMPTY(&spans->free_runs);
}

static struct run *run_start(struct spans *spans, struct span *span, struct worker *worker)
{
    struct run *run = TAILQ_FIRST(&spans->free_runs);

    assert(spans_run_available(spans));
    if (run)
        TAILQ_REMOVE(&spans->free_runs, run, in_worker);
    else
        run = &spans->runs[spans->runs_used++];
    run_move(run, RUN_EVENT_START);
    run->generation++;
    run->worker = worker;
    run->span = span;
    run->kind = span->request->asked.kind;
    return run;
}

static void run_end(struct spans *spans, struct run *run)
{
    run_move(run, RUN_EVENT_END);
    if (run->cancel_due)
        TAILQ_REMOVE(&spans->cancels, run, in_cancels);
    run->cancel_due = false;
    TAILQ_INSERT_TAIL(&spans->free_runs, run, in_worker);
}

static void run_cancel(struct spans *spans, struct run *run)
{
    run_move(run, RUN_EVENT_CANCEL);
    run->span = NULL;
    run->cancel_due = true;
    TAILQ_INSERT_TAIL(&spans->cancels, run, in_cancels);
}

struct run *spans_next_cancel(struct spans *spans)
{
    struct run *run = TAILQ_FIRST(&spans->cancels);

    if (run) {
        TAILQ_REMOVE(&spans->cancels, run, in_cancels);
        run->cancel_due = false;
    }
    return run;
}

uint64_t spans_id(const struct spans *spans, const struct run *run)
{
    return run->generation << RUN_INDEX_BITS | (uint64_t)(run - spans->runs);
}

struct run *spans_run(const struct spans *spans, uint64_t id)
{
    uint64_t index = id % RUNS_MAX;

    if (index >= spans->runs_max)
        return NULL;
    struct run *run = &spans->runs[index];
    return run->state != RUN_FREE && run->generation == id >> RUN_INDEX_BITS ? run : NULL;
}

/* ---- spans ------------------------------------------------------------------------------- */

bool spans_span_available(const struct spans *spans)
{
    return spans->spans_used < spans->runs_max || !TAILQ_EMPTY(&spans->free_spans);
}

/* The list that the span is in by `in_waiting`, or NULL. `deaths` does not change while a span is
 * WAITING, so a span leaves the same list that it entered. */
static struct span_list *span_list(struct spans *spans, const struct span *span)
{
    struct spans_of_skill *of = &spans->of[span->request->skill];

    if (span->state == SPAN_TWICE)
        return &of->twice;
    if (span->state == SPAN_WAITING && span->vote_count > 0)
        return &of->audits;
    if (span->state == SPAN_WAITING)
        return span_suspect(span) ? &of->suspects : &of->waiting;
    return NULL;
}

/* The only run of a RUNNING span. */
static struct run *span_single(const struct span *span)
{
    return span->runs[0] ? span->runs[0] : span->runs[1];
}

static void span_leave_lists(struct spans *spans, struct span *span)
{
    struct span_list *list = span_list(spans, span);

    if (list)
        TAILQ_REMOVE(list, span, in_waiting);
    if (span->state == SPAN_RUNNING)
        TAILQ_REMOVE(&spans->of[span->request->skill].single, span_single(span), in_single);
}

static void span_enter_lists(struct spans *spans, struct span *span)
{
    struct span_list *list = span_list(spans, span);

    if (list)
        TAILQ_INSERT_TAIL(list, span, in_waiting);
    if (span->state == SPAN_RUNNING)
        TAILQ_INSERT_TAIL(&spans->of[span->request->skill].single, span_single(span), in_single);
}

/* Sets *slot to `run`, and moves the span to its next state and lists. */
static void span_move(struct spans *spans, struct span *span, enum span_event event,
                      struct run **slot, struct run *run)
{
    span_leave_lists(spans, span);
    *slot = run;
    span->state = span_after[span->state][event];
    assert(span->state != SPAN_BUG);
    span_enter_lists(spans, span);
}

struct run *spans_assign(struct spans *spans, struct span *span, struct worker *worker)
{
    struct run *run = run_start(spans, span, worker);

    span_move(spans, span, SPAN_EVENT_ASSIGN, &span->runs[span->runs[0] ? 1 : 0], run);
    return run;
}

void spans_count_death(struct span *span, int64_t rests_until_ns)
{
    span->deaths++;
    if (!span_suspect(span))
        return;
    span->rests_until_ns = rests_until_ns;
    for (unsigned i = 0; i < SPAN_RUNS_MAX; i++)
        if (span->runs[i] && span->runs[i]->late_at_ns < rests_until_ns)
            span->runs[i]->late_at_ns = rests_until_ns; /* no second worker until then */
}

struct run *spans_cut(struct spans *spans, struct request *request, uint64_t first, uint64_t count,
                      struct worker *worker)
{
    struct span *span = TAILQ_FIRST(&spans->free_spans);

    if (span)
        TAILQ_REMOVE(&spans->free_spans, span, in_request);
    else {
        assert(spans_span_available(spans));
        span = &spans->all[spans->spans_used++];
    }
    *span = (struct span){.request = request, .first = first, .count = count};
    TAILQ_INSERT_TAIL(&request->spans, span, in_request);
    return spans_assign(spans, span, worker);
}

static void span_return(struct spans *spans, struct run *run)
{
    struct span *span = run->span;

    span_move(spans, span, SPAN_EVENT_RETURN, &span->runs[span->runs[0] == run ? 0 : 1], NULL);
}

void spans_return(struct spans *spans, struct run *run)
{
    if (run->span)
        span_return(spans, run);
    run_end(spans, run);
}

void spans_revoke(struct spans *spans, struct run *run)
{
    span_return(spans, run);
    run_cancel(spans, run);
}

void spans_drop(struct spans *spans, struct span *span)
{
    span_leave_lists(spans, span);
    span->state = span_after[span->state][SPAN_EVENT_DROP];
    assert(span->state == SPAN_FREE);
    for (unsigned i = 0; i < SPAN_RUNS_MAX; i++)
        if (span->runs[i])
            run_cancel(spans, span->runs[i]);
    TAILQ_REMOVE(&span->request->spans, span, in_request);
    TAILQ_INSERT_TAIL(&spans->free_spans, span, in_request);
}
