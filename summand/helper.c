/* The program meantime-summand-helper: loads one summand, and sums spans of one request for the
 * server that has started it. It links few libraries, so that a new helper takes over soon after a
 * crash. */
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "proto/instant.h"
#include "proto/time_slice.h"
#include "summand/build.h"
#include "summand/engine.h"
#include "summand/helper_program.h"
#include "summand/helper_wire.h"
#include "summand/loader.h"
#include "summand/sandbox.h"

/* The times per term are measured for this long. */
#define TIMING_NS (200 * NS_PER_MS)

/* Terms of the first measurement. Each one has twice the terms of the one before. */
#define TIMING_TERMS 1

/* What the code of the user could overwrite is either rebuilt for each span or between guard pages.
 * The payload belongs to the last reply. */
struct helper {
    const struct kernel *kernel;
    const struct meantime_summand *summand; /* NULL: it is not loaded */
    struct engine *engine;
    struct helper_state *state;
    uint32_t known_terms;
    uint64_t known_digest;
    bool is_loading; /* then no cancel is obeyed: the known terms decide about all requests */
    bool began;      /* begin() has succeeded, for the question of this request */
    char load_error[SENTENCE_BYTES];
    uint8_t payload[MEANTIME_OUTPUTS_MAX * PACKED_OUTPUT_BYTES_MAX];
};

static const enum helper_end ends[] = {
    [ENGINE_DONE] = HELPER_SUMMED,
    [ENGINE_STOPPED] = HELPER_CANCELLED,
    [ENGINE_BAD_PARAMETERS] = HELPER_BAD_PARAMETERS,
    [ENGINE_FAILED] = HELPER_FAILED,
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- what the server observes -------------------------------------------------------------- */

static void announce(struct helper_state *state, uint64_t first, uint32_t count)
{
    atomic_store_explicit(&state->first, first, memory_order_relaxed);
    atomic_store_explicit(&state->count, count, memory_order_relaxed);
    atomic_fetch_add_explicit(&state->calls, 1, memory_order_release);
}

static bool before_call(void *context, uint64_t first, uint32_t count)
{
    const struct helper *helper = context;
    announce(helper->state, first, count);
    return helper->is_loading ||
           !atomic_load_explicit(&helper->state->cancelled, memory_order_relaxed);
}

/* ---- loading ------------------------------------------------------------------------------- */

static void fail_load(struct helper *helper, const char *text)
{
    snprintf(helper->load_error, sizeof helper->load_error, "%s", text);
    helper->summand = NULL;
}

/* A failure shows in the digest, which the server compares. */
static void repeat_known_terms(struct helper *helper)
{
    if (helper->known_terms &&
        build_known(helper->engine, helper->known_terms, &helper->known_digest) != ENGINE_DONE)
        fail_load(helper, engine_text(helper->engine));
}

static void load(struct helper *helper)
{
    const struct engine_watch watch = {before_call, helper};
    announce(helper->state, 0, 0);
    helper->summand = loader_open(HELPER_FILE, helper->load_error);
    if (!helper->summand)
        return;
    helper->engine = engine_new(helper->summand, helper->kernel, &watch);
    if (helper->engine)
        repeat_known_terms(helper);
    else
        fail_load(helper, "There is no memory for the summand; raise --summand-memory.");
}

/* ---- spans --------------------------------------------------------------------------------- */

static size_t pack_outputs(struct helper *helper)
{
    struct helper_output output;
    size_t size = 0;
    for (uint32_t k = 0; k < engine_shape(helper->engine)->outputs; k++) {
        snprintf(output.name, sizeof output.name, "%s", engine_output_name(helper->engine, k));
        output.has_squares = engine_wants_squares(helper->engine, k);
        engine_totals(helper->engine, k, &output.sum, &output.squares);
        size += output_pack(&output, helper->payload + size);
    }
    return size;
}

static enum engine_end begin(struct helper *helper, const struct helper_question *question)
{
    enum engine_end end = ENGINE_DONE;
    engine_set_chunk(helper->engine, question->chunk);
    if (helper->began)
        engine_empty(helper->engine);
    else
        end = engine_begin(helper->engine, question->seed, question->parameters);
    helper->began = end == ENGINE_DONE;
    return end;
}

static size_t sum(struct helper *helper, const struct helper_request *request,
                  struct helper_reply *reply)
{
    enum engine_end end = begin(helper, &request->question);
    if (end == ENGINE_DONE)
        end = engine_sum(helper->engine, request->first, request->count);
    reply->end = ends[end];
    if (end != ENGINE_DONE) {
        snprintf(reply->text, sizeof reply->text, "%s",
                 end == ENGINE_STOPPED ? "" : engine_text(helper->engine));
        return 0;
    }
    struct engine_times times = engine_times(helper->engine);
    reply->fill_ns = times.fill_ns;
    reply->value_ns = times.value_ns;
    reply->grain = engine_grain(helper->engine);
    reply->outputs = engine_shape(helper->engine)->outputs;
    reply->count = request->count;
    return pack_outputs(helper);
}

/* ---- examination --------------------------------------------------------------------------- */

/* The last measurement has at least half of all terms that were computed. */
static enum engine_end time_terms(struct helper *helper, struct helper_examination *examination)
{
    int64_t until_ns = now_ns() + TIMING_NS;
    uint64_t grain = engine_grain(helper->engine), count = TIMING_TERMS;
    enum engine_end end;
    do {
        engine_empty(helper->engine);
        end = engine_sum(helper->engine, 0, count);
        struct engine_times times = engine_times(helper->engine);
        examination->fill_ns = (double)times.fill_ns / (double)count;
        examination->value_ns = (double)(times.value_ns - times.sum_ns) / (double)count;
        examination->sum_ns = (double)times.sum_ns / (double)count;
        count *= 2;
        if (count > grain) /* a part of a block takes as long as the block */
            count = (count + grain - 1) / grain * grain;
    } while (end == ENGINE_DONE && now_ns() < until_ns);
    return end;
}

static enum engine_end examine(struct helper *helper, const struct helper_question *question,
                               struct helper_examination *examination, char *text)
{
    uint32_t terms = helper->summand->check_terms;
    if (terms == 0)
        terms = MEANTIME_CHECK_TERMS;
    examination->known_terms = terms < BUILD_KNOWN_TERMS ? terms : BUILD_KNOWN_TERMS;
    enum engine_end end = build_digest(helper->engine, terms, &examination->build, text);
    if (end != ENGINE_DONE)
        return end;
    end = build_known(helper->engine, examination->known_terms, &examination->known_digest);
    engine_time_sums(helper->engine);
    if (end == ENGINE_DONE)
        end = engine_begin(helper->engine, question->seed, question->parameters);
    if (end == ENGINE_DONE)
        end = time_terms(helper, examination);
    if (end != ENGINE_DONE)
        snprintf(text, SENTENCE_BYTES, "%s", engine_text(helper->engine));
    return end;
}

static size_t reply_examination(struct helper *helper, const struct helper_request *request,
                                struct helper_reply *reply)
{
    struct helper_examination examination = {0};
    reply->end = ends[examine(helper, &request->question, &examination, reply->text)];
    const struct meantime_shape *shape = engine_shape(helper->engine);
    snprintf(examination.name, sizeof examination.name, "%s", helper->summand->name);
    snprintf(examination.help, sizeof examination.help, "%s",
             helper->summand->help ? helper->summand->help : "");
    loader_libm_calls(HELPER_FILE, examination.libm_calls, sizeof examination.libm_calls);
    examination.gaussians = shape->gaussians;
    examination.uniforms = shape->uniforms;
    examination.outputs = shape->outputs;
    memcpy(helper->payload, &examination, sizeof examination);
    return sizeof examination;
}

/* ---- requests ------------------------------------------------------------------------------ */

static size_t answer(struct helper *helper, const struct helper_request *request,
                     struct helper_reply *reply)
{
    if (!helper->summand) {
        reply->end = HELPER_FAILED;
        memcpy(reply->text, helper->load_error, sizeof reply->text);
        return 0;
    }
    return request->type == HELPER_REQUEST_SUM ? sum(helper, request, reply)
                                               : reply_examination(helper, request, reply);
}

static void serve(struct helper *helper, const struct helper_request *request)
{
    struct helper_reply reply = {.nonce = request->nonce, .known_digest = helper->known_digest};
    size_t size = answer(helper, request, &reply);
    const struct iovec parts[] = {{&reply, sizeof reply}, {helper->payload, size}};
    if (writev(HELPER_SOCKET, parts, 2) == -1)
        _exit(HELPER_EXIT_SOCKET);
}

/* Sanitizers handle these signals, but the server needs the status of the process. */
static void signals_default(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_DFL);
}

