/* Adds the totals of samples or of outputs. */
#include "client/sum/tally.h"

#include <stdlib.h>
#include <string.h>

#include "client/common/result.h"

/* All outputs take 74 KB, so this hardly ever fails. */
static struct meantime_output *copy(const struct meantime_output *outputs, uint64_t count)
{
    struct meantime_output *copied = malloc(count * sizeof *copied);

    if (!copied)
        abort();
    return memcpy(copied, outputs, count * sizeof *copied);
}

void tally_init(struct tally *tally, const struct meantime_result *result)
{
    uint64_t outputs = result->output_count;

    *tally = (struct tally){
        .count = result->count,
        .units = result_units(result),
        .output_count = outputs,
        .outputs = outputs > 0 ? copy(result->outputs, outputs) : NULL,
    };
}

void tally_clear(struct tally *tally)
{
    free(tally->outputs);
    *tally = (struct tally){.count = 0};
}

static bool same_outputs(const struct tally *a, const struct tally *b)
{
    if (a->output_count != b->output_count)
        return false;
    for (uint64_t i = 0; i < a->output_count; i++)
        if (strcmp(a->outputs[i].name, b->outputs[i].name) != 0 ||
            a->outputs[i].has_squares != b->outputs[i].has_squares)
            return false;
    return true;
}

static bool add(struct tally *into, const struct tally *part)
{
    bool good = true;

    into->count += part->count;
    into->units += part->units;
    for (uint64_t i = 0; i < into->output_count; i++) {
        struct meantime_output *a = &into->outputs[i];
        const struct meantime_output *b = &part->outputs[i];
        good &= meantime_total_add(&a->sum, &b->sum) == MEANTIME_OK;
        if (a->has_squares)
            good &= meantime_total_add(&a->squares, &b->squares) == MEANTIME_OK;
    }
    return good;
}

/* The library has checked the totals, so adding cannot fail. */
bool tally_add(struct tally *into, struct tally *part)
{
    if (into->count == 0) {
        tally_clear(into);
        *into = *part;
        *part = (struct tally){.count = 0};
        return true;
    }
    bool good = same_outputs(into, part) && add(into, part);
    tally_clear(part);
    return good;
}

bool tally_estimate(const struct tally *tally, uint64_t index, struct meantime_estimate *estimate)
{
    const struct meantime_output *output = &tally->outputs[index];
    const struct meantime_total *squares = output->has_squares ? &output->squares : NULL;

    return meantime_estimate(tally->count, &output->sum, squares, estimate) == MEANTIME_OK;
}

uint64_t tally_find(const struct tally *tally, const char *name)
{
    uint64_t i = 0;

    while (name && i < tally->output_count && strcmp(tally->outputs[i].name, name) != 0)
        i++;
    return i;
}
