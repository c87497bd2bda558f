/* The senders behind a listener: by envelope and by number, the messages that wait for room in
 * their connections, and the lost senders. Bookkeeping only, without sockets. One thread. */
#ifndef MEANTIME_SERVER_NET_SENDERS_H
#define MEANTIME_SERVER_NET_SENDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/bounds.h"
#include "server/limits.h"
#include "server/net/connections.h"
#include "server/net/ranking.h"
#include "server/net/siphash.h"

/* Senders that are known at a time: all that can have a number, and half as many again for which
 * messages wait. With the longest envelopes they take 11 MiB. */
#define SENDERS_MAX 16384

/* Bytes of memory of the messages that wait for room, of all connections together: some 100,000
 * answers. */
#define KEPT_BYTES_MAX (16 << 20)

/* Messages of one connection that are not answered yet. A proxy may carry thousands of clients over
 * one connection. But a peer can invent as many envelopes, so this limit leaves more than half of
 * REQUESTS_MAX to others. */
#define CONNECTION_REQUESTS_MAX 4096

/* What identifies a sender. */
struct envelope {
    int fd;                            /* the descriptor of the connection */
    uint16_t size;                     /* bytes used */
    uint8_t bytes[ENVELOPE_BYTES_MAX]; /* the frames before the body: for each frame a byte with its
                                          length, then its bytes */
};

/* A message that waits for room in its connection. */
struct kept {
    TAILQ_ENTRY(kept) link;
    struct sender *sender;
    size_t size;
    uint8_t bytes[];
};

/* A sender is known while it has a number or a message waits for it. */
struct sender {
    struct connection *connection; /* NULL: lost */
    uint32_t number;               /* below CLIENTS_MAX; valid if holds > 0 or keeps_number */
    uint32_t holds;                /* its messages that are not answered yet */
    uint32_t kept_count;           /* messages that wait for it */
    char lost_peer[PEER_BYTES];    /* if it is lost: the address of its connection */
    bool keeps_number;             /* the sender keeps its number even if holds is 0 */
    TAILQ_ENTRY(sender) link;      /* connection.senders, or senders.lost */
    LIST_ENTRY(sender) in_bucket;  /* senders.buckets, while it has a connection */
    struct envelope envelope;      /* last, because only its used bytes are allocated */
};

LIST_HEAD(sender_bucket, sender);

struct senders {
    uint8_t key[SIPHASH_KEY_BYTES];            /* of the hash of envelopes */
    struct sender_bucket buckets[SENDERS_MAX]; /* by the hash of the envelope */
    uint32_t count;                            /* senders in all buckets, 0 to SENDERS_MAX */
    struct ranking by_senders;                 /* connections by their senders */
    struct ranking by_kept;                    /* connections by the bytes that wait for them */
    struct sender *by_number[CLIENTS_MAX];     /* NULL: the number is free */
    uint32_t free_numbers[CLIENTS_MAX];        /* a stack */
    uint32_t free_count;
    struct sender_list lost;     /* lost senders that have a number */
    struct connection_list slow; /* connections with messages that wait */
    uint32_t kept_bytes;         /* of the messages that wait, of all connections */
};

/* key: random bytes. A peer that knew the key could make the look-ups slow. */
void senders_init(struct senders *senders, const uint8_t key[SIPHASH_KEY_BYTES]);

/* Frees the tables. Before this, call senders_lose() for each connection. */
void senders_clear(struct senders *senders);

/* The connection that has to be abandoned before a new sender fits into the table, the one with the
 * most senders; NULL if the table has room. */
struct connection *senders_crowding(const struct senders *senders);

/* The sender with that envelope. If it is new, senders_hold() must be next. NULL if memory is
 * short, or if the table is full. */
struct sender *senders_get(struct senders *senders, struct connection *connection,
                           const struct envelope *envelope);

/* senders_hold(): a message of the sender waits for its answer, so the sender needs a number.
 * senders_release(): the message is answered. At most CLIENTS_MAX senders may have a number at a
 * time. */
void senders_hold(struct senders *senders, struct sender *sender);
void senders_release(struct senders *senders, struct sender *sender);

/* Sets whether the sender keeps its number while none of its messages waits for an answer. */
void senders_keep_number(struct senders *senders, struct sender *sender, bool keep);

/* Appends a copy of a message to those that wait for the connection. Returns the connection that
 * has to be abandoned because no room is left, the one with the most waiting bytes, or NULL. */
struct connection *senders_keep(struct senders *senders, struct sender *sender, const void *bytes,
                                size_t size);

/* Drops the first message that waits. If it was the last one of a sender without a number, forgets
 * the sender. */
void senders_unkeep(struct senders *senders, struct connection *connection);

/* A connection is lost, with all its senders and all messages that wait for it. */
void senders_lose(struct senders *senders, struct connection *connection);

/* Forgets one lost sender; false if there is none. number, peer: its number and address. */
bool senders_take_lost(struct senders *senders, uint32_t *number, char peer[PEER_BYTES]);

#endif
