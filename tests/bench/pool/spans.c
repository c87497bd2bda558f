/* Measures spans per second through a front whose workers answer at once, and bare libzmq. */
#include <inttypes.h>
#include <stdio.h>
#include <zmq.h>

#include "proto/instant.h"
#include "server/core/dispatcher.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"
#include "tests/bench/pool/roles.h"

#define ROUNDS   7
#define ROUND_MS 1000

/* The broker's client has this many requests in flight for each credit of a worker. */
#define BROKER_WINDOW 2

/* ---- the front --------------------------------------------------------------------------- */

struct bench_front {
    struct bench_server server;
    struct child workers[BARE_WORKERS];
    void *client;
};

static void front_start(struct bench_front *front, const struct bench *bench, uint32_t credit)
{
    const char *options[] = {"--threads",  "0",         "--bind", ENDPOINT_ANY, "--workers",
                             ENDPOINT_ANY, "--span-us", "1",      NULL};
    char capacity[16];

    snprintf(capacity, sizeof capacity, "%" PRIu32, credit / WORKER_CREDIT);
    bench_server_start(&front->server, bench->server, options);
    for (int i = 0; i < BARE_WORKERS; i++)
        child_start_role(&front->workers[i], "answer", front->server.workers, capacity);
    front->client = bench_peer_new(bench->context, front->server.clients);
    bench_peer_await(front->client, status_workers, BARE_WORKERS);
}

static void front_end(struct bench_front *front)
{
    zmq_close(front->client);
    for (int i = 0; i < BARE_WORKERS; i++)
        child_end(&front->workers[i]);
    child_end(&front->server.child);
}

static uint64_t spans_so_far(void *client)
{
    static struct status_reply status;

    bench_peer_status(client, &status);
    return status.counters.spans;
}

/* In thousands per second. cpu_us: CPU time of the front per span. */
static double front_round(struct bench_front *front, uint64_t id, struct figures *cpu_us)
{
    struct message answer;

    bench_peer_ask(front->client, id, COUNT_ENDLESS);
    uint64_t before = spans_so_far(front->client);
    int64_t began_at_ns = bench_now_ns(), cpu_ns = child_cpu_ns(&front->server.child);
    bench_peer_recv(front->client, &answer, ROUND_MS);
    double spans = (double)(spans_so_far(front->client) - before);
    double rate = spans * 1e6 / (double)(bench_now_ns() - began_at_ns);
    cpu_ns = child_cpu_ns(&front->server.child) - cpu_ns;
    bench_peer_cancel(front->client, id);
    bench_peer_recv(front->client, &answer, PEER_FOR_EVER);
    figures_add(cpu_us, (double)cpu_ns / 1e3 / spans);
    return rate;
}

/* ---- bare libzmq ------------------------------------------------------------------------- */

struct bare {
    struct child router;
    struct child workers[BARE_WORKERS];
};

static void bare_start(struct bare *bare, const char *role, uint32_t credit, char *clients)
{
    char text[16], workers[ENDPOINT_BYTES];

    snprintf(text, sizeof text, "%" PRIu32, credit);
    child_start_role(&bare->router, role, text, NULL);
    if (clients)
        child_scan(&bare->router, 1, "%127s", clients);
    child_scan(&bare->router, 1, "%127s", workers);
    for (int i = 0; i < BARE_WORKERS; i++)
        child_start_role(&bare->workers[i], "reply", workers, NULL);
}

static void bare_end(struct bare *bare)
{
    for (int i = 0; i < BARE_WORKERS; i++)
        child_end(&bare->workers[i]);
    child_end(&bare->router);
}

static double relay_round(struct bare *relay, struct figures *cpu_us)
{
    double rate;
    int64_t cpu_ns = child_cpu_ns(&relay->router);

    fprintf(relay->router.to, "%d\n", ROUND_MS);
    fflush(relay->router.to);
    child_scan(&relay->router, 1, "%lf", &rate);
    cpu_ns = child_cpu_ns(&relay->router) - cpu_ns;
    figures_add(cpu_us, (double)cpu_ns / (rate * ROUND_MS));
    return rate / 1e3;
}

/* Sends a window of requests, then one request per reply, and receives the last replies. */
static double broker_round(void *client, uint32_t credit)
{
    static const uint8_t request[BARE_REQUEST_BYTES];
    uint8_t reply[BARE_REPLY_BYTES];
    uint32_t out = BROKER_WINDOW * BARE_WORKERS * credit;
    int64_t began_at_ns = bench_now_ns(), end_at_ns = began_at_ns + ROUND_MS * NS_PER_MS;
    uint64_t count = 0;

    for (uint32_t i = 0; i < out; i++)
        zmq_send(client, request, sizeof request, 0);
    for (; out > 0; count++) {
        zmq_recv(client, reply, sizeof reply, 0);
        if (bench_now_ns() < end_at_ns)
            zmq_send(client, request, sizeof request, 0);
        else
            out--;
    }
    return (double)count * 1e6 / (double)(bench_now_ns() - began_at_ns);
}

/* ------------------------------------------------------------------------------------------ */

struct rates {
    struct figures front, relay, broker, share, front_us, relay_us;
};

static void rates_print(uint32_t credit, const struct rates *rates)
{
    static const struct wanted wanted = {WANTED_AT_LEAST, 0.5, 200};
    char what[80];

    snprintf(what, sizeof what, "spans through the front, credit %" PRIu32, credit);
    figures_print(what, "k/s", &rates->front, &wanted);
    figures_print("  the same bytes through one bare ROUTER", "k/s", &rates->relay, NULL);
    figures_print("  tasks through a bare ROUTER-ROUTER broker", "k/s", &rates->broker, NULL);
    figures_print("  front / bare ROUTER", "", &rates->share, NULL);
    figures_print("  CPU of the front per span", "us", &rates->front_us, NULL);
    figures_print("  CPU of the bare ROUTER per message", "us", &rates->relay_us, NULL);
}

/* The three take turns, so that changes of the machine's speed affect all of them. */
static void measure(const struct bench *bench, uint32_t credit)
{
    struct bench_front front;
    struct bare relay, broker;
    struct rates rates = {.front = {.count = 0}};
    char clients[ENDPOINT_BYTES];

    front_start(&front, bench, credit);
    bare_start(&relay, "relay", credit, NULL);
    bare_start(&broker, "broker", credit, clients);
    void *client = bench_peer_new(bench->context, clients);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        figures_add(&rates.front, front_round(&front, round + 1, &rates.front_us));
        figures_add(&rates.relay, relay_round(&relay, &rates.relay_us));
        figures_add(&rates.broker, broker_round(client, credit));
        figures_add(&rates.share, rates.front.values[round] / rates.relay.values[round]);
    }
    zmq_close(client);
    bare_end(&broker);
    bare_end(&relay);
    front_end(&front);
    rates_print(credit, &rates);
}

void part_spans(const struct bench *bench)
{
    measure(bench, 16);
    measure(bench, 64);
}
