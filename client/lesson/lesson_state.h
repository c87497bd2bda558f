/* The state of a lesson: one run of the main job, serial or async. */
#ifndef MEANTIME_CLIENT_LESSON_LESSON_STATE_H
#define MEANTIME_CLIENT_LESSON_LESSON_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lesson/server_request.h"
#include "client/lesson/uniform_sum.h"

struct record;
struct transcript;

/* Points in time are by clock_ns(). */
struct lesson {
    const char *mode;              /* "serial" or "async" */
    struct server_request request; /* the task server_request */
    struct uniform_sum sum;        /* the task uniform_sum */
    struct transcript *transcript; /* NULL after the end */
    struct record *record;         /* for pictures; NULL: no picture is wanted */
    int64_t began_at_ns;
    int64_t ended_at_ns;
    bool request_unsent; /* when the last look began, the request was waiting for a connection */
};

#endif
