/* Flood control: throttles and disconnects connections that send faster than the server reads. */
#include "server/net/flood_control.h"

#include <sys/socket.h>

#include "server/net/tcp_socket.h"

static const char *address_of(struct connection *connection)
{
    if (!connection->first_message_read)
        tcp_peer(connection->fd, connection->peer, PEER_BYTES);
    return connection->peer;
}

/* If the filter cannot be attached, the connection is closed instead. */
static void throttle(const struct connection *connection)
{
    if (!tcp_throttle(connection->fd, true))
        shutdown(connection->fd, SHUT_RDWR);
}

/* Removes the filter first: libzmq closes a socket at once after the shutdown, and its peer must
 * see the end. If the connection has just ended, another connection may have its descriptor
 * already. Then this function disconnects the other connection, whose peer repeats its requests as
 * after any loss. */
static void disconnect(const struct connection *connection)
{
    tcp_throttle(connection->fd, false);
    shutdown(connection->fd, SHUT_RDWR);
}

static void lose(struct flood_control *flood, struct connection *connection, const char *why)
{
    log_limit_client(flood->log, LOG_KIND_ABANDONED, LEVEL_WARNING, "abandoned the connection from",
                     address_of(connection), why);
    senders_lose(flood->senders, connection);
}

void flood_control_abandon(struct flood_control *flood, struct connection *connection,
                           const char *why)
{
    lose(flood, connection, why);
    connections_abandon(flood->connections, connection);
    throttle(connection);
}

void flood_control_disconnect(struct flood_control *flood, struct connection *connection,
                              const char *why)
{
    if (!connection)
        return;
    lose(flood, connection, why);
    connection->abandoned = true;
    disconnect(connection);
}

static void warn_throttled(struct flood_control *flood, struct connection *connection)
{
    log_limit_client(flood->log, LOG_KIND_THROTTLED, LEVEL_WARNING, "throttled the connection from",
                     address_of(connection), "it sends faster than this server reads");
}

static void judge(struct flood_control *flood, struct connection *connection, uint64_t limit)
{
    switch (connections_judge(flood->connections, connection, limit)) {
    case VERDICT_NONE: break;
    case VERDICT_THROTTLE: warn_throttled(flood, connection); break;
    case VERDICT_RESUME: tcp_throttle(connection->fd, false); break;
    case VERDICT_ABANDON: lose(flood, connection, "its message does not end"); break;
    case VERDICT_DISCONNECT: disconnect(connection); break;
    }
    if (connection->throttled) /* at each inspection, because another connection may have had the
                                  descriptor */
        throttle(connection);
}

void flood_control_inspect(struct flood_control *flood)
{
    struct connections *connections = flood->connections;
    struct connection *connection;

    for (size_t fd = 0; fd < connections->size; fd++)
        if ((connection = connections_at(connections, (int)fd)))
            connections_inspect(connections, connection, tcp_received_bytes((int)fd));
    uint64_t limit = connections_limit(connections);
    for (size_t fd = 0; fd < connections->size; fd++)
        if ((connection = connections_at(connections, (int)fd)))
            judge(flood, connection, limit);
}

void flood_control_reset(int fd)
{
    tcp_throttle(fd, false);
}

void flood_control_resume_all(struct flood_control *flood)
{
    const struct connections *connections = flood->connections;

    for (size_t fd = 0; fd < connections->size; fd++)
        if (connections->by_fd[fd] && connections->by_fd[fd]->throttled)
            tcp_throttle((int)fd, false);
}
