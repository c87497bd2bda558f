/* The plain clients at the endpoint of --plain. They send no request, so this peer makes one for
 * each connection. For the dispatcher all plain clients together are the client PLAIN_CLIENT. One
 * thread. */
#ifndef MEANTIME_SERVER_PEERS_PLAIN_CLIENTS_H
#define MEANTIME_SERVER_PEERS_PLAIN_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "server/core/dispatcher.h"
#include "server/log_limit.h"

struct plain_clients;

/* Listens at `endpoint`. log: the caller's. NULL on failure; `why` says why and lives until the
 * next call. */
struct plain_clients *plain_clients_new(const char *endpoint, struct log_limit *log,
                                        const char **why);

/* patience_ms: how long the plain clients may take to read their sums and disconnect. */
void plain_clients_destroy(struct plain_clients **clients, int patience_ms);

/* The next event, or false until the next turn. The message lives until the next call. */
bool plain_clients_next(struct plain_clients *clients, int64_t now_ns, struct event *event);

/* Carries out EFFECT_ANSWER. */
void plain_clients_obey(struct plain_clients *clients, const struct effect *effect);

/* When plain_clients_next() is due although nothing has arrived; NEVER for never. */
int64_t plain_clients_due_at(const struct plain_clients *clients);

/* Fills in the descriptor for zmq_poll(). Returns the number of items, 1. */
int plain_clients_poll_items(const struct plain_clients *clients, zmq_pollitem_t *items);

/* Accepts no more connections. */
void plain_clients_drain(struct plain_clients *clients);

const char *plain_clients_endpoint(const struct plain_clients *clients);

/* The address of the plain client whose request has this id. Valid until the next
 * plain_clients_next(). */
const char *plain_clients_address(const struct plain_clients *clients, uint64_t id);

#endif
