/* Every limit of the protocol, with its reason. */
#ifndef MEANTIME_PROTO_BOUNDS_H
#define MEANTIME_PROTO_BOUNDS_H

#include <stdint.h>

/* The version that this build speaks. Grows when an old peer would misread a new message. */
#define PROTOCOL_VERSION 1

/* Largest frame that a socket accepts, envelope frames included. The largest message that this
 * version makes, a status reply, is below half of it; the rest is room for later fields, and few
 * enough bytes that a thousand queued frames stay below 64 MiB. */
#define FRAME_BYTES_MAX 65536

/* Largest message that this version makes, but for a status reply: numbers (below 128 bytes) and
 * one text (a refusal) or two names (a join). */
#define MESSAGE_BYTES_MAX 1024

/* Text in a message, without the final NUL: two or three sentences on one screen. */
#define TEXT_BYTES_MAX 512

/* Name of a worker or a kernel, without the final NUL: a host's name has 64 bytes at most. */
#define NAME_BYTES_MAX 95

/* Cores of one worker with all that has joined it: more than any pool of today. */
#define CAPACITY_MAX 1048576

/* Levels of servers below a worker: deeper than any tree is of use. In a circle they have no end.
 */
#define HEIGHT_MAX 15

/* Workers, and requests, in one status reply. */
#define STATUS_ENTRIES_MAX 64

/* Largest status reply that this version makes, with every entry and the longest names: below half
 * a frame. */
#define STATUS_BYTES_MAX 27899

/* Time between two heartbeats: faster would cost more than it finds, slower would be no use. */
#define HEARTBEAT_MS_MIN 10
#define HEARTBEAT_MS_MAX 60000

/* Heartbeats missed in a row by a peer that is taken for dead. */
#define HEARTBEATS_MISSED 3

/* Memory that decoding one frame may take, unknown fields included. The largest status reply needs
 * two thirds of it, any other message less than 1 KiB, and it fits on any thread's stack. */
#define DECODE_ARENA_BYTES 65536

/* Samples of a stream are numbered from 0 and end before 2^63, so that first + count fits in 64
 * bits and a whole stream's total fits in 128: |sample| < 2^53 units, 2^63 of them. */
#define SAMPLE_END_MAX (UINT64_C(1) << 63)

/* Envelope frames before the body: a routing id, ids of two proxies on the way, a delimiter. */
#define ENVELOPE_FRAMES_MAX 4

/* Bytes of all envelope frames together. A routing id has at most 255 bytes (libzmq); those that
 * a ROUTER assigns have 5. */
#define ENVELOPE_BYTES_MAX 512

#endif
