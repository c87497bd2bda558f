/* Measures how soon the workers are idle after a cancel. */
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/instant.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define CANCELS 400

/* A request runs between 0 and this time before its cancel: two spans of a compute thread. */
#define RUNS_NS (20 * NS_PER_MS)

static void measure(void *client, uint32_t workers, const char *what)
{
    static const struct wanted wanted = {WANTED_AT_MOST, 0.99, 2};
    struct figures idle = {.count = 0};

    bench_peer_await(client, status_all_idle, workers);
    for (int i = 0; i < CANCELS; i++) {
        struct timespec runs = {.tv_nsec = RUNS_NS / CANCELS * i};
        bench_peer_ask(client, (uint64_t)i + 1, COUNT_ENDLESS);
        bench_peer_await(client, status_all_busy, workers);
        nanosleep(&runs, NULL);
        int64_t began_at_ns = bench_now_ns();
        bench_peer_cancel(client, (uint64_t)i + 1);
        bench_peer_await(client, status_all_idle, workers);
        figures_add(&idle, ns_to_ms(bench_now_ns() - began_at_ns));
    }
    figures_print(what, "ms", &idle, &wanted);
}

static void measure_threads(const struct bench *bench)
{
    const char *options[] = {"--bind", ENDPOINT_ANY, NULL};
    struct bench_server server;

    bench_server_start(&server, bench->server, options);
    void *client = bench_peer_new(bench->context, server.clients);
    measure(client, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
            "cancel to idle threads, one per core");
    zmq_close(client);
    child_end(&server.child);
}

static void measure_joined(const struct bench *bench)
{
    const char *front_options[] = {"--threads", "0",          "--bind", ENDPOINT_ANY,
                                   "--workers", ENDPOINT_ANY, NULL};
    struct bench_server front, worker;

    bench_server_start(&front, bench->server, front_options);
    const char *worker_options[] = {"--threads", "1", "--join", front.workers, NULL};
    bench_server_start(&worker, bench->server, worker_options);
    void *client = bench_peer_new(bench->context, front.clients);
    measure(client, 1, "cancel to an idle joined worker of one thread");
    zmq_close(client);
    child_end(&worker.child);
    child_end(&front.child);
}

/* A real client has its own machine. This client measures the time, so it asks for real-time
 * priority. The servers do not inherit the priority. */
static void *context_at_once(int policy, int priority)
{
    struct sched_param param = {.sched_priority = priority};
    void *context = zmq_ctx_new();

    if (sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &param) == 0) {
        zmq_ctx_set(context, ZMQ_THREAD_SCHED_POLICY, policy);
        zmq_ctx_set(context, ZMQ_THREAD_PRIORITY, priority);
    } else
        printf("(no real-time priority: the figures include the client's wait for a core)\n");
    return context;
}

void part_cancel(const struct bench *bench)
{
    const struct bench at_once = {bench->server, context_at_once(SCHED_FIFO, 1)};

    measure_threads(&at_once);
    measure_joined(&at_once);
    zmq_ctx_term(at_once.context);
    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
}
