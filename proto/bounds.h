/* Every limit of the protocol, with its reason. */
#ifndef MEANTIME_PROTO_BOUNDS_H
#define MEANTIME_PROTO_BOUNDS_H

#include <stdint.h>

/* The version that this build speaks. Grows when an old peer would misread a new message. */
#define PROTOCOL_VERSION 1

/* Largest frame that a socket accepts, envelope frames included. The largest message that this
 * version makes is below 1 KiB; the rest is room for later fields, and few enough bytes that a
 * thousand queued frames stay below 64 MiB. */
#define FRAME_BYTES_MAX 65536

/* Largest message that this version makes: numbers (below 128 bytes) and one text. */
#define MESSAGE_BYTES_MAX 1024

/* Text in a message, without the final NUL: two or three sentences on one screen. */
#define TEXT_BYTES_MAX 512

/* Memory that decoding one frame may take, unknown fields included. Sixteen times what the
 * largest known message needs, and it fits on any thread's stack. */
#define DECODE_ARENA_BYTES 16384

/* Samples of a stream are numbered from 0 and end before 2^63, so that first + count fits in 64
 * bits and a whole stream's total fits in 128: |sample| < 2^53 units, 2^63 of them. */
#define SAMPLE_END_MAX (UINT64_C(1) << 63)

/* Envelope frames before the body: a routing id, ids of two proxies on the way, a delimiter. */
#define ENVELOPE_FRAMES_MAX 4

/* Bytes of all envelope frames together. A routing id has at most 255 bytes (libzmq); those that
 * a ROUTER assigns have 5. */
#define ENVELOPE_BYTES_MAX 512

#endif
