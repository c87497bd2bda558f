/* The numbers that a ROUTER gives its connections as routing ids, so that no peer can bring one
 * that libzmq is about to use: libzmq would abort the process. A core. One thread.
 *
 * libzmq counts the numbers up, one for each connection without an id of its own, from a random
 * number on. The listener learns the counter from connections of its own (routing_ids_learn()), and
 * counts the handshakes after that. So the next number of libzmq is never more than
 * ROUTING_IDS_SLACK above `next`. */
#ifndef MEANTIME_SERVER_NET_ROUTING_IDS_H
#define MEANTIME_SERVER_NET_ROUTING_IDS_H

#include <stdbool.h>
#include <stdint.h>

/* Connections whose handshakes libzmq may have completed before the listener has read their events
 * from the monitor. */
#define ROUTING_IDS_SLACK 1024

/* How many numbers the listener checks beyond the slack, whenever there were handshakes: these, and
 * as many again for each handshake since the last check as ROUTING_IDS_AHEAD_EACH. If handshakes go
 * on at the same rate, each number is checked several times before libzmq uses it. */
#define ROUTING_IDS_AHEAD      1024
#define ROUTING_IDS_AHEAD_EACH 4

/* After this many handshakes the counter has to be learned again: connections that bring an id of
 * their own do not count for libzmq. */
#define ROUTING_IDS_LEARN_EVERY 1024

struct routing_ids {
    bool known;              /* routing_ids_learn() was called */
    uint32_t next;           /* at least the number that libzmq uses next, but for the slack */
    uint64_t numbers;        /* at least as many numbers as libzmq has used */
    uint32_t unchecked;      /* handshakes since the last check of the numbers ahead */
    uint32_t since_learned;  /* handshakes since the last routing_ids_learning() */
    uint32_t until_learning; /* handshakes until the counter has to be learned again */
};

/* A connection has completed its handshake. */
void routing_ids_count(struct routing_ids *ids);

/* True if the counter has to be learned: the caller opens a connection of its own. */
bool routing_ids_learning(struct routing_ids *ids);

/* libzmq has given this number to the connection of the caller. */
void routing_ids_learn(struct routing_ids *ids, uint32_t number);

/* Whether libzmq can have made an id with that number. */
bool routing_ids_possible(const struct routing_ids *ids, uint32_t number);

/* The numbers that libzmq uses soon: `count` from `first` on, 0 if none is due. No connection may
 * have one of them. */
uint32_t routing_ids_ahead(struct routing_ids *ids, uint32_t *first);

#endif
