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

uint32_t summands_named(const char *name, uint64_t build)
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
    static const char *const texts[SUMMAND_REJECTED + 1] = {"0", "1", "2", "3", "4",  "5",
                                                            "6", "7", "8", "9", "10", "11"};

    return texts[exponent];
}

bool summand_rejects(const char *parameters)
{
    return atoi(parameters) == SUMMAND_REJECTED;
}

int64_t summand_term_ns(const char *parameters)
{
    int64_t ns = 1;

    if (summand_rejects(parameters))
        return ns;
    for (int exponent = atoi(parameters); exponent > 0; exponent--)
        ns *= 10;
    return ns;
}

uint64_t summand_fills(const struct sum_request *span)
{
    return (span->first % SUMMAND_GRAIN + span->count - 1) / SUMMAND_GRAIN + 1;
}

static uint64_t sum_of(const struct sum_request *asked, uint64_t build)
{
    uint64_t function = chance_mix(build << 8 | (uint64_t)atoi(asked->parameters));

    return (uint64_t)oracle_units(asked->seed ^ function, MESSAGE_KIND_NONE, asked->first,
                                  asked->count);
}

/* The squares count the terms, with a weight for each request. */
static uint64_t squares_of(const struct sum_request *asked, uint64_t terms)
{
    return terms * (1 + chance_mix(asked->seed + (uint64_t)atoi(asked->parameters)) % 1000);
}

struct sum_reply summand_reply(const struct sum_request *asked, uint64_t compute_ns,
                               uint64_t fill_ns, uint64_t odd, struct sim_totals *totals)
{
    uint64_t sum = sum_of(asked, asked->build);
    uint64_t squares = squares_of(asked, asked->count);

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

static bool output_fits(const struct outputs *outputs)
{
    return outputs->count == 1 && outputs->list->has_squares &&
           strcmp(outputs->list->name, "value") == 0;
}

bool summand_answers(const struct sum_request *asked, const struct sum_reply *reply)
{
    struct sum_request built = *asked;

    built.build = reply->build;
    return !summand_rejects(asked->parameters) && reply->count == asked->count &&
           output_fits(&reply->outputs) && reply->grain == SUMMAND_GRAIN && reply->fill_ns > 0 &&
           reply->fill_ns <= reply->compute_ns && reply->build > 0 &&
           (asked->build == 0 || reply->build == asked->build) && summands_fit(&built);
}

bool summand_agrees(const struct sum_request *asked, const struct sum_reply *reply)
{
    struct sim_totals totals;
    struct sum_request built = *asked;
    const struct output_total *output = reply->outputs.list;

    if (!summand_answers(asked, reply))
        return false;
    built.build = reply->build;
    summand_reply(&built, 0, 0, 0, &totals);
    return units_agree(&output->sum, &totals.output.sum) &&
           units_agree(&output->squares, &totals.output.squares);
}

/* The terms that are summed are not a range, so that their sum is not known. */
bool summand_progresses(const struct sum_request *asked, const struct progress *progress)
{
    uint64_t squares = squares_of(asked, progress->done);
    struct exact_total total;

    if (progress->done == 0)
        return progress->outputs.count == 0;
    exact_total_set(&total, &squares, 1, 0);
    struct units units = units_view(&total);
    return output_fits(&progress->outputs) && units_agree(&progress->outputs.list->squares, &units);
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
