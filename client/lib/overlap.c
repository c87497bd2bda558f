/* Overlaps the caller's work with a request: paced slices of work, and a look after each one. */
#include <sched.h>
#include <stdbool.h>

#include "client/lib/clock.h"
#include "client/lib/meantime.h"
#include "client/lib/pacing.h"
#include "proto/instant.h"

#define SLICE_NS NS_PER_MS

/* Does one slice. Returns false if no work was left. */
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

/* A look sends the request. Until then, makes slices shorter. Returns whether slices are shorter
 * now. */
static bool hurry(const struct meantime *m, uint64_t request, struct pacing *pacing,
                  int64_t began_at_ns)
{
    struct meantime_progress progress;
    bool waits = request && meantime_progress(m, request, &progress) == MEANTIME_OK &&
                 progress.attempts == 0;

    return pacing_waited(pacing, waits ? clock_ns() - began_at_ns : 0);
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
    int64_t began_at_ns = clock_ns();
    while (work(&pacing, slice, state)) {
        bool hurried = hurry(m, request, &pacing, began_at_ns);
        look(m, &pacing);
        if (hurried)
            sched_yield(); /* libzmq's thread may need this core; it would otherwise wait 4 ms */
    }
    if (request && meantime_wait(m, request, -1) == MEANTIME_INTERRUPTED)
        return MEANTIME_INTERRUPTED;
    return MEANTIME_OK; /* also if the result was taken by a slice */
}
