/* The clients at the endpoint of --bind. Their numbers are 0 to CLIENTS_MAX - 1. One thread. */
#ifndef MEANTIME_SERVER_PEERS_CLIENTS_H
#define MEANTIME_SERVER_PEERS_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "server/core/dispatcher.h"
#include "server/log_limit.h"
#include "server/net/listener.h"

struct clients;

/* NULL on failure; `why` says why and lives until the next call. */
struct clients *clients_new(const struct listener_settings *settings, const char **why);

/* patience_ms: how long the last answers may take to leave. */
void clients_destroy(struct clients **clients, int patience_ms);

/* The next event, or false until the next turn. The message lives until the next call. The message
 * is for the dispatcher, or it is a status request, which clients_send_status() answers. */
bool clients_next(struct clients *clients, int64_t now_ns, struct event *event);

/* Carries out EFFECT_ANSWER or EFFECT_PROGRESS. */
void clients_obey(struct clients *clients, const struct effect *effect);

/* Sends an encoded status reply, which is dropped if the connection has no room. */
void clients_send_status(struct clients *clients, uint32_t client, const void *bytes, size_t size);

/* When clients_next() is due although no message has arrived; NEVER for never. */
int64_t clients_due_at(const struct clients *clients);

/* Fills in the sockets for zmq_poll(). Returns the number of items, at most 2. */
int clients_poll_items(const struct clients *clients, zmq_pollitem_t *items);

const char *clients_endpoint(const struct clients *clients);

/* The address of a client, without a port; "" if the client is lost. Valid until the next
 * clients_next(). */
const char *clients_address(const struct clients *clients, uint32_t client);

/* Whether a client may see the requests of another client in a status, and those of all peers. */
bool clients_may_see(const struct clients *clients, uint32_t client, uint32_t other);
bool clients_may_see_all(const struct clients *clients, uint32_t client);

/* Closes the connections whose key is not allowed any more. */
void clients_check_keys(struct clients *clients);

/* Requests and bad messages that were refused here, not by the dispatcher. */
uint64_t clients_refused(const struct clients *clients);

#endif
