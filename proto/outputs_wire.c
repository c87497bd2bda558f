/* Checks, reads and writes the outputs of summands, and the offers of servers. */
#include "proto/outputs_wire.h"

#include <float.h>
#include <string.h>

/* ---- Outputs ---- */

static bool units_valid(const struct units *units, enum exact_form form, uint64_t count)
{
    struct exact_total total;

    if (units->length > sizeof total.units)
        return false;
    units_copy(&total, units);
    return exact_total_valid(&total, form, count);
}

static const char *output_wrong(const struct output_total *output, uint64_t count)
{
    const struct wire_rule rules[] = {
        {!output_name_valid(output->name), "name of an output is invalid; it must be 1 to " QUOTE(
                                               SUMMAND_NAME_BYTES_MAX) " bytes of a-z 0-9 - _"},
        {!units_valid(&output->sum, EXACT_SUM, count),
         "sum of an output is invalid; it must be the shortest form of a possible total"},
        {output->has_squares && !units_valid(&output->squares, EXACT_SQUARES, count),
         "squares of an output are invalid; they must be the shortest form of a possible total"},
    };
    return wire_broken(rules, COUNT_OF(rules));
}

const char *outputs_wrong(const struct outputs *outputs, uint64_t count)
{
    const char *reason = NULL;

    if (outputs->count > OUTPUTS_MAX)
        return "outputs are too many; they must be " QUOTE(OUTPUTS_MAX) " or less";
    for (uint32_t i = 0; reason == NULL && i < outputs->count; ++i)
        reason = output_wrong(&outputs->list[i], count);
    return reason;
}

/* The length saturates, so that a total that is too long stays invalid. wire: may be NULL. */
static struct units units_read(const Meantime__Total *wire)
{
    if (wire == NULL)
        return (struct units){0};
    return (struct units){
        .unit_log2 = wire->unit_log2,
        .length = wire->units.len < UINT16_MAX ? (uint16_t)wire->units.len : UINT16_MAX,
        .bytes = wire->units.data,
    };
}

static struct output_total output_read(const Meantime__Output *wire)
{
    return (struct output_total){
        .name = wire->name,
        .sum = units_read(wire->sum),
        .squares = units_read(wire->squares),
        .has_squares = wire->squares != NULL,
    };
}

const char *outputs_read(struct decode_arena *arena, Meantime__Output *const *wire, size_t count,
                         struct outputs *outputs)
{
    struct output_total *list = NULL;

    *outputs = (struct outputs){.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX};
    if (count == 0 || count > OUTPUTS_MAX)
        return NULL;
    list = wire_take(arena, count * sizeof *list);
    if (list == NULL)
        return wire_arena_full;
    for (size_t i = 0; i < count; ++i)
        list[i] = output_read(wire[i]);
    outputs->list = list;
    return NULL;
}

static void units_write(const struct units *units, Meantime__Total *wire)
{
    meantime__total__init(wire);
    wire->units.len = units->length;
    wire->units.data = (uint8_t *)units->bytes; /* protobuf-c only reads it */
    wire->unit_log2 = units->unit_log2;
}

static void output_write(const struct output_total *output, Meantime__Output *wire,
                         Meantime__Total *sum, Meantime__Total *squares)
{
    meantime__output__init(wire);
    wire->name = (char *)output->name; /* protobuf-c only reads it */
    units_write(&output->sum, sum);
    wire->sum = sum;
    units_write(&output->squares, squares);
    wire->squares = output->has_squares ? squares : NULL;
}

void outputs_write(const struct outputs *outputs, struct wire_outputs *wire)
{
    for (uint32_t i = 0; i < outputs->count; ++i) {
        output_write(&outputs->list[i], &wire->outputs[i], &wire->sums[i], &wire->squares[i]);
        wire->pointers[i] = &wire->outputs[i];
    }
}

/* ---- Offers ---- */

/* Returns false for a NaN, because every comparison with a NaN is false. */
static bool is_time(double ns)
{
    return ns >= 0 && ns <= DBL_MAX;
}

const char *offer_wrong(const struct offer *offer)
{
    const struct wire_rule rules[] = {
        {!summand_name_valid(offer->name), "name of a summand is invalid; it must be 1 to " QUOTE(
                                               SUMMAND_NAME_BYTES_MAX) " bytes of a-z 0-9 -"},
        {offer->build == 0, "build of a summand is 0; it must be 1 or more"},
        {offer->capacity > CAPACITY_MAX,
         "capacity of a summand is too large; it must be " QUOTE(CAPACITY_MAX) " or less"},
        {!is_time(offer->ns_per_term),
         "ns_per_term of a summand is out of range; it must be 0 or more, and finite"},
    };
    return wire_broken(rules, COUNT_OF(rules));
}

const char *offers_wrong(const struct offers *offers)
{
    const char *reason = NULL;

    if (offers->count > OFFERS_MAX)
        return offers_too_many;
    for (uint32_t i = 0; reason == NULL && i < offers->count; ++i)
        reason = offer_wrong(&offers->list[i]);
    return reason;
}

const char offers_too_many[] = "summands are too many; they must be " QUOTE(OFFERS_MAX) " or less";

/* A name that is too long becomes empty, which is invalid, too. */
void offer_read(const Meantime__Summand *wire, struct offer *offer)
{
    *offer = (struct offer){
        .build = wire->build,
        .capacity = wire->capacity,
        .ns_per_term = wire->ns_per_term,
    };
    if (wire_text_fits(wire->name, SUMMAND_NAME_BYTES_MAX))
        strcpy(offer->name, wire->name);
}

const char *offers_read(struct decode_arena *arena, Meantime__Summand *const *wire, size_t count,
                        struct offers *offers)
{
    struct offer *list = NULL;

    *offers = (struct offers){.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX};
    if (count == 0 || count > OFFERS_MAX)
        return NULL;
    list = wire_take(arena, count * sizeof *list);
    if (list == NULL)
        return wire_arena_full;
    for (size_t i = 0; i < count; ++i)
        offer_read(wire[i], &list[i]);
    offers->list = list;
    return NULL;
}

void offers_write(const struct offers *offers, struct wire_offers *wire)
{
    for (uint32_t i = 0; i < offers->count; ++i) {
        const struct offer *offer = &offers->list[i];
        Meantime__Summand *summand = &wire->summands[i];
        meantime__summand__init(summand);
        summand->name = (char *)offer->name; /* protobuf-c only reads it */
        summand->build = offer->build;
        summand->capacity = offer->capacity;
        summand->ns_per_term = offer->ns_per_term;
        wire->pointers[i] = summand;
    }
}
