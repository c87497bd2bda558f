/* TCP connects a socket to itself if its own port, which the system chooses, is the port that the
 * socket dials, and no server listens there. Such a connection occupies the server's port. */
#ifndef MEANTIME_DIAL_SELF_CONNECTION_H
#define MEANTIME_DIAL_SELF_CONNECTION_H

#include <stdbool.h>

/* Returns whether `fd` is connected to itself. If so, closing `fd` resets the connection, which
 * frees the port at once. fd: any descriptor. */
bool self_connection_found(int fd);

#endif
