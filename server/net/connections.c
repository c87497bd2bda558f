/* Connections by file descriptor: which connection a message belongs to, and the lists of silent
 * and active ones. */
#include "server/net/connections.h"

#include <stdlib.h>
#include <string.h>

void connections_init(struct connections *connections)
{
    *connections = (struct connections){.totals.round = 1};
    TAILQ_INIT(&connections->active);
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

void connections_set_active(struct connections *connections, struct connection *connection,
                            bool active)
{
    if (connection->active == active)
        return;
    connection->active = active;
    if (active)
        TAILQ_INSERT_TAIL(&connections->active, connection, in_active);
    else
        TAILQ_REMOVE(&connections->active, connection, in_active);
}

void connections_inspect_next(struct connections *connections, struct connection *connection)
{
    connections_set_active(connections, connection, false);
    connection->active = true;
    TAILQ_INSERT_HEAD(&connections->active, connection, in_active);
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
    if (connection->ended_in != connections->totals.round)
        connection->ended_unread = false;
    connection->ended_unread |= !connection->first_message_read;
    connection->ended_in = connections->totals.round;
    set_silent(connections, connection, false);
    connections_set_active(connections, connection, false);
    traffic_end(&connections->totals, &connection->traffic);
    connection->open = connection->first_message_read = false;
    connections->open_count--;
}

void connections_all_read(struct connections *connections)
{
    traffic_all_read(&connections->totals);
}

struct connection *connections_at(const struct connections *connections, int fd)
{
    if (fd < 0 || (size_t)fd >= connections->size || !connections->by_fd[fd])
        return NULL;
    return connections->by_fd[fd]->open ? connections->by_fd[fd] : NULL;
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

    return connection && connection->first_message_read && !connection->traffic.abandoned &&
           connections_id_number(id, id_size, &number) && same_id(connection, id, id_size);
}

enum origin connections_origin(const struct connections *connections, struct connection *connection,
                               const uint8_t *id, uint8_t id_size)
{
    if (connection->traffic.abandoned)
        return ORIGIN_ANOTHER;
    if (connection->first_message_read)
        return same_id(connection, id, id_size) ? ORIGIN_THIS : ORIGIN_ANOTHER;
    if (connection->ended_in == connections->totals.round &&
        !is_certainly_newer(connection, id, id_size))
        return ORIGIN_UNSURE;
    connection_learn_id(connection, id, id_size);
    return ORIGIN_THIS;
}
