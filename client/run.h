/* One run of the main job: a sum asked of a server, and a sum of one's own meanwhile. */
#ifndef MEANTIME_CLIENT_RUN_H
#define MEANTIME_CLIENT_RUN_H

#include <stdint.h>

#include "client/server_request.h"
#include "client/transcript.h"
#include "client/uniform_sum.h"

struct run {
    const char *mode;
    struct server_request request;
    struct uniform_sum sum;
    struct transcript *transcript;
    int64_t began_at_ns;
    int64_t ended_at_ns;
};

/* Both return with the request over and the sum done, unless the user interrupts. */
void serial_run(struct run *run);
void async_run(struct run *run);

#endif
