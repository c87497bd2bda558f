/* Measures libzmq alone, with sockets of the same types and messages of the same sizes. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "proto/instant.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/roles.h"

#define CREDITS_MAX 4096
#define ID_BYTES    5 /* of the ids that a ROUTER assigns */

static void *router_bind(void *context)
{
    char endpoint[ENDPOINT_BYTES];
    size_t size = sizeof endpoint;
    void *router = zmq_socket(context, ZMQ_ROUTER);

    if (!router || zmq_bind(router, ENDPOINT_ANY) == -1)
        bench_fail("bind");
    zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size);
    printf("%s\n", endpoint);
    fflush(stdout);
    return router;
}

int bare_echo(char **arguments)
{
    void *router = router_bind(zmq_ctx_new());
    zmq_msg_t frame;

    (void)arguments;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, router, 0) != -1)
        zmq_msg_send(&frame, router, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0);
    return EXIT_FAILURE;
}

/* The first message has no bytes: it announces the worker. */
int bare_reply(char **arguments)
{
    uint8_t request[BARE_REQUEST_BYTES], reply[BARE_REPLY_BYTES] = {0};
    void *dealer = zmq_socket(zmq_ctx_new(), ZMQ_DEALER);

    if (!dealer || zmq_connect(dealer, arguments[1]) == -1)
        bench_fail("connect");
    zmq_send(dealer, reply, 0, 0);
    while (zmq_recv(dealer, request, sizeof request, 0) != -1)
        zmq_send(dealer, reply, sizeof reply, 0);
    return EXIT_FAILURE;
}

/* ---- broker ------------------------------------------------------------------------------ */

/* A ring of credits: each is the routing id of a worker that may get a request. */
struct credits {
    uint8_t ids[CREDITS_MAX][ID_BYTES];
    uint32_t given;
    uint32_t taken;
};

static void credits_give(struct credits *credits, const uint8_t *id)
{
    memcpy(credits->ids[credits->given++ % CREDITS_MAX], id, ID_BYTES);
}

/* Receives a reply, which goes to the client, or an announcement. False: no message. */
static bool take_reply(void *workers, void *clients, const uint8_t *client, struct credits *credits,
                       int credit)
{
    uint8_t id[ID_BYTES], reply[BARE_REPLY_BYTES];

    if (zmq_recv(workers, id, sizeof id, ZMQ_DONTWAIT) == -1)
        return false;
    int size = zmq_recv(workers, reply, sizeof reply, 0);
    for (int i = 0; i < (size == 0 ? credit : 1); i++)
        credits_give(credits, id);
    if (size > 0) {
        zmq_send(clients, client, ID_BYTES, ZMQ_SNDMORE);
        zmq_send(clients, reply, (size_t)size, 0);
    }
    return true;
}

static bool take_request(void *workers, void *clients, uint8_t *client, struct credits *credits)
{
    uint8_t request[BARE_REQUEST_BYTES];

    if (credits->taken == credits->given || zmq_recv(clients, client, ID_BYTES, ZMQ_DONTWAIT) == -1)
        return false;
    int size = zmq_recv(clients, request, sizeof request, 0);
    zmq_send(workers, credits->ids[credits->taken++ % CREDITS_MAX], ID_BYTES, ZMQ_SNDMORE);
    zmq_send(workers, request, (size_t)size, 0);
    return true;
}

/* Serves one client. */
int bare_broker(char **arguments)
{
    static struct credits credits;
    uint8_t client[ID_BYTES];
    int credit = atoi(arguments[1]);
    void *context = zmq_ctx_new();
    void *clients = router_bind(context), *workers = router_bind(context);

    for (;;) {
        zmq_pollitem_t items[] = {{workers, 0, ZMQ_POLLIN, 0}, {clients, 0, ZMQ_POLLIN, 0}};
        zmq_poll(items, credits.taken == credits.given ? 1 : 2, -1);
        while (take_reply(workers, clients, client, &credits, credit))
            ;
        while (take_request(workers, clients, client, &credits))
            ;
    }
}

/* ---- relay ------------------------------------------------------------------------------- */

static void relay_send(void *router, const uint8_t *id)
{
    static const uint8_t request[BARE_REQUEST_BYTES];

    zmq_send(router, id, ID_BYTES, ZMQ_SNDMORE);
    zmq_send(router, request, sizeof request, 0);
}

/* Returns replies per second. */
static double relay_round(void *router, uint8_t ids[BARE_WORKERS][ID_BYTES], int credit, int ms)
{
    uint8_t id[ID_BYTES], reply[BARE_REPLY_BYTES];
    int64_t began_at_ns = bench_now_ns(), end_at_ns = began_at_ns + ms * NS_PER_MS;
    int out = BARE_WORKERS * credit;
    int64_t count = 0;

    for (int i = 0; i < out; i++)
        relay_send(router, ids[i % BARE_WORKERS]);
    for (; out > 0; count++) {
        zmq_recv(router, id, sizeof id, 0);
        zmq_recv(router, reply, sizeof reply, 0);
        if (bench_now_ns() < end_at_ns)
            relay_send(router, id);
        else
            out--;
    }
    return (double)count * 1e9 / (double)(bench_now_ns() - began_at_ns);
}

int bare_relay(char **arguments)
{
    uint8_t ids[BARE_WORKERS][ID_BYTES];
    void *router = router_bind(zmq_ctx_new());
    int ms;

    for (int i = 0; i < BARE_WORKERS; i++) {
        zmq_recv(router, ids[i], ID_BYTES, 0);
        zmq_recv(router, NULL, 0, 0);
    }
    while (scanf("%d", &ms) == 1) {
        printf("%f\n", relay_round(router, ids, atoi(arguments[1]), ms));
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
