/* The status of a server, which it sends on request: a validated struct, and its conversion from
 * and to bytes. The struct is too large for struct message. A leaf like proto/message.h. */
#ifndef MEANTIME_PROTO_STATUS_H
#define MEANTIME_PROTO_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bounds.h"
#include "proto/message.h"

/* What a worker is, and whether it leaves. The values are those on the wire. */
enum worker_status_state {
    WORKER_STATUS_THREAD = 1,  /* a compute thread of the server itself */
    WORKER_STATUS_JOINED = 2,  /* a joined worker */
    WORKER_STATUS_LEAVING = 3, /* a joined worker that finishes its spans and gets no more */
};

struct worker_status {
    uint32_t number; /* the server's number for this worker */
    enum worker_status_state state;
    char name[NAME_BYTES_MAX + 1];
    char kernel[NAME_BYTES_MAX + 1];
    uint32_t capacity;    /* cores, 0 to CAPACITY_MAX */
    uint32_t credit;      /* spans that the worker may hold */
    uint32_t in_flight;   /* spans that the worker holds */
    double gaussian_rate; /* measured, in samples a second; 0 or more, finite */
    double uniform_rate;  /* measured, in samples a second; 0 or more, finite */
    uint32_t silent_ms;   /* since the worker's last message; 0 for a compute thread */
    uint64_t samples;     /* samples that the worker has summed so far */
};

/* id, seed, kind, first and count are those of struct sum_request. With a summand, they count terms
 * instead of samples. */
struct request_status {
    uint32_t client;                /* the server's number for the client */
    char owner[NAME_BYTES_MAX + 1]; /* where the request came from, for people */
    uint64_t id;
    uint64_t seed;
    enum message_kind kind;
    uint64_t first;
    uint64_t count;
    uint64_t done;                            /* samples summed so far, 0 to count */
    uint32_t in_flight;                       /* spans that workers hold */
    uint64_t age_ms;                          /* since the server read the request */
    char summand[SUMMAND_NAME_BYTES_MAX + 1]; /* its name; empty: samples of a kind */
};

/* Counts since the server started. */
struct counters {
    uint64_t answered;    /* requests that ended with a sum */
    uint64_t refused;     /* requests that ended without a sum */
    uint64_t spans;       /* spans summed */
    uint64_t requeued;    /* spans that came back without a sum */
    uint64_t given_twice; /* late spans that a second worker got as well */
    uint64_t duplicates;  /* totals dropped because they came too late or were no longer wanted */
    uint64_t workers_lost;
    uint64_t bad_messages;
};

/* All names and owners are printable ASCII. status_decode() replaces each other byte by '?'. */
struct status_reply {
    char name[NAME_BYTES_MAX + 1];
    char kernel[NAME_BYTES_MAX + 1];
    uint64_t up_ms; /* since the server started */
    bool draining;  /* true: the server accepts no more requests */
    struct counters counters;
    uint32_t worker_count;    /* all workers; workers_listed or more */
    uint32_t request_count;   /* all requests in flight; requests_listed or more */
    uint32_t workers_listed;  /* entries of `workers`, after those that the client skipped */
    uint32_t requests_listed; /* entries of `requests`, after those that the client skipped */
    struct worker_status workers[STATUS_ENTRIES_MAX];
    struct request_status requests[STATUS_ENTRIES_MAX];
    uint32_t offer_count;            /* of `offers`, 0 to OFFERS_MAX */
    struct offer offers[OFFERS_MAX]; /* summands of the server and of its workers */
};

/* Reads one frame for which message_decode() has returned the type MESSAGE_STATUS_REPLY. Entries
 * beyond those listed are not written.
 * If the frame is not a status reply, or if a field is out of range, returns false and sets
 * `reason`: a sentence without its full stop, in static storage. `status` is then invalid. */
bool status_decode(const void *bytes, size_t size, struct status_reply *status,
                   const char **reason);

/* Writes `status` into `bytes` and returns the number of bytes.
 * status: must be valid for status_decode(). bytes: has room for STATUS_BYTES_MAX. */
size_t status_encode(const struct status_reply *status, uint8_t *bytes);

#endif
