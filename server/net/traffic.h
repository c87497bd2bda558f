/* The bytes of one connection that libzmq holds: those that have arrived and are not read, and
 * those that were handed to libzmq and that the peer has not acknowledged. libzmq tells neither;
 * TCP's counters do. A core. One thread.
 *
 * The handshake, PINGs and PONGs are no messages. Whatever is unread when the first message was
 * read is the handshake. libzmq answers each PING with a PONG, so the bytes that were written and
 * are no messages tell how many bytes of PINGs have arrived. */
#ifndef MEANTIME_SERVER_NET_TRAFFIC_H
#define MEANTIME_SERVER_NET_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/instant.h"

/* Unread bytes of all connections together, so that no peer can fill the memory. In memory, frames
 * without bytes take 32 times as much as on the wire: 64 MiB. */
#define UNREAD_BYTES_MAX (2 << 20)

/* Unread bytes that each connection may have, whatever the other connections do: room for several
 * of the longest requests with their envelopes. */
#define UNREAD_BYTES_FAIR (8 << 10)

/* Bytes of a handshake: 100 without keys, 900 with keys. */
#define HANDSHAKE_BYTES_MAX 1024

/* Up to this many unread bytes are no message that does not end. Peers of ZMTP 1 have one byte more
 * in the header of a long frame than is counted. */
#define UNREAD_BYTES_TOLERATED 64

/* If bytes of a message stay unread for this time although all messages are read, the connection is
 * abandoned; while UNREAD_BYTES_MAX is exceeded by many connections with up to UNENDED_MANY_BYTES
 * each, after the second time; if it is throttled and the number of bytes stays the same, after the
 * third. */
#define UNENDED_NS      (10 * NS_PER_S)
#define UNENDED_MANY_NS (100 * NS_PER_MS)
#define UNCHANGED_NS    (500 * NS_PER_MS)

#define UNENDED_MANY_BYTES (64 << 10)

/* Bytes that one connection may have in libzmq's queue, and all connections together. In memory,
 * the shortest answers with the longest envelopes take 16 times as much. A connection without
 * pending bytes may always get one message. */
#define PENDING_BYTES_FAIR (256 << 10)
#define PENDING_BYTES_MAX  (8 << 20)

/* Bytes that a security mechanism of ZMTP adds to each frame. */
#define FRAME_OVERHEAD_NULL  0
#define FRAME_OVERHEAD_CURVE 33

/* What TCP has counted. All 0 for other transports. */
struct tcp_counts {
    uint64_t received; /* bytes that have arrived */
    uint64_t written;  /* bytes that libzmq has written */
    uint64_t acked;    /* of these, bytes that the peer has acknowledged */
};

/* Of all connections of a listener. */
struct traffic_totals {
    uint32_t frame_overhead; /* FRAME_OVERHEAD_ */
    uint64_t round;          /* incremented whenever no message is left to read; from 1 on */
    uint64_t unread_bytes;   /* of connections that are not abandoned */
    uint32_t unread_count;   /* those with unread bytes beyond what is tolerated */
    uint32_t sharers;        /* those with more than UNREAD_BYTES_FAIR */
    uint64_t residue_bytes;  /* that connections had unread which were abandoned, or have ended, in
                                this round */
    uint64_t pending_bytes;  /* of all connections */
};

struct traffic {
    struct tcp_counts counts; /* at the last inspection */
    bool settled;             /* the handshake counts as read */
    bool abandoned;
    bool throttled;        /* TCP drops what arrives */
    uint64_t throttled_in; /* the round in which that began */

    uint64_t read_bytes;      /* of messages that were read, and of the handshake */
    uint64_t read_in;         /* the round in which the last message was read; 0: none */
    uint64_t unread_bytes;    /* at the last inspection, without PINGs */
    int64_t changed_at_ns;    /* when unread_bytes had another value last */
    uint64_t changed_in;      /* the round in which that was */
    int64_t unended_since_ns; /* since when bytes are unread and no message was read; 0: not so */
    uint64_t unended_in;      /* the round in which that began */

    uint64_t handed_bytes;   /* of messages to libzmq */
    uint64_t written_before; /* bytes that were written and are no messages, at the handshake */
    uint64_t acked_before;   /* bytes that were acknowledged and are no messages */
    uint64_t pending_bytes;  /* handed over and not acknowledged */
    uint64_t status_bytes_handed; /* handed_bytes after the last status reply */
};

/* Bytes of a frame on the wire. */
size_t traffic_frame_bytes(const struct traffic_totals *totals, size_t size);

/* A connection has ended: its unread bytes stay in the totals until the round ends. */
void traffic_end(struct traffic_totals *totals, struct traffic *traffic);

/* No message is left to read. */
void traffic_all_read(struct traffic_totals *totals);

/* A message of `bytes` on the wire was read. */
void traffic_read(const struct traffic_totals *totals, struct traffic *traffic, size_t bytes);

/* Updates the counts. */
void traffic_inspect(struct traffic_totals *totals, struct traffic *traffic,
                     const struct tcp_counts *counts, int64_t now_ns);

/* Whether the connection has to be inspected again although TCP reports no change. */
bool traffic_is_active(const struct traffic *traffic);

/* ---- unread bytes ------------------------------------------------------------------------ */

/* What the caller must do with a connection. */
enum verdict {
    VERDICT_NONE,
    VERDICT_THROTTLE,   /* too many bytes are unread */
    VERDICT_RESUME,     /* those bytes are read */
    VERDICT_ABANDON,    /* a message does not end */
    VERDICT_DISCONNECT, /* after VERDICT_ABANDON, when its messages are read; it may reconnect */
};

/* Unread bytes that one connection may have, as of the last inspections. UINT64_MAX while all
 * connections together have no more than UNREAD_BYTES_MAX. */
uint64_t traffic_limit(const struct traffic_totals *totals);

/* Decides about a connection and records the verdict in it. */
enum verdict traffic_judge(struct traffic_totals *totals, struct traffic *traffic, uint64_t limit,
                           int64_t now_ns);

/* From now on messages of the connection are dropped. The caller throttles it. */
void traffic_abandon(struct traffic_totals *totals, struct traffic *traffic);

/* True if a new connection must be throttled from its beginning; then records that. */
bool traffic_throttle_new(const struct traffic_totals *totals, struct traffic *traffic);

/* ---- pending bytes ----------------------------------------------------------------------- */

/* Whether libzmq may get a message of `bytes` on the wire for the connection. */
bool traffic_has_room(const struct traffic_totals *totals, const struct traffic *traffic,
                      size_t bytes);

/* The message was handed to libzmq. status: it is a status reply. */
void traffic_hand(struct traffic_totals *totals, struct traffic *traffic, size_t bytes,
                  bool status);

/* Whether the peer has not acknowledged the last status reply. */
bool traffic_status_is_pending(const struct traffic *traffic);

#endif
