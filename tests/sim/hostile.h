/* Workers that lie. They join, and then send whatever a worker can send, but no wrong total that
 * fits a span which they hold: against that there is only the digest. */
#ifndef MEANTIME_TESTS_SIM_HOSTILE_H
#define MEANTIME_TESTS_SIM_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

#define HOSTILES_MAX 2
#define HELD_MAX     16

struct world;

/* trusted: it has joined over this connection with the right digest. old: a span that it holds no
 * more. */
struct hostile {
    uint32_t number;
    bool there;
    uint32_t line;
    uint32_t target;
    bool up;
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
};

void hostiles_init(struct world *world);

/* One more comes, if there may be one; and all leave. */
void hostiles_come(struct world *world);
void hostiles_leave(struct world *world);

void hostile_due(struct world *world, struct hostile *hostile);
void hostile_up(struct world *world, struct hostile *hostile);
void hostile_down(struct world *world, struct hostile *hostile);
void hostile_hear(struct world *world, struct hostile *hostile, const struct message *message);

#endif
