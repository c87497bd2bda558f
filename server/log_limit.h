/* Log lines that peers can cause as often as they like. What is held back is written when its
 * second ends: the event loop calls log_limit_run_due() at log_limit_due_at(). One thread. */
#ifndef MEANTIME_SERVER_LOG_LIMIT_H
#define MEANTIME_SERVER_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "server/log.h"
#include "server/net/connections.h"

/* A line about held-back events of clients has this many addresses at most. */
#define LOG_ADDRESSES_MAX 8

/* Lines about workers and parents in one second. */
#define LOG_WORKER_LINES_MAX 100

/* A kind of event of clients. Decoding errors and refusals have a kind for each code. */
enum log_kind {
    LOG_KIND_BAD, /* and the kinds after it: plus the code */
    LOG_KIND_REFUSED = LOG_KIND_BAD + REFUSAL_END,
    LOG_KIND_ENVELOPE = LOG_KIND_REFUSED + REFUSAL_END,
    LOG_KIND_UNEXPECTED,   /* a message of a type that the endpoint does not take */
    LOG_KIND_PARENT,       /* a message of a parent that cannot be decoded */
    LOG_KIND_FLOOD,        /* a plain client sends too much */
    LOG_KIND_THROTTLED,    /* a connection has too many unread bytes */
    LOG_KIND_ABANDONED,    /* the server disconnects a connection */
    LOG_KIND_DISCONNECTED, /* a client has disconnected before it had all its answers */
    LOG_KIND_KEY,          /* the key of a peer is refused */
    LOG_KIND_PLAIN_FULL,
    LOG_KIND_PLAIN_NO_DESCRIPTOR,
    LOG_KINDS,
};

/* A kind of event of workers and parents. */
enum log_worker_kind {
    LOG_WORKER_JOINED,
    LOG_WORKER_LEFT,
    LOG_WORKER_LOST,
    LOG_WORKER_REFUSED,
    LOG_WORKER_SUMMAND, /* a worker gets no more terms of a summand, or a server no longer offers
                           one */
    LOG_WORKER_PARENT,  /* anything about a parent */
    LOG_WORKER_KINDS,
};

/* The events of one kind of clients. The first one is written at once. */
struct log_client_events {
    int64_t held_until_ns; /* the next event may be written at once after this time */
    uint64_t count;        /* events that are held back */
    enum log_level level;  /* of these events */
    uint32_t address_count;
    bool more_addresses; /* than there is room for */
    char addresses[LOG_ADDRESSES_MAX][PEER_BYTES];
    char what[64];                 /* such as "refused a request from" */
    char text[TEXT_BYTES_MAX + 1]; /* the reason of the last event */
};

/* If all is zero, nothing has been logged yet. */
struct log_limit {
    uint64_t bad_messages;
    struct log_client_events clients[LOG_KINDS];
    int64_t workers_until_ns;        /* when the second of the workers ends */
    uint32_t worker_lines;           /* written in this second */
    uint64_t held[LOG_WORKER_KINDS]; /* events in this second without a line */
};

/* Logs an event of a client, as "what address: why", or counts it until its second ends.
 * kind: an enum log_kind, or one plus a code. */
void log_limit_client(struct log_limit *log, int kind, enum log_level level, const char *what,
                      const char *address, const char *why);

/* Counts and logs a bad message. why: why the server does not accept the message. */
void log_limit_bad_message(struct log_limit *log, int kind, const char *address, const char *why);

/* Logs that a client gets a refusal instead of a sum. */
void log_limit_refused(struct log_limit *log, const char *address, const struct refusal *refusal);

/* Logs an event of a worker or a parent. */
__attribute__((format(printf, 4, 5))) void log_limit_worker(struct log_limit *log,
                                                            enum log_worker_kind kind,
                                                            enum log_level level,
                                                            const char *format, ...);

/* Writes what was held back in seconds that have ended. */
void log_limit_run_due(struct log_limit *log, int64_t now_ns);

/* Writes all that is held back: the server ends. */
void log_limit_flush(struct log_limit *log);

/* When log_limit_run_due() is due; NEVER if nothing is held back. */
int64_t log_limit_due_at(const struct log_limit *log);

#endif
