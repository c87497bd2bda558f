/* What a server owes its clients, as seen from outside: each request one answer, and the right one.
 */
#ifndef MEANTIME_TESTS_SIM_POOL_LEDGER_H
#define MEANTIME_TESTS_SIM_POOL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/dispatcher.h"

#define DEBTS_MAX 256

/* done: as its last progress message said. given: samples of it that have been given out. */
struct debt {
    uint32_t client;
    struct sum_request asked;
    int64_t asked_at_ns;
    int64_t progress_at_ns;
    uint64_t done;
    uint64_t assigned;
};

struct ledger {
    uint32_t count;
    struct debt debts[DEBTS_MAX];
    const struct event *event; /* of this step */
    bool duplicate;            /* it asks under an id in flight, and has not been answered yet */
    bool fresh;                /* it asks under another one */
    uint64_t replies;
    uint64_t refusals;
};

struct debt *ledger_find(struct ledger *ledger, uint32_t client, uint64_t id);

/* How many requests of a client are in flight. */
uint32_t ledger_owes(const struct ledger *ledger, uint32_t client);

/* A step begins, and ends. now_ns: as the server's clock tells it. */
void ledger_begin(struct ledger *ledger, int64_t now_ns, const struct event *event);

/* NULL, or what is wrong with an answer; with the end of a step. lost: workers that were lost so
 * far. */
const char *ledger_answer(struct ledger *ledger, int64_t now_ns,
                          const struct dispatcher_settings *settings, bool draining, uint32_t lost,
                          uint32_t client, const struct message *message);
const char *ledger_progress(struct ledger *ledger, int64_t now_ns, uint32_t client,
                            const struct progress *progress);
const char *ledger_end(struct ledger *ledger, bool draining);

#endif
