/* How long the terms of one request take, and how many terms a span of a given work has. A request
 * learns its rate from its own spans, because the time of a term depends on the parameters: from 1
 * ns to 10 s. Part of the dispatcher's state: no clock, no allocation. */
#ifndef MEANTIME_SERVER_CORE_RATE_H
#define MEANTIME_SERVER_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    double announced_ns; /* per term, with other parameters; 0: not known */
    double term_ns;      /* per term on an average core, samples included, smoothed */
    uint32_t reports;    /* how many spans term_ns holds, up to RATE_REPORTS */
    uint64_t largest;    /* terms of the largest span that is summed; 0: none */
    uint64_t grain;      /* terms; ranges are best cut at its multiples; 0: not known */
};

/* term_ns is the mean of the first reports. Each later one counts for 1 / RATE_REPORTS. */
#define RATE_REPORTS 4

/* A span has at most this many times the terms of the largest span that is summed, because the
 * first terms say little about the others. */
#define RATE_GROWTH 16

/* By the announced time per term, the first span takes this long. With other parameters, a term may
 * take a thousand times longer, and the span is then still short enough. */
#define RATE_FIRST_NS 1e6

/* A run of which nothing is known is not late before this time. */
#define RATE_UNKNOWN_NS 10e9

void rate_init(struct rate *rate, double announced_ns);

/* A span is summed.
 * terms: of the span, 1 or more. compute_ns: time of all cores together. relative: time of the
 * worker divided by that of an average worker. grain: as in the reply. */
void rate_learn(struct rate *rate, uint64_t terms, uint64_t compute_ns, double relative,
                uint64_t grain);

/* The expected time of terms on an average core, above 0; 0: not known. */
double rate_ns(const struct rate *rate, uint64_t terms);

/* How many terms the next span has, 1 to `left`, from term `first` on.
 * ns: time that it may take on an average core. */
uint64_t rate_span(const struct rate *rate, double ns, uint64_t first, uint64_t left);

#endif
