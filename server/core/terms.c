/* The totals of requests for terms: see terms.h. */
#include "server/core/terms.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sums/fnv.h"

bool terms_pool_init(struct terms_pool *pool, uint32_t terms_max, uint32_t outputs_max)
{
    /* calloc() of this size takes no memory for pages that are never used. */
    *pool = (struct terms_pool){
        .all = calloc(terms_max, sizeof *pool->all),
        .outputs = calloc(outputs_max, sizeof *pool->outputs),
        .terms_max = terms_max,
        .outputs_free = outputs_max,
    };
    TAILQ_INIT(&pool->free_terms);
    TAILQ_INIT(&pool->free_outputs);
    return pool->all && pool->outputs;
}

void terms_pool_clear(struct terms_pool *pool)
{
    free(pool->all);
    free(pool->outputs);
}

static struct terms_output *output_new(struct terms_pool *pool)
{
    struct terms_output *output = TAILQ_FIRST(&pool->free_outputs);

    pool->outputs_free--;
    if (!output)
        return &pool->outputs[pool->outputs_used++];
    TAILQ_REMOVE(&pool->free_outputs, output, in_terms);
    return output;
}

static uint64_t rate_key(const struct sum_request *asked, const char *parameters)
{
    uint64_t key = fnv_add_bytes(FNV_OFFSET, &asked->build, sizeof asked->build);

    key = fnv_add_bytes(key, asked->summand, strlen(asked->summand) + 1);
    return fnv_add_bytes(key, parameters, strlen(parameters));
}

/* The entry of this key, or the one to replace. */
static struct rate_kept *rate_place(struct terms_pool *pool, uint64_t key)
{
    struct rate_kept *place = pool->rates;

    for (struct rate_kept *kept = pool->rates; kept < pool->rates + RATES_KEPT; kept++) {
        if (kept->used > 0 && kept->key == key)
            return kept;
        if (kept->used < place->used)
            place = kept;
    }
    return place;
}

struct rate *terms_rate(struct terms_pool *pool, const struct terms *terms)
{
    struct rate_kept *place = rate_place(pool, terms->key);

    if (place->used == 0 || place->key != terms->key)
        rate_init(&place->rate, terms->announced_ns);
    place->key = terms->key;
    place->used = ++pool->rate_uses;
    return &place->rate;
}

struct terms *terms_new(struct terms_pool *pool, const struct sum_request *asked,
                        double ns_per_term)
{
    struct terms *terms = TAILQ_FIRST(&pool->free_terms);

    if (terms) {
        TAILQ_REMOVE(&pool->free_terms, terms, in_free);
    } else {
        assert(pool->terms_used < pool->terms_max);
        terms = &pool->all[pool->terms_used++];
    }
    snprintf(terms->parameters, sizeof terms->parameters, "%s",
             asked->parameters ? asked->parameters : "");
    terms->text[0] = '\0';
    terms->deaths = 0;
    terms->fill_ns = 0;
    terms->restarts = 0;
    terms->output_count = 0;
    terms->key = rate_key(asked, terms->parameters);
    terms->announced_ns = ns_per_term;
    TAILQ_INIT(&terms->outputs);
    return terms;
}

void terms_restart(struct terms_pool *pool, struct terms *terms)
{
    TAILQ_CONCAT(&pool->free_outputs, &terms->outputs, in_terms);
    pool->outputs_free += terms->output_count;
    terms->output_count = 0;
    terms->fill_ns = 0;
    terms->restarts++;
}

void terms_free(struct terms_pool *pool, struct terms *terms)
{
    terms_restart(pool, terms);
    TAILQ_INSERT_TAIL(&pool->free_terms, terms, in_free);
}

bool terms_fit(const struct terms *terms, const struct outputs *outputs)
{
    const struct terms_output *mine;
    const struct output_total *theirs = outputs->list;

    if (terms->output_count == 0)
        return outputs->count > 0;
    if (terms->output_count != outputs->count)
        return false;
    TAILQ_FOREACH (mine, &terms->outputs, in_terms) {
        if (strcmp(mine->name, theirs->name) != 0 || mine->has_squares != theirs->has_squares)
            return false;
        theirs++;
    }
    return true;
}

/* The outputs of a request whose first span is summed: all totals are 0. */
static void outputs_open(struct terms_pool *pool, struct terms *terms,
                         const struct outputs *outputs)
{
    for (uint32_t i = 0; i < outputs->count; i++) {
        struct terms_output *output = output_new(pool);
        snprintf(output->name, sizeof output->name, "%s", outputs->list[i].name);
        output->has_squares = outputs->list[i].has_squares;
        output->sum.length = output->squares.length = 0;
        output->sum.unit_log2 = output->squares.unit_log2 = 0;
        TAILQ_INSERT_TAIL(&terms->outputs, output, in_terms);
    }
    terms->output_count = outputs->count;
}

static void total_add_units(struct exact_total *total, const struct units *units)
{
    struct exact_total part;

    units_copy(&part, units);
    exact_total_add(total, &part);
}

bool terms_add(struct terms_pool *pool, struct terms *terms, const struct outputs *outputs)
{
    const struct output_total *part = outputs->list;
    struct terms_output *output;

    if (terms->output_count == 0 && pool->outputs_free < outputs->count)
        return false;
    if (terms->output_count == 0)
        outputs_open(pool, terms, outputs);
    TAILQ_FOREACH (output, &terms->outputs, in_terms) {
        total_add_units(&output->sum, &part->sum);
        if (output->has_squares)
            total_add_units(&output->squares, &part->squares);
        part++;
    }
    return true;
}

struct outputs terms_outputs(const struct terms *terms, struct output_total *list)
{
    const struct terms_output *output;
    uint32_t count = 0;

    TAILQ_FOREACH (output, &terms->outputs, in_terms)
        list[count++] = (struct output_total){
            .name = output->name,
            .sum = units_view(&output->sum),
            .squares = output->has_squares ? units_view(&output->squares) : (struct units){0},
            .has_squares = output->has_squares,
        };
    return (struct outputs){.count = count, .list = list};
}
