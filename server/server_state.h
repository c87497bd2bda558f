/* What a server has, and what its parts do with all of it. For server/server.c and those parts. */
#ifndef MEANTIME_SERVER_SERVER_STATE_H
#define MEANTIME_SERVER_SERVER_STATE_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "server/compute_threads.h"
#include "server/core/dispatcher.h"
#include "server/log_limit.h"
#include "server/net/listener.h"
#include "server/net/parent_link.h"
#include "server/net/plain_listener.h"
#include "server/options.h"

/* Messages read from one socket before the others, results and signals have their turn again. */
#define MESSAGES_AT_ONCE 64

struct server {
    struct server_options options;
    int signals;
    struct dispatcher *dispatcher;
    struct compute_threads *threads;
    struct listener *front;       /* clients; NULL: none are served */
    struct listener *pool;        /* workers that join; NULL: none may */
    struct plain_listener *plain; /* clients that speak no ZeroMQ; NULL: none are served */
    struct parent_link *parents[PARENTS_MAX];
    struct join join; /* what this server offers its parents */
    int64_t began_at_ns;
    bool draining;
    bool stopped;
    uint64_t refused; /* clients, by the shell: the dispatcher has never heard of them */
    struct complaints complaints;
};

static inline int64_t now_ns(void)
{
    return zclock_usecs() * 1000;
}

/* Tells the dispatcher. */
void server_tell(struct server *server, const struct event *event);

/* Does all that the dispatcher wants done. */
void server_obey(struct server *server);

/* Both. */
void server_step(struct server *server, const struct event *event);

/* Refuses what the dispatcher is not asked. */
void server_refuse(struct server *server, struct listener *front, uint32_t peer,
                   const struct refusal *refusal);
void server_refuse_bad(struct server *server, struct listener *front, uint32_t peer,
                       const struct message_error *error);

/* Takes what a socket has, up to some number. False where it had nothing. */
bool server_take(struct server *server, struct listener *front,
                 void (*on_message)(struct server *, const struct listener_message *));

#endif
