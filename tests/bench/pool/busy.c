/* Measures small sums while two other programs load each core, and the same sums in a process
 * without a server. Compute threads have a lower priority than other programs but still get
 * processor time. */
#include <inttypes.h>
#include <stdio.h>
#include <zmq.h>

#include "sums/sum.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define SUMS 50

/* 11 ms of work at 1 G samples per second, and less than 0.1 ms. */
#define LARGE (160 * (uint64_t)BLOCK_SAMPLES)
#define SMALL ((uint64_t)BLOCK_SAMPLES)

static void sum_by_server(void *client, uint64_t count)
{
    struct message answer;

    bench_peer_ask(client, 1, count);
    if (!bench_peer_recv(client, &answer, PEER_FOR_EVER) || answer.type != MESSAGE_SUM_REPLY)
        bench_fail("no sum");
}

static void sum_by_process(void *process, uint64_t count)
{
    int64_t cpu_ns;

    child_plain_ask(process, count);
    child_scan(process, 1, "%" SCNd64, &cpu_ns);
}

static void measure(const char *what, void (*sum)(void *, uint64_t), void *summer, uint64_t count)
{
    struct figures times = {.count = 0};

    for (int i = 0; i < SUMS; i++) {
        int64_t began_at_ns = bench_now_ns();
        sum(summer, count);
        figures_add(&times, ns_to_ms(bench_now_ns() - began_at_ns));
    }
    figures_print(what, "ms", &times, NULL);
}

void part_busy(const struct bench *bench)
{
    const char *options[] = {"--threads", "1", "--bind", ENDPOINT_ANY, NULL};
    struct child loads[LOADS_MAX], process;
    struct bench_server server;

    bench_server_start(&server, bench->server, options);
    child_start_plain(&process, "nice");
    void *client = bench_peer_new(bench->context, server.clients);
    uint32_t count = loads_start(loads, 2);

    measure("sum of one block, with two busy programs per core", sum_by_server, client, SMALL);
    measure("  by a process without a server", sum_by_process, &process, SMALL);
    measure("sum of 160 blocks", sum_by_server, client, LARGE);
    measure("  by a process without a server", sum_by_process, &process, LARGE);

    loads_end(loads, count);
    zmq_close(client);
    child_end(&process);
    child_end(&server.child);
}
