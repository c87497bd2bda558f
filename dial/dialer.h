/* Dials an endpoint over libzmq, round after round, until the first ZMTP handshake.
 *
 * A round looks the name up, probes each address with a TCP socket, and dials each address that a
 * probe has reached with a DEALER socket of its own. The first handshake wins; the other sockets
 * are closed. If a handshake does not end in time, its socket is closed. After a round without a
 * handshake, the next round begins after a pause.
 *
 * One small race is left: if an address fails between the probe and the dial of libzmq, libzmq gets
 * the error that a later probe would have found.
 *
 * One thread, which never waits. */
#ifndef MEANTIME_DIAL_DIALER_H
#define MEANTIME_DIAL_DIALER_H

#include <stdbool.h>
#include <stdint.h>

#include "dial/failure.h"
#include "keys/identity.h"

/* The descriptors that a dialer needs for a first address: an epoll set, a prober and its probe, a
 * socket, its monitor (two) and its connection. */
#define DIALER_DESCRIPTORS 8

struct dialer_settings {
    void *zmq;          /* libzmq's context */
    unsigned *monitors; /* counts the monitors of the context: each has its own name */
    bool (*set_options)(void *dealer); /* sets the owner's options; false: errno says why */
    const struct identity *identity;   /* the caller's keys; NULL: without encryption */
    int64_t pause_ns_max;              /* longest pause between two rounds; the first is 10 ms */
};

struct dialer;

enum dialer_event {
    DIALER_NOTHING,
    DIALER_REACHED,   /* once in a round: an address accepts connections, a handshake follows */
    DIALER_CONNECTED, /* call dialer_take() */
    DIALER_FAILED,    /* a round has failed, and the next one has begun; see dialer_failure() */
    DIALER_BROKEN,    /* no further round can begin: errno says why */
};

/* Returns whether libzmq can dial the endpoint. Does not connect and does not look a name up.
 * zmq: libzmq's context. False: errno says why. */
bool dialer_accepts(void *zmq, const char *endpoint);

/* Begins the first round. settings: kept, not copied; endpoint: copied.
 * NULL: errno says why. */
struct dialer *dialer_new(const struct dialer_settings *settings, const char *endpoint);

/* Closes all its sockets. Accepts NULL, leaves NULL. */
void dialer_destroy(struct dialer **dialer);

/* Readable while dialer_next() has work to do. Stays the same. */
int dialer_fd(const struct dialer *dialer);

/* Does the work that is due, and returns the next event. Call it until it returns DIALER_NOTHING.
 */
enum dialer_event dialer_next(struct dialer *dialer);

/* After DIALER_CONNECTED: passes the connected socket and its monitor to the caller, who closes
 * both and then destroys the dialer. The monitor reports ZMQ_EVENT_DISCONNECTED. libzmq does not
 * reconnect the socket. */
void dialer_take(struct dialer *dialer, void **dealer, void **monitor);

/* Why the last round has failed. Valid until the next round fails or the dialer is destroyed. */
const struct dial_failure *dialer_failure(const struct dialer *dialer);

#endif
