/* Prints the result of a long sum as JSON. */
#include "client/sum/sum_report.h"

#include "client/common/json_output.h"
#include "client/lib/clock.h"
#include "client/sum/estimate.h"

static void set_estimate(json_t *object, const struct estimate *estimate)
{
    json_object_set_new(object, "mean", json_real(estimate->mean));
    json_object_set_new(object, "standard_error", json_real(estimate->standard_error));
    json_object_set_new(object, "z", json_real(estimate->z));
}

static void set_sum(json_t *object, const struct sum_state *sum)
{
    bool uniform = sum->question.kind == MEANTIME_UNIFORM;
    enum stream_kind kind = uniform ? STREAM_UNIFORM : STREAM_GAUSSIAN;
    const char *name = uniform ? "uniform" : "gaussian";
    const struct total *total = &sum->so_far;

    if (!sum_state_has_sum(sum)) {
        json_object_set_new(object, name, json_null());
        return;
    }
    struct estimate estimate = estimate_of(kind, total);
    json_t *part = json_output_sum(total->count, total->units, stream_unit_log2(kind),
                                   sum->ended_at_ns - sum->began_at_ns);
    json_object_set_new(part, "resumed_from", json_output_count(sum->resumed_from));
    json_object_set_new(object, name, part);
    set_estimate(object, &estimate);
}

void sum_report(FILE *out, const struct sum_state *sum)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string("sum"));
    json_object_set_new(object, "seed", json_output_exact(sum->question.seed));
    json_object_set_new(object, "requests", json_integer((json_int_t)sum->window.asked));
    json_object_set_new(object, "attempts", json_integer((json_int_t)sum->attempts));
    set_sum(object, sum);
    if (!sum_state_succeeded(sum))
        json_object_set_new(
            object, "error",
            json_output_text(sum->error == MEANTIME_OK ? "interrupted" : sum->text));
    json_object_set_new(object, "total_seconds",
                        json_real(seconds(sum->ended_at_ns - sum->began_at_ns)));
    json_output_print_result(out, object);
}
