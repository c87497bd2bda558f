/* Clients: each has sums that it wants, asks for a few at a time, and asks again, there or
 * elsewhere, until it has an answer that is final. */
#ifndef MEANTIME_TESTS_SIM_POOL_CLIENTS_H
#define MEANTIME_TESTS_SIM_POOL_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

#define CLIENTS_OF_WORLD 10
#define JOBS_MAX         6
#define ASKS_MAX         8

struct world;

/* asked: but for its id. */
struct sim_job {
    struct sum_request asked;
    bool impatient; /* it will be cancelled */
    bool twice;     /* it will be asked twice under one id */
    bool in_flight;
    bool done;
    int64_t not_before_ns;
};

/* copies: answers that are owed under that id. */
struct ask {
    uint64_t id;
    struct sim_job *job;
    int64_t asked_at_ns;
    int64_t cancel_at_ns; /* NEVER: not, or no longer, to be cancelled */
    bool cancelled;
    uint32_t copies;
    uint64_t done;
};

struct client_process {
    uint32_t number;
    uint32_t wire; /* NOWHERE: none */
    uint32_t front;
    bool up;
    struct sim_job jobs[JOBS_MAX];
    uint32_t job_count;
    struct ask asks[ASKS_MAX];
    uint32_t ask_count;
    uint32_t window;
    uint64_t last_id;
    int64_t patience_ns;
    int64_t received_at_ns;
    int64_t wake_at_ns;
};

struct crowd {
    struct client_process clients[CLIENTS_OF_WORLD];
    uint32_t count;
};

void crowd_init(struct world *world);

/* True when each has all its answers. */
bool crowd_done(const struct world *world);

void client_due(struct world *world, struct client_process *client);
void client_connected(struct world *world, struct client_process *client);
void client_disconnected(struct world *world, struct client_process *client);
void client_receive(struct world *world, struct client_process *client,
                    const struct message *message);

/* It breaks off and asks again later; or it does not wait for anything, and returns false. */
bool client_break_off(struct world *world, struct client_process *client);

#endif
