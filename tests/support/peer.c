/* A peer of a server that sends what the test chooses: see peer.h. */
#include "tests/support/peer.h"

#include <criterion/criterion.h>
#include <czmq.h>
#include <inttypes.h>
#include <sys/queue.h>

#include "sums/digest.h"
#include "sums/sum.h"
#include "tests/support/process.h"

struct peer {
    struct decode_arena arena; /* of the last message */
    enum peer_type type;
    zsock_t *socket;
    zsock_t *monitor; /* receives an event when the server disconnects */
    LIST_ENTRY(peer) link;
};

static LIST_HEAD(, peer) peers = LIST_HEAD_INITIALIZER(peers);

static void peer_monitor(struct peer *peer)
{
    char address[64];

    snprintf(address, sizeof address, "inproc://peer-monitor-%p", (void *)peer);
    zmq_socket_monitor(zsock_resolve(peer->socket), address, ZMQ_EVENT_DISCONNECTED);
    peer->monitor = zsock_new(ZMQ_PAIR);
    zsock_set_rcvtimeo(peer->monitor, PROCESS_PATIENCE_MS);
    zsock_connect(peer->monitor, "%s", address);
}

static struct peer *peer_make(enum peer_type type)
{
    struct peer *peer = calloc(1, sizeof *peer);

    peer->type = type;
    peer->socket = zsock_new(type == PEER_REQ ? ZMQ_REQ : ZMQ_DEALER);
    zsock_set_linger(peer->socket, 0);
    zsock_set_sndhwm(peer->socket, 0);
    zsock_set_rcvhwm(peer->socket, 0);
    zsock_set_sndtimeo(peer->socket, PROCESS_PATIENCE_MS);
    zsock_set_rcvtimeo(peer->socket, PROCESS_PATIENCE_MS);
    peer_monitor(peer);
    LIST_INSERT_HEAD(&peers, peer, link);
    return peer;
}

static void peer_connect(struct peer *peer, const char *endpoint)
{
    cr_assert(zsock_connect(peer->socket, "%s", endpoint) == 0, "cannot connect to %s", endpoint);
}

struct peer *peer_new(enum peer_type type, const char *endpoint)
{
    struct peer *peer = peer_make(type);

    peer_connect(peer, endpoint);
    return peer;
}

/* The small receive buffer in the kernel. If it were much smaller, TCP would wait for a timer
 * before each segment, to avoid small segments. */
#define SMALL_BUFFER_BYTES 65536

struct peer *peer_new_with_small_buffers(const char *endpoint)
{
    struct peer *peer = peer_make(PEER_DEALER);

    zsock_set_rcvhwm(peer->socket, 1);
    zsock_set_rcvbuf(peer->socket, SMALL_BUFFER_BYTES);
    peer_connect(peer, endpoint);
    return peer;
}

void peer_destroy(struct peer **peer_p)
{
    struct peer *peer = *peer_p;

    if (!peer)
        return;
    LIST_REMOVE(peer, link);
    zmq_socket_monitor(peer_socket(peer), NULL, 0);
    zsock_destroy(&peer->monitor);
    zsock_destroy(&peer->socket);
    free(peer);
    *peer_p = NULL;
}

void peers_end(void)
{
    while (!LIST_EMPTY(&peers)) {
        struct peer *peer = LIST_FIRST(&peers);
        peer_destroy(&peer);
    }
}

void *peer_socket(struct peer *peer)
{
    return zsock_resolve(peer->socket);
}

bool peer_has_more(struct peer *peer)
{
    return zsock_rcvmore(peer->socket);
}

/* ---- sending ----------------------------------------------------------------------------- */

void peer_send(struct peer *peer, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    if (peer->type == PEER_DELIMITED)
        zmq_send(peer_socket(peer), NULL, 0, ZMQ_SNDMORE);
    int sent = zmq_send(peer_socket(peer), bytes, size, 0);
    cr_assert(sent == (int)size, "cannot send: %s", zmq_strerror(errno));
}

void peer_ask(struct peer *peer, const struct sum_request *request)
{
    struct message message = {.type = MESSAGE_SUM_REQUEST, .sum_request = *request};

    peer_send(peer, &message);
}

void peer_cancel(struct peer *peer, uint64_t id)
{
    struct message message = {.type = MESSAGE_CANCEL, .cancel = {.id = id}};

    peer_send(peer, &message);
}

