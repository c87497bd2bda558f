/* The assignment policy: which worker gets which span next, and when.
 *
 *  1. A skill is wanted if a request needs it. For each wanted skill, the next worker is the one
 * with the skill whose cores hold the fewest spans. Among equals, the worker that has waited
 * longest is next. A worker gets spans up to its credit (workers_ready).
 *  2. A waiting span comes first: a worker returned it without a total. If one
 *     more lost worker would fail the request of a span, this span is a suspect. A suspect rests
 *     first, and then waits like other spans.
 *  3. Exception to rule 2: an unproven worker has not returned a total since it joined. While there
 *     are new samples, such a worker gets no waiting span. Otherwise a worker that joins, takes
 *     the span and disconnects, again and again, could hold up the span for ever.
 *     Then an audit: a span that has a total and needs another one goes to a worker that has not
 *     computed it. If no other worker has the skill, the same worker computes it again.
 *  4. Then an overdue run: among spans with one run, the oldest run is late by OVERDUE_NS.
 *     The next worker gets the span of this run too, and the first total counts.
 *  5. Then a stuck span: both runs of a span are overdue. A third worker gets the span, and the
 *     dispatcher revokes the run that was late first.
 *  6. Then a new span, cut from the request whose turn it is, among those of all skills.
 *  7. Last, a late run: a worker with an idle core gets the span too.
 *
 * Rules 2 to 5 are tried for one skill after the other, then rule 6, then rule 7. Rules 5 and 7
 * check only the LATE_LOOKS oldest candidates. */
#include "server/core/assign.h"

#include <assert.h>

#include "proto/instant.h"
#include "server/core/audits.h"

/* Candidates that rules 5 and 7 check. When all samples are assigned, few runs are left, and the
 * oldest runs are late first. */
#define LATE_LOOKS 64

/* ---- candidates -------------------------------------------------------------------------- */

/* Rule 2. NULL: none. */
static struct span *waiting_span(const struct dispatcher *d, uint32_t skill)
{
    struct span *waiting = TAILQ_FIRST(&d->spans.of[skill].waiting);
    struct span *suspect = TAILQ_FIRST(&d->spans.of[skill].suspects);

    if (waiting)
        return waiting;
    return suspect && suspect->rests_until_ns <= d->now_ns ? suspect : NULL;
}

/* Rule 4. NULL: none, or the run is this worker's own. */
static const struct run *overdue_run(const struct dispatcher *d, uint32_t skill,
                                     const struct worker *w)
{
    const struct run *run = TAILQ_FIRST(&d->spans.of[skill].single);

    return run && run->worker != w && !audit_has_voted(&d->workers, run->span, w) &&
                   run->late_at_ns + OVERDUE_NS <= d->now_ns
               ? run
               : NULL;
}

/* An audit that a ready worker may compute, and this worker. NULL: none. */
static struct span *audit_span(const struct dispatcher *d, uint32_t skill, bool cut,
                               struct worker **w)
{
    struct span *span;
    int looks = 0;

    TAILQ_FOREACH (span, &d->spans.of[skill].audits, in_waiting) {
        if (looks++ == AUDIT_LOOKS)
            break;
        if (span->rests_until_ns > d->now_ns)
            continue;
        *w = audit_worker(&d->workers, span, cut);
        if (*w)
            return span;
    }
    return NULL;
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
static struct span *stuck_span(const struct dispatcher *d, uint32_t skill)
{
    struct span *stuck = NULL, *span;
    int looks = 0;

    TAILQ_FOREACH (span, &d->spans.of[skill].twice, in_waiting) {
        if (looks++ == LATE_LOOKS)
            break;
        if (span->vote_count == 0 && (!stuck || stuck_at_ns(span) < stuck_at_ns(stuck)) &&
            workers_ready_for(&d->workers, span))
            stuck = span;
    }
    return stuck;
}

/* Rule 7: the run that is late first, if another worker has an idle core. NULL: none. */
static const struct run *late_run(const struct dispatcher *d, uint32_t skill)
{
    const struct run *late = NULL, *run;
    int looks = 0;

    if (!workers_idle(&d->workers, skill, NULL))
        return NULL;
    TAILQ_FOREACH (run, &d->spans.of[skill].single, in_single) {
        if (looks++ == LATE_LOOKS)
            break;
        if (run->span->vote_count == 0 && workers_idle(&d->workers, skill, run->worker) &&
            (!late || run->late_at_ns < late->late_at_ns))
            late = run;
    }
    return late;
}

/* ---- assignments ------------------------------------------------------------------------- */

static uint64_t terms_size(struct dispatcher *d, const struct request *r, const struct worker *w,
                           uint64_t first)
{
    const struct rate *rate = terms_rate(&d->terms, r->terms);
    uint64_t left = request_left(r);
    double blocks =
        workers_span_blocks(&d->workers, w, r->skill, rate_ns(rate, left) / TERMS_BLOCK_NS);

    return rate_span(rate, blocks * TERMS_BLOCK_NS, first, left);
}

static struct run *assign_new(struct dispatcher *d, struct request *r, struct worker *w)
{
    uint64_t first = r->asked.first + r->assigned;
    uint64_t count = r->terms
                         ? terms_size(d, r, w, first)
                         : workers_span_size(&d->workers, w, r->asked.kind, first, request_left(r));

