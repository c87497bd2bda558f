/* A peer of a server that is not our client: a bare socket that says what it is told to. What takes
 * longer than PROCESS_PATIENCE_MS fails the test. One thread. */
#ifndef MEANTIME_TESTS_SUPPORT_PEER_H
#define MEANTIME_TESTS_SUPPORT_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/message.h"

enum peer_type {
    PEER_REQ,
    PEER_DEALER,    /* no delimiter before its messages */
    PEER_DELIMITED, /* a DEALER with one */
};

struct peer;

/* Never NULL. Its queues have no limit. Destroyed by peers_end() at the latest. */
struct peer *peer_new(enum peer_type type, const char *endpoint);

/* A DEALER that takes next to nothing in before it is read: all buffers small. */
struct peer *peer_new_deaf(const char *endpoint);

void peer_destroy(struct peer **peer);
void peers_end(void);

/* For what is no message. */
void *peer_socket(struct peer *peer);
bool peer_has_more(struct peer *peer);

void peer_send(struct peer *peer, const struct message *message);
void peer_ask(struct peer *peer, const struct sum_request *request);
void peer_cancel(struct peer *peer, uint64_t id);

/* Waits for the next message, whose envelope must be that of this peer's type. */
struct message peer_recv(struct peer *peer);

/* The next message is the sum that was asked for, to the bit. */
void peer_expect_sum(struct peer *peer, const struct sum_request *request);

/* Asks, and again as long as the server is busy, and has the sum. */
void peer_ask_until_served(struct peer *peer, const struct sum_request *request);

/* The next message is a refusal of `id`. */
struct refusal peer_expect_refusal(struct peer *peer, uint64_t id, enum status status);

/* Waits until the connection is cut. */
void peer_await_cut(struct peer *peer);

/* The sum as one thread here computes it. */
__int128 peer_units(const struct sum_request *request);

/* ---- a worker that the test plays itself ------------------------------------------------- */

/* Joins with one core; its sums have that digest. */
void peer_join(struct peer *peer, uint64_t digest);

/* A DEALER that has joined there and been welcomed. Its spans are to be read. */
struct peer *peer_new_worker(const char *workers_endpoint);

/* Waits for the next span that it is given. */
struct sum_request peer_span(struct peer *peer);

/* Its sum, said to be of `count` samples. */
void peer_reply(struct peer *peer, const struct sum_request *span, uint64_t count);

#endif
