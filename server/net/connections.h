/* Connections by file descriptor, and whose of them a message is. Bookkeeping alone: no socket. One
 * thread.
 *
 * A monitor tells when a descriptor is opened and closed, and libzmq tells with each message the
 * descriptor that it came on. But a message can be read when its connection has ended, and when its
 * descriptor is that of the next one. The routing id that a ROUTER puts before it settles whose it
 * is: a connection keeps one for life, which is nobody else's meanwhile. The id of a connection is
 * learnt from the first message of it that is read. */
#ifndef MEANTIME_SERVER_NET_CONNECTIONS_H
#define MEANTIME_SERVER_NET_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* An address of IPv6 in digits, or what libzmq tells of a peer on the same machine. */
#define PEER_BYTES 64

/* Bytes that have come and are not read, of all connections together, so that nobody fills the
 * memory, of which frames of no bytes take 32 times as much. */
#define UNREAD_BYTES_MAX (4 << 20)

/* What each may have whatever the others do: some of the longest messages of today with their
 * envelopes, and so also what may be left of one that has not ended yet. */
#define UNREAD_BYTES_FAIR (8 << 10)

/* Looks in a row that find the same left, with all messages read, until it is a message that does
 * not end. */
#define LOOKS_STILL 5

struct sender;
struct kept;
TAILQ_HEAD(sender_list, sender);
TAILQ_HEAD(kept_list, kept);

/* id: none where the socket is no ROUTER. */
struct connection {
    int fd;
    bool open;
    bool given_up; /* until it ends nothing of it is heard; it is held first, then cut */
    bool heard;    /* what follows is known */
    uint8_t id_size;
    uint8_t id[UINT8_MAX];
    char peer[PEER_BYTES]; /* where it comes from; set with `lockstep` once it is heard */
    bool lockstep;         /* a REQ is at its other end */

    uint64_t read_bytes;   /* of what has come on it */
    uint64_t read_in;      /* the round in which the last message of it was read; 0: settled */
    uint64_t unread_bytes; /* when last looked at */
    uint32_t looks_still;  /* that found the same, with all messages read between them */
    uint64_t looked_in;    /* the round of the last look */
    bool held;             /* no more is to come on it */
    uint64_t held_in;      /* the round in which that began */

    /* Of those at this descriptor before. */
    uint64_t ended_in;  /* the round in which the last of them ended; 0: there was none */
    bool ended_unheard; /* of one that ended in that round no message had been read */
    bool numbered;
    uint32_t number; /* the last that a ROUTER made an id of */

    /* Kept by senders.c. */
    struct sender_list senders;
    struct kept_list kept; /* messages that the connection had no room for, the oldest first */
    uint32_t kept_count;
    uint32_t holds;
    TAILQ_ENTRY(connection) in_slow; /* while something is kept */
};

/* round: grows whenever every message that was sent has been read. inexact: of what is read some
 * bytes are not told, for the socket keeps envelopes to itself. */
struct connections {
    bool inexact;
    struct connection **by_fd; /* NULL: never opened */
    size_t size;
    size_t open_count;
    uint64_t round;
};

void connections_init(struct connections *connections);
void connections_clear(struct connections *connections);

/* The monitor's news. Where memory is short a connection counts as closed. */
void connections_open(struct connections *connections, int fd);
void connections_close(struct connections *connections, int fd);

/* No message is left to read of any connection that has been closed. */
void connections_all_read(struct connections *connections);

/* The open connection at that descriptor, or NULL. */
struct connection *connections_at(const struct connections *connections, int fd);

/* What is to be done about a connection. */
enum verdict {
    VERDICT_LET_BE,
    VERDICT_HOLD,    /* too much of it is unread */
    VERDICT_RELEASE, /* that is read */
    VERDICT_GIVE_UP, /* it is a message that does not end */
    VERDICT_CUT,     /* it was given up, and what it had left is read: it may come back */
};

/* A message of so many bytes on the wire has been read of it. */
void connections_read(const struct connections *connections, struct connection *connection,
                      size_t bytes);

/* So many bytes have come on it in all. What little is no message, such as a handshake, is taken
 * for read when all messages are. */
void connections_look(const struct connections *connections, struct connection *connection,
                      uint64_t received_bytes);

/* As of the last look at each: more than how many unread bytes a connection may not have.
 * UINT64_MAX while all together have no more than UNREAD_BYTES_MAX. */
uint64_t connections_limit(const struct connections *connections);

/* Judges, and notes in the connection what is to be done. */
enum verdict connections_judge(const struct connections *connections, struct connection *connection,
                               uint64_t limit);

/* Nothing of it is heard any more. It is to be held. */
void connections_give_up(const struct connections *connections, struct connection *connection);

/* True where the message is surely of that connection, even where a monitor has news that have not
 * been taken. connection may be NULL. */
bool connections_surely(const struct connection *connection, const uint8_t *id, uint8_t id_size);

enum origin {
    ORIGIN_THIS,    /* the open connection */
    ORIGIN_ANOTHER, /* one that has ended, or that was given up */
    ORIGIN_UNSURE,  /* this one, or one that ended before this was opened */
};

/* Whose a message is that came on the descriptor of `connection` with that routing id. */
enum origin connections_origin(const struct connections *connections, struct connection *connection,
                               const uint8_t *id, uint8_t id_size);

#endif
