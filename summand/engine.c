/* Sums the terms of a summand. */
#include "summand/engine.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <time.h>

#include "proto/instant.h"
#include "proto/outputs.h"
#include "proto/printable.h"
#include "summand/fp_mode.h"
#include "summand/guarded.h"
#include "summand/layout.h"
#include "summand/sentence.h"
#include "sums/exact.h"
#include "sums/samples.h"
#include "sums/stream.h"

/* A call of value() takes about this long, so that a cancel takes effect soon. */
#define CALL_NS (10 * NS_PER_MS)

/* Calls grow from one term by this factor. */
#define CHUNK_GROWTH 4

/* Calls of the largest size between two readings of the clock: a call of 1,024 darts takes 0.6 us,
 * and a reading 0.02 us. */
#define CALLS_UNTIMED 16

#define NO_BLOCK UINT64_MAX

/* The samples of one kind. */
struct feed {
    struct stream stream;
    uint32_t samples; /* per term; 0: the terms need none of this kind */
    uint32_t terms;   /* per block */
    uint64_t block;   /* that `memory` holds, or NO_BLOCK */
    struct guarded memory;
    const double **columns; /* columns[d]: sample d of the first term of a call */
};

struct engine {
    const struct meantime_summand *summand;
    const struct kernel *kernel;
    struct engine_watch watch;
    bool began; /* begin() succeeded, so that end() is due */
    void *state;
    struct meantime_shape shape;
    uint64_t seed;
    struct feed gaussian, uniform;
    struct guarded memory[MEANTIME_OUTPUTS_MAX]; /* of each output in one call */
    double *out[MEANTIME_OUTPUTS_MAX];
    struct guarded sums;
    struct exact *exact[MEANTIME_OUTPUTS_MAX];
    char name[MEANTIME_OUTPUTS_MAX][MEANTIME_NAME_MAX + 1];
    uint32_t chunk_fixed; /* 0: the engine chooses */
    uint32_t chunk;       /* terms of the next call */
    uint32_t calls;       /* since the clock was read */
    int64_t read_at_ns;   /* when the clock was read */
    bool time_sums;
    struct engine_times times;
    char text[SENTENCE_BYTES];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

__attribute__((format(printf, 3, 4))) static enum engine_end fail(struct engine *engine,
                                                                  enum engine_end end,
                                                                  const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(engine->text, sizeof engine->text, format, arguments);
    va_end(arguments);
    make_printable(engine->text);
    return end;
}

/* ---- memory -------------------------------------------------------------------------------- */

static bool feed_begin(struct feed *feed, uint32_t samples, uint64_t seed, enum stream_kind kind)
{
    stream_init(&feed->stream, seed, kind);
    feed->samples = samples;
    feed->terms = layout_terms_per_block(samples);
    feed->block = NO_BLOCK;
    free(feed->columns);
    feed->columns = calloc(samples + 1, sizeof *feed->columns);
    if (samples && !feed->memory.data)
        guarded_init(&feed->memory, BLOCK_SAMPLES * sizeof(double));
    return feed->columns && (samples == 0 || feed->memory.data);
}

static void feed_clear(struct feed *feed)
{
    free(feed->columns);
    guarded_clear(&feed->memory);
}

static bool outputs_begin(struct engine *engine)
{
    char *sums = engine->sums.data;
    bool complete = sums;
    for (uint32_t k = 0; complete && k < engine->shape.outputs; k++) {
        if (!engine->memory[k].data)
            guarded_init(&engine->memory[k], MEANTIME_TERMS_MAX * sizeof(double));
        complete = engine->memory[k].data;
        engine->exact[k] = exact_init(sums + k * exact_bytes());
    }
    return complete;
}

struct engine *engine_new(const struct meantime_summand *summand, const struct kernel *kernel,
                          const struct engine_watch *watch)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    engine->summand = summand;
    engine->kernel = kernel;
    if (watch)
        engine->watch = *watch;
    if (!guarded_init(&engine->sums, MEANTIME_OUTPUTS_MAX * exact_bytes()))
        engine_destroy(&engine);
    return engine;
}

static void end_state(struct engine *engine)
{
    if (engine->began && engine->summand->end)
        engine->summand->end(engine->state);
    engine->began = false;
    engine->state = NULL;
}

void engine_destroy(struct engine **engine_p)
{
    struct engine *engine = *engine_p;
    if (!engine)
        return;
    end_state(engine);
    feed_clear(&engine->gaussian);
    feed_clear(&engine->uniform);
    for (uint32_t k = 0; k < MEANTIME_OUTPUTS_MAX; k++)
        guarded_clear(&engine->memory[k]);
    guarded_clear(&engine->sums);
    free(engine);
    *engine_p = NULL;
}

