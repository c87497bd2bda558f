/* A helper thread that looks a name up and probes its addresses with sockets of its own.
 *
 * libzmq aborts the program if a connect() ends with an error that libzmq does not expect, such as
 * ENOPROTOOPT, EHOSTDOWN or EPROTO. It also waits 30 s for a silent peer, and does not notice that
 * TCP has connected a socket to itself. So libzmq only dials numeric addresses that a probe has
 * reached just before.
 *
 * getaddrinfo() may wait for minutes and cannot be cancelled. So the thread is detached: it shares
 * the prober with the owner, and the last one of them frees it. */
#ifndef MEANTIME_DIAL_PROBER_H
#define MEANTIME_DIAL_PROBER_H

#include <stdbool.h>
#include <stdint.h>

#include "dial/addresses.h"
#include "dial/failure.h"
#include "proto/instant.h"

/* How long libzmq may still take to connect when all addresses have been probed. */
#define PROBER_EXPIRY_NS (2 * NS_PER_S)

/* The descriptors of a prober, without those of its probes. */
#define PROBER_DESCRIPTORS 2

struct prober;

enum probe_type {
    PROBE_REACHED, /* libzmq may dial `endpoint` */
    PROBE_FAILED,  /* `failure` says why; `endpoint` is empty if the name was not found */
    PROBE_OVER,    /* all addresses have been probed */
    PROBE_EXPIRED, /* the last outcome: PROBER_EXPIRY_NS have passed since then */
};

struct probe {
    enum probe_type type;
    char endpoint[DIAL_ENDPOINT_BYTES];
    struct dial_failure failure;
    unsigned rounds; /* only of PROBE_OVER: the rounds that probe each address of the name */
};

/* Starts the thread. It waits for `pause_ns` before it looks the name up.
 * round: 0, 1, 2, ...: see dial_addresses_find().
 * NULL: errno says why: no memory, descriptor or thread is left. */
struct prober *prober_new(const char *endpoint, unsigned round, int64_t pause_ns);

/* Never waits. Accepts NULL, leaves NULL. */
void prober_destroy(struct prober **prober);

/* Readable while prober_next() has an outcome. */
int prober_fd(const struct prober *prober);

/* Takes the next outcome, or returns false. Never waits. */
bool prober_next(struct prober *prober, struct probe *probe);

#endif
