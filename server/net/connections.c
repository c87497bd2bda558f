#include "server/net/connections.h"

#include <stdlib.h>
#include <string.h>

void connections_init(struct connections *connections)
{
    *connections = (struct connections){.round = 1};
}

void connections_clear(struct connections *connections)
{
    for (size_t i = 0; i < connections->size; i++)
        free(connections->by_fd[i]);
    free(connections->by_fd);
    connections_init(connections);
}

static bool room_make(struct connections *connections, size_t index)
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

void connections_open(struct connections *connections, int fd)
{
    if (!room_make(connections, (size_t)fd))
        return;
    struct connection **connection = &connections->by_fd[fd];
    if (!*connection)
        *connection = connection_new(fd);
    if (!*connection || (*connection)->open)
        return;
    (*connection)->open = true;
    connections->open_count++;
}

void connections_close(struct connections *connections, int fd)
{
    struct connection *connection = connections_at(connections, fd);

    if (!connection)
        return;
    if (connection->ended_in != connections->round)
        connection->ended_unheard = false;
    connection->ended_unheard |= !connection->heard;
    connection->ended_in = connections->round;
    connection->open = connection->given_up = connection->heard = connection->held = false;
    connection->read_bytes = connection->read_in = connection->unread_bytes = 0;
    connection->looks_still = 0;
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

/* ---- what is unread ---------------------------------------------------------------------- */

void connections_read(const struct connections *connections, struct connection *connection,
                      size_t bytes)
{
    connection->read_bytes += bytes;
    connection->read_in = connections->round;
}

/* Once after a message: of one that does not end no more than that can be overlooked. */
static bool all_read(const struct connections *connections, const struct connection *connection)
{
    return connection->read_in > 0 && connection->read_in < connections->round;
}

static void connection_settle(struct connection *connection)
{
    connection->read_bytes += connection->unread_bytes;
    connection->read_in = connection->unread_bytes = 0;
}

void connections_look(const struct connections *connections, struct connection *connection,
                      uint64_t received_bytes)
{
    uint64_t before = connection->unread_bytes;

    if (connection->read_bytes > received_bytes)
        connection->read_bytes = received_bytes;
    connection->unread_bytes = received_bytes - connection->read_bytes;
    if (connection->unread_bytes != before)
        connection->looks_still = 0;
    else if (connection->looked_in < connections->round)
        connection->looks_still++;
    connection->looked_in = connections->round;
    if (all_read(connections, connection) && connection->unread_bytes <= UNREAD_BYTES_FAIR)
        connection_settle(connection);
}

/* Those that have much share what there is for all. */
uint64_t connections_limit(const struct connections *connections)
{
    uint64_t unread_bytes = 0, many = 0;

    for (size_t fd = 0; fd < connections->size; fd++) {
        const struct connection *connection = connections_at(connections, (int)fd);
        if (!connection || connection->given_up)
            continue;
        unread_bytes += connection->unread_bytes;
        many += connection->unread_bytes > UNREAD_BYTES_FAIR;
    }
    if (unread_bytes <= UNREAD_BYTES_MAX || many == 0)
        return UINT64_MAX;
    uint64_t share = UNREAD_BYTES_MAX / many;
    return share > UNREAD_BYTES_FAIR ? share : UNREAD_BYTES_FAIR;
}

/* Where libzmq keeps some of each message to itself, and messages were read since the connection
 * was held, the rest is of those, or it will be found to be none the next time. */
static enum verdict judge_left(const struct connections *connections, struct connection *connection)
{
    if (connection->looks_still < LOOKS_STILL)
        return VERDICT_LET_BE;
    if (!connections->inexact || connection->read_in < connection->held_in)
        return VERDICT_GIVE_UP;
    connection_settle(connection);
    return VERDICT_RELEASE;
}

static enum verdict judge(const struct connections *connections, struct connection *connection,
                          uint64_t limit)
{
    if (connection->given_up)
        return connection->held && connection->held_in < connections->round ? VERDICT_CUT
                                                                            : VERDICT_LET_BE;
    if (!connection->held)
        return connection->unread_bytes > limit ? VERDICT_HOLD : VERDICT_LET_BE;
    return connection->unread_bytes <= UNREAD_BYTES_FAIR ? VERDICT_RELEASE
                                                         : judge_left(connections, connection);
}

static void connection_hold(const struct connections *connections, struct connection *connection)
{
    connection->held = true;
    connection->held_in = connections->round;
    connection->looks_still = 0;
}

void connections_give_up(const struct connections *connections, struct connection *connection)
{
    connection->given_up = true;
    connection_hold(connections, connection);
}

enum verdict connections_judge(const struct connections *connections, struct connection *connection,
                               uint64_t limit)
{
    enum verdict verdict = judge(connections, connection, limit);

    switch (verdict) {
    case VERDICT_LET_BE: break;
    case VERDICT_HOLD: connection_hold(connections, connection); break;
    case VERDICT_GIVE_UP: connections_give_up(connections, connection); break;
    case VERDICT_RELEASE:
    case VERDICT_CUT: connection->held = false; break;
    }
    return verdict;
}

/* ---- whose a message is ------------------------------------------------------------------ */

/* An id that the ROUTER made, for a peer that brought none: a zero and a number, counted up. */
static bool id_number(const uint8_t *id, uint8_t id_size, uint32_t *number)
{
    if (id_size != 5 || id[0] != 0)
        return false;
    *number = (uint32_t)id[1] << 24 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 8 | id[4];
    return true;
}

/* Numbers go to connections in the order in which they come, so that one after the last known at
 * this descriptor belongs to a newer connection. A name that a peer has brought may come back, and
 * one of which no message was read may have any. */
static bool surely_new(const struct connection *connection, const uint8_t *id, uint8_t id_size)
{
    uint32_t number;

    if (connection->ended_unheard)
        return false;
    if (id_size == 0)
        return true;
    return id_number(id, id_size, &number) &&
           (!connection->numbered || (int32_t)(number - connection->number) > 0);
}

static void connection_hear(struct connection *connection, const uint8_t *id, uint8_t id_size)
{
    uint32_t number;

    connection->heard = true;
    connection->id_size = id_size;
    memcpy(connection->id, id, id_size);
    if (id_number(id, id_size, &number)) {
        connection->numbered = true;
        connection->number = number;
    }
}

static bool same_id(const struct connection *connection, const uint8_t *id, uint8_t id_size)
{
    return connection->id_size == id_size && memcmp(connection->id, id, id_size) == 0;
}

/* No other connection has ever an id that the ROUTER made for this one. */
bool connections_surely(const struct connection *connection, const uint8_t *id, uint8_t id_size)
{
    uint32_t number;

    return connection && connection->heard && !connection->given_up &&
           id_number(id, id_size, &number) && same_id(connection, id, id_size);
}

enum origin connections_origin(const struct connections *connections, struct connection *connection,
                               const uint8_t *id, uint8_t id_size)
{
    if (connection->given_up)
        return ORIGIN_ANOTHER;
    if (connection->heard)
        return same_id(connection, id, id_size) ? ORIGIN_THIS : ORIGIN_ANOTHER;
    if (connection->ended_in == connections->round && !surely_new(connection, id, id_size))
        return ORIGIN_UNSURE;
    connection_hear(connection, id, id_size);
    return ORIGIN_THIS;
}
