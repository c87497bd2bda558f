/* Connections by file descriptor: which connection a message belongs to, and how many bytes are
 * unread. */
#include "server/net/connections.h"

#include <stdlib.h>
#include <string.h>

void connections_init(struct connections *connections)
{
    *connections = (struct connections){.round = 1};
    TAILQ_INIT(&connections->silent);
}

void connections_clear(struct connections *connections)
{
    for (size_t i = 0; i < connections->size; i++)
        free(connections->by_fd[i]);
    free(connections->by_fd);
    connections_init(connections);
}

static bool make_room(struct connections *connections, size_t index)
{
    size_t size = 2 * index + 64;

    if (index < connections->size)
        return true;
    struct connection **grown = realloc(connections->by_fd, size * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + connections->size, 0, (size - connections->size) * sizeof *grown);
    connections->by_fd = grown;
    connections->size = size;
    return true;
}

static struct connection *connection_new(int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        return NULL;
    connection->fd = fd;
    TAILQ_INIT(&connection->senders);
    TAILQ_INIT(&connection->kept);
    return connection;
}

static void set_silent(struct connections *connections, struct connection *connection, bool silent)
{
    if (connection->silent == silent)
        return;
    connection->silent = silent;
    if (silent)
        TAILQ_INSERT_TAIL(&connections->silent, connection, in_silent);
    else
        TAILQ_REMOVE(&connections->silent, connection, in_silent);
    connections->silent_count += silent ? 1 : (size_t)-1;
}

void connections_speak(struct connections *connections, struct connection *connection)
{
    set_silent(connections, connection, false);
}

struct connection *connections_silent(struct connections *connections, int64_t now_ns, bool all)
{
    struct connection *oldest = TAILQ_FIRST(&connections->silent);

    if (!oldest || (!all && (connections->silent_count <= SILENT_MANY ||
                             oldest->opened_at_ns + SILENT_NS > now_ns)))
        return NULL;
    set_silent(connections, oldest, false);
    return oldest;
}

void connections_open(struct connections *connections, int fd, int64_t now_ns)
{
    if (!make_room(connections, (size_t)fd))
        return;
    struct connection **connection = &connections->by_fd[fd];
    if (!*connection)
        *connection = connection_new(fd);
    if (!*connection || (*connection)->open)
        return;
    (*connection)->open = true;
    (*connection)->opened_at_ns = now_ns;
    set_silent(connections, *connection, true);
    connections->open_count++;
}

void connections_close(struct connections *connections, int fd)
{
    struct connection *connection = connections_at(connections, fd);

    if (!connection)
        return;
    if (connection->ended_in != connections->round)
        connection->ended_unread = false;
    connection->ended_unread |= !connection->first_message_read;
    connection->ended_in = connections->round;
    set_silent(connections, connection, false);
    connection->open = connection->abandoned = connection->first_message_read =
        connection->throttled = false;
    connection->read_bytes = connection->read_in = connection->unread_bytes = 0;
    connection->unchanged = 0;
    connections->open_count--;
}

void connections_all_read(struct connections *connections)
{
    connections->round++;
}

struct connection *connections_at(const struct connections *connections, int fd)
{
    if (fd < 0 || (size_t)fd >= connections->size || !connections->by_fd[fd])
        return NULL;
    return connections->by_fd[fd]->open ? connections->by_fd[fd] : NULL;
}

/* ---- unread bytes ------------------------------------------------------------------------ */

void connections_read(const struct connections *connections, struct connection *connection,
                      size_t bytes)
{
    connection->read_bytes += bytes;
    connection->read_in = connections->round;
}

/* True once after each message of this connection, when the server has read all messages:
 * connection_settle() resets read_in. So if a message does not end, the inspections count at most
 * UNREAD_BYTES_FAIR of its bytes as read. */
static bool all_read(const struct connections *connections, const struct connection *connection)
{
    return connection->read_in > 0 && connection->read_in < connections->round;
}

/* Counts the unread bytes as read. */
static void connection_settle(struct connection *connection)
{
    connection->read_bytes += connection->unread_bytes;
    connection->read_in = connection->unread_bytes = 0;
}

void connections_inspect(const struct connections *connections, struct connection *connection,
                         uint64_t received_bytes)
{
    uint64_t before = connection->unread_bytes;

    if (connection->read_bytes > received_bytes)
        connection->read_bytes = received_bytes;
    connection->unread_bytes = received_bytes - connection->read_bytes;
    if (connection->unread_bytes != before)
        connection->unchanged = 0;
    else if (connection->inspected_in < connections->round)
        connection->unchanged++;
    connection->inspected_in = connections->round;
    if (all_read(connections, connection) && connection->unread_bytes <= UNREAD_BYTES_FAIR)
        connection_settle(connection);
}

