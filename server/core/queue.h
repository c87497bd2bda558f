/* Requests, and whose turn it is. Part of the dispatcher's state: no clock, no allocation after
 * queue_init(). */
#ifndef MEANTIME_SERVER_CORE_QUEUE_H
#define MEANTIME_SERVER_CORE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/message.h"
#include "server/core/dispatcher.h"
#include "server/core/spans.h"
#include "sums/total.h"

/* Clients beside this server's own: its parents, and all plain peers as one. */
#define BESIDE_MAX (PARENTS_MAX + 1)

/*                     FREE -> OPEN -> ENDED -> FREE
 * OPEN: samples are left to give out, or spans are out. ENDED: `ending` says how; the client has
 * still to be told. */
enum request_state {
    REQUEST_FREE,
    REQUEST_OPEN,
    REQUEST_ENDED,
};

struct request {
    enum request_state state;
    struct client *client; /* NULL: lost, nobody to be told */
    struct sum_request asked;
    uint64_t assigned;      /* samples given out, from asked.first on */
    struct total total;     /* of the spans that came back */
    uint64_t compute_ns;    /* of those */
    struct span_list spans; /* given out, and not yet summed */
    int64_t began_at_ns;
    int64_t deadline_at_ns; /* NEVER: none */
    enum status ending;     /* STATUS_OK: with its sum */
    uint64_t deadly_first;  /* STATUS_WORKERS_LOST: the samples that killed workers */
    uint64_t deadly_count;
    TAILQ_ENTRY(request) in_client;   /* client.requests, while it has a client */
    TAILQ_ENTRY(request) in_runnable; /* client.runnable, while samples are left to give out */
    TAILQ_ENTRY(request) in_state;    /* queue.free, .open or .outbox */
};
TAILQ_HEAD(request_list, request);

/* in_order: its requests are computed one after the other instead of taking turns. */
struct client {
    bool in_order;
    struct request_list requests;
    struct request_list runnable;
    uint32_t request_count;
    TAILQ_ENTRY(client) in_runnable; /* queue.runnable, while client.runnable is not empty */
};
TAILQ_HEAD(client_list, client);

struct queue {
    struct request *requests;
    struct client *clients; /* those of this server, then those beside them */
    uint32_t requests_max;
    uint32_t requests_used; /* the others have never been used */
    uint32_t open_count;
    struct request_list free;
    struct request_list open;    /* in the order in which they came */
    struct request_list outbox;  /* ended, to be told */
    struct client_list runnable; /* whose turn it is: the head */
};

/* False where memory is short. */
bool queue_init(struct queue *queue, uint32_t requests_max);
void queue_clear(struct queue *queue);

bool queue_full(const struct queue *queue);

/* Clients by their number, see dispatcher.h. */
struct client *queue_client(const struct queue *queue, uint32_t number);
uint32_t queue_client_number(const struct queue *queue, const struct client *client);

/* The client's request of that id, or NULL. */
struct request *client_request(const struct client *client, uint64_t id);

static inline uint64_t request_left(const struct request *request)
{
    return request->asked.count - request->assigned;
}

/* A new request, at the end of the line. The queue must not be full. */
struct request *queue_open(struct queue *queue, struct client *client,
                           const struct sum_request *asked);

/* The request whose turn it is, or NULL, and the end of its turn with `count` samples given out. */
struct request *queue_next(const struct queue *queue);
void queue_assigned(struct queue *queue, struct request *request, uint64_t count);

/* The request needs no more work, and waits in the outbox for its client to be told. Its spans must
 * be gone. */
void queue_end(struct queue *queue, struct request *request, enum status ending);

/* The client's request no longer has a client. */
void queue_detach(struct request *request);

/* The client has been told, or is lost: its storage is free. Out of the outbox. */
void queue_release(struct queue *queue, struct request *request);

#endif
