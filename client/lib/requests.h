/* The requests of a session, by number: in flight, or ended and not yet taken. A leaf: memory
 * alone.
 *
 * A number is 1 or more, below ATTEMPT_STRIDE, and used again after 2^24 others in its place. */
#ifndef MEANTIME_CLIENT_LIB_REQUESTS_H
#define MEANTIME_CLIENT_LIB_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "client/lib/exchange.h"

/* line: whether it uses the one to endpoint `at`. next: news for it that wait for the step that
 * they came of to end; NEWS_BEGIN: none. */
struct session_request {
    uint64_t number;
    struct exchange exchange;
    void *user;
    bool attached;
    bool probing;
    size_t at;
    enum news_type next;
    int next_errno; /* of NEWS_CANNOT */
    bool used, ended;
    TAILQ_ENTRY(session_request) link;
};

TAILQ_HEAD(session_request_list, session_request);

/* in_flight: as they were added. ended: as they ended. */
struct requests {
    struct session_request_list in_flight, ended, unused;
    int ended_count;
    struct session_request **slots;
    size_t slot_count, slot_room;
};

void requests_init(struct requests *requests);
void requests_clear(struct requests *requests);

/* One in flight, to be filled in, but for its number. NULL, and errno says why: no memory, or
 * (EAGAIN) there are MEANTIME_REQUESTS_MAX. */
struct session_request *requests_add(struct requests *requests);

/* From those in flight to those that have ended. */
void requests_end(struct requests *requests, struct session_request *request);

/* Of one that has ended, or was just added. */
void requests_forget(struct requests *requests, struct session_request *request);

/* NULL: there is none of that number. */
struct session_request *requests_find(const struct requests *requests, uint64_t number);

#endif
