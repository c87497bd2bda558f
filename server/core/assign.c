/* The assignment policy: which worker gets which span next, and when.
 *
 *  1. The next worker is the one whose cores hold the fewest spans. Among equals, the worker that
 *     has waited longest is next. A worker gets spans up to its credit (workers_ready).
 *  2. A waiting span comes first: a worker returned it without a total. If one
 *     more lost worker would fail the request of a span, this span is a suspect. A suspect rests
 *     first, and then waits like other spans.
 *  3. Exception to rule 2: an unproven worker has not returned a total since it joined. While there
 *     are new samples, such a worker gets no waiting span. Otherwise a worker that joins, takes
 *     the span and disconnects, again and again, could hold up the span for ever.
 *  4. Then an overdue run: among spans with one run, the oldest run is late by OVERDUE_NS.
 *     The next worker gets the span of this run too, and the first total counts.
 *  5. Then a stuck span: both runs of a span are overdue. A third worker gets the span, and the
 *     dispatcher revokes the run that was late first.
 *  6. Then a new span, cut from the request whose turn it is.
 *  7. Last, a late run: a worker with an idle core gets the span too.
 *
 * Rules 5 and 7 check only the LATE_LOOKS oldest candidates. */
#include "server/core/assign.h"

#include <assert.h>

#include "proto/instant.h"

/* Candidates that rules 5 and 7 check. When all samples are assigned, few runs are left, and the
 * oldest runs are late first. */
#define LATE_LOOKS 64

/* ---- candidates -------------------------------------------------------------------------- */

/* Rule 2. NULL: none. */
static struct span *waiting_span(const struct dispatcher *d)
{
    struct span *waiting = TAILQ_FIRST(&d->spans.waiting);
    struct span *suspect = TAILQ_FIRST(&d->spans.suspects);

    if (waiting)
        return waiting;
    return suspect && suspect->rests_until_ns <= d->now_ns ? suspect : NULL;
}

/* Rule 4. NULL: none, or the run is this worker's own. */
static const struct run *overdue_run(const struct dispatcher *d, const struct worker *w)
{
    const struct run *run = TAILQ_FIRST(&d->spans.single);

    return run && run->worker != w && run->late_at_ns + OVERDUE_NS <= d->now_ns ? run : NULL;
}

/* Rule 5: the time at which both runs of the span are overdue. */
static int64_t stuck_at_ns(const struct span *span)
{
    uint32_t revocations =
        span->revocations < REVOCATIONS_MAX ? span->revocations : REVOCATIONS_MAX;

    return later(span->runs[0]->late_at_ns, span->runs[1]->late_at_ns) +
           (OVERDUE_NS << revocations);
}

/* Rule 5: the span that is stuck first, if a third worker is ready for the span. NULL: none. */
static struct span *stuck_span(const struct dispatcher *d)
{
    struct span *stuck = NULL, *span;
    int looks = 0;

    TAILQ_FOREACH (span, &d->spans.twice, in_waiting) {
        if (looks++ == LATE_LOOKS)
            break;
        if ((!stuck || stuck_at_ns(span) < stuck_at_ns(stuck)) &&
            workers_ready_for(&d->workers, span))
            stuck = span;
    }
    return stuck;
}

/* Rule 7: the run that is late first, if another worker has an idle core. NULL: none. */
static const struct run *late_run(const struct dispatcher *d)
{
    const struct run *late = NULL, *run;
    int looks = 0;

    if (!workers_idle(&d->workers, NULL))
        return NULL;
    TAILQ_FOREACH (run, &d->spans.single, in_single) {
        if (looks++ == LATE_LOOKS)
            break;
        if (workers_idle(&d->workers, run->worker) && (!late || run->late_at_ns < late->late_at_ns))
            late = run;
    }
    return late;
}

/* ---- assignments ------------------------------------------------------------------------- */

static struct run *assign_new(struct dispatcher *d, struct request *r, struct worker *w)
{
    uint64_t first = r->asked.first + r->assigned;
    uint64_t count = workers_span_size(&d->workers, w, r->asked.kind, first, request_left(r));

    assert(TAILQ_EMPTY(&d->spans.waiting) || !worker_proven(w)); /* rules 2 and 3 */
    queue_assigned(&d->queue, r, count);
    return spans_cut(&d->spans, r, first, count, w);
}

/* The span gets a second run. */
static struct run *assign_too(struct dispatcher *d, const struct run *late, struct worker *w)
{
    d->counters.given_twice++;
    return spans_assign(&d->spans, late->span, w);
}

/* The span gets a third run, which replaces the run that was late first. */
static struct run *assign_instead(struct dispatcher *d, struct span *span)
{
    struct worker *w = workers_ready_for(&d->workers, span);
    bool first = span->runs[0]->late_at_ns <= span->runs[1]->late_at_ns;

    d->counters.requeued++;
    span->revocations++;
    spans_revoke(&d->spans, span->runs[first ? 0 : 1]);
    return spans_assign(&d->spans, span, w);
}

struct run *assign_next(struct dispatcher *d)
{
    struct worker *w = workers_ready(&d->workers);
    struct span *waiting = waiting_span(d);
    struct request *r = spans_span_available(&d->spans) ? queue_next(&d->queue) : NULL;

    if (!w || !spans_run_available(&d->spans))
        return NULL;
    if (waiting && r && !worker_proven(w))
        return assign_new(d, r, w);
    if (waiting)
        return spans_assign(&d->spans, waiting, w);
    const struct run *overdue = overdue_run(d, w);
    if (overdue)
        return assign_too(d, overdue, w);
    struct span *stuck = stuck_span(d);
    if (stuck && stuck_at_ns(stuck) <= d->now_ns)
        return assign_instead(d, stuck);
    if (r)
        return assign_new(d, r, w);
    const struct run *late = late_run(d);
    if (!late || late->late_at_ns > d->now_ns)
        return NULL;
    return assign_too(d, late, workers_idle(&d->workers, late->worker));
}

int64_t assign_due_at(const struct dispatcher *d)
{
    const struct span *suspect = TAILQ_FIRST(&d->spans.suspects);

    if (!spans_run_available(&d->spans) || !workers_ready(&d->workers))
        return NEVER;
    const struct run *late = late_run(d);
    const struct span *stuck = stuck_span(d);
    int64_t due_at_ns = late ? late->late_at_ns : NEVER;
    if (stuck)
        due_at_ns = earlier(due_at_ns, stuck_at_ns(stuck));
    return suspect ? earlier(due_at_ns, suspect->rests_until_ns) : due_at_ns;
}
