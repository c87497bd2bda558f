/* The summands of simulated servers: see summands.h. */
#include "tests/sim/pool/summands.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/oracle.h"

static const struct {
    const char *name;
    uint64_t build;
} summands[SUMMANDS] = {{"alpha", 11}, {"alpha", 12}, {"beta", 21}, {"beta", 22}};

struct offer summand_offer(uint32_t number, double ns_per_term)
{
    struct offer offer = {
        .build = summands[number].build, .capacity = 1, .ns_per_term = ns_per_term};

    strcpy(offer.name, summands[number].name);
    return offer;
}

static uint32_t summands_named(const char *name, uint64_t build)
{
    uint32_t set = 0;

    for (uint32_t i = 0; i < SUMMANDS; i++)
        if ((build == 0 || summands[i].build == build) && strcmp(summands[i].name, name) == 0)
            set |= 1u << i;
    return set;
}

uint32_t summands_of(const struct offers *offers)
{
    uint32_t set = 0;

    for (uint32_t i = 0; i < offers->count; i++)
        set |= summands_named(offers->list[i].name, offers->list[i].build);
    return set;
}

uint32_t summands_fit(const struct sum_request *asked)
{
    return summands_named(asked->summand, asked->build);
}

struct sum_request summand_request(const struct sum_request *asked)
{
    struct sum_request kept = *asked;

    if (asked->summand) {
        kept.summand = summands[strcmp(asked->summand, "alpha") == 0 ? 0 : 2].name;
        kept.parameters = summand_parameters((uint32_t)atoi(asked->parameters));
    }
    return kept;
}

const char *summand_parameters(uint32_t exponent)
{
    static const char *const texts[SUMMAND_EXPONENT_MAX + 1] = {"0", "1", "2", "3", "4", "5",
                                                                "6", "7", "8", "9", "10"};

    return texts[exponent];
}

int64_t summand_term_ns(const char *parameters)
{
    int64_t ns = 1;

    for (int exponent = atoi(parameters); exponent > 0; exponent--)
        ns *= 10;
    return ns;
}

uint64_t summand_fills(const struct sum_request *span)
{
    return (span->first % SUMMAND_GRAIN + span->count - 1) / SUMMAND_GRAIN + 1;
}

/* The squares only count the terms. */
struct sum_reply summand_reply(const struct sum_request *asked, uint64_t compute_ns,
                               uint64_t fill_ns, uint64_t odd, struct sim_totals *totals)
{
    uint64_t sum =
        (uint64_t)oracle_units(asked->seed, MESSAGE_KIND_NONE, asked->first, asked->count);
    uint64_t squares = asked->count;

    sum += odd;
    exact_total_set(&totals->sum, &sum, 1, 0);
    exact_total_set(&totals->squares, &squares, 1, 0);
    totals->output = (struct output_total){
        .name = "value",
        .sum = units_view(&totals->sum),
        .squares = units_view(&totals->squares),
        .has_squares = true,
    };
    return (struct sum_reply){
        .id = asked->id,
        .count = asked->count,
        .compute_ns = compute_ns,
        .outputs = {.count = 1, .list = &totals->output},
        .build = asked->build,
        .grain = SUMMAND_GRAIN,
        .fill_ns = fill_ns,
    };
}

static bool units_agree(const struct units *a, const struct units *b)
{
    return a->unit_log2 == b->unit_log2 && a->length == b->length &&
           memcmp(a->bytes, b->bytes, a->length) == 0;
}

bool summand_agrees(const struct sum_request *asked, const struct sum_reply *reply)
{
    struct sim_totals totals;
    const struct output_total *output = reply->outputs.list;

    summand_reply(asked, 0, 0, 0, &totals);
    return reply->count == asked->count && reply->outputs.count == 1 && output->has_squares &&
           strcmp(output->name, "value") == 0 && units_agree(&output->sum, &totals.output.sum) &&
           units_agree(&output->squares, &totals.output.squares) &&
           (asked->build == 0 || reply->build == asked->build);
}

void summand_keep_outputs(struct outputs *outputs, struct sim_totals *totals)
{
    if (outputs->count == 0)
        return;
    units_copy(&totals->sum, &outputs->list->sum);
    units_copy(&totals->squares, &outputs->list->squares);
    totals->output = (struct output_total){
        .name = "value",
        .sum = units_view(&totals->sum),
        .squares = units_view(&totals->squares),
        .has_squares = outputs->list->has_squares,
    };
    outputs->list = &totals->output;
}
