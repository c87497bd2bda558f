/* Finds sockets that TCP has connected to themselves. */
#include "dial/self_connection.h"

#include <string.h>
#include <sys/socket.h>

bool self_connection_found(int fd)
{
    static const struct linger reset_on_close = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_storage own, peer;
    socklen_t own_size = sizeof own, peer_size = sizeof peer;

    memset(&own, 0, sizeof own);
    memset(&peer, 0, sizeof peer);
    bool found = getsockname(fd, (struct sockaddr *)&own, &own_size) == 0 &&
                 getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0 &&
                 (own.ss_family == AF_INET || own.ss_family == AF_INET6) && own_size == peer_size &&
                 memcmp(&own, &peer, own_size) == 0;
    if (found)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof reset_on_close);
    return found;
}
