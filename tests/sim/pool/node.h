/* A server process: the real dispatcher and the real cores of its parents, with a shell that does
 * what server/server.c does, on simulated sockets and threads. */
#ifndef MEANTIME_TESTS_SIM_POOL_NODE_H
#define MEANTIME_TESTS_SIM_POOL_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/dispatcher.h"
#include "server/core/membership.h"
#include "tests/sim/agenda.h"
#include "tests/sim/pool/ledger.h"
#include "tests/sim/pool/threads.h"

#define NODES_MAX        8
#define NODE_PARENTS_MAX 2
#define NODE_JOINED_MAX  12
#define NODE_REQUESTS    48
#define PARKED_MAX       32768
#define LOSSES_MAX       64
#define SEEN_MAX         8

struct world;
struct wire;

struct upstream {
    struct membership membership;
    uint32_t target; /* node */
    uint32_t wire;   /* NOWHERE: none */
};

/* Where a number leads. */
struct numbers {
    uint32_t wire[NODE_REQUESTS + 2]; /* NOWHERE: free */
    uint32_t count;
};

/* An id that a worker was given, for whoever would like to guess one. */
struct seen {
    uint32_t worker;
    uint64_t id;
    uint64_t count;
    enum message_kind kind;
};

/* alive: the process exists. stopped: it does not run, and what happens to it is parked. */
struct node {
    uint32_t number;
    bool alive;
    bool stopped;
    bool draining;
    bool halted; /* the second signal */
    bool other_sums;
    uint32_t epoch;
    struct dispatcher_settings settings;
    struct dispatcher *dispatcher;
    int64_t clock_ns; /* what its clock shows at the beginning of the world */
    int64_t lateness_ns;
    int64_t wake_at_ns; /* in the world's time */
    int64_t stopped_at_ns;
    int64_t paused_ns; /* it has been stopped for so long, and has read nothing since; else 0 */
    int64_t cut_until_ns;
    int64_t hung_until_ns; /* its threads */
    struct heartbeat own;  /* what it tells its parents of itself */
    struct upstream parents[NODE_PARENTS_MAX];
    uint32_t parent_count;
    struct numbers clients;
    struct numbers workers; /* those after the threads */
    bool joined[NODE_JOINED_MAX + 1];
    bool leaving[NODE_JOINED_MAX + 1];
    bool resting[NODE_JOINED_MAX + 1]; /* it has refused a span, and not sent a heartbeat since */
    uint32_t lost_wires[LOSSES_MAX];   /* found unreachable while sending */
    uint32_t lost_count;
    uint32_t workers_lost; /* or said that theirs were */
    struct ledger ledger;
    struct threads threads;
    struct seen seen[SEEN_MAX];
    uint32_t seen_count;
    struct occasion parked[PARKED_MAX];
    uint32_t parked_first; /* those before have been told */
    uint32_t parked_count;
};

struct pool {
    struct node nodes[NODES_MAX];
    uint32_t count;
    uint32_t fronts; /* the first ones: clients ask these */
    bool cycle;      /* the first one has joined itself, or one of its workers */
};

void pool_init(struct world *world);
void pool_clear(struct world *world);

/* True when every server runs and all of its capacity has reached the fronts. */
bool pool_whole(const struct world *world);

/* Adds to the world's tally what its dispatcher has counted. */
void node_tally(struct world *world, const struct node *node);

void node_start(struct world *world, struct node *node);
void node_kill(struct world *world, struct node *node);
void node_stop(struct world *world, struct node *node);
void node_continue(struct world *world, struct node *node);
void node_signal(struct world *world, struct node *node); /* drain, then stop */

/* What happens to it, unless it is stopped. */
bool node_parks(struct world *world, struct node *node, const struct occasion *occasion);
void node_due(struct world *world, struct node *node);
void node_thread_due(struct world *world, struct node *node, uint32_t thread, uint32_t stamp);

/* From connections that it has made, by the parent they lead to, and from those made to it. */
void node_connected(struct world *world, struct node *node, uint32_t parent);
void node_disconnected(struct world *world, struct node *node, uint32_t parent);
void node_receive_from_parent(struct world *world, struct node *node, uint32_t parent,
                              const struct message *message);
void node_receive(struct world *world, struct node *node, struct wire *wire,
                  const struct message *message);
void node_peer_disconnected(struct world *world, struct node *node, struct wire *wire);

#endif
