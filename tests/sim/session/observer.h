/* Observes one exchange: checks each of its events and effects against what exchange.h promises. */
#ifndef MEANTIME_TESTS_SIM_SESSION_OBSERVER_H
#define MEANTIME_TESTS_SIM_SESSION_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/exchange.h"
#include "tests/sim/session/model_servers.h"

struct session_scene;

enum observed_link {
    OBSERVED_NONE,
    OBSERVED_DIALED,
    OBSERVED_UP, /* the exchange knows that the link is up */
};

struct observer {
    enum observed_link link;
    size_t at; /* the endpoint of the link */
    bool was_connected, cancelled, cannot_dial;
    uint64_t number; /* of the request */
    uint64_t attempts;
    unsigned losses;
    enum meantime_error lost_as;    /* the error that follows from the last loss */
    enum meantime_error refused_as; /* of a final refusal; else MEANTIME_OK */
    int64_t began_at_ns;
    int64_t deadline_at_ns;
    int64_t dialled_at_ns;
    int64_t received_at_ns; /* the last sign of life */
    int64_t unserved_at_ns; /* since when no server works on the request; NEVER: one does */
    int64_t patience_ns;
    int64_t dial_at_ns[SERVERS_MAX]; /* no endpoint may be dialled before this time */
    bool refused[SERVERS_MAX];       /* the last dial of the endpoint has failed definitely */
    bool session_connected;          /* the session was connected when the request began */
};

/* request: its place in struct model_caller. */
void observer_begin(struct session_scene *scene, size_t request);

/* Calls exchange_step(), and checks what follows. */
void observer_step(struct session_scene *scene, struct exchange *exchange, int64_t now_ns,
                   const struct exchange_event *event);

/* Returns the id of an attempt that may be in flight. */
uint64_t observer_some_id(struct session_scene *scene);

#endif
