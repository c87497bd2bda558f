/* The time of terms: see rate.h. */
#include "server/core/rate.h"

/* No clock measures a shorter time well, so a span that seems shorter counts as this long. */
#define SPAN_NS_LEAST 500.0

void rate_init(struct rate *rate, double announced_ns)
{
    *rate = (struct rate){.announced_ns = announced_ns};
}

/* Grains of which a span has terms. The samples of each are made as a whole. */
static double grains_touched(uint64_t grain, uint64_t first, uint64_t count)
{
    return (double)((first % grain + count - 1) / grain + 1);
}

/* The part of a report in the smoothed value. */
static double weight(struct rate *rate, uint64_t terms, double ns)
{
    /* The next spans are as large as this one, so the times of much smaller spans are dropped. */
    if (terms >= 4 * rate->largest)
        rate->reports = 0;
    rate->reports += rate->reports < RATE_REPORTS;
    double part = 1.0 / rate->reports;
    return rate->reports > 1 && ns < RATE_SHORT_NS ? part * ns / RATE_SHORT_NS : part;
}

void rate_learn(struct rate *rate, uint64_t first, const struct sum_reply *reply)
{
    uint64_t fill_ns = reply->grain > 0 ? reply->fill_ns : 0;
    uint64_t value_ns = reply->compute_ns > fill_ns ? reply->compute_ns - fill_ns : 0;
    double ns = (double)value_ns > SPAN_NS_LEAST ? (double)value_ns : SPAN_NS_LEAST;
    double part = weight(rate, reply->count, ns);

    rate->value_ns += (ns / (double)reply->count - rate->value_ns) * part;
    rate->grain = reply->grain;
    if (rate->grain > 0) {
        double grains = grains_touched(rate->grain, first, reply->count);
        rate->fill_ns += ((double)fill_ns / grains - rate->fill_ns) * part;
    }
    if (reply->count > rate->largest)
        rate->largest = reply->count;
}

/* Per term, in whole grains. */
static double term_ns(const struct rate *rate)
{
    return rate->value_ns + (rate->grain > 0 ? rate->fill_ns / (double)rate->grain : 0);
}

double rate_ns(const struct rate *rate, uint64_t terms)
{
    return term_ns(rate) * (double)terms;
}

/* Terms within `ns`, 1 to `most`. */
static uint64_t terms_in(double ns, double each_ns, uint64_t most)
{
    double terms = ns / each_ns;

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
    uint64_t count = terms_in(ns, term_ns(rate), most);
    return count < left ? whole_grains(rate->grain, first, count) : left;
}
