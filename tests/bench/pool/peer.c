/* A peer of a server in a benchmark: see peer.h. */
#include "tests/bench/pool/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "proto/instant.h"
#include "sums/digest.h"
#include "sums/stream.h"
#include "tests/bench/pool/child.h"

/* Short, so that a benchmark does not measure the reconnect interval of this side. */
#define REDIAL_MS 1

/* BLOCK_NS_GUESS of server/core/workers.c. */
#define BLOCK_NS (100 * NS_PER_US)

void *bench_peer_new(void *context, const char *endpoint)
{
    static const int none = 0, immediate = 1, redial_ms = REDIAL_MS;
    void *peer = zmq_socket(context, ZMQ_DEALER);

    if (!peer)
        bench_fail("socket");
    zmq_setsockopt(peer, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(peer, ZMQ_IMMEDIATE, &immediate, sizeof immediate);
    zmq_setsockopt(peer, ZMQ_RECONNECT_IVL, &redial_ms, sizeof redial_ms);
    if (zmq_connect(peer, endpoint) == -1)
        bench_fail(endpoint);
    return peer;
}

void bench_peer_send(void *peer, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    if (zmq_send(peer, bytes, message_encode(message, bytes), 0) == -1)
        bench_fail("send");
}

static int recv_within(void *peer, uint8_t *bytes, size_t size, int timeout_ms)
{
    zmq_pollitem_t item = {peer, 0, ZMQ_POLLIN, 0};
    int got = zmq_recv(peer, bytes, size, ZMQ_DONTWAIT);

    if (got != -1 || timeout_ms == 0)
        return got;
    zmq_poll(&item, 1, timeout_ms);
    return zmq_recv(peer, bytes, size, ZMQ_DONTWAIT);
}

bool bench_peer_recv(void *peer, struct message *message, int timeout_ms)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct decode_arena arena;
    struct message_error error;
    int size = recv_within(peer, bytes, sizeof bytes, timeout_ms);

    if (size == -1)
        return false;
    if (!message_decode(&arena, bytes, (size_t)size, message, &error))
        bench_fail(error.reason);
    return true;
}

/* ---- as a client ------------------------------------------------------------------------- */

void bench_peer_ask(void *peer, uint64_t id, uint64_t count)
{
    struct message message = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = id, .seed = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = count},
    };

    bench_peer_send(peer, &message);
}

void bench_peer_cancel(void *peer, uint64_t id)
{
    struct message message = {.type = MESSAGE_CANCEL, .cancel = {.id = id}};

    bench_peer_send(peer, &message);
}

void bench_peer_status(void *peer, struct status_reply *status)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct message message = {.type = MESSAGE_STATUS_REQUEST};
    struct message_error error;
    struct decode_arena arena;
    const char *reason;
    int size;

    bench_peer_send(peer, &message);
    do {
        size = recv_within(peer, bytes, sizeof bytes, PEER_FOR_EVER);
        if (size == -1 || !message_decode(&arena, bytes, (size_t)size, &message, &error))
            bench_fail("the reply is not a valid message");
    } while (message.type != MESSAGE_STATUS_REPLY);
    if (!status_decode(bytes, (size_t)size, status, &reason))
        bench_fail(reason);
}

/* The pause between two requests. Without it this process takes the cores of the servers. */
#define PAUSE_NS (200 * NS_PER_US)

void bench_peer_await(void *peer, bool (*wished)(const struct status_reply *status, uint32_t count),
                      uint32_t count)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    static struct status_reply status;

    bench_peer_status(peer, &status);
    while (!wished(&status, count)) {
        nanosleep(&pause, NULL);
        bench_peer_status(peer, &status);
    }
}

bool status_workers(const struct status_reply *status, uint32_t count)
{
    return status->worker_count == count;
}

bool status_requests(const struct status_reply *status, uint32_t count)
{
    return status->request_count == count;
}

static uint32_t busy_workers(const struct status_reply *status)
{
    uint32_t busy = 0;

    for (uint32_t i = 0; i < status->workers_listed; i++)
        busy += status->workers[i].in_flight > 0;
    return busy;
}

bool status_all_busy(const struct status_reply *status, uint32_t workers)
{
    return busy_workers(status) == workers;
}

bool status_all_idle(const struct status_reply *status, uint32_t workers)
{
    return status->worker_count == workers && busy_workers(status) == 0;
}

/* ---- as a worker ------------------------------------------------------------------------- */

uint32_t bench_peer_join(void *peer, uint32_t capacity)
{
    static uint64_t digest;
    if (digest == 0)
        digest = sums_digest(kernel_best());
    struct message message = {
        .type = MESSAGE_JOIN,
        .join = {.digest = digest, .capacity = capacity, .name = "bench"},
    };

    bench_peer_send(peer, &message);
    bench_peer_recv(peer, &message, PEER_FOR_EVER);
    if (message.type != MESSAGE_WELCOME)
        bench_fail("the front refuses the worker");
    return message.welcome.heartbeat_ms;
}

void bench_peer_heartbeat(void *peer, uint32_t capacity)
{
    struct message message = {.type = MESSAGE_HEARTBEAT, .heartbeat = {.capacity = capacity}};

    bench_peer_send(peer, &message);
}

void bench_peer_answer(void *peer, const struct sum_request *span)
{
    struct message message = {
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = span->id,
                      .count = span->count,
                      .unit_log2 = stream_unit_log2((enum stream_kind)span->kind),
                      .compute_ns = span->count / BLOCK_SAMPLES * BLOCK_NS},
    };

    bench_peer_send(peer, &message);
}
