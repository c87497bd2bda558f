/* Who watches one exchange, its news and its effects, and knows what it may do by exchange.h alone.
 */
#ifndef MEANTIME_TESTS_SIM_SESSION_WITNESS_H
#define MEANTIME_TESTS_SIM_SESSION_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/exchange.h"
#include "tests/sim/session/servers.h"

struct scene;

enum witnessed {
    WITNESSED_NOTHING,
    WITNESSED_CALL, /* it has dialled */
    WITNESSED_UP,   /* and been told that the connection is up */
};

/* alone_since_ns: NEVER while a server works for it. received_at_ns: the last sign of life.
 * lost_as: the error that the last loss leads to. refused_as: that of a final refusal, or
 * MEANTIME_OK. */
struct witness {
    enum witnessed connection;
    size_t at;
    bool met, cancelled, cannot;
    uint64_t number;
    uint64_t attempts;
    unsigned losses;
    enum meantime_error lost_as;
    enum meantime_error refused_as;
    int64_t began_at_ns;
    int64_t deadline_at_ns;
    int64_t dialled_at_ns;
    int64_t received_at_ns;
    int64_t alone_since_ns;
    int64_t patience_ns;
    int64_t ready_at_ns[SERVERS_MAX];
};

void witness_begin(struct scene *scene, size_t question);

/* exchange_step(), and what is to be said about it. */
void witness_step(struct scene *scene, struct exchange *exchange, int64_t now_ns,
                  const struct news *news);

/* The id of an attempt that may be in flight. */
uint64_t witness_some_id(struct scene *scene);

#endif
