/* Flood control: throttles and disconnects connections that send faster than the server reads. */
#include "server/net/flood_control.h"

#include <czmq.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/tcp_socket.h"

/* Connections that are inspected in one run although they have not changed, in turns: about 0.5 ms.
 */
#define INSPECTED_MAX 500

/* Changes that one call of epoll_wait() returns. */
#define EVENTS_AT_ONCE 256

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
    traffic_abandon(&flood->connections->totals, &connection->traffic);
    connections_set_active(flood->connections, connection, true);
    throttle(connection);
}

void flood_control_disconnect(struct flood_control *flood, struct connection *connection,
                              const char *why)
{
    if (!connection)
        return;
    lose(flood, connection, why);
    traffic_abandon(&flood->connections->totals, &connection->traffic);
    connection->traffic.throttled = false;
    disconnect(connection);
}

static void warn_throttled(struct flood_control *flood, struct connection *connection)
{
    log_limit_client(flood->log, LOG_KIND_THROTTLED, LEVEL_WARNING, "throttled the connection from",
                     address_of(connection), "it sends faster than this server reads");
}

static void judge(struct flood_control *flood, struct connection *connection, uint64_t limit,
                  int64_t now_ns)
{
    struct traffic *traffic = &connection->traffic;

    switch (traffic_judge(&flood->connections->totals, traffic, limit, now_ns)) {
    case VERDICT_NONE: break;
    case VERDICT_THROTTLE: warn_throttled(flood, connection); break;
    case VERDICT_RESUME: tcp_throttle(connection->fd, false); break;
    case VERDICT_ABANDON: lose(flood, connection, "its message does not end"); break;
    case VERDICT_DISCONNECT: disconnect(connection); break;
    }
    if (traffic->throttled) /* at each inspection, because another connection may have had the
                               descriptor */
        throttle(connection);
}

/* ---- inspection -------------------------------------------------------------------------- */

bool flood_control_init(struct flood_control *flood)
{
    flood->epoll = epoll_create1(EPOLL_CLOEXEC);
    return flood->epoll != -1;
}

void flood_control_clear(struct flood_control *flood)
{
    if (flood->epoll != -1)
        close(flood->epoll);
    flood->epoll = -1;
}

/* libzmq reads from the connections in another thread, so without EPOLLOUT epoll(7) misses changes.
 * The kernel removes a descriptor that libzmq closes. */
void flood_control_watch(struct flood_control *flood, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = connection->fd};

    if (epoll_ctl(flood->epoll, EPOLL_CTL_ADD, connection->fd, &event) == -1)
        epoll_ctl(flood->epoll, EPOLL_CTL_MOD, connection->fd, &event);
    tcp_throttle(connection->fd, false); /* the filter of the connection before */
    if (traffic_throttle_new(&flood->connections->totals, &connection->traffic))
        throttle(connection);
    connections_set_active(flood->connections, connection, true);
}

/* Moves the connections that have changed to the head of the active ones. Returns their number. */
static size_t find_changed(struct flood_control *flood)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    size_t changed = 0;
    int count;

    do {
        count = epoll_wait(flood->epoll, events, EVENTS_AT_ONCE, 0);
        for (int i = 0; i < count; i++) {
            struct connection *connection = connections_at(flood->connections, events[i].data.fd);
            if (connection) {
                connections_inspect_next(flood->connections, connection);
                changed++;
            }
        }
    } while (count == EVENTS_AT_ONCE);
    return changed;
}

static void count_at(struct flood_control *flood, struct connection *connection, int64_t now_ns)
{
    struct tcp_counts counts = tcp_counts(connection->fd);

    traffic_inspect(&flood->connections->totals, &connection->traffic, &counts, now_ns);
}

void flood_control_count(struct flood_control *flood, struct connection *connection)
{
    count_at(flood, connection, zclock_usecs() * NS_PER_US);
}

/* Takes the connection from the head of the active ones and judges it. */
static void judge_next(struct flood_control *flood, uint64_t limit, int64_t now_ns)
{
    struct connections *connections = flood->connections;
    struct connection *connection = TAILQ_FIRST(&connections->active);

    connections_set_active(connections, connection, false);
    judge(flood, connection, limit, now_ns);
    if (traffic_is_active(&connection->traffic))
        connections_set_active(connections, connection, true);
}

bool flood_control_inspect(struct flood_control *flood, int64_t now_ns)
{
    struct connections *connections = flood->connections;
    struct connection *connection;
    size_t most = find_changed(flood) + INSPECTED_MAX, inspected = 0;

    TAILQ_FOREACH (connection, &connections->active, in_active) {
        if (inspected == most)
            break;
        count_at(flood, connection, now_ns);
        inspected++;
    }
    uint64_t limit = traffic_limit(&connections->totals);
    for (size_t i = 0; i < inspected; i++)
        judge_next(flood, limit, now_ns);
    return inspected > 0;
}

void flood_control_resume_all(struct flood_control *flood)
{
    const struct connections *connections = flood->connections;

    for (size_t fd = 0; fd < connections->size; fd++)
        if (connections->by_fd[fd] && connections->by_fd[fd]->traffic.throttled)
            tcp_throttle((int)fd, false);
}
