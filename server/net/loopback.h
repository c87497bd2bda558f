/* Whether other machines can reach an endpoint. */
#ifndef MEANTIME_SERVER_NET_LOOPBACK_H
#define MEANTIME_SERVER_NET_LOOPBACK_H

#include <stdbool.h>

/* True if only this machine can reach the endpoint: ipc://, a loopback address in digits,
 * localhost, or a network interface whose address libzmq binds to is a loopback address. Looks no
 * name up, so every other name counts as that of another machine. */
bool endpoint_is_loopback(const char *endpoint);

#endif
