/* The simulated caller. It begins some requests, looks when the descriptor is readable or between
 * slices of its own work, and takes the results. */
#ifndef MEANTIME_TESTS_SIM_SESSION_CALLER_H
#define MEANTIME_TESTS_SIM_SESSION_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/meantime.h"

#define CALLER_REQUESTS_MAX 5

struct session_scene;

struct caller_request {
    struct meantime_question question;
    uint64_t number; /* 0: not begun yet */
    bool taken;
};

struct model_caller {
    struct meantime *m;
    int64_t slice_ns; /* time between two looks; 0: the caller looks when the descriptor is readable
                       */
    int64_t stalled_until_at_ns; /* the caller makes no call before this time */
    int64_t timer_at_ns;         /* what the session's timer is set to; NEVER: not set */
    bool found;                  /* this look has found something */
    unsigned idle_at_once;       /* looks in a row that found nothing */
    uint64_t idle_looks;         /* all looks that found nothing */
    size_t count;                /* requests */
    size_t taken;                /* results */
    struct caller_request requests[CALLER_REQUESTS_MAX];
};

void caller_init(struct session_scene *scene);

/* Closes the session. */
void caller_clear(struct session_scene *scene);

/* When the caller looks next if nothing else happens before; NEVER: not at all. */
int64_t caller_look_at(const struct session_scene *scene);
void caller_look(struct session_scene *scene);

/* request: its place in struct model_caller. */
void caller_ask(struct session_scene *scene, size_t request);
void caller_cancel(struct session_scene *scene, size_t request);
void caller_stall(struct session_scene *scene, int64_t pause_ns);

/* The simulated modules report whether this look has found something. */
void caller_found(struct session_scene *scene, bool something);

#endif
