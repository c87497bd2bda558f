/* The exact total of a range of a long sum: of samples, or of the outputs of a summand. */
#ifndef MEANTIME_CLIENT_SUM_TALLY_H
#define MEANTIME_CLIENT_SUM_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"

/* {0} is the tally of nothing. */
struct tally {
    uint64_t count;                  /* samples or terms */
    __int128 units;                  /* the sum of samples, in the stream's unit; 0 for terms */
    uint64_t output_count;           /* 0 for samples, and for no terms */
    struct meantime_output *outputs; /* owned; their estimates are not kept. NULL: none */
};

/* Sets `tally` to the sum of a result without error. Copies the outputs. */
void tally_init(struct tally *tally, const struct meantime_result *result);

/* Moves the sum of `part` into `into`, the tallies of disjoint ranges. Clears `part` in any case.
 * Returns false if they have different outputs: then `into` is unchanged. */
bool tally_add(struct tally *into, struct tally *part);

/* Estimates the mean of output `index`. Returns false if no terms have these totals. */
bool tally_estimate(const struct tally *tally, uint64_t index, struct meantime_estimate *estimate);

/* Returns the index of the output with this name, or output_count. name: NULL: the first. */
uint64_t tally_find(const struct tally *tally, const char *name);

/* Frees the outputs and sets all fields to 0. */
void tally_clear(struct tally *tally);

#endif
