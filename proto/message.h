/* Messages as checked structs, and their bytes. A leaf: no socket, no allocation, no state; any
 * thread. What message_decode() accepts is within proto/bounds.h and needs no further check. */
#ifndef MEANTIME_PROTO_MESSAGE_H
#define MEANTIME_PROTO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bounds.h"

/* Why there is no sum. STATUS_OK is never on the wire; the others have their wire values. */
enum status {
    STATUS_OK = 0,
    STATUS_MALFORMED = 1,
    STATUS_WRONG_VERSION = 2,
    STATUS_OUT_OF_RANGE = 3,
    STATUS_DUPLICATE_ID = 4,
    STATUS_BUSY = 5,
    STATUS_DEADLINE_EXCEEDED = 6,
    STATUS_CANCELLED = 7,
    STATUS_STOPPING = 8,
    STATUS_WORKERS_LOST = 9,
    STATUS_NOT_JOINED = 10,
    STATUS_OTHER_SUMS = 11,
    STATUS_END /* not a status: one more than the last */
};

/* Which stream of a seed. Wire values. */
enum message_kind {
    MESSAGE_KIND_GAUSSIAN = 1,
    MESSAGE_KIND_UNIFORM = 2,
};

enum message_type {
    MESSAGE_SUM_REQUEST,
    MESSAGE_SUM_REPLY,
    MESSAGE_PROGRESS,
    MESSAGE_CANCEL,
    MESSAGE_REFUSAL,
    MESSAGE_JOIN,
    MESSAGE_WELCOME,
    MESSAGE_HEARTBEAT,
    MESSAGE_LEAVE,
    MESSAGE_STATUS_REQUEST,
    MESSAGE_STATUS_REPLY, /* its body is read by status_decode() */
    MESSAGE_TYPES
};

/* id: not 0. first, count: samples, count >= 1, first + count <= SAMPLE_END_MAX.
 * deadline_ms: time left, 0 for none. */
struct sum_request {
    uint64_t id;
    uint64_t seed;
    enum message_kind kind;
    uint64_t first;
    uint64_t count;
    uint32_t deadline_ms;
    bool progress;
};

/* The sum is units * 2^unit_log2, over count samples. id: not 0. count: 1 to SAMPLE_END_MAX.
 * units: any, also what no stream has. unit_log2: -1074 to 0. compute_ns: on all cores together. */
struct sum_reply {
    uint64_t id;
    uint64_t count;
    __int128 units;
    int32_t unit_log2;
    uint64_t compute_ns;
};

/* id: not 0. done <= count, both in samples. count: 1 to SAMPLE_END_MAX. */
struct progress {
    uint64_t id;
    uint64_t done;
    uint64_t count;
};

/* id: not 0. */
struct cancel {
    uint64_t id;
};

/* id: 0 where the request could not be read, or it is of none. status: never STATUS_OK.
 * text: for people, in printable ASCII; message_decode() puts '?' for any other byte.
 * retry_after_ms: 0 where trying again is of no use. */
struct refusal {
    uint64_t id;
    enum status status;
    uint32_t retry_after_ms;
    char text[TEXT_BYTES_MAX + 1];
};

/* A worker offers itself. digest: sums_digest(). capacity: cores, 0 to CAPACITY_MAX, 0 for a server
 * that waits for workers itself. height: levels of servers that have joined it, which front and
 * worker add up; any, but a front takes none above HEIGHT_MAX. name, kernel: for people, as
 * refusal.text. */
struct join {
    uint64_t digest;
    uint32_t capacity;
    uint32_t height;
    char name[NAME_BYTES_MAX + 1];
    char kernel[NAME_BYTES_MAX + 1];
};

/* heartbeat_ms: HEARTBEAT_MS_MIN to HEARTBEAT_MS_MAX. */
struct welcome {
    uint32_t heartbeat_ms;
};

/* Of the worker, as in struct join; 0 from a server. */
struct heartbeat {
    uint32_t capacity;
    uint32_t height;
};

/* How many entries to leave out from the start of each list. */
struct status_request {
    uint32_t first_worker;
    uint32_t first_request;
};

struct message {
    enum message_type type;
    union {
        struct sum_request sum_request;
        struct sum_reply sum_reply;
        struct progress progress;
        struct cancel cancel;
        struct refusal refusal;
        struct join join;
        struct welcome welcome;
        struct heartbeat heartbeat;
        struct status_request status_request;
    };
};

/* What the message that could not be taken was, as far as it could be read, and why not. */
struct message_error {
    enum status status; /* STATUS_MALFORMED, STATUS_WRONG_VERSION or STATUS_OUT_OF_RANGE */
    bool sum_request;   /* it was a sum request: a refusal is owed */
    uint64_t id;        /* of that request, or 0 */
    const char *reason; /* a sentence without its full stop; static storage */
};

/* Reads one frame of `size` bytes. Returns true with `message` filled in, or false with `error`.
 * bytes: any, from anybody; never read past `size`; NULL only with size 0. */
bool message_decode(const void *bytes, size_t size, struct message *message,
                    struct message_error *error);

/* Writes `message` into `bytes` (room for MESSAGE_BYTES_MAX) and returns how many bytes it took,
 * 1 to MESSAGE_BYTES_MAX. The message must be one that message_decode() would accept. */
size_t message_encode(const struct message *message, uint8_t *bytes);

/* The status in words for people, such as "busy". Never NULL. Static storage. */
const char *status_text(enum status status);

#endif
