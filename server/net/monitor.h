/* The events of a socket's connections, as libzmq reports them. Owned by the socket's thread. */
#ifndef MEANTIME_SERVER_NET_MONITOR_H
#define MEANTIME_SERVER_NET_MONITOR_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

/* Opens a socket that reports the `events` of `socket`: ZMQ_EVENT_ flags, or-ed. socket: libzmq's
 * own handle, with at most one monitor. NULL with errno set on failure. */
zsock_t *monitor_new(void *socket, int events);

/* Destroy the monitor before its socket. */
void monitor_destroy(zsock_t **monitor, void *socket);

/* Takes the next event, or returns false. Never waits.
 * event: one ZMQ_EVENT_ flag.
 * value: a file descriptor, an errno value or nothing, see zmq_socket_monitor(3). */
bool monitor_next(zsock_t *monitor, uint16_t *event, int32_t *value);

#endif
