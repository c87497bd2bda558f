/* The time of terms: see rate.h. */
#include "server/core/rate.h"

/* Spans are measured in microseconds, so a span that seems shorter counts as this long. */
#define SPAN_NS_LEAST 500.0

void rate_init(struct rate *rate, double announced_ns)
{
    *rate = (struct rate){.announced_ns = announced_ns};
}

void rate_learn(struct rate *rate, uint64_t terms, uint64_t compute_ns, double relative,
                uint64_t grain)
{
    double ns = (double)compute_ns > SPAN_NS_LEAST ? (double)compute_ns : SPAN_NS_LEAST;
    double term_ns = ns / relative / (double)terms;

    /* The next spans are as large as this one, so the times of much smaller spans are dropped. */
    if (terms >= 4 * rate->largest)
        rate->reports = 0;
    rate->reports += rate->reports < RATE_REPORTS;
    rate->term_ns += (term_ns - rate->term_ns) / rate->reports;
    if (terms > rate->largest)
        rate->largest = terms;
    rate->grain = grain;
}

double rate_ns(const struct rate *rate, uint64_t terms)
{
    return rate->term_ns * (double)terms;
}

/* Terms within `ns`, at least 1. */
static uint64_t terms_in(double ns, double term_ns, uint64_t most)
{
    double terms = ns / term_ns;

    if (terms >= (double)most)
        return most;
    return terms > 1 ? (uint64_t)terms : 1;
}

static uint64_t first_span(const struct rate *rate, uint64_t left)
{
    return rate->announced_ns > 0 ? terms_in(RATE_FIRST_NS, rate->announced_ns, left) : 1;
}

/* The end of the span moves to the last multiple of the grain, if there is one within it. */
static uint64_t whole_grains(uint64_t grain, uint64_t first, uint64_t count)
{
    uint64_t over = grain > 0 ? (first + count) % grain : 0;

    return over < count ? count - over : count;
}

uint64_t rate_span(const struct rate *rate, double ns, uint64_t first, uint64_t left)
{
    if (rate->largest == 0)
        return first_span(rate, left);
    uint64_t most = rate->largest < left / RATE_GROWTH ? rate->largest * RATE_GROWTH : left;
    uint64_t count = terms_in(ns, rate->term_ns, most);
    return count < left ? whole_grains(rate->grain, first, count) : left;
}