    assert(TAILQ_EMPTY(&d->spans.of[r->skill].waiting) || !worker_proven(w)); /* rules 2 and 3 */
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

/* Skills for which a worker has credit left, among those that requests need. */
static skill_set skills_ready(const struct dispatcher *d)
{
    skill_set ready = 0;

    for (skill_set left = d->queue.needed; left; left &= left - 1)
        if (d->workers.ready_of[skill_lowest(left)] > 0)
            ready |= skill_bit(skill_lowest(left));
    return ready;
}

/* Rules 2 to 5. */
static struct run *assign_again(struct dispatcher *d, uint32_t skill, bool may_cut)
{
    struct worker *w = workers_ready(&d->workers, skill);
    struct span *waiting = waiting_span(d, skill);
    struct request *r = may_cut ? queue_next(&d->queue, skill_bit(skill)) : NULL;

    if (waiting && r && !worker_proven(w))
        return assign_new(d, r, w);
    if (waiting)
        return spans_assign(&d->spans, waiting, w);
    struct span *audit = audit_span(d, skill, r != NULL, &w);
    if (audit)
        return spans_assign(&d->spans, audit, w);
    w = workers_ready(&d->workers, skill);
    const struct run *overdue = overdue_run(d, skill, w);
    if (overdue)
        return assign_too(d, overdue, w);
    struct span *stuck = stuck_span(d, skill);
    return stuck && stuck_at_ns(stuck) <= d->now_ns ? assign_instead(d, stuck) : NULL;
}

/* Rule 7. */
static struct run *assign_late(struct dispatcher *d, uint32_t skill)
{
    const struct run *late = late_run(d, skill);

    if (!late || late->late_at_ns > d->now_ns)
        return NULL;
    return assign_too(d, late, workers_idle(&d->workers, skill, late->worker));
}

struct run *assign_next(struct dispatcher *d)
{
    skill_set ready = skills_ready(d), left;
    bool may_cut = spans_span_available(&d->spans);
    struct run *run = NULL;

    if (!ready || !spans_run_available(&d->spans))
        return NULL;
    for (left = ready; left && !run; left &= left - 1)
        run = assign_again(d, skill_lowest(left), may_cut);
    struct request *r = may_cut ? queue_next(&d->queue, ready) : NULL;
    if (!run && r)
        run = assign_new(d, r, workers_ready(&d->workers, r->skill));
    for (left = ready; left && !run; left &= left - 1)
        run = assign_late(d, skill_lowest(left));
    return run;
}

/* The time at which rule 2, 5 or 7 assigns a span of this skill. */
static int64_t audits_due_at(const struct dispatcher *d, uint32_t skill)
{
    const struct span *span;
    int64_t due_at_ns = NEVER;
    int looks = 0;

    TAILQ_FOREACH (span, &d->spans.of[skill].audits, in_waiting)
        if (looks++ < AUDIT_LOOKS && span->rests_until_ns > d->now_ns)
            due_at_ns = earlier(due_at_ns, span->rests_until_ns);
    return due_at_ns;
}

static int64_t skill_due_at(const struct dispatcher *d, uint32_t skill)
{
    const struct span *suspect = TAILQ_FIRST(&d->spans.of[skill].suspects);
    const struct run *late = late_run(d, skill);
    const struct span *stuck = stuck_span(d, skill);
    int64_t due_at_ns = earlier(late ? late->late_at_ns : NEVER, audits_due_at(d, skill));

    if (stuck)
        due_at_ns = earlier(due_at_ns, stuck_at_ns(stuck));
    return suspect ? earlier(due_at_ns, suspect->rests_until_ns) : due_at_ns;
}

int64_t assign_due_at(const struct dispatcher *d)
{
    int64_t due_at_ns = NEVER;

    if (!spans_run_available(&d->spans))
        return NEVER;
    for (skill_set left = skills_ready(d); left; left &= left - 1)
        due_at_ns = earlier(due_at_ns, skill_due_at(d, skill_lowest(left)));
    return due_at_ns;
}
