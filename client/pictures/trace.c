/* Writes lessons as trace events. */
#include "client/pictures/trace.h"

#include <jansson.h>

/* In the trace, each lesson is a process, and each task is a thread. */
enum trace_thread {
    THREAD_SERVER_REQUEST = 1,
    THREAD_UNIFORM_SUM,
};

/* Fifteen digits show a nanosecond in ten days. A double has no more exact digits. */
#define FORMAT (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* Events are written one by one. One JSON object of all events would need a hundred times the
 * memory of the record. */
struct trace_file {
    FILE *out;
    int process;  /* of the lesson that is written now */
    bool written; /* an event is written already */
};

static double us(int64_t ns)
{
    return (double)ns / 1e3;
}

static void put(struct trace_file *trace, json_t *event)
{
    fputs(trace->written ? ",\n" : "\n", trace->out);
    json_dumpf(event, trace->out, FORMAT);
    json_decref(event);
    trace->written = true;
}

static void put_name(struct trace_file *trace, const char *type, int thread, const char *name)
{
    put(trace, json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "ph", "M", "name", type, "pid",
                         trace->process, "tid", thread, "args", "name", name));
}

/* args: NULL for none. Takes the caller's reference. */
static void put_interval(struct trace_file *trace, enum trace_thread thread, const char *name,
                         struct interval interval, json_t *args)
{
    put(trace, json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:o*}", "ph", "X", "name", name, "pid",
                         trace->process, "tid", (int)thread, "ts", us(interval.begin_ns), "dur",
                         us(interval_ns(interval)), "args", args));
}

static void put_instant(struct trace_file *trace, const char *name, int64_t at_ns, json_t *args)
{
    put(trace,
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:o*}", "ph", "i", "s", "p", "name", name, "pid",
                  trace->process, "tid", THREAD_SERVER_REQUEST, "ts", us(at_ns), "args", args));
}

/* ---- server_request ---------------------------------------------------------------------- */

static void put_phase(struct trace_file *trace, const struct request_phase *phase)
{
    json_t *args = phase->attempt ? json_pack("{s:I, s:b}", "attempt", (json_int_t)phase->attempt,
                                              "answered", (int)phase->answered)
                                  : NULL;

    put_interval(trace, THREAD_SERVER_REQUEST, phase->attempt ? "request" : "no server",
                 phase->interval, args);
    if (phase->lost)
        put_instant(trace, "left", phase->interval.end_ns,
                    json_pack("{s:s}", "server", phase->lost));
}

static void put_request(struct trace_file *trace, const struct record *record)
{
    for (size_t i = 0; i <= record->mark_count; i++) {
        struct request_phase phase = record_phase(record, i);
        if (interval_ns(phase.interval) > 0 || phase.lost)
            put_phase(trace, &phase);
    }
    if (record->outcome == RECORD_ANSWERED)
        put_instant(trace, "reply", record->over_ns, NULL);
    else if (record->outcome == RECORD_FAILED)
        put_instant(trace, "no reply", record->over_ns, json_pack("{s:s}", "why", record->reason));
}

/* ---- uniform_sum ------------------------------------------------------------------------- */

static void put_merged(struct trace_file *trace, const struct loop_pass *pass)
{
    put_interval(trace, THREAD_UNIFORM_SUM, "slices", pass->interval,
                 json_pack("{s:I, s:I, s:f, s:f}", "slices", (json_int_t)pass->slices, "looks",
                           (json_int_t)pass->looks, "slices_us", us(pass->slice_ns), "looks_us",
                           us(pass->look_ns)));
}

static void put_pass(struct trace_file *trace, const struct loop_pass *pass)
{
    struct interval slice = pass->interval, look = pass->interval;

    slice.end_ns = slice.begin_ns + pass->slice_ns;
    look.begin_ns = look.end_ns - pass->look_ns;
    put_interval(trace, THREAD_UNIFORM_SUM, "slice", slice, NULL);
    if (pass->looks > 0)
        put_interval(trace, THREAD_UNIFORM_SUM, "look", look, NULL);
}

static void put_work(struct trace_file *trace, const struct record *record)
{
    for (size_t i = 0; i < record->pass_count; i++)
        if (record_merged(record))
            put_merged(trace, &record->passes[i]);
        else
            put_pass(trace, &record->passes[i]);
    if (interval_ns(record->wait) > 0)
        put_interval(trace, THREAD_UNIFORM_SUM, "idle", record->wait, NULL);
}

static void put_lesson(struct trace_file *trace, const struct record *record)
{
    trace->process++;
    put_name(trace, "process_name", 0, record->name);
    put_name(trace, "thread_name", THREAD_SERVER_REQUEST, "server_request");
    put_name(trace, "thread_name", THREAD_UNIFORM_SUM, "uniform_sum");
    put_request(trace, record);
    put_work(trace, record);
}

/* For each lesson: how many slices one event stands for. */
static json_t *slices_per_event(const struct record *records, size_t count)
{
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, records[i].name,
                            json_integer((json_int_t)records[i].slices_per_pass));
    return object;
}

void trace_write(FILE *out, const struct record *records, size_t count)
{
    struct trace_file trace = {.out = out};
    json_t *about = json_pack("{s:s, s:o}", "program", "meantime " MEANTIME_VERSION,
                              "slices_an_event", slices_per_event(records, count));

    fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":", out);
    json_dumpf(about, out, FORMAT);
    json_decref(about);
    fputs(",\"traceEvents\":[", out);
    for (size_t i = 0; i < count; i++)
        put_lesson(&trace, &records[i]);
    fputs("\n]}\n", out);
}
