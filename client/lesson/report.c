#include "client/lesson/report.h"

#include "client/common/interrupt.h"
#include "client/common/json_output.h"
#include "client/lib/clock.h"
#include "client/sum/estimate.h"

static json_t *sum_object(uint64_t count, __int128 units, int unit_log2, int64_t elapsed_ns)
{
    char text[UNITS_TEXT_BYTES];

    return json_pack("{s:o, s:f, s:s, s:i, s:f}", "count", json_output_count(count), "sum",
                     total_value(units, unit_log2), "units", units_print(units, text), "unit_log2",
                     unit_log2, "seconds", seconds(elapsed_ns));
}

/* Nobody says how many samples it was, and a double is no exact sum. */
static json_t *plain_object(const struct meantime_result *result)
{
    return json_pack("{s:f, s:f}", "sum", result->sum, "seconds", seconds(result->elapsed_ns));
}

static void set_request(json_t *object, const struct lesson *run)
{
    const struct meantime_result *result = &run->result;
    const char *kind = run->question.kind == MEANTIME_UNIFORM ? "uniform" : "gaussian";

    json_object_set_new(object, "attempts", json_integer((json_int_t)result->attempts));
    if (lesson_has_reply(run) && run->plain) {
        json_object_set_new(object, kind, plain_object(result));
        return;
    }
    if (lesson_has_reply(run)) {
        json_object_set_new(
            object, kind,
            sum_object(result->count, result_units(result), result->unit_log2, result->elapsed_ns));
        return;
    }
    json_object_set_new(object, kind, json_null());
    json_object_set_new(object, "error", json_output_text(result->text));
}

static void set_sum(json_t *object, const struct lesson *run)
{
    const struct uniform_sum *sum = &run->sum;

    json_object_set_new(object, "uniform",
                        sum_object(sum->total.count, sum->total.units,
                                   stream_unit_log2(STREAM_UNIFORM),
                                   sum->ended_at_ns - sum->began_at_ns));
    json_object_set_new(object, "kernel", json_string(sum->kernel->name));
    json_object_set_new(object, "slices", json_integer((json_int_t)sum->slices));
    json_object_set_new(object, "looks", json_integer((json_int_t)sum->looks));
    json_object_set_new(object, "slice_seconds_max", json_real(seconds(sum->slice_ns_max)));
    json_object_set_new(object, "look_seconds", json_real(seconds(sum->look_ns)));
}

static void set_long_sum(json_t *object, const struct long_sum *sum)
{
    bool uniform = sum->question.kind == MEANTIME_UNIFORM;
    enum stream_kind kind = uniform ? STREAM_UNIFORM : STREAM_GAUSSIAN;
    const struct total *total = &sum->window.so_far;
    struct estimate estimate;
    const char *name = uniform ? "uniform" : "gaussian";
    json_t *part;

    if (!long_sum_has_sum(sum)) {
        json_object_set_new(object, name, json_null());
        return;
    }
    estimate = estimate_of(kind, total);
    part = sum_object(total->count, total->units, stream_unit_log2(kind),
                      sum->ended_at_ns - sum->began_at_ns);
    json_object_set_new(part, "resumed_from", json_output_count(sum->began_with));
    json_object_set_new(object, name, part);
    json_object_set_new(object, "mean", json_real(estimate.mean));
    json_object_set_new(object, "standard_error", json_real(estimate.standard_error));
    json_object_set_new(object, "z", json_real(estimate.z));
}

static double run_seconds(const struct lesson *run)
{
    return seconds(run->ended_at_ns - run->began_at_ns);
}

static json_t *run_object(const struct lesson *run, uint64_t seed)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string(run->mode));
    json_object_set_new(object, "seed", json_output_exact(seed));
    set_request(object, run);
    if (run->sum.count > 0)
        set_sum(object, run);
    json_object_set_new(object, "total_seconds", json_real(run_seconds(run)));
    return object;
}

static void set_interrupted(json_t *object)
{
    if (interrupted())
        json_object_set_new(object, "interrupted", json_true());
}

void report_run(FILE *out, const struct lesson *run, uint64_t seed)
{
    json_t *object = run_object(run, seed);

    set_interrupted(object);
    json_output_print(out, object);
}

void report_sum(FILE *out, const struct long_sum *sum)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string("sum"));
    json_object_set_new(object, "seed", json_output_exact(sum->question.seed));
    json_object_set_new(object, "requests", json_integer((json_int_t)sum->window.asked));
    json_object_set_new(object, "attempts", json_integer((json_int_t)sum->attempts));
    set_long_sum(object, sum);
    if (!long_sum_succeeded(sum))
        json_object_set_new(
            object, "error",
            json_output_text(sum->error == MEANTIME_OK ? "interrupted" : sum->text));
    json_object_set_new(object, "total_seconds",
                        json_real(seconds(sum->ended_at_ns - sum->began_at_ns)));
    set_interrupted(object);
    json_output_print(out, object);
}

void report_comparison(FILE *out, const struct lesson *runs, int count, uint64_t seed)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string("compare"));
    json_object_set_new(object, "seed", json_output_exact(seed));
    for (int i = 0; i < count; i++)
        json_object_set_new(object, runs[i].mode, run_object(&runs[i], seed));
    set_interrupted(object);
    if (count == 2 && lesson_has_reply(&runs[0]) && lesson_has_reply(&runs[1]) && !interrupted())
        json_object_set_new(object, "speedup",
                            json_real(run_seconds(&runs[0]) / run_seconds(&runs[1])));
    json_output_print(out, object);
}