/* ---- begin --------------------------------------------------------------------------------- */

static enum engine_end names_begin(struct engine *engine)
{
    const char *const *names = engine->shape.names;
    for (uint32_t k = 0; k < engine->shape.outputs; k++) {
        if (names && (!names[k] || !output_name_valid(names[k])))
            return fail(engine, ENGINE_FAILED,
                        "The name of output %" PRIu32
                        " has characters other than a-z 0-9 - _, or is not 1 to %d bytes long.",
                        k + 1, MEANTIME_NAME_MAX);
        if (names)
            memcpy(engine->name[k], names[k], strlen(names[k]) + 1);
        else
            snprintf(engine->name[k], sizeof engine->name[k], "%" PRIu32, k + 1);
    }
    return ENGINE_DONE;
}

static enum engine_end shape_check(struct engine *engine)
{
    const struct meantime_shape *shape = &engine->shape;
    if (shape->gaussians > MEANTIME_SAMPLES_MAX || shape->uniforms > MEANTIME_SAMPLES_MAX)
        return fail(engine, ENGINE_FAILED,
                    "begin() asks for %" PRIu32 " Gaussian and %" PRIu32
                    " uniform samples per term; the most are %d of each kind.",
                    shape->gaussians, shape->uniforms, MEANTIME_SAMPLES_MAX);
    if (shape->outputs < 1 || shape->outputs > MEANTIME_OUTPUTS_MAX)
        return fail(engine, ENGINE_FAILED, "begin() sets %" PRIu32 " outputs; expected 1 to %d.",
                    shape->outputs, MEANTIME_OUTPUTS_MAX);
    if (shape->reserved)
        return fail(engine, ENGINE_FAILED, "begin() sets the field \"reserved\"; expected 0.");
    return names_begin(engine);
}

/* Between two calls of user code, the mode of the arithmetic must not change. */
static enum engine_end mode_check(struct engine *engine, const char *function)
{
    if (fp_mode_is_standard())
        return ENGINE_DONE;
    fp_mode_set();
    return fail(engine, ENGINE_FAILED,
                "%s() changed the processor's floating-point mode (" FP_MODE_NAME
                ") and did not restore it.",
                function);
}

static bool call_begins(struct engine *engine, uint64_t first, uint32_t count)
{
    fp_mode_set();
    return !engine->watch.before_call ||
           engine->watch.before_call(engine->watch.context, first, count);
}

static enum engine_end memory_begin(struct engine *engine, uint64_t seed)
{
    const struct meantime_shape *shape = &engine->shape;
    engine->seed = seed;
    if (feed_begin(&engine->gaussian, shape->gaussians, seed, STREAM_GAUSSIAN) &&
        feed_begin(&engine->uniform, shape->uniforms, seed, STREAM_UNIFORM) &&
        outputs_begin(engine))
        return ENGINE_DONE;
    return fail(engine, ENGINE_FAILED,
                "There is no memory for the samples and outputs; raise --summand-memory.");
}

enum engine_end engine_begin(struct engine *engine, uint64_t seed, const char *parameters)
{
    enum engine_end end;
    end_state(engine);
    engine->shape = (struct meantime_shape){0};
    engine->chunk = 1;
    if (!call_begins(engine, 0, 0))
        return ENGINE_STOPPED;
    const char *fault = engine->summand->begin(parameters, &engine->shape, &engine->state);
    engine->began = !fault;
    end = mode_check(engine, "begin");
    if (fault)
        return fail(engine, ENGINE_BAD_PARAMETERS, "%.*s", SENTENCE_BYTES - 1, fault);
    if (end == ENGINE_DONE)
        end = shape_check(engine);
    if (end == ENGINE_DONE)
        end = memory_begin(engine, seed);
    if (end == ENGINE_DONE)
        engine_empty(engine);
    return end;
}

void engine_empty(struct engine *engine)
{
    engine->times = (struct engine_times){0};
    for (uint32_t k = 0; k < engine->shape.outputs; k++)
        if (engine->exact[k])
            exact_clear(engine->exact[k]);
}

/* ---- one call ------------------------------------------------------------------------------ */

static uint32_t least(uint32_t a, uint64_t b)
{
    return a < b ? a : (uint32_t)b;
}

static uint32_t feed_terms_at(const struct feed *feed, uint64_t first, uint32_t terms)
{
    return feed->samples ? least(terms, feed->terms - first % feed->terms) : terms;
}

