/* What peers do wrong, and news of which they may make as many as they like: counted, and told in
 * the log at most once a second for each kind. One thread. */
#ifndef MEANTIME_SERVER_LOG_LIMIT_H
#define MEANTIME_SERVER_LOG_LIMIT_H

#include <stdint.h>

#include "proto/message.h"

/* Decoding errors by their status, and: */
enum complaint_type {
    COMPLAINT_ENVELOPE = STATUS_END,
    COMPLAINT_UNEXPECTED,
    COMPLAINT_PARENT,
    COMPLAINT_FLOOD,
    COMPLAINT_WORKER,                            /* is dropped, by the status that it is told */
    NEWS_JOINED = COMPLAINT_WORKER + STATUS_END, /* no complaints */
    NEWS_GONE,
    NEWS_FULL,
    NEWS_SHORT,
    COMPLAINTS,
};

struct complaint {
    uint64_t count;     /* since the last line */
    int64_t line_at_ns; /* no line before this */
};

/* All zero: nothing has been said yet. */
struct complaints {
    uint64_t bad_messages;
    struct complaint of[COMPLAINTS];
};

/* Counts one more. How many there are to be told of in one line, this one included; 0: none yet. */
uint64_t complaints_due(struct complaints *complaints, int type);

/* Of a message that cannot be taken: `text` says why. */
void complain(struct complaints *complaints, int type, const char *text);

/* Of a worker that is dropped. */
void complain_of_worker(struct complaints *complaints, const struct refusal *refusal);

#endif
