/* Fills in a status reply from a dispatcher's state. Changes nothing. */
#include <string.h>

#include "proto/instant.h"
#include "server/core/dispatcher_state.h"
#include "sums/stream.h"

static void write_worker(const struct dispatcher *d, int64_t now_ns, const struct worker *w,
                         struct worker_status *status)
{
    static const enum worker_status_state states[WORKER_STATES] = {
        [WORKER_JOINED] = WORKER_STATUS_JOINED,
        [WORKER_RESTING] = WORKER_STATUS_JOINED,
        [WORKER_LEAVING] = WORKER_STATUS_LEAVING,
    };
    uint64_t credit = (uint64_t)w->capacity * WORKER_CREDIT;
    double samples_ns =
        BLOCK_SAMPLES * 1e9 * worker_cores(w); /* samples per second times block_ns */

    *status = (struct worker_status){
        .number = workers_number(&d->workers, w),
        .state = w->thread ? WORKER_STATUS_THREAD : states[w->state],
        .capacity = w->capacity,
        .credit = (uint32_t)(credit < WORKER_CREDIT_MAX ? credit : WORKER_CREDIT_MAX),
        .in_flight = w->held,
        .gaussian_rate = samples_ns / w->block_ns[MESSAGE_KIND_GAUSSIAN],
        .uniform_rate = samples_ns / w->block_ns[MESSAGE_KIND_UNIFORM],
        .silent_ms = w->thread ? 0 : (uint32_t)((now_ns - w->received_at_ns) / NS_PER_MS),
        .samples = w->samples,
    };
    memcpy(status->name, w->name, sizeof status->name);
    memcpy(status->kernel, w->kernel, sizeof status->kernel);
}

static uint32_t request_runs(const struct request *r)
{
    const struct span *span;
    uint32_t runs = 0;

    TAILQ_FOREACH (span, &r->spans, in_request)
        runs += (span->runs[0] != NULL) + (span->runs[1] != NULL);
    return runs;
}

static void write_request(const struct dispatcher *d, int64_t now_ns, const struct request *r,
                          struct request_status *status)
{
    *status = (struct request_status){
        .client = queue_client_number(&d->queue, r->client),
        .id = r->asked.id,
        .seed = r->asked.seed,
        .kind = r->asked.kind,
        .first = r->asked.first,
        .count = r->asked.count,
        .done = r->total.count,
        .in_flight = request_runs(r),
        .age_ms = (uint64_t)((now_ns - r->began_at_ns) / NS_PER_MS),
    };
    if (r->terms)
        strcpy(status->summand, r->asked.summand);
}

static bool is_shown(const struct dispatcher *d, const struct request *r,
                     const struct status_filter *filter)
{
    return !filter || filter->shows(filter->context, queue_client_number(&d->queue, r->client));
}

static void write_requests(const struct dispatcher *d, int64_t now_ns, uint32_t skip,
                           const struct status_filter *filter, struct status_reply *status)
{
    const struct request *r;

    status->request_count = status->requests_listed = 0;
    TAILQ_FOREACH (r, &d->queue.open, in_state) {
        if (!is_shown(d, r, filter))
            continue;
        status->request_count++;
        if (status->requests_listed < STATUS_ENTRIES_MAX && (skip == 0 || skip-- == 0))
            write_request(d, now_ns, r, &status->requests[status->requests_listed++]);
    }
}

void dispatcher_status(const struct dispatcher *d, int64_t now_ns,
                       const struct status_request *asked, const struct status_filter *filter,
                       struct status_reply *status)
{
    uint32_t skip = asked->first_worker;

    status->draining = d->draining;
    status->counters = d->counters;
    status->worker_count = d->workers.worker_count;
    status->offer_count = skills_offers(&d->workers.skills, status->offers);
    status->workers_listed = 0;
    for (uint32_t i = 0; i < d->workers.workers_max && status->workers_listed < STATUS_ENTRIES_MAX;
         i++)
        if (d->workers.table[i].state != WORKER_FREE && (skip == 0 || skip-- == 0))
            write_worker(d, now_ns, &d->workers.table[i],
                         &status->workers[status->workers_listed++]);
    write_requests(d, now_ns, asked->first_request, filter, status);
}
