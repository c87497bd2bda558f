/* How a server is: what it tells whoever asks, as a checked struct, and its bytes. Too large to be
 * part of struct message. A leaf, as proto/message.h. */
#ifndef MEANTIME_PROTO_STATUS_H
#define MEANTIME_PROTO_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bounds.h"
#include "proto/message.h"

/* Wire values. */
enum worker_status_state {
    WORKER_STATUS_THREAD = 1, /* a thread of the server itself */
    WORKER_STATUS_JOINED = 2,
    WORKER_STATUS_LEAVING = 3, /* finishes what it has */
};

/* capacity: cores, 0 to CAPACITY_MAX. rates: samples a second, as measured; 0 or more, finite.
 * silent_ms: since it was last heard; 0 for a thread. samples: summed so far. */
struct worker_status {
    uint32_t number;
    enum worker_status_state state;
    char name[NAME_BYTES_MAX + 1];
    char kernel[NAME_BYTES_MAX + 1];
    uint32_t capacity;
    uint32_t credit;
    uint32_t in_flight;
    double gaussian_rate;
    double uniform_rate;
    uint32_t silent_ms;
    uint64_t samples;
};

/* id, seed, kind, first, count: as in struct sum_request. owner: where it came from, for people.
 * done <= count. in_flight: spans with workers. */
struct request_status {
    uint32_t client;
    char owner[NAME_BYTES_MAX + 1];
    uint64_t id;
    uint64_t seed;
    enum message_kind kind;
    uint64_t first;
    uint64_t count;
    uint64_t done;
    uint32_t in_flight;
    uint64_t age_ms;
};

/* Since the server started. See meantime.proto. */
struct counters {
    uint64_t answered;
    uint64_t refused;
    uint64_t spans;
    uint64_t requeued;
    uint64_t given_twice;
    uint64_t duplicates;
    uint64_t workers_lost;
    uint64_t bad_messages;
};

/* name, kernel and owner: at any place in printable ASCII; status_decode() puts '?' for other
 * bytes. worker_count, request_count: all there are. workers_listed, requests_listed: how many of
 * them are in the arrays, from the entry on that was asked for; no more than there are. */
struct status_reply {
    char name[NAME_BYTES_MAX + 1];
    char kernel[NAME_BYTES_MAX + 1];
    uint64_t up_ms;
    bool draining;
    struct counters counters;
    uint32_t worker_count;
    uint32_t request_count;
    uint32_t workers_listed;
    uint32_t requests_listed;
    struct worker_status workers[STATUS_ENTRIES_MAX];
    struct request_status requests[STATUS_ENTRIES_MAX];
};

/* Reads one frame that message_decode() found to be a MESSAGE_STATUS_REPLY. False where it is not
 * one, or a field is out of range: `reason` is then a sentence without its full stop, in static
 * storage, and `status` is not to be used. Entries beyond those listed are not written. */
bool status_decode(const void *bytes, size_t size, struct status_reply *status,
                   const char **reason);

/* Writes `status` into `bytes` (room for STATUS_BYTES_MAX) and returns how many bytes it took. The
 * reply must be one that status_decode() would accept. */
size_t status_encode(const struct status_reply *status, uint8_t *bytes);

#endif
