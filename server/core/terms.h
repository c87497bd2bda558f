/* What a request for the terms of a summand needs beyond a request for samples: its parameters, the
 * exact totals of its outputs, and its rate. Part of the dispatcher's state: no clock, no
 * allocation after terms_pool_init(). */
#ifndef MEANTIME_SERVER_CORE_TERMS_H
#define MEANTIME_SERVER_CORE_TERMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/message.h"
#include "server/core/rate.h"

/* Rates that are remembered after their requests have ended: each span of a front is a request, and
 * each piece of a long sum as well. More pairs of summands and parameters at a time are rare. */
#define RATES_KEPT 64

/* One output of a request. */
struct terms_output {
    char name[SUMMAND_NAME_BYTES_MAX + 1];
    bool has_squares;
    struct exact_total sum, squares;
    TAILQ_ENTRY(terms_output) in_terms; /* terms.outputs, or the free list */
};
TAILQ_HEAD(terms_output_list, terms_output);

struct terms {
    char parameters[PARAMETERS_BYTES_MAX + 1];
    char text[TEXT_BYTES_MAX + 1]; /* the sentence of a refusal; empty: none */
    uint32_t deaths;               /* of a refusal with REFUSAL_SUMMAND_FAILED */
    double announced_ns;           /* per term; 0: not known */
    uint64_t key;      /* of its rate: a hash of the summand, its build and the parameters */
    uint64_t fill_ns;  /* of all spans that are summed */
    uint32_t restarts; /* how often its totals were forgotten */
    uint32_t output_count;
    struct terms_output_list outputs; /* empty until the first span is summed */
    TAILQ_ENTRY(terms) in_free;
};
TAILQ_HEAD(terms_list, terms);

/* The rate of all requests with one key. The entry that was used longest ago is replaced. */
struct rate_kept {
    uint64_t key;
    uint64_t used; /* pool.rate_uses of its last use; 0: free */
    struct rate rate;
};

struct terms_pool {
    struct terms *all;
    struct terms_output *outputs;
    uint32_t terms_max, terms_used, outputs_used; /* entries that were ever used: the first ones */
    uint32_t outputs_free;
    struct terms_list free_terms;
    struct terms_output_list free_outputs;
    struct rate_kept rates[RATES_KEPT];
    uint64_t rate_uses;
};

/* terms_max: requests in flight. outputs_max: their outputs together. False if memory is short. */
bool terms_pool_init(struct terms_pool *pool, uint32_t terms_max, uint32_t outputs_max);
void terms_pool_clear(struct terms_pool *pool);

/* Returns the terms of a new request. At most terms_max at a time.
 * asked: with its build. ns_per_term: as announced; 0: not known. */
struct terms *terms_new(struct terms_pool *pool, const struct sum_request *asked,
                        double ns_per_term);
void terms_free(struct terms_pool *pool, struct terms *terms);

/* The rate of all requests with the same summand and parameters. Valid until the next call. */
struct rate *terms_rate(struct terms_pool *pool, const struct terms *terms);

/* True if the outputs have the names and squares of those before, or if there are none before. */
bool terms_fit(const struct terms *terms, const struct outputs *outputs);

/* Adds the totals of a span. False if the pool has no room for the outputs; then nothing is added.
 * outputs: terms_fit(). */
bool terms_add(struct terms_pool *pool, struct terms *terms, const struct outputs *outputs);

/* Forgets all totals. The rate stays. */
void terms_restart(struct terms_pool *pool, struct terms *terms);

/* Fills in `list`, which has room for OUTPUTS_MAX, and returns it as outputs. They are valid until
 * the totals change. */
struct outputs terms_outputs(const struct terms *terms, struct output_total *list);

#endif
