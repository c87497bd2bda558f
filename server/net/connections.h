/* Connections by file descriptor: which connection a message belongs to, which ones are silent, and
 * which ones flood control has to inspect. Bookkeeping only, without sockets. One thread.
 *
 * A monitor reports when a descriptor is opened and closed, and libzmq gives each message the
 * descriptor that the message arrived on. But a message may be read after its connection has ended.
 * By then a newer connection may have the same descriptor. Therefore the routing id, which a ROUTER
 * puts before each message, decides which connection a message belongs to. A connection keeps its
 * id until the connection ends, and no other connection has that id meanwhile. The first message
 * that is read from a connection shows its id. */
#ifndef MEANTIME_SERVER_NET_CONNECTIONS_H
#define MEANTIME_SERVER_NET_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "keys/certificate.h"
#include "proto/instant.h"
#include "server/net/ranking.h"
#include "server/net/traffic.h"

/* Room for an IPv6 address in digits, or for libzmq's text about a peer on the same machine. */
#define PEER_BYTES 64

/* While more connections than SILENT_MANY have sent no valid message yet, those that have been open
 * for SILENT_NS are disconnected. A correct client sends its first message at once, or dials again.
 */
#define SILENT_MANY 64
#define SILENT_NS   (10 * NS_PER_S)

struct sender;
struct kept;
TAILQ_HEAD(sender_list, sender);
TAILQ_HEAD(connection_list, connection);
TAILQ_HEAD(kept_list, kept);

struct connection {
    int fd;
    bool open;
    bool first_message_read; /* from then on id, peer and lockstep are known */
    uint8_t id_size;         /* 0 if the socket is no ROUTER */
    uint8_t id[UINT8_MAX];   /* the routing id */
    char peer[PEER_BYTES];   /* the address that the connection comes from */
    bool silent;             /* no valid message was read yet */
    int64_t opened_at_ns;
    TAILQ_ENTRY(connection) in_silent; /* connections.silent, while `silent` */
    bool lockstep;                     /* the peer is a REQ socket, or this end is a REP socket */
    enum key_role role;     /* of the peer's key; KEY_ROLE_NONE: it has none, or may not pass */
    uint8_t key[KEY_BYTES]; /* the peer's public key; valid if the peer has a role */

    struct traffic traffic; /* if it is abandoned, its messages are dropped until it ends */
    bool active;            /* flood control has to inspect it */
    TAILQ_ENTRY(connection) in_active; /* connections.active, while `active` */

    /* The connections that had this descriptor before. */
    uint64_t ended_in;    /* the round in which the last one ended; 0: there was none */
    bool ended_unread;    /* no message was read from a connection that ended in that round */
    bool numbered;        /* last_number is valid */
    uint32_t last_number; /* the last id that the ROUTER has made for this descriptor */

    /* Owned by senders.c. */
    struct sender_list senders;
    struct holder senders_held;      /* of the table: the length of `senders` */
    struct kept_list kept;           /* messages that wait for room, the oldest first */
    struct holder kept_held;         /* of KEPT_BYTES_MAX: the bytes of `kept` */
    uint32_t holds;                  /* messages of this connection that are not answered yet */
    TAILQ_ENTRY(connection) in_slow; /* senders.slow, while messages wait */
};

struct connections {
    struct connection **by_fd; /* NULL: never opened */
    size_t size;               /* entries of by_fd */
    size_t open_count;
    struct connection_list silent; /* in the order of opened_at_ns */
    size_t silent_count;
    struct connection_list active; /* the head is inspected next */
    struct traffic_totals totals;  /* with the number of the round */
};

void connections_init(struct connections *connections);
void connections_clear(struct connections *connections);

/* The monitor's events. If memory is short, a new connection counts as closed. */
void connections_open(struct connections *connections, int fd, int64_t now_ns);
void connections_close(struct connections *connections, int fd);

/* A valid message of the connection was read. */
void connections_speak(struct connections *connections, struct connection *connection);

/* The next connection that has to be disconnected because it is silent, or NULL. It no longer
 * counts as silent. all: whichever it is, for however short a time. */
struct connection *connections_silent(struct connections *connections, int64_t now_ns, bool all);

/* No message of any closed connection is left to read: the next round begins. */
void connections_all_read(struct connections *connections);

/* The open connection at that descriptor, or NULL. */
struct connection *connections_at(const struct connections *connections, int fd);

/* Flood control has to inspect the connection, or not. */
void connections_set_active(struct connections *connections, struct connection *connection,
                            bool active);

/* The connection becomes the next one that flood control inspects. */
void connections_inspect_next(struct connections *connections, struct connection *connection);

/* True if the message certainly belongs to that connection, even if the monitor has events that
 * have not been read. connection may be NULL. */
bool connections_is_certain(const struct connection *connection, const uint8_t *id,
                            uint8_t id_size);

enum origin {
    ORIGIN_THIS,    /* the open connection */
    ORIGIN_ANOTHER, /* a connection that has ended or is abandoned */
    ORIGIN_UNSURE,  /* this connection, or one that ended before this one was opened */
};

/* Whether the id has the form that a ROUTER makes: a zero byte and a number. */
bool connections_id_number(const uint8_t *id, uint8_t id_size, uint32_t *number);

/* A message with that routing id arrived on the descriptor of `connection`. Returns which
 * connection the message belongs to. */
enum origin connections_origin(const struct connections *connections, struct connection *connection,
                               const uint8_t *id, uint8_t id_size);

#endif
