/* Hostile workers. Liars join and then send any message that a worker can send, except a plausible
 * wrong total of a span that they hold: only the digest protects against that. Mute workers join
 * and send heartbeats for ever, and never answer. */
#ifndef MEANTIME_TESTS_SIM_POOL_HOSTILE_H
#define MEANTIME_TESTS_SIM_POOL_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "tests/sim/pool/summands.h"

#define HOSTILES_MAX 4
#define MUTES_MAX    2
#define MUTE_NAME    "mute"
#define HELD_MAX     16

struct world;

struct hostile {
    uint32_t number;
    uint32_t cores; /* of a mute worker, else 0 */
    bool there;     /* it has not left for ever */
    uint32_t cable;
    uint32_t target;
    bool up;
    bool joined;         /* a mute worker believes that it has joined */
    uint32_t sent_count; /* messages of a mute worker since the last message to it */
    bool trusted;        /* it has joined over this connection with the correct digest */
    bool candid;         /* its digest is mostly correct */
    bool frail;          /* it disconnects at the first span */
    struct sum_request held[HELD_MAX];
    uint32_t held_count;
    struct sum_request old; /* a span that it no longer holds */
    struct offer offers[SUMMANDS];
    uint32_t offer_count;
    struct sim_totals totals; /* of its last reply */
    int64_t pause_ns;         /* shortest time between two messages */
};

struct hostiles {
    struct hostile all[HOSTILES_MAX];
    uint32_t count;
    uint32_t liars; /* of `count` */
};

void hostiles_init(struct world *world);

/* Cores that the mute workers of this server claim. */
uint32_t hostiles_mute_cores(const struct hostiles *hostiles, uint32_t target);

/* hostiles_come(): one more liar joins, unless too many have joined. hostiles_leave(): all liars
 * leave. */
void hostiles_come(struct world *world);
void hostiles_leave(struct world *world);

void hostile_due(struct world *world, struct hostile *hostile);
void hostile_connected(struct world *world, struct hostile *hostile);
void hostile_disconnected(struct world *world, struct hostile *hostile);
void hostile_receive(struct world *world, struct hostile *hostile, const struct message *message);

#endif
