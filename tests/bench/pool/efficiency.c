/* How much of its workers' cores a pool puts to use: two joined workers of one thread each, beside
 * two processes that sum as many samples at the same time and talk to nobody. */
#include <inttypes.h>
#include <stdio.h>
#include <zmq.h>

#include "sums/sum.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define WORKERS      2
#define ROUNDS       9
#define ROUND_NS     INT64_C(2500000000)
#define TRIAL_BLOCKS 4000

struct rivals {
    struct server front;
    struct server workers[WORKERS];
    struct child plain[WORKERS];
    void *client;
};

static void rivals_start(struct rivals *rivals, const struct bench *bench)
{
    const char *front[] = {"--threads", "0",          "--bind", ENDPOINT_ANY,
                           "--workers", ENDPOINT_ANY, NULL};

    server_start(&rivals->front, bench->server, front);
    const char *worker[] = {"--threads", "1", "--join", rivals->front.workers, NULL};
    for (int i = 0; i < WORKERS; i++) {
        server_start(&rivals->workers[i], bench->server, worker);
        child_start_plain(&rivals->plain[i], "nice");
    }
    rivals->client = peer_new(bench->context, rivals->front.clients);
    peer_await(rivals->client, status_workers, WORKERS);
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

/* Samples a second, both: in billions. */
static double pool_round(void *client, uint64_t id, uint64_t count)
{
    struct message answer;
    int64_t began_at_ns = now_ns();

    peer_ask(client, id, WORKERS * count);
    peer_recv(client, &answer, PEER_FOR_EVER);
    if (answer.type != MESSAGE_SUM_REPLY)
        die("no sum");
    return (double)(WORKERS * count) / (double)(now_ns() - began_at_ns);
}

static double plain_round(struct child *plain, uint64_t count)
{
    int64_t began_at_ns = now_ns(), cpu_ns;

    for (int i = 0; i < WORKERS; i++)
        child_plain_ask(&plain[i], count);
    for (int i = 0; i < WORKERS; i++)
        child_scan(&plain[i], 1, "%" SCNd64, &cpu_ns);
    return (double)(WORKERS * count) / (double)(now_ns() - began_at_ns);
}

/* About what each of them sums in ROUND_NS, in whole blocks; a first run also tells the front how
 * fast its workers are. */
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
    figures_print("samples a second of 2 joined workers, one thread each", "G/s", &pool, NULL);
    figures_print("  of 2 processes without a server", "G/s", &plain, NULL);
    figures_print("  pool / plain", "%", &share, &wanted);
}
