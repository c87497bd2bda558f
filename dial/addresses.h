/* The numeric addresses of an endpoint. */
#ifndef MEANTIME_DIAL_ADDRESSES_H
#define MEANTIME_DIAL_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "dial/failure.h"
#include "dial/plan.h"

/* Longer ones are refused. A Unix path has 107 bytes, a host name 253. */
#define DIAL_ENDPOINT_BYTES 320

struct dial_address {
    char endpoint[DIAL_ENDPOINT_BYTES]; /* numeric, for libzmq: such as "tcp://[::1]:8197" */
    struct sockaddr_storage socket;     /* for a probe */
    socklen_t socket_size;              /* 0: this transport is not probed */
};

struct dial_addresses {
    size_t count;    /* 1 to DIAL_ADDRESSES_MAX after a success */
    unsigned rounds; /* that have all addresses of the name, 1 or more */
    struct dial_address all[DIAL_ADDRESSES_MAX];
};

/* Looks up the addresses of `endpoint`. IPv4 and IPv6 addresses alternate, and the system's first
 * choice comes first. If the name has more than DIAL_ADDRESSES_MAX addresses, round 0 gets the
 * first ones, round 1 the next ones, and so on, and then the first ones again. An endpoint that is
 * not "tcp://" or "ipc://" is its own only address. May wait for a name server, up to minutes. Any
 * thread. */
bool dial_addresses_find(const char *endpoint, unsigned round, struct dial_addresses *addresses,
                         struct dial_failure *failure);

/* Checks the form of an endpoint. Writes into `checkable` (DIAL_ENDPOINT_BYTES) the endpoint with a
 * numeric host instead of a name, so that libzmq can check it without a name server.
 * False: errno is EINVAL. */
bool dial_endpoint_check(const char *endpoint, char *checkable);

#endif
