/* Being a worker of another server, the parent: joining it, staying in touch, joining it again. A
 * core, as server/dispatcher.h: news and the time go in, orders come out. One for each parent. */
#ifndef MEANTIME_SERVER_PARENT_H
#define MEANTIME_SERVER_PARENT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

/* A parent that does not answer a Join in this time is dialled anew. */
#define PARENT_JOIN_NS INT64_C(3000000000)

/* Before the next try at a parent that refused for good: it may be replaced by another one. */
#define PARENT_REST_NS INT64_C(10000000000)

/* And more before the next try at one that found a circle, up to so much: those of the circle, who
 * have other names, do not all try at once. */
#define PARENT_CIRCLE_NS INT64_C(5000000000)

/* Before a connection that has ended is dialled anew: soon where this server had joined, for a
 * front that was restarted is back at once; later where it had not, or a port that accepts whoever
 * calls and hangs up would be dialled a thousand times a second. */
#define PARENT_REDIAL_NS       INT64_C(10000000)
#define PARENT_REDIAL_LATER_NS INT64_C(200000000)

enum parent_state {
    PARENT_APART,    /* the connection has ended: it is dialled anew soon */
    PARENT_DIALLING, /* there is no connection yet */
    PARENT_JOINING,  /* Join is on its way */
    PARENT_JOINED,
    PARENT_RESTING, /* it refused: Join is sent again later */
    PARENT_LEAVING, /* what it has given is finished, no more is taken */
    PARENT_STATES,
};

enum parent_news {
    PARENT_UP,      /* connected, with nothing left over from any connection before */
    PARENT_DOWN,    /* the connection has ended */
    PARENT_MESSAGE, /* it says something */
    PARENT_TIME,    /* something may be due */
    PARENT_LEAVE,   /* this server drains */
    PARENT_NEWS,
};

/* What to do, in this order. Each parent_step() gives its orders anew. */
struct parent_orders {
    bool lost; /* tell the dispatcher that this client is lost */
    bool dial; /* close the connection and dial anew */
    bool pass; /* the message that came is for the dispatcher */
    bool send; /* `message` to the parent */
    struct message message;
    const char *trouble; /* a sentence for the log without its full stop, or NULL; lives as long as
                            the message that came */
};

struct parent {
    enum parent_state state;
    struct join join;      /* what this server offers */
    struct heartbeat told; /* what the parent knows of it */
    int64_t heartbeat_ns;
    int64_t heard_at_ns;
    int64_t due_at_ns;  /* of a Join's answer, of the next Join, or of the next call */
    int64_t beat_at_ns; /* of the next heartbeat; INT64_MAX: none */
};

/* The first order is to dial, which is the caller's to do. */
void parent_init(struct parent *parent, const struct join *join);

/* What this server has to say of itself from now on. What changes is due to be told at once. */
void parent_know(struct parent *parent, const struct heartbeat *own);

/* message: with PARENT_MESSAGE alone; within proto/bounds.h. now_ns: never running backwards. */
void parent_step(struct parent *parent, int64_t now_ns, enum parent_news news,
                 const struct message *message, struct parent_orders *orders);

/* When PARENT_TIME is due next; INT64_MAX for never. */
int64_t parent_due_at(const struct parent *parent);

#endif
