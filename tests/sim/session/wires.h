/* Simulated connections between the session and its servers. They behave as libzmq's do, and as
 * client/lib/server_link.c reports them: wires.c implements client/lib/server_link.h.
 *
 * Each direction keeps its order. Packets in transit are lost when a connection ends. The session's
 * descriptor reports a new event of a socket only after a look has found nothing more in it. */
#ifndef MEANTIME_TESTS_SIM_SESSION_WIRES_H
#define MEANTIME_TESTS_SIM_SESSION_WIRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define SERVERS_MAX 4
#define WIRES_MAX   128
#define PACKETS_MAX 4096
#define NO_PACKET   UINT16_MAX

struct session_scene;

enum wire_end {
    WIRE_END_CLIENT,
    WIRE_END_SERVER,
    WIRE_ENDS,
};

/* A message in transit, or one that the client has not read. */
struct packet {
    struct message message;
    bool invalid; /* the frame is no message */
    int64_t arrived_at_ns;
    uint8_t to;     /* enum wire_end */
    uint16_t wire;  /* its place in struct wires */
    uint16_t next;  /* the next unread packet of the wire, or the next free one; NO_PACKET: none */
    uint32_t stamp; /* of the wire; the packet is dropped if the wire has another stamp by then */
};

/* One of the two sockets of a link, as the session's descriptor sees it. */
struct socket_signal {
    bool armed;  /* a look has found nothing more, so the next event is reported */
    bool raised; /* an event is reported */
};

/* A connection, or the attempt to make one. */
struct wire {
    bool open;         /* the client holds the link open */
    bool up, ended;    /* as the client's process knows it */
    bool served;       /* the server's process holds the connection */
    bool lossy;        /* all packets are lost from now on, until TCP ends the connection */
    bool dropped;      /* an exchange has dropped the link, for all exchanges */
    bool read_invalid; /* the client has read an invalid frame */
    bool reported_up, reported_end; /* by server_link_watch() */
    bool shaking;         /* the server has accepted the dial, and its handshake takes a while */
    bool reached;         /* the same, and server_link_watch() has not reported it */
    bool failed, refused; /* a dial has failed, and server_link_watch() has not reported it;
                           * refused: definitely */
    size_t server;        /* its place in struct model_servers */
    uint32_t stamp;       /* differs for each use of this struct */
    uint16_t first, last; /* packets that the client has not read; NO_PACKET: none */
    struct socket_signal monitor, dealer;
    int64_t free_at_ns[WIRE_ENDS]; /* when the last packet to this end arrives */
    int64_t retry_ns;              /* the pause before the next attempt to connect */
};

struct wires {
    struct wire all[WIRES_MAX];
    struct packet packets[PACKETS_MAX];
    uint32_t wires_used;
    uint32_t packets_used;
    uint16_t free_packets; /* the first of a list; NO_PACKET: none */
    int64_t latency_ns;
    int64_t jitter_ns;
    int64_t no_sockets_until_at_ns;      /* links cannot be opened before this time */
    size_t sender;                       /* the server whose message the client has just read */
    struct wire *last_used[SERVERS_MAX]; /* the wire over which the client last sent */
};

void wires_init(struct session_scene *scene);

/* Whether the session's descriptor is readable because of a wire. */
bool wires_readable(const struct session_scene *scene);

/* Returns a text that names an event for which the descriptor will never wake the client; NULL: no
 * such event. */
const char *wires_unreported(const struct session_scene *scene);

/* Whether that server's reply to attempt `id` has been unread since `by_ns` or before. */
bool wires_have_reply(const struct session_scene *scene, size_t server, uint64_t id, int64_t by_ns);

/* How many wires the client holds open. */
unsigned wires_open(const struct session_scene *scene);

/* A server sends a message. NULL: an invalid frame. */
void wire_send(struct session_scene *scene, struct wire *wire, const struct message *message);

/* The network or the server ends the connection. The client learns that later. */
void wire_break(struct session_scene *scene, struct wire *wire);

/* From now on the wire loses all packets. */
void wire_lose_all(struct session_scene *scene, struct wire *wire);

/* The server's process has ended. */
void wires_end_server(struct session_scene *scene, size_t server);

/* Returns a random wire if that is connected; else NULL. */
struct wire *wires_random(struct session_scene *scene);

/* Events of the schedule. number: the place in struct wires. */
void wire_connect(struct session_scene *scene, size_t number, uint32_t stamp);
void wire_disconnect(struct session_scene *scene, size_t number, uint32_t stamp);
void wire_unacknowledged(struct session_scene *scene, size_t number, uint32_t stamp);
void wire_arrive(struct session_scene *scene, size_t packet);

#endif
