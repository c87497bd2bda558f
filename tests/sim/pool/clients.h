/* Simulated clients. Each client has jobs: sums that it wants. It sends a few requests at a time,
 * and sends them again, to any front, until it has a final answer. */
#ifndef MEANTIME_TESTS_SIM_POOL_CLIENTS_H
#define MEANTIME_TESTS_SIM_POOL_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

#define CLIENTS_OF_WORLD 10
#define JOBS_MAX         6
#define ASKS_MAX         8

struct world;

struct sim_job {
    struct sum_request asked; /* without its id */
    bool impatient;           /* the client will cancel it */
    bool twice;               /* the client will send it twice with one id */
    bool in_flight;
    bool done;
    int64_t not_before_ns;
};

/* A request in flight. */
struct ask {
    uint64_t id;
    struct sim_job *job;
    int64_t asked_at_ns;
    int64_t cancel_at_ns; /* NEVER: no cancel, or already sent */
    bool cancelled;
    uint32_t copies; /* answers that are owed for this id */
    uint64_t done;
};

struct client_process {
    uint32_t number;
    uint32_t cable; /* NOWHERE: none */
    uint32_t front;
    bool up;
    struct sim_job jobs[JOBS_MAX];
    uint32_t job_count;
    struct ask asks[ASKS_MAX];
    uint32_t ask_count;
    uint32_t window; /* requests in flight at most */
    uint64_t last_id;
    int64_t patience_ns; /* after this time without a message, it disconnects and retries */
    int64_t received_at_ns;
    int64_t wake_at_ns;
};

struct crowd {
    struct client_process clients[CLIENTS_OF_WORLD];
    uint32_t count;
};

void crowd_init(struct world *world);

/* True if each client has all its answers. */
bool crowd_done(const struct world *world);

void client_due(struct world *world, struct client_process *client);
void client_connected(struct world *world, struct client_process *client);
void client_disconnected(struct world *world, struct client_process *client);
void client_receive(struct world *world, struct client_process *client,
                    const struct message *message);

/* The client disconnects, and sends its requests again later. False if it has none in flight. */
bool client_break_off(struct world *world, struct client_process *client);

#endif
