/* Decides when each address of a name is probed, as in Happy Eyeballs (RFC 8305): the next address
 * begins DIAL_STAGGER_NS after the one before, or at once if that one has failed.
 *
 * A pure core: the time and the outcomes come in. No socket, clock or allocation.
 *
 *     dial_plan_init(&plan, count, now_ns);
 *     while (!dial_plan_over(&plan)) {
 *         while ((i = dial_plan_begin(&plan, now_ns)) != DIAL_NO_ADDRESS)  probe address i
 *         while ((i = dial_plan_expire(&plan, now_ns)) != DIAL_NO_ADDRESS) give address i up
 *         wait until dial_plan_due_at(&plan), or until an outcome: dial_plan_end(&plan, i, ...)
 *     } */
#ifndef MEANTIME_DIAL_PLAN_H
#define MEANTIME_DIAL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/instant.h"

/* The addresses of one name that are tried. Each one costs a few descriptors. */
#define DIAL_ADDRESSES_MAX 8

/* Larger than any index of an address. */
#define DIAL_NO_ADDRESS SIZE_MAX

/* RFC 8305 recommends this pause. */
#define DIAL_STAGGER_NS (250 * NS_PER_MS)

/* How long TCP may take to connect. TCP sends a lost first packet again after 1 s, and a round trip
 * to the other side of the world takes 0.2 s. */
#define DIAL_PROBE_NS (2 * NS_PER_S)

struct dial_plan {
    size_t count;                              /* of addresses, 0 to DIAL_ADDRESSES_MAX */
    size_t begun;                              /* addresses 0 to begun - 1 have begun */
    size_t running;                            /* probes that have begun but not ended */
    int64_t begin_at_ns;                       /* when the next address begins */
    int64_t expires_at_ns[DIAL_ADDRESSES_MAX]; /* of a running probe; NEVER: not running */
};

void dial_plan_init(struct dial_plan *plan, size_t count, int64_t now_ns);

/* Returns the index of an address whose probe begins now, or DIAL_NO_ADDRESS. */
size_t dial_plan_begin(struct dial_plan *plan, int64_t now_ns);

/* Returns the index of an address whose probe has timed out and is now ended, or DIAL_NO_ADDRESS.
 */
size_t dial_plan_expire(struct dial_plan *plan, int64_t now_ns);

/* Returns whether the probe of an address has begun and not ended. */
bool dial_plan_runs(const struct dial_plan *plan, size_t address);

/* Ends a running probe. failed: the next address begins at once. */
void dial_plan_end(struct dial_plan *plan, size_t address, bool failed, int64_t now_ns);

/* Returns when to call dial_plan_begin() and dial_plan_expire() at the latest, or NEVER. */
int64_t dial_plan_due_at(const struct dial_plan *plan);

/* Returns whether all addresses have been probed. */
bool dial_plan_over(const struct dial_plan *plan);

#endif
