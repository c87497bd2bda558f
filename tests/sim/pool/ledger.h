/* The answers that a server owes its clients, as seen from outside: one correct answer for each
 * request. */
#ifndef MEANTIME_TESTS_SIM_POOL_LEDGER_H
#define MEANTIME_TESTS_SIM_POOL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/dispatcher.h"

#define DEBTS_MAX 256

/* A request without an answer. */
struct debt {
    uint32_t client;
    struct sum_request asked;
    int64_t asked_at_ns;
    int64_t progress_at_ns;
    uint64_t done;     /* samples, from its last progress message */
    uint64_t assigned; /* samples that spans were cut from */
    uint32_t restarts; /* of the request's terms, at that time */
    uint64_t build;    /* of its spans; 0: none was sent yet */
};

struct ledger {
    uint32_t count;
    struct debt debts[DEBTS_MAX];
    const struct event *event; /* the event of this step */
    bool duplicate;            /* the event is a request with an id in flight, not answered yet */
    bool fresh;                /* the event is a request with another id */
    uint64_t replies;
    uint64_t refusals;
};

struct debt *ledger_find(struct ledger *ledger, uint32_t client, uint64_t id);

/* How many requests of a client are in flight. */
uint32_t ledger_owes(const struct ledger *ledger, uint32_t client);

/* Begins a step. now_ns: the server's clock. */
void ledger_begin(struct ledger *ledger, int64_t now_ns, const struct event *event);

/* Checks an answer, a progress message, or the end of a step. Returns NULL, or what is wrong. lost:
 * workers that were lost so far. failures: helper processes that have died so far. */
const char *ledger_answer(struct ledger *ledger, int64_t now_ns,
                          const struct dispatcher_settings *settings, bool draining, uint32_t lost,
                          uint32_t failures, uint32_t client, const struct message *message);
const char *ledger_progress(struct ledger *ledger, int64_t now_ns, uint32_t client,
                            const struct progress *progress);
const char *ledger_end(struct ledger *ledger, bool draining);

#endif
