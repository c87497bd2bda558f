/* The events of a socket's connections. */
#include "server/net/monitor.h"

#include <string.h>

#include "proto/errno_saved.h"

#define ADDRESS_BYTES 64

/* The pipe has no limit. With a limit, libzmq's I/O thread would wait for room in the pipe. */
static zsock_t *monitor_connect(const char *address)
{
    zsock_t *monitor = zsock_new(ZMQ_PAIR);

    if (!monitor)
        return NULL;
    zsock_set_rcvhwm(monitor, 0);
    if (zsock_connect(monitor, "%s", address) == -1)
        zsock_destroy(&monitor);
    return monitor;
}

zsock_t *monitor_new(void *socket, int events)
{
    char address[ADDRESS_BYTES];

    snprintf(address, sizeof address, "inproc://monitor-%p", socket);
    if (zmq_socket_monitor(socket, address, events) == -1)
        return NULL;
    zsock_t *monitor = monitor_connect(address);
    if (!monitor)
        ERRNO_SAVED(zmq_socket_monitor(socket, NULL, 0));
    return monitor;
}

void monitor_destroy(zsock_t **monitor, void *socket)
{
    if (!*monitor)
        return;
    zmq_socket_monitor(socket, NULL, 0);
    zsock_destroy(monitor);
}

/* An event is two frames. The first has its number and value, the second an endpoint. */
bool monitor_next(zsock_t *monitor, uint16_t *event, int32_t *value)
{
    uint8_t frame[sizeof *event + sizeof *value];
    void *handle = zsock_resolve(monitor);

    if (zmq_recv(handle, frame, sizeof frame, ZMQ_DONTWAIT) != sizeof frame)
        return false;
    zmq_recv(handle, NULL, 0, ZMQ_DONTWAIT);
    memcpy(event, frame, sizeof *event);
    memcpy(value, frame + sizeof *event, sizeof *value);
    return true;
}
