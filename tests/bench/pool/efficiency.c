/* Measures how much of its workers' cores a pool uses. It compares two joined workers of one thread
 * each with two processes that sum as many samples at the same time without a server. */
#include <inttypes.h>
#include <stdio.h>
#include <zmq.h>

#include "proto/instant.h"
#include "sums/sum.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define WORKERS      2
#define ROUNDS       9
#define ROUND_NS     (2500 * NS_PER_MS)
#define TRIAL_BLOCKS 4000

struct rivals {
    struct bench_server front;
    struct bench_server workers[WORKERS];
    struct child plain[WORKERS];
    void *client;
};

static void rivals_start(struct rivals *rivals, const struct bench *bench)
{
    const char *front[] = {"--threads", "0",          "--bind", ENDPOINT_ANY,
                           "--workers", ENDPOINT_ANY, NULL};

    bench_server_start(&rivals->front, bench->server, front);
    const char *worker[] = {"--threads", "1", "--join", rivals->front.workers, NULL};
    for (int i = 0; i < WORKERS; i++) {
        bench_server_start(&rivals->workers[i], bench->server, worker);
        child_start_plain(&rivals->plain[i], "nice");
    }
    rivals->client = bench_peer_new(bench->context, rivals->front.clients);
    bench_peer_await(rivals->client, status_workers, WORKERS);
}

static void rivals_end(struct rivals *rivals)
{
    zmq_close(rivals->client);
    for (int i = 0; i < WORKERS; i++) {
        child_end(&rivals->plain[i]);
        child_end(&rivals->workers[i].child);
    }
    child_end(&rivals->front.child);
}

/* Both in billions of samples per second. */
static double pool_round(void *client, uint64_t id, uint64_t count)
{
    struct message answer;
    int64_t began_at_ns = bench_now_ns();

    bench_peer_ask(client, id, WORKERS * count);
    bench_peer_recv(client, &answer, PEER_FOR_EVER);
    if (answer.type != MESSAGE_SUM_REPLY)
        bench_fail("no sum");
    return (double)(WORKERS * count) / (double)(bench_now_ns() - began_at_ns);
}

static double plain_round(struct child *plain, uint64_t count)
{
    int64_t began_at_ns = bench_now_ns(), cpu_ns;

    for (int i = 0; i < WORKERS; i++)
        child_plain_ask(&plain[i], count);
    for (int i = 0; i < WORKERS; i++)
        child_scan(&plain[i], 1, "%" SCNd64, &cpu_ns);
    return (double)(WORKERS * count) / (double)(bench_now_ns() - began_at_ns);
}

/* Returns about as many samples, in whole blocks, as each worker sums in ROUND_NS. The front also
 * learns its workers' speed from this first run. */
static uint64_t samples_a_round(struct rivals *rivals)
{
    uint64_t trial = TRIAL_BLOCKS * (uint64_t)BLOCK_SAMPLES;

    pool_round(rivals->client, 1, trial);
    double rate = plain_round(rivals->plain, trial) / WORKERS;
    return (uint64_t)(rate * ROUND_NS / BLOCK_SAMPLES) * BLOCK_SAMPLES;
}

void part_efficiency(const struct bench *bench)
{
    static const struct wanted wanted = {WANTED_AT_LEAST, 0.5, 99};
    struct figures pool = {.count = 0}, plain = {.count = 0}, share = {.count = 0};
    struct rivals rivals;

    rivals_start(&rivals, bench);
    uint64_t count = samples_a_round(&rivals);
    for (int round = 0; round < ROUNDS; round++) {
        figures_add(&pool, pool_round(rivals.client, (uint64_t)round + 2, count));
        figures_add(&plain, plain_round(rivals.plain, count));
        figures_add(&share, 100 * pool.values[round] / plain.values[round]);
    }
    rivals_end(&rivals);
    figures_print("samples per second of 2 joined workers of one thread", "G/s", &pool, NULL);
    figures_print("  of 2 processes without a server", "G/s", &plain, NULL);
    figures_print("  pool / plain", "%", &share, &wanted);
}
