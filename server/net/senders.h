/* Who the front talks to: clients by envelope and by number, what is kept for their connections,
 * and who has gone. Bookkeeping alone: no socket. One thread. */
#ifndef MEANTIME_SERVER_NET_SENDERS_H
#define MEANTIME_SERVER_NET_SENDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/bounds.h"
#include "server/limits.h"
#include "server/net/connections.h"

/* Messages kept for connections that do not read, of all together: some 100 bytes each and as many
 * for its sender, and 100 MiB when all are refusals to clients with the longest envelopes. */
#define KEPT_MAX 100000

/* Messages of one connection that are owed an answer. A proxy may carry thousands of clients over
 * one connection; but a peer can invent as many envelopes, and this leaves more than half of
 * REQUESTS_MAX to others. */
#define CONNECTION_REQUESTS_MAX 4096

/* The frames before the body, each as one byte of length and its bytes, and the descriptor of the
 * connection that they came on. Together they are one sender. */
struct envelope {
    int fd;
    uint16_t size;
    uint8_t bytes[ENVELOPE_BYTES_MAX];
};

/* A message that its connection had no room for. */
struct kept {
    TAILQ_ENTRY(kept) link;
    struct sender *sender;
    size_t size;
    uint8_t bytes[];
};

/* holds: messages of it that are owed an answer. number: while there is a hold, or it is `staying`;
 * below CLIENTS_MAX. Known while it has a number or something is kept for it. */
struct sender {
    struct connection *connection; /* NULL: lost */
    uint32_t number;
    uint32_t holds;
    uint32_t kept_count;
    bool staying;
    TAILQ_ENTRY(sender) link; /* its connection's senders, or senders.lost */
    struct envelope envelope; /* as far as it has bytes: no more is allocated */
};

TAILQ_HEAD(connection_list, connection);

struct senders {
    void *by_envelope;
    struct sender *by_number[CLIENTS_MAX]; /* NULL: free */
    uint32_t free_numbers[CLIENTS_MAX];
    uint32_t free_count;
    struct sender_list lost;     /* those with a number */
    struct connection_list slow; /* for which something is kept */
    uint32_t kept_count;
};

void senders_init(struct senders *senders);

/* All must have been lost before. */
void senders_clear(struct senders *senders);

/* The client of that envelope, a new one if need be, to be held next. NULL where memory is short.
 */
struct sender *senders_get(struct senders *senders, struct connection *connection,
                           const struct envelope *envelope);

/* At most CLIENTS_MAX clients may be held or stay at a time. */
void senders_hold(struct senders *senders, struct sender *sender);
void senders_release(struct senders *senders, struct sender *sender);
void senders_stay(struct senders *senders, struct sender *sender, bool stay);

/* Keeps a copy of a message, behind those that are kept already. Returns the connection that has to
 * be given up for want of room, the one for which most is kept, or NULL. */
struct connection *senders_keep(struct senders *senders, struct sender *sender, const void *bytes,
                                size_t size);

/* Drops the message kept first. A client that has no number goes with its last one. */
void senders_unkeep(struct senders *senders, struct connection *connection);

/* A connection has gone, with all its clients and all that is kept. */
void senders_lose(struct senders *senders, struct connection *connection);

/* Forgets one of the lost, and tells its number; false where there is none. */
bool senders_take_lost(struct senders *senders, uint32_t *number);

#endif
