/* The state of a dispatcher: for the files that implement it, and for the tests that check it. */
#ifndef MEANTIME_SERVER_CORE_DISPATCHER_STATE_H
#define MEANTIME_SERVER_CORE_DISPATCHER_STATE_H

#include "server/core/dispatcher.h"
#include "server/core/queue.h"
#include "server/core/spans.h"
#include "server/core/terms.h"
#include "server/core/workers.h"

struct dispatcher {
    struct dispatcher_settings settings;
    struct queue queue;
    struct workers workers;
    struct spans spans;
    struct terms_pool terms;
    struct counters counters;
    int64_t now_ns; /* of the last step */
    bool draining;

    struct effect answer; /* to the message of this step */
    bool answer_due;      /* `answer` waits to be taken */

    struct offer offers[OFFERS_MAX];          /* of the last dispatcher_heartbeat() */
    struct output_total outputs[OUTPUTS_MAX]; /* of the last answer or progress message */

    struct request *progress_next; /* in the current round of progress messages; NULL: none */
    bool silence_due;              /* workers may have been silent for too long: check and drop */

    int64_t progress_at_ns;  /* of the next round of progress messages; NEVER: none */
    int64_t heartbeat_at_ns; /* of the next round of heartbeats; NEVER: none */
    int64_t ticked_at_ns;    /* of the last EVENT_TIME */
    int64_t resumed_at_ns;  /* when this process last continued after a pause; messages may still be
                               unread, so silence counts from then on */
    int64_t give_up_at_ns;  /* a draining dispatcher without workers stops its requests; or NEVER */
    int64_t deadline_at_ns; /* no deadline of a request is earlier; NEVER: none */
};

#endif
