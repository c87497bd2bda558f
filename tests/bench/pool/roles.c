/* The roles of the benchmark as its own child process: see roles.h. */
#include "tests/bench/pool/roles.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

#include "proto/instant.h"
#include "summand/engine.h"
#include "sums/sum.h"
#include "tests/bench/contest.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/peer.h"

/* WORKER_NICE of server/compute_threads.c. */
#define PLAIN_NICE 10

/* ---- workers that sum nothing ------------------------------------------------------------ */

static void print_span(void *peer, const struct sum_request *span)
{
    (void)peer;
    printf("%" PRIu64 " %" PRIu64 "\n", span->first, span->count);
    fflush(stdout);
}

static int serve(char **arguments, void (*on_span)(void *, const struct sum_request *))
{
    uint32_t capacity = (uint32_t)atoi(arguments[2]);
    void *peer = bench_peer_new(zmq_ctx_new(), arguments[1]);
    int beat_ms = (int)bench_peer_join(peer, capacity);
    int64_t beat_at_ns = 0;
    struct message message;

    for (;;) {
        if (bench_now_ns() >= beat_at_ns) {
            bench_peer_heartbeat(peer, capacity);
            beat_at_ns = bench_now_ns() + beat_ms * NS_PER_MS;
        }
        if (!bench_peer_recv(peer, &message, beat_ms))
            continue;
        if (message.type == MESSAGE_SUM_REQUEST)
            on_span(peer, &message.sum_request);
        else if (message.type == MESSAGE_REFUSAL)
            bench_fail(message.refusal.text);
    }
}

static int play_answer(char **arguments)
{
    return serve(arguments, bench_peer_answer);
}

static int play_hold(char **arguments)
{
    return serve(arguments, print_span);
}

/* ---- work without a server --------------------------------------------------------------- */

static double plain_sum(void *state, uint64_t samples)
{
    struct stream stream;
    struct total total = {0};

    (void)state;
    stream_init(&stream, 1, STREAM_GAUSSIAN);
    sum_range(kernel_best(), &stream, 0, samples, &total);
    return (double)total.units;
}

/* The priority of a compute thread. */
static void be_nice(void)
{
    struct sched_param none = {0};

    sched_setscheduler(0, SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, 0, PLAIN_NICE);
}

static int play_plain(char **arguments)
{
    const struct contestant plain = {"gaussian", "plain", CONTEST_COMPILER, plain_sum, NULL};

    if (arguments[1])
        be_nice();
    return contest_serve(&plain, 1);
}

/* Returns the number of the next term. */
static double plain_terms(void *state, uint64_t terms)
{
    static uint64_t next;

    if (engine_sum(state, next, terms) != ENGINE_DONE)
        bench_fail(engine_text(state));
    next += terms;
    return (double)next;
}

static int play_plain_terms(char **arguments)
{
    static const struct engine_watch nobody;
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    const struct meantime_summand *summand = library ? dlsym(library, "meantime_summand") : NULL;
    struct engine *engine = summand ? engine_new(summand, kernel_best(), &nobody) : NULL;

    if (!engine || engine_begin(engine, 1, "") != ENGINE_DONE)
        bench_fail(arguments[1]);
    be_nice();
    const struct contestant plain = {"terms", "plain", CONTEST_COMPILER, plain_terms, engine};
    return contest_serve(&plain, 1);
}

/* ------------------------------------------------------------------------------------------ */

int roles_play(char **arguments)
{
    static const struct {
        const char *name;
        int (*play)(char **);
    } roles[] = {
        {"answer", play_answer}, {"hold", play_hold},     {"plain", play_plain},
        {"echo", bare_echo},     {"broker", bare_broker}, {"relay", bare_relay},
        {"reply", bare_reply},   {"flood", flood_play},   {"idle", idle_play},
        {"pause", quota_pause},  {"visit", log_visit},    {"plain-terms", play_plain_terms},
    };

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(arguments[0], roles[i].name) == 0)
            return roles[i].play(arguments);
    return 2;
}