/* The connections with more than UNREAD_BYTES_FAIR unread bytes share UNREAD_BYTES_MAX. */
uint64_t connections_limit(const struct connections *connections)
{
    uint64_t unread_bytes = 0, sharers = 0;

    for (size_t fd = 0; fd < connections->size; fd++) {
        const struct connection *connection = connections_at(connections, (int)fd);
        if (!connection || connection->abandoned)
            continue;
        unread_bytes += connection->unread_bytes;
        sharers += connection->unread_bytes > UNREAD_BYTES_FAIR;
    }
    if (unread_bytes <= UNREAD_BYTES_MAX || sharers == 0)
        return UINT64_MAX;
    uint64_t share = UNREAD_BYTES_MAX / sharers;
    return share > UNREAD_BYTES_FAIR ? share : UNREAD_BYTES_FAIR;
}

static enum verdict judge(const struct connections *connections, struct connection *connection,
                          uint64_t limit)
{
    if (connection->abandoned)
        return connection->throttled && connection->throttled_in < connections->round
                   ? VERDICT_DISCONNECT
                   : VERDICT_NONE;
    if (!connection->throttled)
        return connection->unread_bytes > limit ? VERDICT_THROTTLE : VERDICT_NONE;
    if (connection->unread_bytes <= UNREAD_BYTES_FAIR)
        return VERDICT_RESUME;
    return connection->unchanged < UNCHANGED_MAX ? VERDICT_NONE : VERDICT_ABANDON;
}

static void connection_throttle(const struct connections *connections,
                                struct connection *connection)
{
    connection->throttled = true;
    connection->throttled_in = connections->round;
    connection->unchanged = 0;
}

void connections_abandon(const struct connections *connections, struct connection *connection)
{
    connection->abandoned = true;
    connection_throttle(connections, connection);
}

enum verdict connections_judge(const struct connections *connections, struct connection *connection,
                               uint64_t limit)
{
    enum verdict verdict = judge(connections, connection, limit);

    switch (verdict) {
    case VERDICT_NONE: break;
    case VERDICT_THROTTLE: connection_throttle(connections, connection); break;
    case VERDICT_ABANDON: connections_abandon(connections, connection); break;
    case VERDICT_RESUME:
    case VERDICT_DISCONNECT: connection->throttled = false; break;
    }
    return verdict;
}

/* ---- origin of a message ----------------------------------------------------------------- */

/* If a peer brings no id, the ROUTER makes one: a zero byte and a number that is counted up. */
bool connections_id_number(const uint8_t *id, uint8_t id_size, uint32_t *number)
{
    if (id_size != 5 || id[0] != 0)
        return false;
    *number = (uint32_t)id[1] << 24 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 8 | id[4];
    return true;
}

/* The ROUTER numbers connections in the order of their arrival. So a number after the last known
 * one at this descriptor belongs to a newer connection. An id that a peer has brought may be used
 * again, and a connection from which no message was read may have any id. */
static bool is_certainly_newer(const struct connection *connection, const uint8_t *id,
                               uint8_t id_size)
{
    uint32_t number;

    if (connection->ended_unread)
        return false;
    if (id_size == 0)
        return true;
    return connections_id_number(id, id_size, &number) &&
           (!connection->numbered || (int32_t)(number - connection->last_number) > 0);
}

static void connection_learn_id(struct connection *connection, const uint8_t *id, uint8_t id_size)
{
    uint32_t number;

    connection->first_message_read = true;
    connection->id_size = id_size;
    memcpy(connection->id, id, id_size);
    if (connections_id_number(id, id_size, &number)) {
        connection->numbered = true;
        connection->last_number = number;
    }
}

static bool same_id(const struct connection *connection, const uint8_t *id, uint8_t id_size)
{
    return connection->id_size == id_size && memcmp(connection->id, id, id_size) == 0;
}

/* An id that the ROUTER has made is never used for another connection. */
bool connections_is_certain(const struct connection *connection, const uint8_t *id, uint8_t id_size)
{
    uint32_t number;

    return connection && connection->first_message_read && !connection->abandoned &&
           connections_id_number(id, id_size, &number) && same_id(connection, id, id_size);
}

enum origin connections_origin(const struct connections *connections, struct connection *connection,
                               const uint8_t *id, uint8_t id_size)
{
    if (connection->abandoned)
        return ORIGIN_ANOTHER;
    if (connection->first_message_read)
        return same_id(connection, id, id_size) ? ORIGIN_THIS : ORIGIN_ANOTHER;
    if (connection->ended_in == connections->round && !is_certainly_newer(connection, id, id_size))
        return ORIGIN_UNSURE;
    connection_learn_id(connection, id, id_size);
    return ORIGIN_THIS;
}