/* ---- receiving --------------------------------------------------------------------------- */

/* Receives one frame and returns its size in bytes. more: true if another frame must follow, false
 * if none may follow. */
static size_t recv_frame(struct peer *peer, void *bytes, size_t room, bool more)
{
    int size = zmq_recv(peer_socket(peer), bytes, room, 0);

    cr_assert(size != -1, "no answer: %s", zmq_strerror(errno));
    cr_assert((size_t)size <= room, "a frame of %d bytes", size);
    cr_assert(peer_has_more(peer) == more, "the envelope is wrong");
    return (size_t)size;
}

struct message peer_recv(struct peer *peer)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message;
    struct message_error error;

    if (peer->type == PEER_DELIMITED)
        recv_frame(peer, bytes, 0, true);
    size_t size = recv_frame(peer, bytes, sizeof bytes, false);
    cr_assert(message_decode(&peer->arena, bytes, size, &message, &error),
              "the message cannot be decoded: %s", error.reason);
    return message;
}

static void expect_sum(const struct message *message, const struct sum_request *request)
{
    const struct sum_reply *reply = &message->sum_reply;

    cr_assert(message->type != MESSAGE_REFUSAL, "refused: %s", message->refusal.text);
    cr_assert(message->type == MESSAGE_SUM_REPLY, "a message of type %d instead of a sum",
              message->type);
    cr_assert(reply->id == request->id, "answer %" PRIu64 " instead of %" PRIu64, reply->id,
              request->id);
    cr_assert(reply->count == request->count);
    cr_assert(reply->unit_log2 == stream_unit_log2((enum stream_kind)request->kind));
    cr_assert(reply->units == peer_units(request), "the sum of request %" PRIu64 " is wrong",
              request->id);
}

void peer_expect_sum(struct peer *peer, const struct sum_request *request)
{
    struct message message = peer_recv(peer);

    expect_sum(&message, request);
}

struct refusal peer_expect_refusal(struct peer *peer, uint64_t id, enum refusal_code code)
{
    struct message message = peer_recv(peer);
    const struct refusal *refusal = &message.refusal;

    cr_assert(message.type == MESSAGE_REFUSAL, "a message of type %d instead of a refusal",
              message.type);
    cr_assert(refusal->id == id && refusal->code == code, "%" PRIu64 ": %s (%s)", refusal->id,
              refusal_code_text(refusal->code), refusal->text);
    return *refusal;
}

void peer_await_disconnect(struct peer *peer)
{
    int size = zmq_recv(zsock_resolve(peer->monitor), NULL, 0, 0);

    cr_assert(size != -1, "the server does not disconnect");
    zmq_recv(zsock_resolve(peer->monitor), NULL, 0, 0); /* the address in the event */
}

__int128 peer_units(const struct sum_request *request)
{
    struct stream stream;
    struct total total = {0};

    stream_init(&stream, request->seed, (enum stream_kind)request->kind);
    sum_range(kernel_best(), &stream, request->first, request->count, &total);
    return total.units;
}

/* ---- a worker that the test plays -------------------------------------------------------- */

void peer_join(struct peer *peer, uint64_t digest)
{
    struct message message = {
        .type = MESSAGE_JOIN,
        .join = {.digest = digest, .capacity = 1, .name = "peer", .kernel = "none"},
    };

    peer_send(peer, &message);
}

struct peer *peer_new_worker(const char *workers_endpoint)
{
    struct peer *peer = peer_new(PEER_DEALER, workers_endpoint);

    peer_join(peer, sums_digest(kernel_best()));
    cr_assert(peer_recv(peer).type == MESSAGE_WELCOME);
    return peer;
}

struct sum_request peer_span(struct peer *peer)
{
    struct message message;

    do
        message = peer_recv(peer);
    while (message.type == MESSAGE_HEARTBEAT);
    cr_assert(message.type == MESSAGE_SUM_REQUEST, "a message of type %d instead of a span",
              (int)message.type);
    return message.sum_request;
}

void peer_reply(struct peer *peer, const struct sum_request *span, uint64_t count)
{
    struct message message = {
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = span->id,
                      .count = count,
                      .units = peer_units(span),
                      .unit_log2 = stream_unit_log2((enum stream_kind)span->kind),
                      .compute_ns = 1000000},
    };

    peer_send(peer, &message);
}
