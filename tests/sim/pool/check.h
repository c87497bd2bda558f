/* Checks of the real cores after every step, on their own state. Each check returns NULL, or what
 * is wrong. */
#ifndef MEANTIME_TESTS_SIM_POOL_CHECK_H
#define MEANTIME_TESTS_SIM_POOL_CHECK_H

#include "server/core/dispatcher.h"
#include "server/core/membership.h"
#include "tests/sim/pool/node.h"

/* After all effects of a step. now_ns: the server's clock. */
const char *check_dispatcher(const struct node *node, int64_t now_ns, const struct event *event);

/* When a span is sent to a worker. */
const char *check_assigned(struct node *node, uint32_t worker, const struct sum_request *span);

/* True if this run replaced a revoked run of its span. */
bool check_assigned_instead(const struct node *node, uint64_t id);

/* The run of that id, if this worker holds it and its total is wanted; else NULL. */
const struct run *check_running(const struct node *node, uint32_t worker, uint64_t id);

/* A message to send must be one that message_decode() accepts. */
const char *check_message(const struct message *message);

/* After a step of a membership. message: of the event, or NULL. */
const char *check_effects(const struct membership *parent, const struct message *message,
                          const struct membership_effects *effects);

#endif
