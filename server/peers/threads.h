/* The compute threads as workers of the dispatcher. Their numbers are 0, 1, ... One thread. */
#ifndef MEANTIME_SERVER_PEERS_THREADS_H
#define MEANTIME_SERVER_PEERS_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "server/core/dispatcher.h"
#include "server/summands.h"
#include "sums/kernel.h"

struct threads;

/* Starts `count` threads, 0 to THREADS_MAX. The summands outlive them. NULL with errno set on
 * failure. */
struct threads *threads_new(uint32_t count, const struct kernel *kernel,
                            const struct summands *summands);

/* Waits until each thread has finished its span. */
void threads_destroy(struct threads **threads);

/* The next total, as a sum reply, or why there is none, as a refusal. Or false. The message lives
 * until the next call. The number of totals never exceeds the number of spans that the threads
 * hold. */
bool threads_next(struct threads *threads, int64_t now_ns, struct event *event);

/* Carries out EFFECT_SEND_WORKER: starts or cancels a span. */
void threads_obey(struct threads *threads, const struct effect *effect);

/* Fills in the socket for zmq_poll(). Returns the number of items, 0 or 1. */
int threads_poll_items(const struct threads *threads, zmq_pollitem_t *items);

#endif