uint32_t engine_terms_at(const struct engine *engine, uint64_t first, uint32_t terms)
{
    terms = feed_terms_at(&engine->gaussian, first, least(terms, MEANTIME_TERMS_MAX));
    return feed_terms_at(&engine->uniform, first, terms);
}

/* Fills the block of term `first`, unless the memory holds that block. */
static void feed_fill(struct engine *engine, struct feed *feed, uint64_t first)
{
    uint64_t block = first / feed->terms;
    if (block == feed->block)
        return;
    int64_t began_at_ns = now_ns();
    samples_fill(engine->kernel, &feed->stream, block * BLOCK_SAMPLES,
                 (size_t)feed->samples * feed->terms, feed->memory.data);
    engine->times.fill_ns += (uint64_t)(now_ns() - began_at_ns);
    feed->block = block;
}

static void feed_move(struct engine *engine, struct feed *feed, uint64_t first)
{
    if (feed->samples == 0)
        return;
    feed_fill(engine, feed, first);
    const double *column = (const double *)feed->memory.data + first % feed->terms;
    for (uint32_t d = 0; d < feed->samples; d++, column += feed->terms)
        feed->columns[d] = column;
}

/* An array ends where its memory ends, so that a function that writes more values dies. Only up to
 * 7 values more go unnoticed, because the array starts at a multiple of 64 bytes. */
static void outputs_move(struct engine *engine, uint32_t count)
{
    uint32_t unused = (MEANTIME_TERMS_MAX - count) / 8 * 8;
    for (uint32_t k = 0; k < engine->shape.outputs; k++)
        engine->out[k] = (double *)engine->memory[k].data + unused;
}

/* Stops if before_call() of the watch returns false. */
static enum engine_end call_value(struct engine *engine, uint64_t first, uint32_t count)
{
    const struct meantime_terms terms = {
        .first = first,
        .seed = engine->seed,
        .count = count,
        .gaussian = engine->gaussian.columns,
        .uniform = engine->uniform.columns,
    };
    double *out[MEANTIME_OUTPUTS_MAX]; /* a copy, because the function may write into it */
    feed_move(engine, &engine->gaussian, first);
    feed_move(engine, &engine->uniform, first);
    outputs_move(engine, count);
    memcpy(out, engine->out, sizeof out);
    if (!call_begins(engine, first, count))
        return ENGINE_STOPPED;
    engine->summand->value(engine->state, &terms, out);
    return mode_check(engine, "value");
}

static enum engine_end fail_value(struct engine *engine, uint64_t term, uint32_t output,
                                  double value)
{
    return fail(engine, ENGINE_FAILED, "Term %" PRIu64 " of output \"%s\" is %s, no finite number.",
                term, engine->name[output],
                isnan(value) ? "NaN"
                : value > 0  ? "inf"
                             : "-inf");
}

/* ---- ranges -------------------------------------------------------------------------------- */

static enum engine_end add_output(struct engine *engine, uint64_t first, uint32_t count, uint32_t k)
{
    const double *values = engine->out[k];
    size_t bad;
    if (!exact_add(engine->exact[k], values, count, &bad))
        return fail_value(engine, first + bad, k, values[bad]);
    if (engine_wants_squares(engine, k))
        exact_add_squares(engine->exact[k], values, count, &bad);
    return ENGINE_DONE;
}

static enum engine_end add_outputs(struct engine *engine, uint64_t first, uint32_t count)
{
    enum engine_end end = ENGINE_DONE;
    int64_t began_at_ns = engine->time_sums ? now_ns() : 0;
    for (uint32_t k = 0; end == ENGINE_DONE && k < engine->shape.outputs; k++)
        end = add_output(engine, first, count, k);
    if (engine->time_sums)
        engine->times.sum_ns += (uint64_t)(now_ns() - began_at_ns);
    return end;
}

/* Terms of the next call. Calls end at multiples of 8 terms, so that arrays are aligned. */
static uint32_t next_terms(const struct engine *engine, uint64_t at, uint64_t end)
{
    uint32_t chunk = engine->chunk_fixed ? engine->chunk_fixed : engine->chunk;
    uint32_t terms = engine_terms_at(engine, at, least(chunk, end - at));
    return !engine->chunk_fixed && terms > 8 ? terms - (uint32_t)((at + terms) % 8) : terms;
}

