#include "client/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "client/clock.h"

/* 64-bit numbers that others may have to repeat go as strings: JSON's are doubles to many. */
static json_t *seed_text(uint64_t seed)
{
    char text[21];

    snprintf(text, sizeof text, "%" PRIu64, seed);
    return json_string(text);
}

static json_t *sum_object(uint64_t count, __int128 units, int unit_log2, int64_t elapsed_ns)
{
    char text[UNITS_TEXT_BYTES];

    return json_pack("{s:I, s:f, s:s, s:i, s:f}", "count", (json_int_t)count, "sum",
                     total_value(units, unit_log2), "units", units_print(units, text), "unit_log2",
                     unit_log2, "seconds", seconds(elapsed_ns));
}

static void set_request(json_t *object, const struct server_request *request)
{
    const char *kind = request->asked.kind == MESSAGE_KIND_UNIFORM ? "uniform" : "gaussian";

    if (request->state == SERVER_REQUEST_DONE) {
        json_object_set_new(object, kind,
                            sum_object(request->reply.count, request->reply.units,
                                       request->reply.unit_log2,
                                       request->ended_at_ns - request->began_at_ns));
        return;
    }
    json_object_set_new(object, kind, json_null());
    json_object_set_new(object, "error", json_string(request->trouble));
}

static void set_sum(json_t *object, const struct run *run)
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

static double run_seconds(const struct run *run)
{
    return seconds(run->ended_at_ns - run->began_at_ns);
}

static json_t *run_object(const struct run *run, uint64_t seed)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string(run->mode));
    json_object_set_new(object, "seed", seed_text(seed));
    set_request(object, &run->request);
    if (run->sum.count > 0)
        set_sum(object, run);
    json_object_set_new(object, "total_seconds", json_real(run_seconds(run)));
    return object;
}

static void print(FILE *out, json_t *object)
{
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
}

void report_run(FILE *out, const struct run *run, uint64_t seed)
{
    print(out, run_object(run, seed));
}

void report_comparison(FILE *out, const struct run *serial, const struct run *async, uint64_t seed)
{
    json_t *object = json_object();

    json_object_set_new(object, "mode", json_string("compare"));
    json_object_set_new(object, "seed", seed_text(seed));
    json_object_set_new(object, "serial", run_object(serial, seed));
    json_object_set_new(object, "async", run_object(async, seed));
    json_object_set_new(object, "speedup", json_real(run_seconds(serial) / run_seconds(async)));
    print(out, object);
}
