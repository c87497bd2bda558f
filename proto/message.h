/* Messages as validated structs, and their conversion from and to bytes.
 * A leaf: no socket, no allocation, no state; any thread may call it. A message that
 * message_decode() accepts is within the limits of proto/bounds.h and needs no further check. */
#ifndef MEANTIME_PROTO_MESSAGE_H
#define MEANTIME_PROTO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bounds.h"
#include "proto/decode_arena.h"
#include "proto/outputs.h"

/* Why a request has no sum, or a worker no membership. The values are those on the wire.
 * REFUSAL_NONE is never sent. */
enum refusal_code {
    REFUSAL_NONE = 0,
    REFUSAL_MALFORMED = 1,
    REFUSAL_WRONG_VERSION = 2,
    REFUSAL_OUT_OF_RANGE = 3,
    REFUSAL_DUPLICATE_ID = 4,
    REFUSAL_BUSY = 5,
    REFUSAL_DEADLINE_EXCEEDED = 6,
    REFUSAL_CANCELLED = 7,
    REFUSAL_STOPPING = 8,
    REFUSAL_WORKERS_LOST = 9,
    REFUSAL_NOT_JOINED = 10,
    REFUSAL_OTHER_SUMS = 11,
    REFUSAL_UNKNOWN_SUMMAND = 12,
    REFUSAL_BAD_PARAMETERS = 13,
    REFUSAL_SUMMAND_FAILED = 14,
    REFUSAL_OTHER_BITS = 15,
    REFUSAL_END /* not a code: one more than the last code */
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
    MESSAGE_STATUS_REPLY, /* struct message has no body for it: call status_decode() */
    MESSAGE_TYPES         /* not a type: the number of types */
};

/* A client asks a server, or a front a worker, for the sum of samples [first, first + count) of the
 * stream (seed, kind), or for the sums of terms [first, first + count) of a summand. */
struct sum_request {
    uint64_t id;            /* 1 or more; the sender chooses it */
    uint64_t seed;          /* any */
    enum message_kind kind; /* MESSAGE_KIND_NONE with a summand */
    uint64_t first;         /* number of the first one; first + count <= SAMPLE_END_MAX */
    uint64_t count;         /* samples or terms, 1 or more */
    uint32_t deadline_ms;   /* time left for the answer; 0: no deadline */
    bool progress;          /* true: the server sends progress messages */
    /* Only with a summand; otherwise NULL, NULL, 0 and false. */
    const char *summand;    /* its name, see summand_name_valid(); NULL: samples of a kind */
    const char *parameters; /* up to PARAMETERS_BYTES_MAX bytes of printable ASCII; NULL: none */
    uint64_t build;         /* of the summand; 0: any */
    bool audit; /* to a worker: compute anew, with a fresh helper and other sizes of calls */
};

/* The exact sum of `count` samples, units * 2^unit_log2, or the sums of `count` terms. */
struct sum_reply {
    uint64_t id;            /* of the request; 1 or more */
    uint64_t count;         /* samples or terms, 1 to SAMPLE_END_MAX */
    __int128 units;         /* any value, even one that no stream has; 0 with outputs */
    int32_t unit_log2;      /* -1074 to 0; 0 with outputs */
    uint64_t compute_ns;    /* computing time of all cores together */
    struct outputs outputs; /* of a summand; none: a sum of samples */
    /* Only with outputs; otherwise 0. */
    uint64_t build;   /* of the summand that computed the terms; not 0 */
    uint64_t grain;   /* terms; ranges are best cut at its multiples; 0: not known */
    uint64_t fill_ns; /* the part of compute_ns that made the samples of the terms */
};

/* The server has summed `done` samples or terms of `count`. */
struct progress {
    uint64_t id;            /* of the request; 1 or more */
    uint64_t done;          /* samples or terms, 0 to count */
    uint64_t count;         /* samples or terms, 1 to SAMPLE_END_MAX */
    struct outputs outputs; /* of a summand: the sums of these `done` terms; or none */
};

/* The sender of a request no longer wants its answer. */
struct cancel {
    uint64_t id; /* of the request; 1 or more */
};

/* The answer to a request without a sum, or to a join without a membership. */
struct refusal {
    uint64_t id;             /* of the request; 0: it was not readable, or no request is refused */
    enum refusal_code code;  /* never REFUSAL_NONE */
    uint32_t retry_after_ms; /* 0: a retry has no use */
    /* REFUSAL_SUMMAND_FAILED: helper processes that died on these terms. 0: each helper would fail.
     */
    uint32_t deaths;
    /* For people, in printable ASCII. message_decode() replaces each other byte by '?'. */
    char text[TEXT_BYTES_MAX + 1];
};

/* A worker offers itself to a front. */
struct join {
    uint64_t digest;   /* sums_digest() of the worker */
    uint32_t capacity; /* cores, 0 to CAPACITY_MAX; 0 if the worker waits for workers of its own */
    /* Levels of servers that have joined the worker; any value. A front that has joined others
     * refuses a height above HEIGHT_MAX. */
    uint32_t height;
    char name[NAME_BYTES_MAX + 1];   /* for people, as refusal.text */
    char kernel[NAME_BYTES_MAX + 1]; /* for people, as refusal.text */
    struct offers offers;            /* summands of the worker and of its own workers */
};

/* The front accepts the worker. */
struct welcome {
    uint32_t heartbeat_ms; /* time between heartbeats, HEARTBEAT_MS_MIN to HEARTBEAT_MS_MAX */
};

/* A sign of life. A worker sends its present values; a front sends 0 and no offers. */
struct heartbeat {
    uint32_t capacity;    /* as in struct join */
    uint32_t height;      /* as in struct join */
    struct offers offers; /* all that the worker offers at present, as in struct join */
};

/* A client asks for the server's status. Each field skips entries at the start of a list. */
struct status_request {
    uint32_t first_worker;  /* workers to skip */
    uint32_t first_request; /* requests to skip */
};

/* A struct message owns no memory. The caller that fills it in owns what its pointers point to:
 * outputs, offers, the name and the parameters of a summand. message_decode() stores all of these
 * in the arena. */
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

/* Why message_decode() rejected a message, and what it could read of the message. */
struct message_error {
    enum refusal_code code; /* REFUSAL_MALFORMED, REFUSAL_WRONG_VERSION or REFUSAL_OUT_OF_RANGE */
    bool sum_request;       /* true: the message is a sum request, so the receiver must refuse it */
    uint64_t id;            /* of that request, or 0 */
    const char *reason;     /* a sentence without its full stop; static storage */
};

/* Reads one frame of `size` bytes. Returns true and fills in `message`, or returns false and fills
 * in `error`.
 * arena: need not be initialised. The pointers of `message` are valid until the arena is used
 * again. bytes: any bytes of any peer; never read past `size`. NULL is valid only if size is 0. */
bool message_decode(struct decode_arena *arena, const void *bytes, size_t size,
                    struct message *message, struct message_error *error);

/* Writes `message` into `bytes` and returns the number of bytes, 1 to MESSAGE_BYTES_MAX.
 * message: must be valid for message_decode(). bytes: has room for MESSAGE_BYTES_MAX,
 * or for REQUEST_BYTES_MAX if the message has neither outputs nor offers. */
size_t message_encode(const struct message *message, uint8_t *bytes);

/* The name of a code for people, such as "busy". Never NULL. Static storage. */
const char *refusal_code_text(enum refusal_code code);

#endif
