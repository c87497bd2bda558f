/* The joined workers: servers that have joined this one at the endpoint of --workers. Their numbers
 * follow those of the compute threads. One thread. */
#ifndef MEANTIME_SERVER_PEERS_JOINED_WORKERS_H
#define MEANTIME_SERVER_PEERS_JOINED_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "server/core/dispatcher.h"
#include "server/log_limit.h"

struct joined_workers;

struct joined_workers_settings {
    const char *endpoint;
    uint32_t first_number;               /* of a worker, the number of compute threads */
    bool quiet;                          /* do not log joins and losses */
    const struct dispatcher *dispatcher; /* only for the names of workers; outlives the peers */
    struct log_limit *log;               /* the caller's */
    const struct access *access;         /* the caller's; NULL: workers need no keys */
};

/* Listens at the endpoint. NULL on failure; `why` says why and lives until the next call. */
struct joined_workers *joined_workers_new(const struct joined_workers_settings *settings,
                                          const char **why);

/* patience_ms: how long the last messages may take to leave. */
void joined_workers_destroy(struct joined_workers **workers, int patience_ms);

/* The next event, or false until the next turn. The message lives until the next call. In one turn
 * all messages come before all losses. */
bool joined_workers_next(struct joined_workers *workers, int64_t now_ns, struct event *event);

/* Carries out EFFECT_SEND_WORKER or EFFECT_DROP_WORKER. */
void joined_workers_obey(struct joined_workers *workers, const struct effect *effect);

/* Logs that a joined worker lost a skill. */
void joined_workers_log_loss(struct joined_workers *workers, const struct skill_loss *loss);

/* When joined_workers_next() is due although no message has arrived; NEVER for never. */
int64_t joined_workers_due_at(const struct joined_workers *workers);

/* Fills in the sockets for zmq_poll(). Returns the number of items, at most 2. */
int joined_workers_poll_items(const struct joined_workers *workers, zmq_pollitem_t *items);

/* Closes the connections whose key is not allowed any more. */
void joined_workers_check_keys(struct joined_workers *workers);

const char *joined_workers_endpoint(const struct joined_workers *workers);

#endif
