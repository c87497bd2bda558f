/* Being a worker of another server, the parent: joining it, staying in touch, joining it again. A
 * core, as server/core/dispatcher.h: news and the time go in, orders come out. One for each parent.
 */
#ifndef MEANTIME_SERVER_CORE_MEMBERSHIP_H
#define MEANTIME_SERVER_CORE_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

/* A parent that does not answer a Join in this time is dialled anew. */
#define MEMBERSHIP_JOIN_NS INT64_C(3000000000)

/* Before the next try at a parent that refused for good: it may be replaced by another one. */
#define MEMBERSHIP_REST_NS INT64_C(10000000000)

/* And more before the next try at one that found a circle, up to so much: those of the circle, who
 * have other names, do not all try at once. */
#define MEMBERSHIP_CIRCLE_NS INT64_C(5000000000)

/* Before a connection that has ended is dialled anew: soon where this server had joined, for a
 * front that was restarted is back at once; later where it had not, or a port that accepts whoever
 * calls and hangs up would be dialled a thousand times a second. */
#define MEMBERSHIP_REDIAL_NS       INT64_C(10000000)
#define MEMBERSHIP_REDIAL_LATER_NS INT64_C(200000000)

enum membership_state {
    MEMBERSHIP_DISCONNECTED, /* the connection has ended: it is dialled anew soon */
    MEMBERSHIP_DIALLING,     /* there is no connection yet */
    MEMBERSHIP_JOINING,      /* Join is on its way */
    MEMBERSHIP_JOINED,
    MEMBERSHIP_REFUSED, /* it refused: Join is sent again later */
    MEMBERSHIP_LEAVING, /* what it has given is finished, no more is taken */
    MEMBERSHIP_STATES,
};

enum membership_event {
    MEMBERSHIP_EVENT_CONNECTED, /* connected, with nothing left over from any connection before */
    MEMBERSHIP_EVENT_DISCONNECTED, /* the connection has ended */
    MEMBERSHIP_EVENT_MESSAGE,      /* it says something */
    MEMBERSHIP_EVENT_TIME,         /* something may be due */
    MEMBERSHIP_EVENT_LEAVE,        /* this server drains */
    MEMBERSHIP_EVENTS,
};

/* What to do, in this order. Each membership_step() gives its orders anew. */
struct membership_effects {
    bool client_lost; /* tell the dispatcher that this client is lost */
    bool dial;        /* close the connection and dial anew */
    bool deliver;     /* the message that came is for the dispatcher */
    bool send;        /* `message` to the parent */
    struct message message;
    const char *problem; /* a sentence for the log without its full stop, or NULL; lives as long as
                            the message that came */
};

struct membership {
    enum membership_state state;
    struct join join;      /* what this server offers */
    struct heartbeat told; /* what the parent knows of it */
    int64_t heartbeat_ns;
    int64_t received_at_ns;
    int64_t due_at_ns;       /* of a Join's answer, of the next Join, or of the next call */
    int64_t heartbeat_at_ns; /* of the next heartbeat; NEVER: none */
};

/* The first order is to dial, which is the caller's to do. */
void membership_init(struct membership *parent, const struct join *join);

/* What this server has to say of itself from now on. What changes is due to be told at once. */
void membership_set_own(struct membership *parent, const struct heartbeat *own);

/* message: with MEMBERSHIP_EVENT_MESSAGE alone; within proto/bounds.h. now_ns: never running
 * backwards.
 */
void membership_step(struct membership *parent, int64_t now_ns, enum membership_event news,
                     const struct message *message, struct membership_effects *effects);

/* When MEMBERSHIP_EVENT_TIME is due next; NEVER for never. */
int64_t membership_due_at(const struct membership *parent);

#endif
