/* Exact totals: between the public struct and that of sums/exact_total.h. Any thread. */
#ifndef MEANTIME_CLIENT_LIB_TOTALS_H
#define MEANTIME_CLIENT_LIB_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "proto/message.h"
#include "sums/exact_total.h"

/* Copies a valid total. */
void totals_write(const struct exact_total *exact, struct meantime_total *total);

/* Returns false if no `count` numbers have this total; then `exact` has no value. */
bool totals_read(const struct meantime_total *total, enum exact_form form, uint64_t count,
                 struct exact_total *exact);

/* Returns the outputs of a reply, with their estimates. NULL: no memory. Owner: the caller, who
 * frees them. reply: has outputs; their totals are those of `count` terms. */
struct meantime_output *totals_outputs(const struct sum_reply *reply);

#endif
