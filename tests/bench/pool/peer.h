/* What talks to a server in a benchmark: a DEALER that is a client, or a worker that sums nothing.
 */
#ifndef MEANTIME_BENCH_POOL_PEER_H
#define MEANTIME_BENCH_POOL_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "proto/status.h"

/* For as long as it takes. */
#define PEER_FOR_EVER (-1)

/* A socket of `context` that is connecting to `endpoint`. zmq_close() it. */
void *peer_new(void *context, const char *endpoint);

/* Waits for a connection. */
void peer_send(void *peer, const struct message *message);

/* The next message within timeout_ms; false where there is none. */
bool peer_recv(void *peer, struct message *message, int timeout_ms);

/* ---- as a client --- */

/* Gaussian samples from the first on. */
void peer_ask(void *peer, uint64_t id, uint64_t count);
void peer_cancel(void *peer, uint64_t id);

/* How the server is. Whatever else comes before the answer is dropped. */
void peer_status(void *peer, struct status_reply *status);

/* Asks until it is as wished. */
void peer_await(void *peer, bool (*wished)(const struct status_reply *status, uint32_t count),
                uint32_t count);
bool status_workers(const struct status_reply *status, uint32_t count);
bool status_requests(const struct status_reply *status, uint32_t count);
bool status_all_busy(const struct status_reply *status, uint32_t workers);
bool status_all_idle(const struct status_reply *status, uint32_t workers);

/* ---- as a worker --- */

/* Waits for Welcome. Returns the time between two heartbeats. */
uint32_t peer_join(void *peer, uint32_t capacity);
void peer_beat(void *peer, uint32_t capacity);

/* Says that it has summed the span, to 0, at the rate that is taken for granted before the first
 * measurement. */
void peer_answer(void *peer, const struct sum_request *span);

#endif
