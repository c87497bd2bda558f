/* What becomes of a socket's connections, as libzmq tells it. One thread, that of the socket. */
#ifndef MEANTIME_SERVER_NET_MONITOR_H
#define MEANTIME_SERVER_NET_MONITOR_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

/* A socket that tells the `events` (ZMQ_EVENT_..., or-ed) of `socket`, libzmq's own handle. One a
 * socket. NULL with errno set on failure. */
zsock_t *monitor_new(void *socket, int events);

/* Before its socket. */
void monitor_destroy(zsock_t **monitor, void *socket);

/* Takes the next event, or returns false. value: a file descriptor, an error or nothing: see
 * zmq_socket_monitor(3). Never waits. */
bool monitor_next(zsock_t *monitor, uint16_t *what, int32_t *value);

#endif
