/* What a dispatcher knows. For server/core/dispatcher.c and dispatcher_status.c, and whoever checks
 * it.
 */
#ifndef MEANTIME_SERVER_CORE_DISPATCHER_STATE_H
#define MEANTIME_SERVER_CORE_DISPATCHER_STATE_H

#include "server/core/dispatcher.h"
#include "server/core/queue.h"
#include "server/core/spans.h"
#include "server/core/workers.h"

struct dispatcher {
    struct dispatcher_settings settings;
    struct queue queue;
    struct workers workers;
    struct spans spans;
    struct counters counters;
    int64_t now_ns;
    bool draining;
    struct effect answer; /* to the message that came in this step */
    bool answer_due;
    struct request *progress_next; /* of the round of progress messages under way */
    bool silence_due;              /* workers that are silent for too long are to be dropped */
    int64_t progress_at_ns;
    int64_t heartbeat_at_ns;
    int64_t ticked_at_ns;   /* EVENT_TIME */
    int64_t resumed_at_ns;  /* nobody was heard before: this process itself did not run */
    int64_t give_up_at_ns;  /* a dispatcher that drains gives up: nobody is there to compute */
    int64_t deadline_at_ns; /* no request's deadline is before this */
};

#endif
