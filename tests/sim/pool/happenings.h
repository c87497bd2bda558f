/* What may happen in a pool. A happening that never occurs is not tested. */
#ifndef MEANTIME_TESTS_SIM_POOL_HAPPENINGS_H
#define MEANTIME_TESTS_SIM_POOL_HAPPENINGS_H

/* happenings.c contains their names, in this order. */
enum happening {
    /* faults */
    HAPPENED_KILL,
    HAPPENED_STOP,
    HAPPENED_DRAIN,
    HAPPENED_HALT, /* the second signal of a drain */
    HAPPENED_RESET,
    HAPPENED_CUT,
    HAPPENED_ISOLATED,
    HAPPENED_FULL,
    HAPPENED_BURST,
    HAPPENED_IGNORED, /* a duplicate routing id */
    HAPPENED_CLIENT_LEFT,
    HAPPENED_HOSTILE,
    HAPPENED_OTHER_SUMS, /* a server with another digest */
    HAPPENED_HANG,       /* the threads of a server hang */
    HAPPENED_MUTE,       /* a worker sends heartbeats and never answers */
    /* their consequences */
    HAPPENED_MESSAGE,
    HAPPENED_MESSAGE_LOST,
    HAPPENED_UNREACHABLE,
    HAPPENED_AGAIN,
    HAPPENED_END_UNNOTICED,
    HAPPENED_LATE_MESSAGE, /* from a connection that counts as unreachable */
    HAPPENED_SILENT_WORKER,
    HAPPENED_SILENT_PARENT,
    HAPPENED_DIAL,
    HAPPENED_LIE,
    HAPPENED_TWO_LEVELS,
    HAPPENED_CYCLE,
    HAPPENED_CYCLE_BROKEN,
    /* the endings of requests */
    HAPPENED_ASKED,
    HAPPENED_ANSWERED,
    HAPPENED_PROGRESS,
    HAPPENED_DUPLICATE_ID,
    HAPPENED_BUSY,
    HAPPENED_DEADLINE,
    HAPPENED_CANCELLED,
    HAPPENED_STOPPING,
    HAPPENED_WORKERS_LOST,
    HAPPENED_TERMS, /* answered with the sums of terms */
    HAPPENED_UNKNOWN_SUMMAND,
    HAPPENED_SUMMAND_FAILED,
    HAPPENED_BAD_PARAMETERS,
    HAPPENED_OTHER_BITS,
    HAPPENED_AUDIT,     /* a span is computed again */
    HAPPENED_ANEW,      /* the terms of a request are computed again */
    HAPPENED_UNSKILLED, /* a worker refuses a span of a summand that it has just lost */
    HAPPENED_NOT_JOINED,
    HAPPENED_REFUSED_JOIN,
    HAPPENED_RETRIED,
    /* counters of all dispatchers */
    HAPPENED_SPAN,
    HAPPENED_REQUEUED,
    HAPPENED_GIVEN_TWICE,
    HAPPENED_GIVEN_INSTEAD,
    HAPPENED_DUPLICATE_TOTAL,
    HAPPENED_WORKER_LOST,
    HAPPENINGS,
};

extern const char *const happening_names[HAPPENINGS];

#endif
