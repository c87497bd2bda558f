/* What must hold in the real cores after every step, looked up in their own state. Each returns
 * NULL, or what does not hold. */
#ifndef MEANTIME_TESTS_SIM_POOL_CHECK_H
#define MEANTIME_TESTS_SIM_POOL_CHECK_H

#include "server/core/dispatcher.h"
#include "server/core/membership.h"
#include "tests/sim/pool/node.h"

/* After all effects of a step. now_ns: as the server's clock tells it. */
const char *check_dispatcher(const struct node *node, int64_t now_ns, const struct event *event);

/* At the moment that a worker is told to sum a span. */
const char *check_assigned(struct node *node, uint32_t worker, const struct sum_request *span);

/* A run that is of a span that was taken back from one of two, and this is the third. */
bool check_assigned_instead(const struct node *node, uint64_t id);

/* True where the worker that has joined under that number holds a span of that id which is wanted:
 * to refuse it means to rest. */
bool check_refuses(const struct node *node, uint32_t number, uint64_t id);

/* What goes out must be what message_decode() takes at the other end. */
const char *check_message(const struct message *message);

/* After a step of a parent's core. message: that came, or NULL. */
const char *check_effects(const struct membership *parent, const struct message *message,
                          const struct membership_effects *effects);

#endif
