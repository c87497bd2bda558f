/* Paces work: computes how many units the next slice has, so that a slice takes about a given time.
 * A pure core: the caller does the work, reads the clock, and reports the times. One thread.
 * Nothing needs to be cleared. */
#ifndef MEANTIME_CLIENT_LIB_PACING_H
#define MEANTIME_CLIENT_LIB_PACING_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/instant.h"

/* The largest slice: a trillion units, a second's work of a thousand cores if a unit takes 1 ns.
 * With blocks of 2^16 samples, units * 2^16 stays far inside 64 bits. */
#define PACING_UNITS_MAX (UINT64_C(1) << 40)

/* The largest growth from one slice to the next. If one slice looks fast by accident, the next one
 * is at most four times too long. From one unit to sixty takes three slices. */
#define PACING_GROWTH_MAX 4

/* If the caller reports looks, slices are stretched to this many times the cost of a look. Then
 * looks take 0.05 % of the time. */
#define PACING_SLICE_PER_LOOK 2000

/* Slices are not stretched beyond this. */
#define PACING_STRETCH_NS_MAX (15 * NS_PER_MS)

/* A look that takes longer than earlier looks was interrupted, or has read messages. Reading
 * messages takes as long with rarer looks. So the cost of a look rises only slowly: by the longer
 * time divided by this number. */
#define PACING_LOOKS 256

/* A request is sent during a look. Until the request is sent, a slice takes at most the request's
 * wait so far, divided by this number. So a slice makes the wait longer by at most this share. */
#define PACING_WAITED_PER_SLICE 8

struct pacing {
    int64_t target_ns; /* length of a slice; 0: each slice is one unit */
    int64_t limit_ns;  /* the longest slice while a request waits to be sent; 0: no limit */
    int64_t look_ns;   /* cost of the cheapest look, or somewhat more; 0: no look was reported */
    uint64_t units;    /* in the next slice */
};

/* target_ns: 0 or more; with 0, each slice is one unit. The first slice is one unit. */
void pacing_init(struct pacing *pacing, int64_t target_ns);

/* Units for the next slice: 1 to PACING_UNITS_MAX. */
uint64_t pacing_units(const struct pacing *pacing);

/* Reports that the last slice did `units` in `elapsed_ns`.
 * units: fewer than asked for if the work ends.
 * The next slice shrinks at once to what fits in the target, and grows in steps. A slice of 0
 * units, or of 0 ns, changes nothing. */
void pacing_measured(struct pacing *pacing, uint64_t units, int64_t elapsed_ns);

/* Reports that a look took look_ns. If the target is too short for this cost, slices are stretched.
 */
void pacing_looked(struct pacing *pacing, int64_t look_ns);

/* Reports that a request has waited waited_ns to be sent. 0: no request waits.
 * The next slices are shortened. Returns whether they are then shorter than the target. */
bool pacing_waited(struct pacing *pacing, int64_t waited_ns);

#endif
