/* Who the front talks to: clients by envelope and by number, what is kept for their connections,
 * and who has gone. Bookkeeping alone: no socket. One thread. */
#ifndef MEANTIME_SERVER_CLIENTS_H
#define MEANTIME_SERVER_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/bounds.h"
#include "server/connections.h"
#include "server/dispatcher.h"

/* Messages kept for connections that do not read, of all together: some 100 bytes each and as many
 * for its client, and 100 MiB when all are refusals to clients with the longest envelopes. */
#define KEPT_MAX 100000

/* Messages of one connection that are owed an answer. A proxy may carry thousands of clients over
 * one connection; but a peer can invent as many envelopes, and this leaves more than half of
 * REQUESTS_MAX to others. */
#define CONNECTION_REQUESTS_MAX 4096

/* The frames before the body, each as one byte of length and its bytes, and the descriptor of the
 * connection that they came on. Together they are one client. */
struct envelope {
    int fd;
    uint16_t size;
    uint8_t bytes[ENVELOPE_BYTES_MAX];
};

/* A message that its connection had no room for. */
struct kept {
    TAILQ_ENTRY(kept) link;
    struct client *client;
    size_t size;
    uint8_t bytes[];
};

/* holds: messages of it that are owed an answer. number: while there is a hold, or it is `staying`;
 * below CLIENTS_MAX. Known while it has a number or something is kept for it. */
struct client {
    struct connection *connection; /* NULL: lost */
    uint32_t number;
    uint32_t holds;
    uint32_t kept_count;
    bool staying;
    TAILQ_ENTRY(client) link; /* its connection's clients, or clients.lost */
    struct envelope envelope; /* as far as it has bytes: no more is allocated */
};

TAILQ_HEAD(connection_list, connection);

struct clients {
    void *by_envelope;
    struct client *by_number[CLIENTS_MAX]; /* NULL: free */
    uint32_t free_numbers[CLIENTS_MAX];
    uint32_t free_count;
    struct client_list lost;     /* those with a number */
    struct connection_list slow; /* for which something is kept */
    uint32_t kept_count;
};

void clients_init(struct clients *clients);

/* All must have been lost before. */
void clients_clear(struct clients *clients);

/* The client of that envelope, a new one if need be, to be held next. NULL where memory is short.
 */
struct client *clients_get(struct clients *clients, struct connection *connection,
                           const struct envelope *envelope);

/* At most CLIENTS_MAX clients may be held or stay at a time. */
void clients_hold(struct clients *clients, struct client *client);
void clients_release(struct clients *clients, struct client *client);
void clients_stay(struct clients *clients, struct client *client, bool stay);

/* Keeps a copy of a message, behind those that are kept already. Returns the connection that has to
 * be given up for want of room, the one for which most is kept, or NULL. */
struct connection *clients_keep(struct clients *clients, struct client *client, const void *bytes,
                                size_t size);

/* Drops the message kept first. A client that has no number goes with its last one. */
void clients_unkeep(struct clients *clients, struct connection *connection);

/* A connection has gone, with all its clients and all that is kept. */
void clients_lose(struct clients *clients, struct connection *connection);

/* Forgets one of the lost, and tells its number; false where there is none. */
bool clients_take_lost(struct clients *clients, uint32_t *number);

#endif
