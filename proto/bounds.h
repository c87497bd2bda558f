/* The version and the kinds of the protocol, and every limit with its reason. */
#ifndef MEANTIME_PROTO_BOUNDS_H
#define MEANTIME_PROTO_BOUNDS_H

#include <stdint.h>

/* The version of the protocol that this build supports. If an old peer would misread a new message,
 * the version grows by 1. */
#define PROTOCOL_VERSION 1

/* The kind of a seed's stream. The values are those on the wire. */
enum message_kind {
    MESSAGE_KIND_NONE = 0, /* the request is for terms of a summand */
    MESSAGE_KIND_GAUSSIAN = 1,
    MESSAGE_KIND_UNIFORM = 2,
};

/* Bytes of the largest frame that a socket accepts, envelope frames included. The rest above the
 * largest message of this version is room for later fields. A thousand queued frames of this size
 * stay below 64 MiB. */
#define FRAME_BYTES_MAX 65536

/* Bytes of the largest message of this version: a sum reply with all outputs, each with the longest
 * totals. Almost every reply takes less than 100 bytes. */
#define MESSAGE_BYTES_MAX 55238

/* Bytes of the largest message that a client sends: a request for a summand. */
#define REQUEST_BYTES_MAX 1024

/* Bytes of the name of a summand or of an output, without the final NUL: a-z 0-9 -, and in the
 * names of outputs also _. The same as MEANTIME_NAME_MAX of meantime_summand.h. */
#define SUMMAND_NAME_BYTES_MAX 31

/* Bytes of the parameters of a summand, without the final NUL. Longer tables come from a file. */
#define PARAMETERS_BYTES_MAX 512

/* Outputs of a summand. The same as MEANTIME_OUTPUTS_MAX of meantime_summand.h. */
#define OUTPUTS_MAX 64

/* Summands that a server offers, with those of its workers. */
#define OFFERS_MAX 32

/* Bytes of a text in a message, without the final NUL: two or three sentences on one screen. */
#define TEXT_BYTES_MAX 512

/* Bytes of the name of a worker or a kernel, without the final NUL. A host's name has at most 64.
 */
#define NAME_BYTES_MAX 95

/* Cores of one worker with all servers that have joined it: more than any pool of today has. */
#define CAPACITY_MAX 1048576

/* Levels of servers below a worker. A deeper tree has no use. In a cycle of servers the heights
 * would grow without end, so the limit detects cycles. */
#define HEIGHT_MAX 15

/* Entries of each list in one status reply: workers and requests. */
#define STATUS_ENTRIES_MAX 64

/* Bytes of the largest status reply of this version: all entries, and names of the maximum length.
 * This is less than half a frame. */
#define STATUS_BYTES_MAX 31707

/* Milliseconds between two heartbeats. A shorter time costs more than it detects; a longer time has
 * no use. */
#define HEARTBEAT_MS_MIN 10
#define HEARTBEAT_MS_MAX 60000

/* If a peer misses this many heartbeats in a row, the other side takes the peer for dead. */
#define HEARTBEATS_MISSED 3

/* Bytes of memory for decoding one frame, unknown fields included. The largest sum reply needs
 * three quarters, and a message without outputs less than 4 KiB, except a status reply. The
 * client's library keeps the memory off the stack, because its caller may have little. */
#define DECODE_ARENA_BYTES 98304

/* Samples of a stream are numbered from 0 and end before 2^63. Therefore first + count fits in 64
 * bits. A whole stream's total fits in 128 bits: 2^63 samples, each |sample| < 2^53 units. */
#define SAMPLE_END_MAX (UINT64_C(1) << 63)

/* Envelope frames before the body: a routing id, the ids of two proxies on the way, a delimiter. */
#define ENVELOPE_FRAMES_MAX 4

/* Bytes of all envelope frames together. A routing id has at most 255 bytes (libzmq). A routing id
 * that a ROUTER assigns has 5 bytes. */
#define ENVELOPE_BYTES_MAX 512

#endif
