/* Measures how much of its workers' cores a pool uses for the terms of an Asian option. It compares
 * two joined workers of one thread each with two processes that run the same engine and the same
 * function without a server and without a helper process, at the priority of a compute thread. One
 * front audits its workers, and the other one, a program of this benchmark, audits only the first
 * totals of each worker. The front and the client share the cores with the workers. */
#include <inttypes.h>
#include <stdio.h>
#include <zmq.h>

#include "proto/instant.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define WORKERS  2
#define ROUNDS   9
#define ROUND_NS (2000 * NS_PER_MS) /* of processor time of each worker */

/* The first requests: the front learns the speed, and the audits of first totals end. */
#define TRIAL_TERMS UINT64_C(1000000)
#define TRIALS      3

struct pool {
    struct bench_server front;
    struct bench_server workers[WORKERS];
    void *client;
    uint64_t last_id;
    struct figures rate, share, cpu_share;
};

/* How fast a turn was, and the CPU time of all its processes but the client. */
struct turn {
    double terms_per_us; /* millions per second */
    double cpu_ns_per_term;
};

static void pool_start(struct pool *pool, const struct bench *bench, const char *front_program)
{
    const char *front[] = {"--threads", "0",          "--bind", ENDPOINT_ANY,
                           "--workers", ENDPOINT_ANY, NULL};

    *pool = (struct pool){.last_id = 0};
    bench_server_start(&pool->front, front_program, front);
    const char *worker[] = {"--threads", "1",           "--join", pool->front.workers,
                            "--summand", BENCH_SUMMAND, NULL};
    for (int i = 0; i < WORKERS; i++)
        bench_server_start(&pool->workers[i], bench->server, worker);
    pool->client = bench_peer_new(bench->context, pool->front.clients);
    bench_peer_await(pool->client, status_workers, WORKERS);
}

static void pool_end(struct pool *pool)
{
    zmq_close(pool->client);
    for (int i = 0; i < WORKERS; i++)
        child_end(&pool->workers[i].child);
    child_end(&pool->front.child);
}

static int64_t pool_cpu_ns(const struct pool *pool)
{
    int64_t cpu_ns = child_family_cpu_ns(&pool->front.child);

    for (int i = 0; i < WORKERS; i++)
        cpu_ns += child_family_cpu_ns(&pool->workers[i].child);
    return cpu_ns;
}

static void pool_ask(struct pool *pool, uint64_t terms)
{
    struct message question = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = ++pool->last_id,
                        .seed = pool->last_id,
                        .count = terms,
                        .summand = "asian"},
    };
    struct message answer;

    bench_peer_send(pool->client, &question);
    bench_peer_recv(pool->client, &answer, PEER_FOR_EVER);
    if (answer.type != MESSAGE_SUM_REPLY)
        bench_fail(answer.type == MESSAGE_REFUSAL ? answer.refusal.text : "no sum");
}

static struct turn turn_of(uint64_t terms, int64_t wall_ns, int64_t cpu_ns)
{
    return (struct turn){1e3 * (double)terms / (double)wall_ns, (double)cpu_ns / (double)terms};
}

/* count: terms for each worker. */
static struct turn pool_turn(struct pool *pool, uint64_t count)
{
    int64_t cpu_ns = pool_cpu_ns(pool), began_at_ns = bench_now_ns();

    pool_ask(pool, WORKERS * count);
    int64_t wall_ns = bench_now_ns() - began_at_ns;
    return turn_of(WORKERS * count, wall_ns, pool_cpu_ns(pool) - cpu_ns);
}

static struct turn plain_turn(struct child *plain, uint64_t count)
{
    int64_t began_at_ns = bench_now_ns(), cpu_ns, all_ns = 0;

    for (int i = 0; i < WORKERS; i++)
        child_plain_ask(&plain[i], count);
    for (int i = 0; i < WORKERS; i++) {
        child_scan(&plain[i], 1, "%" SCNd64, &cpu_ns);
        all_ns += cpu_ns;
    }
    return turn_of(WORKERS * count, bench_now_ns() - began_at_ns, all_ns);
}

static void pool_round(struct pool *pool, uint64_t count, const struct turn *plain)
{
    struct turn turn = pool_turn(pool, count);

    figures_add(&pool->rate, turn.terms_per_us);
    figures_add(&pool->share, 100 * turn.terms_per_us / plain->terms_per_us);
    figures_add(&pool->cpu_share, 100 * plain->cpu_ns_per_term / turn.cpu_ns_per_term);
}

static void pool_print(const struct pool *pool, const char *what, double bound)
{
    const struct wanted wanted = {WANTED_AT_LEAST, 0.5, bound};

    figures_print(what, "M/s", &pool->rate, NULL);
    figures_print("  pool / plain", "%", &pool->share, &wanted);
    figures_print("  CPU time for a term, plain / pool", "%", &pool->cpu_share, NULL);
}

/* The two pools and the processes take turns. */
static void rounds_run(struct pool *audited, struct pool *unaudited, struct child *plain,
                       struct figures *plain_rate)
{
    uint64_t count = TRIAL_TERMS;

    for (int i = 0; i < TRIALS; i++) {
        pool_turn(audited, TRIAL_TERMS);
        pool_turn(unaudited, TRIAL_TERMS);
        count = (uint64_t)(ROUND_NS / plain_turn(plain, TRIAL_TERMS).cpu_ns_per_term);
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct turn turn = plain_turn(plain, count);
        figures_add(plain_rate, turn.terms_per_us);
        pool_round(audited, count, &turn);
        pool_round(unaudited, count, &turn);
    }
}

void part_terms(const struct bench *bench)
{
    static struct pool audited, unaudited;
    static struct figures plain_rate;
    struct child plain[WORKERS];

    pool_start(&audited, bench, bench->server);
    pool_start(&unaudited, bench, BENCH_UNAUDITED);
    for (int i = 0; i < WORKERS; i++)
        child_start_plain_terms(&plain[i], BENCH_SUMMAND);
    rounds_run(&audited, &unaudited, plain, &plain_rate);
    pool_end(&audited);
    pool_end(&unaudited);
    for (int i = 0; i < WORKERS; i++)
        child_end(&plain[i]);
    figures_print("terms per second of 2 processes without a server", "M/s", &plain_rate, NULL);
    pool_print(&audited, "  of 2 joined workers of one thread", 96);
    pool_print(&unaudited, "  of 2 joined workers without audits", 98);
}