/* Adapts the size of the calls to the time that they take. */
static void pace(struct engine *engine)
{
    if (engine->chunk == MEANTIME_TERMS_MAX && ++engine->calls < CALLS_UNTIMED)
        return;
    int64_t at_ns = now_ns();
    int64_t call_ns = (at_ns - engine->read_at_ns) / (engine->calls ? engine->calls : 1);
    if (call_ns < CALL_NS / CHUNK_GROWTH && engine->chunk < MEANTIME_TERMS_MAX)
        engine->chunk *= CHUNK_GROWTH;
    else if (call_ns > 2 * CALL_NS && engine->chunk > 1)
        engine->chunk /= CHUNK_GROWTH;
    engine->calls = 0;
    engine->read_at_ns = at_ns;
}

static enum engine_end sum_terms(struct engine *engine, uint64_t first, uint64_t count)
{
    uint64_t end = first + count;
    enum engine_end step = ENGINE_DONE;
    for (uint64_t at = first; at < end && step == ENGINE_DONE;) {
        uint32_t terms = next_terms(engine, at, end);
        step = call_value(engine, at, terms);
        if (step == ENGINE_DONE)
            step = add_outputs(engine, at, terms);
        at += terms;
        pace(engine);
    }
    return step;
}

enum engine_end engine_sum(struct engine *engine, uint64_t first, uint64_t count)
{
    uint64_t most = engine_terms_max(engine), fill_ns = engine->times.fill_ns;
    assert(engine->began);
    if (first > most || count > most - first)
        return fail(engine, ENGINE_BAD_PARAMETERS,
                    "With these parameters, terms must be below %" PRIu64 ".", most);
    int64_t began_at_ns = engine->read_at_ns = now_ns();
    engine->calls = 0;
    enum engine_end end = sum_terms(engine, first, count);
    fill_ns = engine->times.fill_ns - fill_ns;
    engine->times.value_ns += (uint64_t)(now_ns() - began_at_ns) - fill_ns;
    return end;
}

/* Until value() sets an output, it is a NaN with these bits, which no arithmetic gives. */
#define UNSET_BITS UINT64_C(0x7ff4756e73657421)

static void outputs_unset(struct engine *engine)
{
    static const uint64_t unset = UNSET_BITS;
    for (uint32_t k = 0; k < engine->shape.outputs; k++)
        for (uint32_t i = 0; i < MEANTIME_TERMS_MAX; i++)
            memcpy((double *)engine->memory[k].data + i, &unset, sizeof unset);
}

static enum engine_end value_check(struct engine *engine, uint64_t term, uint32_t k,
                                   const double *value)
{
    static const uint64_t unset = UNSET_BITS;
    if (memcmp(value, &unset, sizeof unset) == 0)
        return fail(engine, ENGINE_FAILED,
                    "value() does not set output \"%s\" of term %" PRIu64 ".", engine->name[k],
                    term);
    return isfinite(*value) ? ENGINE_DONE : fail_value(engine, term, k, *value);
}

enum engine_end engine_call(struct engine *engine, uint64_t first, uint32_t count)
{
    outputs_unset(engine);
    enum engine_end end = call_value(engine, first, count);
    for (uint32_t k = 0; k < engine->shape.outputs; k++)
        for (uint32_t i = 0; i < count && end == ENGINE_DONE; i++)
            end = value_check(engine, first + i, k, &engine->out[k][i]);
    return end;
}

/* ---- what the engine knows ----------------------------------------------------------------- */

void engine_set_chunk(struct engine *engine, uint32_t terms)
{
    engine->chunk_fixed = terms;
}

void engine_time_sums(struct engine *engine)
{
    engine->time_sums = true;
}

const char *engine_text(const struct engine *engine)
{
    return engine->text;
}

uint64_t engine_grain(const struct engine *engine)
{
    return layout_grain(engine->shape.gaussians, engine->shape.uniforms);
}

uint64_t engine_terms_max(const struct engine *engine)
{
    return layout_terms_max(engine->shape.gaussians, engine->shape.uniforms);
}

const struct meantime_shape *engine_shape(const struct engine *engine)
{
    return &engine->shape;
}

const char *engine_output_name(const struct engine *engine, uint32_t output)
{
    return engine->name[output];
}

bool engine_wants_squares(const struct engine *engine, uint32_t output)
{
    return !(engine->shape.without_squares >> output & 1);
}

void engine_totals(const struct engine *engine, uint32_t output, struct exact_total *sum,
                   struct exact_total *squares)
{
    exact_sum(engine->exact[output], sum);
    exact_squares(engine->exact[output], squares);
}

struct engine_times engine_times(const struct engine *engine)
{
    return engine->times;
}

const double *engine_values(const struct engine *engine, uint32_t output)
{
    return engine->out[output];
}
