/* How much to do in the next slice, so that a slice takes about a given time. A pure core: the
 * caller does the work, reads the clock and tells. One thread; nothing to clear. */
#ifndef MEANTIME_CLIENT_LIB_PACING_H
#define MEANTIME_CLIENT_LIB_PACING_H

#include <stdbool.h>
#include <stdint.h>

/* Largest slice. Blocks of 2^16 samples: 2^48 samples, more than a day's work of one core, and
 * units * 2^16 stays far inside 64 bits. */
#define PACING_UNITS_MAX (UINT64_C(1) << 32)

/* Largest growth from one slice to the next. One slice that looked fast by accident then makes the
 * next at most four times too long; from one unit to sixty takes three slices. */
#define PACING_GROWTH_MAX 4

/* Where looks are told, slices are stretched to so many times what a look takes, so that looks take
 * 0.05 % of the time... */
#define PACING_SLICE_PER_LOOK 2000

/* ... but not beyond this. */
#define PACING_STRETCH_NS_MAX INT64_C(15000000)

/* A look that takes longer than those before was interrupted, or has taken messages, which take as
 * long with rarer looks: only if all of the next so many do is that what a look takes. */
#define PACING_LOOKS 256

/* Until a question has left, slices take such a share of the time that it has waited so far: it
 * leaves at a look, and so no later than by that share. */
#define PACING_WAITED_PER_SLICE 8

struct pacing {
    int64_t target_ns;
    int64_t limit_ns; /* 0: none */
    int64_t look_ns;  /* of the cheapest, or somewhat more; 0: none was told */
    uint64_t units;
};

/* target_ns >= 0; with 0 every slice is one unit. The first slice is one unit. */
void pacing_init(struct pacing *pacing, int64_t target_ns);

/* Units for the next slice: 1 to PACING_UNITS_MAX. */
uint64_t pacing_units(const struct pacing *pacing);

/* The last slice did `units` (fewer than asked for, where the work ends) in `elapsed_ns`.
 * Shrinks at once to what fits in the target, grows by steps. A slice of no units, or one in which
 * the clock stood still, is no news and changes nothing. */
void pacing_measured(struct pacing *pacing, uint64_t units, int64_t elapsed_ns);

/* What is done between two slices took look_ns. A target that is too short for it is stretched. */
void pacing_looked(struct pacing *pacing, int64_t look_ns);

/* A question has waited so long to leave; 0: none waits. The next slices are made short for it.
 * Returns whether they are then shorter than the target. */
bool pacing_waited(struct pacing *pacing, int64_t waited_ns);

#endif
