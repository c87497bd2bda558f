#include "client/pictures/trace.h"

#include <jansson.h>

enum thread {
    THREAD_REQUEST = 1,
    THREAD_WORK,
};

/* Enough for a nanosecond in ten days, and no digits beyond that a double does not have. */
#define FORMAT (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* A file of events, written one by one: all at once they would take a hundred times the memory. */
struct trace {
    FILE *out;
    int process;
    bool any; /* event so far */
};

static double us(int64_t ns)
{
    return (double)ns / 1e3;
}

static void put(struct trace *trace, json_t *event)
{
    fputs(trace->any ? ",\n" : "\n", trace->out);
    json_dumpf(event, trace->out, FORMAT);
    json_decref(event);
    trace->any = true;
}

static void put_name(struct trace *trace, const char *what, int thread, const char *name)
{
    put(trace, json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "ph", "M", "name", what, "pid",
                         trace->process, "tid", thread, "args", "name", name));
}

/* args: NULL for none; is used up. */
static void put_lapse(struct trace *trace, enum thread thread, const char *name, struct lapse lapse,
                      json_t *args)
{
    put(trace, json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:o*}", "ph", "X", "name", name, "pid",
                         trace->process, "tid", (int)thread, "ts", us(lapse.begin_ns), "dur",
                         us(lapse_ns(lapse)), "args", args));
}

static void put_instant(struct trace *trace, const char *name, int64_t at_ns, json_t *args)
{
    put(trace,
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:o*}", "ph", "i", "s", "p", "name", name, "pid",
                  trace->process, "tid", THREAD_REQUEST, "ts", us(at_ns), "args", args));
}

/* ---- the request ------------------------------------------------------------------------- */

static void put_stretch(struct trace *trace, const struct stretch *stretch)
{
    json_t *args = stretch->attempt
                       ? json_pack("{s:I, s:b}", "attempt", (json_int_t)stretch->attempt,
                                   "answered", (int)stretch->answered)
                       : NULL;

    put_lapse(trace, THREAD_REQUEST, stretch->attempt ? "request" : "no server", stretch->lapse,
              args);
    if (stretch->left)
        put_instant(trace, "left", stretch->lapse.end_ns,
                    json_pack("{s:s}", "server", stretch->left));
}

static void put_request(struct trace *trace, const struct record *record)
{
    for (size_t i = 0; i <= record->mark_count; i++) {
        struct stretch stretch = record_stretch(record, i);
        if (lapse_ns(stretch.lapse) > 0 || stretch.left)
            put_stretch(trace, &stretch);
    }
    if (record->outcome == OUTCOME_ANSWERED)
        put_instant(trace, "reply", record->over_ns, NULL);
    else if (record->outcome == OUTCOME_FAILED)
        put_instant(trace, "no reply", record->over_ns, json_pack("{s:s}", "why", record->trouble));
}

/* ---- the work ---------------------------------------------------------------------------- */

static void put_merged(struct trace *trace, const struct turn *turn)
{
    put_lapse(trace, THREAD_WORK, "slices", turn->lapse,
              json_pack("{s:I, s:I, s:f, s:f}", "slices", (json_int_t)turn->slices, "looks",
                        (json_int_t)turn->looks, "slices_us", us(turn->slice_ns), "looks_us",
                        us(turn->look_ns)));
}

static void put_turn(struct trace *trace, const struct turn *turn)
{
    struct lapse slice = turn->lapse, look = turn->lapse;

    slice.end_ns = slice.begin_ns + turn->slice_ns;
    look.begin_ns = look.end_ns - turn->look_ns;
    put_lapse(trace, THREAD_WORK, "slice", slice, NULL);
    if (turn->looks > 0)
        put_lapse(trace, THREAD_WORK, "look", look, NULL);
}

static void put_work(struct trace *trace, const struct record *record)
{
    for (size_t i = 0; i < record->turn_count; i++)
        if (record_merged(record))
            put_merged(trace, &record->turns[i]);
        else
            put_turn(trace, &record->turns[i]);
    if (lapse_ns(record->wait) > 0)
        put_lapse(trace, THREAD_WORK, "idle", record->wait, NULL);
}

static void put_run(struct trace *trace, const struct record *record)
{
    trace->process++;
    put_name(trace, "process_name", 0, record->name);
    put_name(trace, "thread_name", THREAD_REQUEST, "server request");
    put_name(trace, "thread_name", THREAD_WORK, "local work");
    put_request(trace, record);
    put_work(trace, record);
}

/* How many slices an event stands for, in each run. */
static json_t *grains(const struct record *runs, size_t count)
{
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, runs[i].name, json_integer((json_int_t)runs[i].grain));
    return object;
}

void trace_write(FILE *out, const struct record *runs, size_t count)
{
    struct trace trace = {.out = out};
    json_t *about = json_pack("{s:s, s:o}", "program", "meantime " MEANTIME_VERSION,
                              "slices_an_event", grains(runs, count));

    fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":", out);
    json_dumpf(about, out, FORMAT);
    json_decref(about);
    fputs(",\"traceEvents\":[", out);
    for (size_t i = 0; i < count; i++)
        put_run(&trace, &runs[i]);
    fputs("\n]}\n", out);
}
