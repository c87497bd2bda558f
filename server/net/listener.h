/* A listening socket, a ROUTER, with its monitor: receives and sends messages, numbers their
 * senders, and reports lost senders. Owned by one thread. */
#ifndef MEANTIME_SERVER_NET_LISTENER_H
#define MEANTIME_SERVER_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "server/access/gate.h"

struct access;
struct listener;
struct log_limit;

enum listener_type {
    LISTENER_ROUTER, /* many senders, each with many requests in flight */
    LISTENER_REP,    /* acts as a REP socket: lockstep, one request at a time */
};

struct listener_message {
    uint32_t sender;   /* below CLIENTS_MAX */
    const char *peer;  /* the address of its connection; "" if it is lost; valid as `bytes` */
    const void *bytes; /* valid until the next listener_receive() */
    size_t size;
    bool lockstep; /* the sender takes exactly one message for each that it has sent: it is a REQ
                      socket, or the listener acts as a REP */
    bool crowded;  /* the server must refuse the sender's requests now: its connection has
                      CONNECTION_REQUESTS_MAX in flight, or the message may belong to an earlier
                      connection that has ended with unread messages */
};

enum listener_event {
    LISTENER_NOTHING,      /* no message for now */
    LISTENER_MESSAGE,      /* `message` is filled in */
    LISTENER_DROPPED,      /* a message of an ended or abandoned connection */
    LISTENER_BAD_ENVELOPE, /* a message whose envelope is too long: dropped */
};

struct listener_settings {
    enum listener_type type;
    const char *endpoint;        /* a port of * is a free one */
    struct log_limit *log;       /* the caller's */
    const struct access *access; /* the caller's; NULL: peers need no keys */
    enum gate gate;              /* what the peers come for, if they need keys */
};

/* Binds to the endpoint. NULL on failure; `why` says why and lives until the next call. */
struct listener *listener_new(const struct listener_settings *settings, const char **why);

/* The last answers have `patience_ms` to be sent; after that they are dropped. This call waits
 * while messages wait for room. libzmq uses the rest of the time in zsys_shutdown(). */
void listener_destroy(struct listener **listener, int patience_ms);

/* As bound, with the port. */
const char *listener_endpoint(const struct listener *listener);

/* Fills in what zmq_poll() is to wait for: listener_run_due(), listener_receive() or
 * listener_lost() has something to do. Returns the number of items. */
#define LISTENER_POLL_ITEMS 3
int listener_poll_items(const struct listener *listener, zmq_pollitem_t *items);

/* Returns the next message, without waiting. The sender of a message keeps its number until
 * listener_release(). Call listener_release() once for each message: after its answer, or at once
 * if the message needs no answer. New senders get the number that was freed last. */
enum listener_event listener_receive(struct listener *listener, struct listener_message *message);
void listener_release(struct listener *listener, uint32_t sender);

/* The message of this sender was valid: its connection no longer counts as silent. */
void listener_vouch(struct listener *listener, uint32_t sender);

/* Whether a sender with a number keeps the number after its last listener_release(). At most
 * CLIENTS_MAX senders may have a number at a time. */
void listener_keep_number(struct listener *listener, uint32_t sender, bool keep);

/* The address of a sender, without a port, also after it was lost. Valid until listener_lost(). */
const char *listener_peer(const struct listener *listener, uint32_t sender);

/* Whether a sender may see what another one asks for: it has the same key, or an admin's key, or
 * peers need no keys. */
bool listener_may_see(const struct listener *listener, uint32_t sender, uint32_t other);

/* Whether a sender may see what all peers ask for. */
bool listener_may_see_all(const struct listener *listener, uint32_t sender);

/* Closes the connections whose key has lost its role, and those that have sent no message yet,
 * whose key is unknown. Call this after the allow-list has lost a key. */
void listener_check_keys(struct listener *listener);

/* The number of a lost sender, once for each; then the number is free. False if there is none.
 * peer: its address, valid until the next call. */
bool listener_lost(struct listener *listener, uint32_t *sender, const char **peer);

/* Sends a message. If its connection has no room, the message waits. If no more messages can wait,
 * the connection with the most waiting bytes is abandoned, and listener_lost() returns each
 * sender behind it. Never waits. */
void listener_send(struct listener *listener, uint32_t sender, const void *bytes, size_t size);

/* Sends a message, or drops it if its connection has no room. */
void listener_send_or_drop(struct listener *listener, uint32_t sender, const void *bytes,
                           size_t size);

/* Sends a status reply. False if the connection has no room, or if its peer has not acknowledged
 * the last one: the caller refuses the request. */
bool listener_send_status(struct listener *listener, uint32_t sender, const void *bytes,
                          size_t size);

/* Sends messages that wait, as far as there is room, and runs flood control. Call this at
 * listener_due_at() or earlier. Never waits. */
void listener_run_due(struct listener *listener, int64_t now_ns);

/* NEVER: not before the listener is readable. */
int64_t listener_due_at(const struct listener *listener);

#endif
