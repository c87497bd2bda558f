/* A peer of a server in a benchmark: a DEALER that is a client, or a worker that sums nothing. */
#ifndef MEANTIME_BENCH_POOL_PEER_H
#define MEANTIME_BENCH_POOL_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "proto/status.h"

/* Without a timeout. */
#define PEER_FOR_EVER (-1)

/* Returns a socket of `context` that connects to `endpoint`. The caller calls zmq_close(). */
void *bench_peer_new(void *context, const char *endpoint);

/* Waits for a connection. */
void bench_peer_send(void *peer, const struct message *message);

/* Receives the next message. Returns false after timeout_ms. */
bool bench_peer_recv(void *peer, struct message *message, int timeout_ms);

/* ---- as a client --- */

/* Requests the sum of the first `count` Gaussian samples. */
void bench_peer_ask(void *peer, uint64_t id, uint64_t count);
void bench_peer_cancel(void *peer, uint64_t id);

/* Requests the status. Drops other messages that arrive before the reply. */
void bench_peer_status(void *peer, struct status_reply *status);

/* Requests the status until wished() returns true. */
void bench_peer_await(void *peer, bool (*wished)(const struct status_reply *status, uint32_t count),
                      uint32_t count);
bool status_workers(const struct status_reply *status, uint32_t count);
bool status_requests(const struct status_reply *status, uint32_t count);
bool status_all_busy(const struct status_reply *status, uint32_t workers);
bool status_all_idle(const struct status_reply *status, uint32_t workers);

/* ---- as a worker --- */

/* Joins and waits for Welcome. Returns the heartbeat interval in ms. */
uint32_t bench_peer_join(void *peer, uint32_t capacity);
void bench_peer_heartbeat(void *peer, uint32_t capacity);

/* Replies a sum of 0 for the span, at the rate that the front assumes before its first measurement.
 */
void bench_peer_answer(void *peer, const struct sum_request *span);

#endif
