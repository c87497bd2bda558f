/* Prints the results of lessons as JSON. */
#include "client/lesson/report.h"

#include "client/common/interrupt.h"
#include "client/common/json_output.h"
#include "client/common/result.h"
#include "client/lib/clock.h"

/* The sum of a plain server: the server sends no count of samples and no exact sum. */
static json_t *plain_object(const struct meantime_result *result)
{
    return json_pack("{s:f, s:f}", "sum", result->sum, "seconds", seconds(result->elapsed_ns));
}

static json_t *reply_object(const struct server_request *request)
{
    const struct meantime_result *result = &request->result;

    return request->target.plain ? plain_object(result)
                                 : json_output_sum(result->count, result_units(result),
                                                   result->unit_log2, result->elapsed_ns);
}

static void set_request(json_t *object, const struct server_request *request)
{
    const struct meantime_result *result = &request->result;
    const char *kind = request->question.kind == MEANTIME_UNIFORM ? "uniform" : "gaussian";

    json_object_set_new(object, "attempts", json_integer((json_int_t)result->attempts));
    if (server_request_has_reply(request)) {
        json_object_set_new(object, kind, reply_object(request));
        return;
    }
    json_object_set_new(object, kind, json_null());
    json_object_set_new(object, "error", json_output_text(result->text));
}

static void set_sum(json_t *object, const struct uniform_sum *sum)
{
    json_object_set_new(object, "uniform",
                        json_output_sum(sum->total.count, sum->total.units,
                                        stream_unit_log2(STREAM_UNIFORM),
                                        sum->ended_at_ns - sum->began_at_ns));
    json_object_set_new(object, "kernel", json_string(sum->kernel->name));
    json_object_set_new(object, "slices", json_integer((json_int_t)sum->slices));
    json_object_set_new(object, "looks", json_integer((json_int_t)sum->looks));
    json_object_set_new(object, "slice_seconds_max", json_real(seconds(sum->slice_ns_max)));
    json_object_set_new(object, "look_seconds", json_real(seconds(sum->look_ns)));
}

static double lesson_seconds(const struct lesson *lesson)
{
    return seconds(lesson->ended_at_ns - lesson->began_at_ns);
}

static json_t *lesson_object(const struct lesson *lesson, uint64_t seed)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string(lesson->mode));
    json_object_set_new(object, "seed", json_output_exact(seed));
    set_request(object, &lesson->request);
    if (lesson->sum.count > 0)
        set_sum(object, &lesson->sum);
    json_object_set_new(object, "total_seconds", json_real(lesson_seconds(lesson)));
    return object;
}

void report_lesson(FILE *out, const struct lesson *lesson, uint64_t seed)
{
    json_output_print_result(out, lesson_object(lesson, seed));
}

static bool is_comparable(const struct lesson *lessons, int count)
{
    return count == 2 && server_request_has_reply(&lessons[0].request) &&
           server_request_has_reply(&lessons[1].request) && !interrupted();
}

void report_comparison(FILE *out, const struct lesson *lessons, int count, uint64_t seed)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string("compare"));
    json_object_set_new(object, "seed", json_output_exact(seed));
    for (int i = 0; i < count; i++)
        json_object_set_new(object, lessons[i].mode, lesson_object(&lessons[i], seed));
    if (is_comparable(lessons, count))
        json_object_set_new(object, "speedup",
                            json_real(lesson_seconds(&lessons[0]) / lesson_seconds(&lessons[1])));
    json_output_print_result(out, object);
}
