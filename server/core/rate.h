/* How long the terms of one request take, and how many terms a span of a given work has. A request
 * learns its rate from its own spans, because the time of a term depends on the parameters: from 1
 * ns to 10 s. Part of the dispatcher's state: no clock, no allocation. */
#ifndef MEANTIME_SERVER_CORE_RATE_H
#define MEANTIME_SERVER_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

struct rate {
    double announced_ns; /* per term, with other parameters; 0: not known */
    double value_ns;     /* per term on an average core without its samples, smoothed */
    double fill_ns;      /* for the samples of one grain on an average core, smoothed */
    uint32_t reports;    /* how many spans value_ns holds, up to RATE_REPORTS */
    uint64_t largest;    /* terms of the largest span that is summed; 0: none */
    uint64_t grain;      /* terms; ranges are best cut at its multiples; 0: not known */
};

/* value_ns is the mean of the first reports. Each later one counts for 1 / RATE_REPORTS, and less
 * if its span took less than RATE_SHORT_NS: such a time is mostly that of the clock. */
#define RATE_REPORTS  4
#define RATE_SHORT_NS 50e3

/* A span has at most this many times the terms of the largest span that is summed, because the
 * first terms say little about the others. */
#define RATE_GROWTH 16

/* By the announced time per term, the first span takes this long. With other parameters, a term may
 * take a thousand times longer, and the span is then still short enough. */
#define RATE_FIRST_NS 1e6

/* A run of which nothing is known is not late before this time. */
#define RATE_UNKNOWN_NS 10e9

void rate_init(struct rate *rate, double announced_ns);

/* A span is summed, from term `first` on.
 * reply: to the span, of any worker. The speed of the worker does not count: two values that
 * correct each other would drift. */
void rate_learn(struct rate *rate, uint64_t first, const struct sum_reply *reply);

/* The expected time of terms in whole grains on an average core, above 0; 0: not known. */
double rate_ns(const struct rate *rate, uint64_t terms);

/* How many terms the next span has, 1 to `left`, from term `first` on.
 * ns: time that it may take on an average core. */
uint64_t rate_span(const struct rate *rate, double ns, uint64_t first, uint64_t left);

#endif
