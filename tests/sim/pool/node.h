/* A simulated server process: the real dispatcher and the real memberships, with a shell that works
 * like server/server.c but uses simulated sockets and threads. */
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
#define NODE_RUNS_MAX    1024
#define PARKED_MAX       32768
#define LOSSES_MAX       64
#define SEEN_MAX         8

struct world;
struct cable;

/* A link to a parent. */
struct upstream {
    struct membership membership;
    uint32_t target;        /* the parent's node number */
    uint32_t cable;         /* NOWHERE: none */
    uint32_t sent_summands; /* that the last Join or Heartbeat to it offered */
};

/* The cable of each client's or worker's number. */
struct numbers {
    uint32_t cable[NODE_REQUESTS + 2]; /* NOWHERE: free */
    uint32_t count;
};

/* A span that a worker got, for hostile workers that guess ids. */
struct seen {
    uint32_t worker;
    uint64_t id;
    uint64_t count;
    enum message_kind kind;
};

struct node {
    uint32_t number;
    bool alive;      /* the process exists */
    bool stopped;    /* SIGSTOP: the process does not run, and its occasions are parked */
    bool draining;   /* it has got a signal */
    bool halted;     /* it has got a second signal */
    bool other_sums; /* its build would sum other bits */
    uint32_t epoch;  /* counts the starts of the process */
    struct dispatcher_settings settings;
    struct dispatcher *dispatcher;
    int64_t clock_ns;    /* what its clock shows at the start of the schedule */
    int64_t lateness_ns; /* of its timers */
    int64_t wake_at_ns;  /* its next timer, in simulated time */
    int64_t stopped_at_ns;
    int64_t paused_ns;              /* how long it was stopped, until it reads again; else 0 */
    int64_t cut_until_ns;           /* its connections carry nothing until then */
    int64_t hung_until_ns;          /* its compute threads do nothing until then */
    struct heartbeat own;           /* what it sends to its parents */
    uint32_t own_summands;          /* that it offers to its parents */
    uint32_t failures;              /* helper processes of its joined workers that have died */
    uint32_t deaths[NODE_RUNS_MAX]; /* helper processes that have died of each span */
    uint32_t doomed;                /* the span whose request must end in this step, or NOWHERE */
    uint32_t unfit;                 /* the joined worker to drop in this step, or NOWHERE */
    uint32_t grains[SUMMANDS];      /* bits of the exponents whose grain it knows, by summand */
    uint32_t begun_anew;            /* how often a request began anew */
    struct upstream parents[NODE_PARENTS_MAX];
    uint32_t parent_count;
    struct numbers clients;
    struct numbers workers; /* joined workers; the threads are not counted */
    bool joined[NODE_JOINED_MAX + 1];
    bool leaving[NODE_JOINED_MAX + 1];
    bool resting[NODE_JOINED_MAX + 1];      /* it has refused a span and sent no heartbeat since */
    uint32_t summands[NODE_JOINED_MAX + 1]; /* that each joined worker offers and may get */
    uint32_t banned[NODE_JOINED_MAX + 1];   /* summands of which it has other bits */
    uint32_t lost_cables[LOSSES_MAX];       /* a send found them unreachable */
    uint32_t lost_count;
    uint32_t workers_lost; /* including those of joined workers */
    struct ledger ledger;
    struct sim_threads threads;
    struct seen seen[SEEN_MAX];
    uint32_t seen_count;
    struct occasion parked[PARKED_MAX];
    uint32_t parked_first; /* those before have been handled */
    uint32_t parked_count;
};

struct pool {
    struct node nodes[NODES_MAX];
    uint32_t count;
    uint32_t fronts; /* the first nodes are fronts; clients send requests to them */
    bool odd;        /* a server computes other bits of terms */
    bool cycle;      /* the first node has joined itself, or one of its workers */
};

void pool_init(struct world *world);
void pool_clear(struct world *world);

/* True if every server runs and the fronts know its whole capacity. */
bool pool_whole(const struct world *world);

/* Adds the counters of its dispatcher to the world's tally. */
void node_tally(struct world *world, const struct node *node);

void node_start(struct world *world, struct node *node);
void node_kill(struct world *world, struct node *node);
void node_stop(struct world *world, struct node *node);
void node_continue(struct world *world, struct node *node);
void node_signal(struct world *world,
                 struct node *node); /* the first time: drain; the second time: stop */

/* Parks the occasion if the process is stopped. True if parked. */
bool node_parks(struct world *world, struct node *node, const struct occasion *occasion);

/* True if the server has got a total of this function, which reported the grain. */
bool node_knows_grain(const struct node *node, const struct sum_request *span);

/* A timer of the server, or of one of its compute threads. */
void node_due(struct world *world, struct node *node);
void node_thread_due(struct world *world, struct node *node, uint32_t thread, uint32_t stamp);

/* Events of the connections to its parents, and of the connections to its own sockets. */
void node_connected(struct world *world, struct node *node, uint32_t parent);
void node_disconnected(struct world *world, struct node *node, uint32_t parent);
void node_receive_from_parent(struct world *world, struct node *node, uint32_t parent,
                              const struct message *message);
void node_receive(struct world *world, struct node *node, struct cable *cable,
                  const struct message *message);
void node_peer_disconnected(struct world *world, struct node *node, struct cable *cable);

#endif
