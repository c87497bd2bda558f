/* Measures the memory of a front at its limits of workers and requests. */
#include <zmq.h>

#include "proto/instant.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define CLIENTS  10
#define REQUESTS 1000 /* of each */
#define WORKERS  1000

/* The workers join in batches. Meanwhile the joined workers send heartbeats. */
#define CROWD 100

/* The state lasts this long after the last worker has joined. */
#define REMAIN_NS (3 * NS_PER_S)
#define BEAT_MS   200

struct bench_crowd {
    struct bench_server front;
    void *watcher;
    void *clients[CLIENTS];
    void *workers[WORKERS];
    int worker_count;
};

/* No cores, so that the workers get no spans. */
static void workers_beat(struct bench_crowd *crowd)
{
    struct message message;

    for (int i = 0; i < crowd->worker_count; i++) {
        bench_peer_heartbeat(crowd->workers[i], 0);
        while (bench_peer_recv(crowd->workers[i], &message, 0))
            if (message.type == MESSAGE_REFUSAL)
                bench_fail(message.refusal.text);
    }
}

static void workers_join(struct bench_crowd *crowd, void *context)
{
    while (crowd->worker_count < WORKERS) {
        void *worker = bench_peer_new(context, crowd->front.workers);
        bench_peer_join(worker, 0);
        crowd->workers[crowd->worker_count++] = worker;
        if (crowd->worker_count % CROWD == 0)
            workers_beat(crowd);
    }
    bench_peer_await(crowd->watcher, status_workers, WORKERS);
}

static void clients_ask(struct bench_crowd *crowd, void *context)
{
    for (int i = 0; i < CLIENTS; i++) {
        crowd->clients[i] = bench_peer_new(context, crowd->front.clients);
        for (uint64_t id = 1; id <= REQUESTS; id++)
            bench_peer_ask(crowd->clients[i], id, COUNT_ENDLESS);
    }
    bench_peer_await(crowd->watcher, status_requests, CLIENTS * REQUESTS);
}

static void remain(struct bench_crowd *crowd)
{
    int64_t end_at_ns = bench_now_ns() + REMAIN_NS;

    while (bench_now_ns() < end_at_ns) {
        workers_beat(crowd);
        zmq_poll(NULL, 0, BEAT_MS);
    }
    bench_peer_await(crowd->watcher, status_workers, WORKERS);
    bench_peer_await(crowd->watcher, status_requests, CLIENTS * REQUESTS);
}

static void crowd_end(struct bench_crowd *crowd)
{
    zmq_close(crowd->watcher);
    for (int i = 0; i < CLIENTS; i++)
        zmq_close(crowd->clients[i]);
    for (int i = 0; i < crowd->worker_count; i++)
        zmq_close(crowd->workers[i]);
    child_end(&crowd->front.child);
}

void part_memory(const struct bench *bench)
{
    static const struct wanted wanted = {WANTED_AT_MOST, 0.5, 64};
    static struct bench_crowd crowd;
    const char *options[] = {"--threads", "0",          "--bind", ENDPOINT_ANY,
                             "--workers", ENDPOINT_ANY, NULL};

    bench_server_start(&crowd.front, bench->server, options);
    crowd.watcher = bench_peer_new(bench->context, crowd.front.clients);
    child_print_memory("memory of a front without peers (VmRSS)", &crowd.front.child, "VmRSS",
                       NULL);
    workers_join(&crowd, bench->context);
    child_print_memory("  with 1,000 idle workers", &crowd.front.child, "VmRSS", NULL);
    clients_ask(&crowd, bench->context);
    remain(&crowd);
    child_print_memory("  and 10,000 requests of 10 clients", &crowd.front.child, "VmRSS", &wanted);
    child_print_memory("  peak memory (VmHWM)", &crowd.front.child, "VmHWM", &wanted);
    crowd_end(&crowd);
}
