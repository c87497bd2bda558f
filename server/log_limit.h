/* Log lines that peers can cause as often as they like: each kind is logged at most once a second.
 * One thread. */
#ifndef MEANTIME_SERVER_LOG_LIMIT_H
#define MEANTIME_SERVER_LOG_LIMIT_H

#include <stdint.h>

#include "proto/message.h"

/* A kind of log line. The first kinds are decoding errors, numbered by their status. */
enum log_kind {
    LOG_KIND_ENVELOPE = STATUS_END,
    LOG_KIND_UNEXPECTED,     /* a message of a type that the endpoint does not take */
    LOG_KIND_PARENT,         /* a message of a parent that cannot be decoded */
    LOG_KIND_FLOOD,          /* a plain client sends too much */
    LOG_KIND_WORKER_DROPPED, /* and the kinds after it: plus the status that the worker is sent */
    LOG_KIND_WORKER_JOINED = LOG_KIND_WORKER_DROPPED + STATUS_END,
    LOG_KIND_WORKER_LOST,
    LOG_KIND_PLAIN_FULL,
    LOG_KIND_PLAIN_NO_DESCRIPTOR,
    LOG_KINDS,
};

struct log_line {
    uint64_t count;     /* events since the last line was logged */
    int64_t line_at_ns; /* when the next line may be logged */
};

/* If all is zero, nothing has been logged yet. */
struct log_limit {
    uint64_t bad_messages;
    struct log_line lines[LOG_KINDS];
};

/* Counts one event of a kind, an enum log_kind or a status. Returns the number of events for the
 * log line that is due now, or 0 if no line is due yet. */
uint64_t log_limit_due(struct log_limit *log, int kind);

/* Counts and logs a bad message. text: why the server does not accept the message. */
void log_limit_bad_message(struct log_limit *log, int kind, const char *text);

/* Logs why the server drops a worker. */
void log_limit_worker_dropped(struct log_limit *log, const struct refusal *refusal);

#endif
