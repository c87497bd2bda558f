/* A link to a server: a connection to an endpoint, or the attempt to make one. Each link is a new
 * socket, so that no message of an earlier link is left in it, in either direction. One thread.
 * The simulator of sessions links its own implementation. */
#ifndef MEANTIME_CLIENT_LIB_SERVER_LINK_H
#define MEANTIME_CLIENT_LIB_SERVER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/wakeup.h"
#include "dial/dialer.h"
#include "proto/message.h"

/* What all links of a session share. */
struct link_context {
    void *zmq;                  /* libzmq's context */
    struct wakeup *wakeup;      /* becomes readable while a link may have a message or an event, and
                                 * stays readable until the session has read all of them */
    unsigned monitors;          /* opened so far; each one gets its own name */
    struct decode_arena *arena; /* for received messages; not on the stack, which may be small */
    struct identity *identity;  /* owned; NULL: without encryption */
    struct dialer_settings dialing;
};

/* All zero: the link is closed. */
struct server_link {
    struct link_context *context;
    bool open;                   /* dialling, or connected */
    struct dialer *dialer;       /* NULL: not dialling */
    void *dealer, *monitor;      /* sockets of a connection; NULL: not connected */
    bool up;                     /* the connection is established */
    bool down;                   /* the connection has ended, or no further dial is possible */
    bool reached;                /* an address accepts connections, and a handshake follows; the
                                  * session sets this to false */
    bool failed;                 /* a round of dials has failed; the session sets this to false */
    struct dial_failure failure; /* why the last round failed; valid after the first failure */
    bool announced;              /* the users know that the link is up */
    unsigned users;              /* requests that use this link */
    int64_t received_at_ns;      /* when the last sign of life came; 0: never */
};

enum link_receipt {
    LINK_MESSAGE, /* a message came */
    LINK_INVALID, /* a frame came that is no message */
    LINK_EMPTY,   /* no frame is left, or no more may be read now */
};

/* Opens libzmq's context, and its threads. The wakeup is kept, not owned.
 * False: errno says why: no memory or descriptor is left. Call link_context_clear() in either case.
 */
bool link_context_init(struct link_context *context, struct wakeup *wakeup);

/* Closes libzmq's context after all links are closed. Waits up to LINGER_MS for cancels that are
 * not sent yet. Does not wait for name servers. */
void link_context_clear(struct link_context *context);

/* Loads keys for later dials, instead of those before: see identity_load(). False: see `problem`,
 * and nothing has changed. */
bool link_context_set_keys(struct link_context *context, const char *key_file,
                           const char *server_key, struct key_problem *problem);

/* Returns whether libzmq accepts the endpoint. Does not connect and does not look a name up.
 * False: errno says why. */
bool server_link_could_open(const struct link_context *context, const char *endpoint);

/* Dials, again and again until a handshake succeeds. False: errno says why, and the link is closed;
 * its users stay.
 * Call server_link_watch() soon after this, until a call finds no event: before that call, the
 * wakeup may miss events. */
bool server_link_open(struct server_link *link, struct link_context *context, const char *endpoint);

/* Messages that are sent but have not left get LINGER_MS. The users of the link stay.
 * A closed link stays closed. */
void server_link_close(struct server_link *link);

/* Sets `up`, `down`, `reached` and `failed` from the events that have come. */
void server_link_watch(struct server_link *link);

/* Sends a message. If that fails, `down` is set.
 * Returns whether a message or an event waits which the wakeup does not report. */
bool server_link_send(struct server_link *link, const struct message *message);

/* Receives the next message. Skips the empty frame in front of it.
 * left: how many frames may still be read now. Each frame that is read is subtracted. If 0 are left
 * at the end, more frames may wait.
 * LINK_MESSAGE sets `message`. LINK_INVALID sets `error`. */
enum link_receipt server_link_receive(struct server_link *link, struct message *message,
                                      struct message_error *error, int *left);

/* The text for an errno that a function of this header has set. */
const char *server_link_error_text(int error);

#endif