/* A compute thread that waits has asked for a short slice, which this process inherits. Asks for
 * the system's own slice again. */
static void schedule(void)
{
    time_slice_ask(sched_getscheduler(0), getpriority(PRIO_PROCESS, 0), 0);
}

/* A helper of another build would misread the other arguments and the messages. */
static void check_build(int argc, char **argv)
{
    if (argc > HELPER_ARGUMENT_BUILD && strcmp(argv[HELPER_ARGUMENT_BUILD], helper_build) == 0)
        return;
    fprintf(stderr, "This program is a part of meantime-server, which starts it.\n");
    exit(HELPER_EXIT_BUILD);
}

/* Without the functions that the user's code wants to run at exit(). */
static void serve_all(struct helper *helper)
{
    struct helper_request request;
    while (read(HELPER_SOCKET, &request, sizeof request) == sizeof request)
        serve(helper, &request);
    _exit(HELPER_EXIT_SOCKET);
}

int main(int argc, char **argv)
{
    check_build(argc, argv);
    struct helper *helper = calloc(1, sizeof *helper);
    close(HELPER_PROGRAM);
    prctl(PR_SET_NAME, "summand-helper"); /* the system would call the process 6 */
    signals_default();
    schedule();
    sandbox_enter((pid_t)atoi(argv[HELPER_ARGUMENT_PARENT]),
                  strtoull(argv[HELPER_ARGUMENT_MEMORY], NULL, 10));
    if (!helper)
        return EXIT_FAILURE;
    helper->kernel = kernel_named(argv[HELPER_ARGUMENT_KERNEL]);
    helper->known_terms = (uint32_t)atoi(argv[HELPER_ARGUMENT_KNOWN]);
    helper->state =
        mmap(NULL, sizeof *helper->state, PROT_READ | PROT_WRITE, MAP_SHARED, HELPER_STATE, 0);
    if (!helper->kernel || helper->state == MAP_FAILED)
        return EXIT_FAILURE;
    close(HELPER_STATE);
    helper->is_loading = true;
    load(helper);
    helper->is_loading = false;
    serve_all(helper);
}
