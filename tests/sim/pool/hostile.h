/* Workers that lie. They join, and then send whatever a worker can send, but no wrong total that
 * fits a span which they hold: against that there is only the digest. And workers that are mute:
 * they join and send heartbeats, for ever, and answer nothing that they are given. */
#ifndef MEANTIME_TESTS_SIM_POOL_HOSTILE_H
#define MEANTIME_TESTS_SIM_POOL_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

#define HOSTILES_MAX 4
#define MUTES_MAX    2
#define MUTE_NAME    "mute"
#define HELD_MAX     16

struct world;

/* cores: of one that is mute, else 0. trusted: it has joined over this connection with the right
 * digest. old: a span that it holds no more. */
struct hostile {
    uint32_t number;
    uint32_t cores;
    bool there;
    uint32_t wire;
    uint32_t target;
    bool up;
    bool joined;         /* as far as a mute one knows */
    uint32_t sent_count; /* by a mute one since it was last spoken to */
    bool trusted;
    bool candid; /* its digest is the right one, more often than not */
    bool frail;  /* it dies of the first span */
    struct sum_request held[HELD_MAX];
    uint32_t held_count;
    struct sum_request old;
    int64_t pause_ns;
};

struct hostiles {
    struct hostile all[HOSTILES_MAX];
    uint32_t count;
    uint32_t liars; /* of these */
};

void hostiles_init(struct world *world);

/* Cores that mute workers of this server claim. */
uint32_t hostiles_mute_cores(const struct hostiles *hostiles, uint32_t target);

/* One more comes that lies, if there may be one; and all of these leave. */
void hostiles_come(struct world *world);
void hostiles_leave(struct world *world);

void hostile_due(struct world *world, struct hostile *hostile);
void hostile_connected(struct world *world, struct hostile *hostile);
void hostile_disconnected(struct world *world, struct hostile *hostile);
void hostile_receive(struct world *world, struct hostile *hostile, const struct message *message);

#endif
