/* Assertions about the state of a dispatcher: see check.h. */
#include "tests/unit/server/check.h"

#include <criterion/criterion.h>

#include "server/core/dispatcher_state.h"
#include "tests/support/invariants.h"

void check_state(const struct dispatcher *d)
{
    const char *wrong = invariants_wrong(d);

    cr_assert_null(wrong, "%s", wrong);
}

void check_nothing_left(const struct dispatcher *d)
{
    const struct span *span;
    uint32_t free_spans = 0;

    check_state(d);
    cr_assert_not(dispatcher_busy(d));
    for (uint32_t i = 0; i < d->spans.runs_used; i++)
        cr_assert(d->spans.runs[i].state == RUN_FREE, "a run is left");
    TAILQ_FOREACH (span, &d->spans.free_spans, in_request)
        free_spans++;
    cr_assert(free_spans == d->spans.spans_used);
    for (uint32_t i = 0; i < d->queue.requests_used; i++)
        cr_assert(d->queue.requests[i].state == REQUEST_FREE);
}
