/* Adds exact totals of summands, and estimates the mean from them. */
#include "client/lib/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sums/moments.h"

#define COUNT_MAX (UINT64_C(1) << 63)

_Static_assert(MEANTIME_OUTPUT_NAME_BYTES == SUMMAND_NAME_BYTES_MAX + 1, "each name fits");
_Static_assert(MEANTIME_UNITS_BYTES_MAX == EXACT_UNITS_BYTES_MAX, "each total fits");

void totals_write(const struct exact_total *exact, struct meantime_total *total)
{
    *total = (struct meantime_total){.unit_log2 = exact->unit_log2, .length = exact->length};
    memcpy(total->units, exact->units, exact->length);
}

static void copy_total(const struct units *units, struct meantime_total *total)
{
    struct exact_total exact;

    units_copy(&exact, units);
    totals_write(&exact, total);
}

static void copy_output(const struct output_total *from, uint64_t count,
                        struct meantime_output *output)
{
    *output = (struct meantime_output){.has_squares = from->has_squares};
    snprintf(output->name, sizeof output->name, "%s", from->name);
    copy_total(&from->sum, &output->sum);
    if (from->has_squares)
        copy_total(&from->squares, &output->squares);
    meantime_estimate(count, &output->sum, from->has_squares ? &output->squares : NULL,
                      &output->estimate);
}

struct meantime_output *totals_outputs(const struct sum_reply *reply)
{
    struct meantime_output *outputs = calloc(reply->outputs.count, sizeof *outputs);

    for (uint32_t i = 0; outputs && i < reply->outputs.count; i++)
        copy_output(&reply->outputs.list[i], reply->count, &outputs[i]);
    return outputs;
}

/* Returns false if the total has more bytes than the longest valid one. */
static bool read(const struct meantime_total *total, struct exact_total *exact)
{
    if (total->length > MEANTIME_UNITS_BYTES_MAX)
        return false;
    exact->unit_log2 = total->unit_log2;
    exact->length = (uint16_t)total->length;
    memcpy(exact->units, total->units, total->length);
    return true;
}

bool totals_read(const struct meantime_total *total, enum exact_form form, uint64_t count,
                 struct exact_total *exact)
{
    return read(total, exact) && exact_total_valid(exact, form, count);
}

/* A caller does not say which of both forms a total has. */
static bool read_either(const struct meantime_total *total, struct exact_total *exact)
{
    return read(total, exact) && (exact_total_valid(exact, EXACT_SUM, COUNT_MAX) ||
                                  exact_total_valid(exact, EXACT_SQUARES, COUNT_MAX));
}

int meantime_total_add(struct meantime_total *into, const struct meantime_total *part)
{
    struct exact_total sum, more;
    struct meantime_total result;

    if (!read_either(into, &sum) || !read_either(part, &more))
        return MEANTIME_INVALID;
    exact_total_add(&sum, &more);
    totals_write(&sum, &result);
    if (!read_either(&result, &sum))
        return MEANTIME_INVALID;
    *into = result;
    return MEANTIME_OK;
}

static struct meantime_estimate estimate_of(const struct moments *moments)
{
    struct interval interval = moments_interval(moments);

    return (struct meantime_estimate){
        .mean = moments->mean,
        .variance = moments->variance,
        .standard_error = moments->standard_error,
        .low = interval.low,
        .high = interval.high,
    };
}

int meantime_estimate(uint64_t count, const struct meantime_total *sum,
                      const struct meantime_total *squares, struct meantime_estimate *estimate)
{
    struct exact_total exact_sum, exact_squares;
    struct moments moments;

    if (count == 0 || count > COUNT_MAX || !totals_read(sum, EXACT_SUM, count, &exact_sum))
        return MEANTIME_INVALID;
    if (!squares) {
        *estimate = (struct meantime_estimate){.mean = moments_mean(count, &exact_sum)};
        return MEANTIME_OK;
    }
    if (!totals_read(squares, EXACT_SQUARES, count, &exact_squares) ||
        !moments_init(&moments, count, &exact_sum, &exact_squares))
        return MEANTIME_INVALID;
    *estimate = estimate_of(&moments);
    return MEANTIME_OK;
}

double meantime_total_value(const struct meantime_total *total)
{
    struct exact_total exact;

    return read_either(total, &exact) ? exact_total_value(&exact) : 0;
}
