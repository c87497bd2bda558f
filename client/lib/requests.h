/* The requests of a session, by number. A request is in flight, or has ended and waits for
 * meantime_take(). A leaf: it uses only memory.
 *
 * A number is 1 or more and below ATTEMPT_STRIDE. A number is used again only after its slot has
 * held 2^24 other requests. */
#ifndef MEANTIME_CLIENT_LIB_REQUESTS_H
#define MEANTIME_CLIENT_LIB_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "client/lib/exchange.h"

struct session_request {
    uint64_t number;
    struct exchange exchange;
    void *user;  /* the caller's pointer, returned with the result */
    char *texts; /* owned: the summand and its parameters, one after the other; NULL: none */
    struct meantime_output *outputs; /* owned: those of the answer; NULL: none */
    bool attached;                   /* it uses the link to `endpoint` */
    bool probing;                    /* it uses the probe to `endpoint` */
    size_t endpoint; /* the place in the session's endpoints; valid while attached or probing */
    enum exchange_event_type next; /* the event of the next step; EXCHANGE_EVENT_BEGIN: no event */
    int dial_errno;                /* why the link cannot be dialled, if next is CANNOT_DIAL */
    bool used, ended;
    TAILQ_ENTRY(session_request) link;
};

TAILQ_HEAD(session_request_list, session_request);

struct requests {
    struct session_request_list in_flight; /* in the order of requests_add() */
    struct session_request_list ended;     /* in the order of requests_end() */
    struct session_request_list unused;    /* the slot that has been unused longest comes first */
    int ended_count;
    struct session_request **slots; /* slot_count pointers, with space for slot_room */
    size_t slot_count, slot_room;
};

void requests_init(struct requests *requests);
void requests_clear(struct requests *requests);

/* Adds a request in flight. Sets its number, zeroes everything else.
 * NULL: errno is ENOMEM, or EAGAIN if there are MEANTIME_REQUESTS_MAX requests. */
struct session_request *requests_add(struct requests *requests);

/* Moves a request in flight to those that have ended. */
void requests_end(struct requests *requests, struct session_request *request);

/* Removes a request that has ended or that is in flight, with its texts and outputs. Its memory is
 * used again. */
void requests_forget(struct requests *requests, struct session_request *request);

/* Returns NULL if no request has this number. number: any. */
struct session_request *requests_find(const struct requests *requests, uint64_t number);

#endif
