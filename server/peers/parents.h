/* The parents: fronts that this server joins as a worker, as server/core/membership.h decides. For
 * the dispatcher they are the clients CLIENTS_MAX, CLIENTS_MAX + 1, ... One thread. */
#ifndef MEANTIME_SERVER_PEERS_PARENTS_H
#define MEANTIME_SERVER_PEERS_PARENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "server/core/dispatcher.h"
#include "server/log_limit.h"

struct parents;

struct parents_settings {
    const struct join *join;       /* copied: what this server offers its parents */
    struct dispatcher *dispatcher; /* only for this server's heartbeat; outlives the parents */
    struct log_limit *log;         /* the caller's */
};

struct parents *parents_new(const struct parents_settings *settings);

/* patience_ms: how long the last messages may take to leave. */
void parents_destroy(struct parents **parents, int patience_ms);

/* Dials one more parent, at most PARENTS_MAX in all. endpoint: kept, not copied. False with errno
 * set if the endpoint is invalid or no socket is left. */
bool parents_add(struct parents *parents, const char *endpoint, int64_t now_ns);

/* The next event of any parent, or false until the next turn. The message lives until the next
 * call. Dials, joins and sends heartbeats when they are due. */
bool parents_next(struct parents *parents, int64_t now_ns, struct event *event);

/* Carries out EFFECT_ANSWER. */
void parents_obey(struct parents *parents, const struct effect *effect);

/* When parents_next() is due although nothing has arrived; NEVER for never. */
int64_t parents_due_at(const struct parents *parents);

/* Fills in the sockets and descriptors for zmq_poll(). Returns the number of items, at most 2 *
 * PARENTS_MAX. */
int parents_poll_items(const struct parents *parents, zmq_pollitem_t *items);

/* Informs each parent that this server takes no more spans. */
void parents_drain(struct parents *parents, int64_t now_ns);

/* The endpoint of the parent that is this client of the dispatcher. */
const char *parents_endpoint(const struct parents *parents, uint32_t client);

#endif
