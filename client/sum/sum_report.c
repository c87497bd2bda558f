/* Prints the result of a long sum as JSON. */
#include "client/sum/sum_report.h"

#include <inttypes.h>
#include <math.h>

#include "client/common/json_output.h"
#include "client/lib/clock.h"
#include "client/sum/estimate.h"
#include "client/sum/outputs_table.h"

static void set_estimate(json_t *object, const struct estimate *estimate)
{
    json_object_set_new(object, "mean", json_real(estimate->mean));
    json_object_set_new(object, "standard_error", json_real(estimate->standard_error));
    json_object_set_new(object, "z", json_real(estimate->z));
}

static void set_samples(json_t *object, const struct sum_state *sum)
{
    bool uniform = sum->question.kind == MEANTIME_UNIFORM;
    enum stream_kind kind = uniform ? STREAM_UNIFORM : STREAM_GAUSSIAN;
    const char *name = uniform ? "uniform" : "gaussian";
    struct total total = {sum->so_far.units, sum->so_far.count};

    if (!sum_state_has_sum(sum)) {
        json_object_set_new(object, name, json_null());
        return;
    }
    struct estimate estimate = estimate_of(kind, &total);
    json_t *part = json_output_sum(total.count, total.units, stream_unit_log2(kind),
                                   sum->ended_at_ns - sum->began_at_ns);
    json_object_set_new(part, "resumed_from", json_output_count(sum->resumed_from));
    json_object_set_new(object, name, part);
    set_estimate(object, &estimate);
}

/* ---- summands ---------------------------------------------------------------------------- */

/* JSON has no infinity. */
static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *total_object(const struct meantime_total *total)
{
    char text[TOTAL_TEXT_BYTES];

    return json_pack("{s:s, s:i}", "units", total_print(total, text), "unit_log2",
                     (int)total->unit_log2);
}

static json_t *output_object(const struct tally *tally, uint64_t i)
{
    const struct meantime_output *output = &tally->outputs[i];
    struct meantime_estimate estimate = {.mean = 0};
    json_t *object = json_object();

    tally_estimate(tally, i, &estimate);
    json_object_set_new(object, "name", json_string(output->name));
    json_object_set_new(object, "mean", real_or_null(estimate.mean));
    json_object_set_new(object, "sum", total_object(&output->sum));
    if (!output->has_squares)
        return object;
    json_object_set_new(object, "standard_error", real_or_null(estimate.standard_error));
    json_object_set_new(object, "low", real_or_null(estimate.low));
    json_object_set_new(object, "high", real_or_null(estimate.high));
    json_object_set_new(object, "squares", total_object(&output->squares));
    return object;
}

static json_t *outputs_array(const struct tally *tally)
{
    json_t *outputs = json_array();

    for (uint64_t i = 0; i < tally->output_count; i++)
        json_array_append_new(outputs, output_object(tally, i));
    return outputs;
}

static json_t *terms_object(const struct sum_state *sum)
{
    return json_pack("{s:o, s:o, s:o, s:f}", "first", json_output_count(sum->question.first),
                     "count", json_output_count(sum->so_far.count), "resumed_from",
                     json_output_count(sum->resumed_from), "seconds",
                     seconds(sum->ended_at_ns - sum->began_at_ns));
}

static void set_terms(json_t *object, const struct sum_state *sum)
{
    const struct meantime_question *question = &sum->question;
    char build[32];

    snprintf(build, sizeof build, "0x%016" PRIx64, question->build);
    json_object_set_new(object, "summand", json_string(question->summand));
    json_object_set_new(object, "parameters",
                        json_string(question->parameters ? question->parameters : ""));
    if (!sum_state_has_sum(sum)) {
        json_object_set_new(object, "terms", json_null());
        return;
    }
    json_object_set_new(object, "build", json_string(build));
    json_object_set_new(object, "terms", terms_object(sum));
    json_object_set_new(object, "outputs", outputs_array(&sum->so_far));
    if (sum->until_error > 0) {
        json_object_set_new(object, "until_error", json_real(sum->until_error));
        json_object_set_new(object, "until_error_reached", json_boolean(sum->precise));
    }
}

void sum_report(FILE *out, const struct sum_state *sum)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string("sum"));
    json_object_set_new(object, "seed", json_output_exact(sum->question.seed));
    json_object_set_new(object, "requests", json_integer((json_int_t)sum->window.asked));
    json_object_set_new(object, "attempts", json_integer((json_int_t)sum->attempts));
    if (sum->question.summand)
        set_terms(object, sum);
    else
        set_samples(object, sum);
    if (!sum_state_succeeded(sum))
        json_object_set_new(
            object, "error",
            json_output_text(sum->error == MEANTIME_OK ? "interrupted" : sum->text));
    json_object_set_new(object, "total_seconds",
                        json_real(seconds(sum->ended_at_ns - sum->began_at_ns)));
    json_output_print_result(out, object);
}
