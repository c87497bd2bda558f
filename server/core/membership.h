/* The membership of this server at one parent: join it, exchange heartbeats, and join again after a
 * loss. A core like server/core/dispatcher.h: events and the time go in, effects come out. One
 * struct for each parent. */
#ifndef MEANTIME_SERVER_CORE_MEMBERSHIP_H
#define MEANTIME_SERVER_CORE_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/instant.h"
#include "proto/message.h"

/* If the parent does not answer a Join within this time, the link is dialled again. */
#define MEMBERSHIP_JOIN_NS (3 * NS_PER_S)

/* If the parent refuses a Join without a time to retry, the next Join is sent after this time:
 * another server may have replaced the parent by then. */
#define MEMBERSHIP_REST_NS (10 * NS_PER_S)

/* If the parent finds a cycle, a part of this time is added, which depends on the name of this
 * server. So the members of the cycle do not all join again at once. */
#define MEMBERSHIP_CYCLE_NS (5 * NS_PER_S)

/* Time from a disconnect to the next dial. If this server had joined, the time is short, because a
 * restarted front is back at once. If this server had not joined, the time is longer. Otherwise a
 * port that accepts every connection and closes it would be dialled a thousand times a second. */
#define MEMBERSHIP_REDIAL_NS       (10 * NS_PER_MS)
#define MEMBERSHIP_REDIAL_LATER_NS (200 * NS_PER_MS)

enum membership_state {
    MEMBERSHIP_DISCONNECTED, /* the link is dialled again at due_at_ns */
    MEMBERSHIP_DIALLING,     /* the link is not connected yet */
    MEMBERSHIP_JOINING,      /* Join was sent */
    MEMBERSHIP_JOINED,       /* the parent has welcomed this server */
    MEMBERSHIP_REFUSED,      /* the parent has refused Join, which is sent again at due_at_ns */
    MEMBERSHIP_LEAVING,      /* this server finishes the parent's requests and takes no new ones */
    MEMBERSHIP_STATES,
};

enum membership_event {
    MEMBERSHIP_EVENT_CONNECTED,    /* a new connection, on which nothing has arrived yet */
    MEMBERSHIP_EVENT_DISCONNECTED, /* the connection has ended */
    MEMBERSHIP_EVENT_MESSAGE,      /* the parent has sent `message` */
    MEMBERSHIP_EVENT_TIME,         /* membership_due_at() has passed; also allowed at other times */
    MEMBERSHIP_EVENT_LEAVE,        /* this server drains */
    MEMBERSHIP_EVENTS,
};

/* Carry these out in the order of the fields. Each membership_step() sets all of them. */
struct membership_effects {
    bool client_lost; /* pass EVENT_CLIENT_LOST for this parent to the dispatcher */
    bool dial;        /* close the connection and dial again */
    bool deliver;     /* pass the parent's message to the dispatcher */
    bool send;        /* send `message` to the parent */
    struct message message;
    const char *problem; /* a sentence for the log without its full stop, or NULL; it lives as long
                            as the parent's message */
};

struct membership {
    enum membership_state state;
    struct join join;      /* what this server offers now; its list is `offers` */
    struct heartbeat sent; /* what was sent to the parent last; its list is `sent_offers` */
    struct offer offers[OFFERS_MAX];
    struct offer sent_offers[OFFERS_MAX];
    int64_t heartbeat_ns;    /* time between heartbeats, from the parent's Welcome */
    int64_t received_at_ns;  /* the parent's last message */
    int64_t due_at_ns;       /* the answer to Join, the next Join, or the next dial; or NEVER */
    int64_t heartbeat_at_ns; /* this server's next heartbeat; NEVER: not a member */
};

/* The caller dials the link once. After that, the caller dials only when the effect `dial` is
 * set. */
void membership_init(struct membership *m, const struct join *join);

/* Sets the capacity, the height and the offers of this server. If one of them changes, a heartbeat
 * is due at once. */
void membership_set_own(struct membership *m, const struct heartbeat *own);

/* message: with MEMBERSHIP_EVENT_MESSAGE only, within proto/bounds.h. now_ns: a clock that never
 * runs backwards. */
void membership_step(struct membership *m, int64_t now_ns, enum membership_event event,
                     const struct message *message, struct membership_effects *effects);

/* The time of the next MEMBERSHIP_EVENT_TIME, or NEVER. */
int64_t membership_due_at(const struct membership *m);

#endif
