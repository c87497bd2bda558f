/* Who the front talks to: clients by envelope and by number, what is kept for them, and who has
 * gone. Bookkeeping alone: no socket. One thread. */
#ifndef MEANTIME_SERVER_CLIENTS_H
#define MEANTIME_SERVER_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/bounds.h"
#include "server/dispatcher.h"

/* Messages kept for clients that do not read, of all clients together: 50 MiB at most with what
 * they are wrapped in. */
#define KEPT_MAX 100000

/* The frames before the body, each as one byte of length and its bytes. */
struct envelope {
    uint16_t size;
    uint8_t bytes[ENVELOPE_BYTES_MAX];
};

/* A message that its client had no room for. */
struct kept {
    TAILQ_ENTRY(kept) link;
    size_t size;
    uint8_t bytes[];
};
TAILQ_HEAD(kept_list, kept);

/* holds: messages of it that are owed an answer. number: while there is a hold; below CLIENTS_MAX.
 * fd: of its connection, -1 where that is unknown. Known while it is held or something is kept. */
struct client {
    struct envelope envelope;
    int fd;
    uint32_t number;
    uint32_t holds;
    bool lost;
    struct kept_list kept;
    uint32_t kept_count;
    TAILQ_ENTRY(client) link;    /* clients.present or clients.lost */
    TAILQ_ENTRY(client) in_slow; /* while something is kept */
};
TAILQ_HEAD(client_list, client);

struct clients {
    void *by_envelope;
    struct client *by_number[CLIENTS_MAX]; /* NULL: free */
    uint32_t free_numbers[CLIENTS_MAX];
    uint32_t free_count;
    struct client_list present;
    struct client_list lost;
    struct client_list slow; /* for whom something is kept */
    uint32_t kept_count;
};

void clients_init(struct clients *clients);
void clients_clear(struct clients *clients);

/* The client of that envelope, or NULL. */
struct client *clients_find(const struct clients *clients, const struct envelope *envelope);

/* A new one, to be held next. NULL where memory is short. */
struct client *clients_add(struct clients *clients, const struct envelope *envelope, int fd);

/* At most CLIENTS_MAX clients may be held at a time. */
void clients_hold(struct clients *clients, struct client *client);
void clients_release(struct clients *clients, struct client *client);

/* Keeps a copy of a message, behind those that are kept already. Returns the client that had to be
 * given up for want of room, whoever lets most wait, or NULL. */
const struct client *clients_keep(struct clients *clients, struct client *client, const void *bytes,
                                  size_t size);

/* Drops the message kept first. With the last one a client that is not held goes as well. */
void clients_unkeep(struct clients *clients, struct client *client);

/* The client, or all of a connection, have gone. */
void clients_lose(struct clients *clients, struct client *client);
void clients_lose_connection(struct clients *clients, int fd);

/* Forgets those that have gone, up to the first that was held; false where there is none. */
bool clients_take_lost(struct clients *clients, uint32_t *number);

#endif
