/* Measures the time of a status reply while every core computes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/instant.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define TRIPS 2500

/* The pause between two requests is 0 to this, so that they come at all phases of the threads. */
#define PAUSE_NS NS_PER_MS

/* Bytes of the echo's messages: about as many as of a status request. */
#define ECHO_BYTES 8

static void trip_status(void *peer)
{
    static struct status_reply status;

    bench_peer_status(peer, &status);
}

static void trip_echo(void *peer)
{
    uint8_t bytes[ECHO_BYTES] = {0};

    if (zmq_send(peer, bytes, sizeof bytes, 0) == -1 ||
        zmq_recv(peer, bytes, sizeof bytes, 0) == -1)
        bench_fail("echo");
}

static void measure(const char *what, void *peer, void (*trip)(void *), const struct wanted *wanted)
{
    struct figures trips = {.count = 0};

    for (int i = 0; i < TRIPS; i++) {
        struct timespec pause = {.tv_nsec = random() % PAUSE_NS};
        nanosleep(&pause, NULL);
        int64_t began_at_ns = bench_now_ns();
        trip(peer);
        figures_add(&trips, ns_to_ms(bench_now_ns() - began_at_ns));
    }
    figures_print(what, "ms", &trips, wanted);
}

/* Makes every core compute until the request is cancelled. */
static void beside_server_load(void *client, void *echo)
{
    static const struct wanted wanted = {WANTED_AT_MOST, 0.99, 0.3};
    struct message answer;

    bench_peer_ask(client, 1, COUNT_ENDLESS);
    bench_peer_await(client, status_all_busy, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
    measure("status while every core computes", client, trip_status, &wanted);
    measure("  bare libzmq echo with the same load", echo, trip_echo, NULL);
    bench_peer_cancel(client, 1);
    bench_peer_recv(client, &answer, PEER_FOR_EVER);
}

static void beside_plain_load(void *echo)
{
    struct child loads[LOADS_MAX];
    uint32_t count = loads_start(loads, 1);

    measure("  the same with a load of equal priority", echo, trip_echo, NULL);
    loads_end(loads, count);
}

void part_status(const struct bench *bench)
{
    const char *options[] = {"--bind", ENDPOINT_ANY, NULL};
    char endpoint[ENDPOINT_BYTES];
    struct bench_server server;
    struct child bare;

    bench_server_start(&server, bench->server, options);
    child_start_role(&bare, "echo", NULL, NULL);
    child_scan(&bare, 1, "%127s", endpoint);
    void *client = bench_peer_new(bench->context, server.clients);
    void *echo = bench_peer_new(bench->context, endpoint);

    measure("status of an idle server", client, trip_status, NULL);
    measure("  bare libzmq echo, idle cores", echo, trip_echo, NULL);
    beside_server_load(client, echo);
    beside_plain_load(echo);

    zmq_close(echo);
    zmq_close(client);
    child_end(&bare);
    child_end(&server.child);
}
