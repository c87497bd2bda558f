/* How long small sums take while two other programs want each core: a compute thread has less
 * priority than they, but is not to wait for ever. Beside a process without a server. */
#include <inttypes.h>
#include <stdio.h>
#include <zmq.h>

#include "sums/sum.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define SUMS 50

/* 11 ms of work at 1 G samples a second, and less than a tenth of one. */
#define LARGE (160 * (uint64_t)BLOCK_SAMPLES)
#define SMALL ((uint64_t)BLOCK_SAMPLES)

static void sum_by_server(void *client, uint64_t count)
{
    struct message answer;

    peer_ask(client, 1, count);
    if (!peer_recv(client, &answer, PEER_FOR_EVER) || answer.type != MESSAGE_SUM_REPLY)
        die("no sum");
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
        int64_t began_at_ns = now_ns();
        sum(summer, count);
        figures_add(&times, ns_to_ms(now_ns() - began_at_ns));
    }
    figures_print(what, "ms", &times, NULL);
}

void part_busy(const struct bench *bench)
{
    const char *options[] = {"--threads", "1", "--bind", ENDPOINT_ANY, NULL};
    struct child loads[LOADS_MAX], process;
    struct server server;

    server_start(&server, bench->server, options);
    child_start_plain(&process, "nice");
    void *client = peer_new(bench->context, server.clients);
    uint32_t count = loads_start(loads, 2);

    measure("sum of one block, beside two busy programs a core", sum_by_server, client, SMALL);
    measure("  by a process without a server", sum_by_process, &process, SMALL);
    measure("sum of 160 blocks", sum_by_server, client, LARGE);
    measure("  by a process without a server", sum_by_process, &process, LARGE);

    loads_end(loads, count);
    zmq_close(client);
    child_end(&process);
    child_end(&server.child);
}
