/* A peer of a server: a bare socket that sends what the test chooses. A call that takes longer than
 * PROCESS_PATIENCE_MS fails the test. Use from one thread. */
#ifndef MEANTIME_TESTS_SUPPORT_PEER_H
#define MEANTIME_TESTS_SUPPORT_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/message.h"

enum peer_type {
    PEER_REQ,
    PEER_DEALER,    /* a DEALER without a delimiter before its messages */
    PEER_DELIMITED, /* a DEALER with an empty delimiter frame before each message */
};

struct peer;

/* Connects to `endpoint`. The socket's queues have no limit. Never NULL. peers_end() destroys all
 * peers that the test has not destroyed. */
struct peer *peer_new(enum peer_type type, const char *endpoint);

/* A DEALER whose receive buffers are small: a server that sends more than
 * the peer reads is blocked. */
struct peer *peer_new_with_small_buffers(const char *endpoint);

void peer_destroy(struct peer **peer);
void peers_end(void);

/* The socket, for frames that peer_send() and peer_recv() do not cover. */
void *peer_socket(struct peer *peer);

/* True if the frame that was received last is not the last one of its message. */
bool peer_has_more(struct peer *peer);

void peer_send(struct peer *peer, const struct message *message);
void peer_ask(struct peer *peer, const struct sum_request *request);
void peer_cancel(struct peer *peer, uint64_t id);

/* Waits for the next message. Fails if its envelope is not that of this peer's type. */
struct message peer_recv(struct peer *peer);

/* Fails unless the next message is the exact sum of `request`. */
void peer_expect_sum(struct peer *peer, const struct sum_request *request);

/* Fails unless the next message refuses `id` with `code`. */
struct refusal peer_expect_refusal(struct peer *peer, uint64_t id, enum refusal_code code);

/* Waits until the server disconnects. */
void peer_await_disconnect(struct peer *peer);

/* The exact sum of `request`, computed here by one thread. */
__int128 peer_units(const struct sum_request *request);

/* ---- a worker that the test plays -------------------------------------------------------- */

/* Sends a JOIN with one core and with `digest` as the digest of its sums. */
void peer_join(struct peer *peer, uint64_t digest);

/* A DEALER that has joined the front at `workers_endpoint` and has received its WELCOME. */
struct peer *peer_new_worker(const char *workers_endpoint);

/* Waits for the next span that the front assigns to this worker. */
struct sum_request peer_span(struct peer *peer);

/* Sends the right units of `span`, with `count` as the number of samples. */
void peer_reply(struct peer *peer, const struct sum_request *span, uint64_t count);

#endif
