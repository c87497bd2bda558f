/* What may happen to a session: what never happens is not tested. */
#ifndef MEANTIME_TESTS_SIM_SESSION_EVENTS_H
#define MEANTIME_TESTS_SIM_SESSION_EVENTS_H

/* Their names stand in events.c, in this order. */
enum event {
    /* faults */
    EVENT_KILL,
    EVENT_FREEZE,
    EVENT_CUT,
    EVENT_RESET,
    EVENT_DEAF,
    EVENT_STARVE,
    EVENT_STALL,
    /* what servers do */
    EVENT_ANSWER,
    EVENT_PROGRESS,
    EVENT_BUSY,
    EVENT_RELENT,
    EVENT_STOPPING,
    EVENT_REFUSE,
    EVENT_REFUSE_ALL,
    EVENT_GREEK,
    EVENT_WRONG_COUNT,
    EVENT_WRONG_UNIT,
    EVENT_HANG_UP,
    EVENT_MUTE,
    EVENT_QUIET,
    EVENT_TWICE,
    EVENT_GOSSIP,
    EVENT_UNKNOWN_ID,
    EVENT_FLOOD,
    EVENT_DEADLINE,
    /* what the session does */
    EVENT_DIAL,
    EVENT_SHARE,
    EVENT_SEND,
    EVENT_AGAIN,
    EVENT_PROBE,
    EVENT_PROBE_UP,
    EVENT_LEAVE_SILENT,
    EVENT_CANCEL_SENT,
    EVENT_SEND_LOST,
    EVENT_LOOK,
    EVENT_LOOK_IDLE,
    EVENT_TAKE_MAX,
    /* how requests end */
    EVENT_DONE,
    EVENT_DONE_LATE,
    EVENT_NO_SERVER,
    EVENT_SERVER_LOST,
    EVENT_LOSSES_MAX,
    EVENT_SERVER_BUSY,
    EVENT_REFUSED,
    EVENT_NONSENSE,
    EVENT_TIMED_OUT,
    EVENT_CANCELLED,
    EVENT_NO_RESOURCES,
    EVENT_CLOSED,
    EVENTS,
};

extern const char *const event_names[EVENTS];

#endif
