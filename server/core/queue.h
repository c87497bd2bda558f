/* The requests of all clients, and the order in which they take turns. Part of the dispatcher's
 * state: no clock, no allocation after queue_init(). */
#ifndef MEANTIME_SERVER_CORE_QUEUE_H
#define MEANTIME_SERVER_CORE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/message.h"
#include "server/core/skills.h"
#include "server/limits.h"
#include "sums/total.h"

/* Clients with fixed numbers, from CLIENTS_MAX on: the parents, and PLAIN_CLIENT. */
#define FIXED_CLIENTS (PARENTS_MAX + 1)

TAILQ_HEAD(span_list, span);

struct terms;

/* FREE -> OPEN -> ENDED -> FREE */
enum request_state {
    REQUEST_FREE,
    REQUEST_OPEN,  /* samples are not assigned yet, or spans have no total yet */
    REQUEST_ENDED, /* with the code `ending`; the answer waits to be sent */
};

struct request {
    enum request_state state;
    struct client *client;    /* NULL: the client is lost, so no answer is sent */
    struct sum_request asked; /* its texts belong to `terms` */
    uint32_t skill;           /* that its workers need */
    struct terms *terms;      /* the sums of its terms; NULL: a sum of samples */
    uint64_t assigned;        /* samples that are already cut into spans, from asked.first on */
    struct total total;       /* of the spans that are summed */
    uint64_t compute_ns;      /* of those spans, on all cores together */
    struct span_list spans;   /* cut, and not yet summed */
    int64_t began_at_ns;
    int64_t deadline_at_ns;   /* NEVER: none */
    enum refusal_code ending; /* why it ended; REFUSAL_NONE: with its sum */
    uint64_t deadly_first;    /* REFUSAL_WORKERS_LOST: the first of the samples that may crash
                                 workers, and how many they are */
    uint64_t deadly_count;
    TAILQ_ENTRY(request) in_client; /* client.requests, while it has a client */
    struct turn *turn;              /* while samples are left to assign; else NULL */
    TAILQ_ENTRY(request) in_turn;   /* turn.runnable, while it has a turn */
    TAILQ_ENTRY(request) in_state;  /* queue.free, .open or .outbox */
};
TAILQ_HEAD(request_list, request);

/* The requests of one client that need one skill, and have samples or terms left to assign. */
struct turn {
    struct client *client;
    uint32_t skill;
    uint64_t number;              /* of its place: turns with lower numbers come first */
    struct request_list runnable; /* not empty; the head has the next turn */
    TAILQ_ENTRY(turn) in_skill;   /* queue.turns of the skill; the free list while free */
    TAILQ_ENTRY(turn) in_client;  /* client.turns */
};
TAILQ_HEAD(turn_list, turn);

struct client {
    bool in_order; /* its requests are computed one after the other instead of taking turns */
    struct request_list requests; /* all that wait for an answer */
    struct turn_list turns;       /* one for each skill that runnable requests need */
    uint32_t request_count;       /* of `requests` */
};

struct queue {
    struct request *requests;
    struct client *clients; /* the numbered clients, then the FIXED_CLIENTS */
    uint32_t requests_max;
    uint32_t requests_used; /* entries of `requests` that were ever used: the first ones */
    uint32_t open_count;    /* of `open` */
    struct request_list free;
    struct request_list open;   /* in the order of their arrival */
    struct request_list outbox; /* ENDED: their answers wait to be sent */
    struct turn *turn_storage;  /* one for each request */
    uint32_t turns_used;        /* entries of `turn_storage` that were ever used */
    struct turn_list free_turns;
    struct turn_list turns[SKILLS_MAX]; /* the head has the next turn among those of its skill */
    skill_set wanted;                   /* skills with turns */
    skill_set needed;                   /* skills that open requests need */
    uint32_t open_of[SKILLS_MAX];       /* open requests that need each skill */
    uint64_t last_turn;                 /* the number that was given last */
};

/* False if memory is short. */
bool queue_init(struct queue *queue, uint32_t requests_max);
void queue_clear(struct queue *queue);

bool queue_full(const struct queue *queue);

/* Clients by their number, see server/limits.h. */
struct client *queue_client(const struct queue *queue, uint32_t number);
uint32_t queue_client_number(const struct queue *queue, const struct client *client);

/* The client's request of that id, or NULL. */
struct request *client_request(const struct client *client, uint64_t id);

static inline uint64_t request_left(const struct request *request)
{
    return request->asked.count - request->assigned;
}

/* Adds a request behind all others. The queue must not be full. */
struct request *queue_open(struct queue *queue, struct client *client,
                           const struct sum_request *asked, uint32_t skill);

/* The request whose turn it is among those that need one of these skills, or NULL. */
struct request *queue_next(const struct queue *queue, skill_set skills);

/* Ends the turn of this request: `count` of its samples are assigned now. */
void queue_assigned(struct queue *queue, struct request *request, uint64_t count);

/* Assigns all samples or terms of a request without spans anew. */
void queue_restart(struct queue *queue, struct request *request);

/* Moves a request without spans to the outbox, where its answer waits. */
void queue_end(struct queue *queue, struct request *request, enum refusal_code ending);

/* Removes the request from its client: its answer has been sent, or the client is lost. */
void queue_detach(struct request *request);

/* Frees a request of the outbox that has no client any more. */
void queue_release(struct queue *queue, struct request *request);

#endif
