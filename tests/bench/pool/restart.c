/* Kills a front, restarts it at once, and measures how soon its workers serve it. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <zmq.h>

#include "sums/stream.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define RESTARTS 100

struct figures_of_restart {
    struct figures from_kill, from_start, until_listening;
};

/* Requests one block and waits for its sum. */
static void ask_anew(const struct bench *bench, const char *endpoint)
{
    struct message answer;
    void *client = bench_peer_new(bench->context, endpoint);

    bench_peer_ask(client, 1, BLOCK_SAMPLES);
    bench_peer_recv(client, &answer, PEER_FOR_EVER);
    if (answer.type != MESSAGE_SUM_REPLY)
        bench_fail("no sum");
    zmq_close(client);
}

static void restart(const struct bench *bench, struct bench_server *front,
                    const char *const *options, struct figures_of_restart *figures)
{
    int64_t killed_at_ns = bench_now_ns();
    child_end(&front->child);
    int64_t started_at_ns = bench_now_ns();
    bench_server_start(front, bench->server, options);
    int64_t listening_at_ns = bench_now_ns();
    ask_anew(bench, front->clients);
    int64_t served_at_ns = bench_now_ns();

    figures_add(&figures->from_kill, ns_to_ms(served_at_ns - killed_at_ns));
    figures_add(&figures->from_start, ns_to_ms(served_at_ns - started_at_ns));
    figures_add(&figures->until_listening, ns_to_ms(listening_at_ns - started_at_ns));
}

void part_restart(const struct bench *bench)
{
    static const struct wanted wanted = {WANTED_AT_MOST, 0.95, 50};
    static struct figures_of_restart figures;
    struct bench_server front, worker;
    char clients[ENDPOINT_BYTES], workers[ENDPOINT_BYTES];
    const char *front_options[] = {"--threads", "0", "--bind", clients, "--workers", workers, NULL};
    const char *worker_options[] = {"--threads", "1", "--join", workers, NULL};

    endpoint_pick(clients);
    endpoint_pick(workers);
    bench_server_start(&front, bench->server, front_options);
    bench_server_start(&worker, bench->server, worker_options);
    ask_anew(bench, front.clients);
    for (int i = 0; i < RESTARTS; i++)
        restart(bench, &front, front_options, &figures);
    child_end(&worker.child);
    child_end(&front.child);
    figures_print("kill -9 of the front to the first sum after its restart", "ms",
                  &figures.from_kill, &wanted);
    figures_print("  counted from its start", "ms", &figures.from_start, NULL);
    figures_print("  from its start until it listens", "ms", &figures.until_listening, NULL);
}
