/* Anybody's work while a server computes: paced slices, and a look after each. */
#include <stdbool.h>

#include "client/clock.h"
#include "client/meantime.h"
#include "client/pacing.h"

#define SLICE_NS INT64_C(1000000)

/* One slice. False: nothing was left to do. */
static bool work(struct pacing *pacing, meantime_slice *slice, void *state)
{
    int64_t began_at_ns = clock_ns();
    uint64_t done = slice(state, pacing_units(pacing));

    pacing_measured(pacing, done, clock_ns() - began_at_ns);
    return done > 0;
}

static void look(struct meantime *m, struct pacing *pacing)
{
    int64_t began_at_ns = clock_ns();

    meantime_look(m);
    pacing_looked(pacing, clock_ns() - began_at_ns);
}

int meantime_overlap(struct meantime *m, uint64_t request, meantime_slice *slice, void *state,
                     int64_t slice_ns)
{
    struct meantime_progress progress;
    struct pacing pacing;

    if (slice_ns < 0)
        return MEANTIME_INVALID;
    if (request && meantime_progress(m, request, &progress) != MEANTIME_OK)
        return MEANTIME_UNKNOWN;
    pacing_init(&pacing, slice_ns ? slice_ns : SLICE_NS);
    while (work(&pacing, slice, state))
        look(m, &pacing);
    if (request && meantime_wait(m, request, -1) == MEANTIME_INTERRUPTED)
        return MEANTIME_INTERRUPTED;
    return MEANTIME_OK; /* or the slices have taken it already */
}
