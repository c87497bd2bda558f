/* Tests of connections.c: the origin of messages that are read late, and silent connections. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "server/net/connections.h"
#include "tests/support/chance.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* The id that a ROUTER makes from a number. Returns its size. */
static uint8_t number_id(uint32_t number, uint8_t *id)
{
    for (int i = 0; i < 4; i++)
        id[i + 1] = (uint8_t)(number >> (24 - 8 * i));
    id[0] = 0;
    return 5;
}

/* ---- stories ----------------------------------------------------------------------------- */

#define FD 7

/* One event at one descriptor. */
struct connection_row {
    const char
        *event; /* "open", "close", "all read", "abandon", or the id of a message: "#3" is the
                   third id that a ROUTER makes, "name" an id that the peer brings, "" none */
    const char *origin; /* of the message; NULL: the event is no message */
};

static const char *origin_of(const struct connections *connections, const char *text)
{
    static const char *const names[] = {
        [ORIGIN_THIS] = "this", [ORIGIN_ANOTHER] = "another", [ORIGIN_UNSURE] = "unsure"};
    struct connection *connection = connections_at(connections, FD);
    uint8_t id[UINT8_MAX];
    uint8_t size = (uint8_t)strlen(text);
    uint32_t number;

    memcpy(id, text, size);
    if (sscanf(text, "#%u", &number) == 1)
        size = number_id(number, id);
    return connection ? names[connections_origin(connections, connection, id, size)] : "none";
}

static void row_run(struct connections *connections, const struct connection_row *row)
{
    if (row->origin)
        cr_assert_str_eq(origin_of(connections, row->event), row->origin, "%s", row->event);
    else if (strcmp(row->event, "open") == 0)
        connections_open(connections, FD, 0);
    else if (strcmp(row->event, "close") == 0)
        connections_close(connections, FD);
    else if (strcmp(row->event, "all read") == 0)
        connections_all_read(connections);
    else
        connections_at(connections, FD)->traffic.abandoned = true;
}

static void rows_run(const struct connection_row *rows, size_t count)
{
    struct connections connections;

    connections_init(&connections);
    for (size_t i = 0; i < count; i++)
        row_run(&connections, &rows[i]);
    connections_clear(&connections);
}

Test(connections, a_message_is_of_the_connection_that_is_open)
{
    static const struct connection_row rows[] = {
        {"#1", "none"}, {"open", NULL},  {"#1", "this"},
        {"#1", "this"}, {"close", NULL}, {"#1", "none"},
    };

    rows_run(rows, LENGTH(rows));
}

Test(connections, a_message_of_an_ended_connection_is_not_of_the_next)
{
    static const struct connection_row rows[] = {
        {"open", NULL},   {"#1", "this"}, {"close", NULL},   {"open", NULL},
        {"#1", "unsure"}, {"#2", "this"}, {"#1", "another"},
    };

    rows_run(rows, LENGTH(rows));
}

Test(connections, the_first_message_after_an_unread_connection_is_unsure_until_all_is_read)
{
    static const struct connection_row rows[] = {
        {"open", NULL},   {"close", NULL},    {"open", NULL}, {"#1", "unsure"},
        {"#2", "unsure"}, {"all read", NULL}, {"#2", "this"}, {"#1", "another"},
    };

    rows_run(rows, LENGTH(rows));
}

Test(connections, a_name_that_is_used_again_is_unsure_until_all_is_read)
{
    static const struct connection_row rows[] = {
        {"open", NULL},     {"name", "this"},   {"close", NULL},  {"open", NULL},
        {"name", "unsure"}, {"all read", NULL}, {"name", "this"}, {"name", "this"},
    };

    rows_run(rows, LENGTH(rows));
}

Test(connections, an_unread_connection_is_remembered_until_all_is_read)
{
    static const struct connection_row rows[] = {
        {"open", NULL},   {"close", NULL}, {"open", NULL},     {"close", NULL}, {"open", NULL},
        {"#5", "unsure"}, {"close", NULL}, {"all read", NULL}, {"open", NULL},  {"#6", "this"},
        {"close", NULL},  {"open", NULL},  {"#7", "this"},
    };

    rows_run(rows, LENGTH(rows));
}

Test(connections, numbers_wrap_around_to_0)
{
    static const struct connection_row rows[] = {
        {"open", NULL}, {"#4294967295", "this"}, {"close", NULL}, {"open", NULL}, {"#0", "this"},
    };

    rows_run(rows, LENGTH(rows));
}

/* A REP socket shows no id. So after the first message of an ended connection, all its messages
 * count as read. */
Test(connections, without_ids_only_an_unread_connection_makes_the_next_unsure)
{
    static const struct connection_row rows[] = {
        {"open", NULL}, {"", "this"},    {"close", NULL},    {"open", NULL},
        {"", "this"},   {"close", NULL}, {"open", NULL},     {"close", NULL},
        {"open", NULL}, {"", "unsure"},  {"all read", NULL}, {"", "this"},
    };

    rows_run(rows, LENGTH(rows));
}

Test(connections, messages_of_an_abandoned_connection_are_dropped_until_it_ends)
{
    static const struct connection_row rows[] = {
        {"open", NULL},    {"#1", "this"},     {"abandon", NULL},
        {"#1", "another"}, {"all read", NULL}, {"#1", "another"},
        {"close", NULL},   {"open", NULL},     {"#2", "this"},
    };

    rows_run(rows, LENGTH(rows));
}

/* Such an id is certain even if the monitor has an unread event that the connection has ended. */
Test(connections, only_an_id_that_the_router_made_is_certain)
{
    struct connections connections;
    uint8_t id[5], name[] = "name";
    uint8_t size = number_id(1, id);

    connections_init(&connections);
    connections_open(&connections, FD, 0);
    struct connection *connection = connections_at(&connections, FD);
    cr_assert(!connections_is_certain(NULL, id, size));
    cr_assert(!connections_is_certain(connection, id, size));
    connections_origin(&connections, connection, id, size);
    cr_assert(connections_is_certain(connection, id, size));
    cr_assert(!connections_is_certain(connection, name, 4));
    connection->traffic.abandoned = true;
    cr_assert(!connections_is_certain(connection, id, size));
    connections_close(&connections, FD);
    connections_open(&connections, FD, 0);
    cr_assert(!connections_is_certain(connection, id, size));
    connections_all_read(&connections);
    connections_origin(&connections, connection, name, 4);
    cr_assert(!connections_is_certain(connection, name, 4));
    connections_clear(&connections);
}

/* ---- seeds ------------------------------------------------------------------------------- */

#define FDS   3
#define STEPS 100000
#define PIPES 64
#define NAMES 3

/* A connection in libzmq: it may have ended while its messages are still unread. */
struct pipe {
    int fd;
    bool open;
    uint8_t id[5];
    uint8_t id_size;
    uint32_t unread;
    TAILQ_ENTRY(pipe) link;
};
TAILQ_HEAD(pipe_list, pipe);

struct router {
    struct connections connections;
    struct pipe_list pipes;
    uint32_t numbers;
    struct chance chance;
};

static struct pipe *pipe_at(struct router *router, int fd)
{
    struct pipe *pipe;

    TAILQ_FOREACH (pipe, &router->pipes, link)
        if (pipe->open && pipe->fd == fd)
            return pipe;
    return NULL;
}

/* libzmq ignores a peer that brings an id which is still in use. */
static bool name_is_taken(struct router *router, uint8_t name)
{
    struct pipe *pipe;

    TAILQ_FOREACH (pipe, &router->pipes, link)
        if (pipe->id_size == 1 && pipe->id[0] == name)
            return true;
    return false;
}

static void pipe_open(struct router *router, int fd)
{
    struct pipe *pipe = calloc(1, sizeof *pipe);
    uint8_t name = (uint8_t)('a' + chance_next(&router->chance) % NAMES);

    *pipe = (struct pipe){.fd = fd, .open = true, .id = {name}, .id_size = 1};
    if (chance_next(&router->chance) % 2 || name_is_taken(router, name))
        pipe->id_size = number_id(router->numbers++, pipe->id);
    TAILQ_INSERT_TAIL(&router->pipes, pipe, link);
    connections_open(&router->connections, fd, 0);
}

static void pipe_end_if_done(struct router *router, struct pipe *pipe)
{
    if (pipe->open || pipe->unread > 0)
        return;
    TAILQ_REMOVE(&router->pipes, pipe, link);
    free(pipe);
}

static void pipe_close(struct router *router, struct pipe *pipe)
{
    pipe->open = false;
    connections_close(&router->connections, pipe->fd);
    pipe_end_if_done(router, pipe);
}

static struct pipe *pipe_to_read(struct router *router)
{
    struct pipe *unread[PIPES], *pipe;
    uint32_t count = 0;

    TAILQ_FOREACH (pipe, &router->pipes, link)
        if (pipe->unread > 0 && count < PIPES)
            unread[count++] = pipe;
    return count ? unread[chance_next(&router->chance) % count] : NULL;
}

static void read_one(struct router *router)
{
    struct pipe *pipe = pipe_to_read(router);

    if (!pipe) {
        connections_all_read(&router->connections);
        return;
    }
    struct connection *connection = connections_at(&router->connections, pipe->fd);
    enum origin sender =
        connection ? connections_origin(&router->connections, connection, pipe->id, pipe->id_size)
                   : ORIGIN_ANOTHER;
    cr_assert(sender != (pipe->open ? ORIGIN_ANOTHER : ORIGIN_THIS));
    pipe->unread--;
    pipe_end_if_done(router, pipe);
}

static void step(struct router *router)
{
    int fd = (int)(chance_next(&router->chance) % FDS);
    struct pipe *pipe = pipe_at(router, fd);
    uint64_t what = chance_next(&router->chance) % 8;

    if (!pipe)
        pipe_open(router, fd);
    else if (what == 0)
        pipe_close(router, pipe);
    else if (what < 4)
        pipe->unread++;
    else
        read_one(router);
}

/* No message is taken for a message of another connection, and no open connection loses a
 * message. */
Test(connections, no_sequence_of_events_mistakes_one_connection_for_another)
{
    struct router router = {.pipes = TAILQ_HEAD_INITIALIZER(router.pipes), .chance = chance_init()};
    struct pipe *pipe;

    connections_init(&router.connections);
    for (int i = 0; i < STEPS; i++)
        step(&router);
    while ((pipe = TAILQ_FIRST(&router.pipes))) {
        pipe->unread = 0;
        pipe->open = false;
        pipe_end_if_done(&router, pipe);
    }
    connections_clear(&router.connections);
}

/* ---- silence ----------------------------------------------------------------------------- */

Test(connections, the_oldest_silent_ones_are_named_while_many_are_silent)
{
    struct connections connections;

    connections_init(&connections);
    for (int fd = 0; fd < SILENT_MANY + 3; fd++)
        connections_open(&connections, fd, fd);
    connections_speak(&connections, connections_at(&connections, 0));
    cr_assert(!connections_silent(&connections, SILENT_NS, false), "none is silent for long");
    cr_assert(connections_silent(&connections, SILENT_NS + 1, false) ==
              connections_at(&connections, 1));
    cr_assert(!connections_silent(&connections, SILENT_NS + 1, false));
    cr_assert(connections_silent(&connections, SILENT_NS + 2, false) ==
              connections_at(&connections, 2));
    cr_assert(!connections_silent(&connections, 2 * SILENT_NS, false), "few are silent");
    connections_close(&connections, 3);
    for (int fd = 4; fd < SILENT_MANY + 3; fd++)
        cr_assert(connections_silent(&connections, 0, true) == connections_at(&connections, fd));
    cr_assert(!connections_silent(&connections, 0, true));
    connections_clear(&connections);
}

/* ---- inspections ------------------------------------------------------------------------- */

Test(connections, a_changed_connection_is_inspected_before_the_others)
{
    struct connections connections;

    connections_init(&connections);
    for (int fd = 0; fd < 3; fd++) {
        connections_open(&connections, fd, 0);
        connections_set_active(&connections, connections_at(&connections, fd), true);
    }
    connections_inspect_next(&connections, connections_at(&connections, 2));
    cr_assert(TAILQ_FIRST(&connections.active) == connections_at(&connections, 2));
    connections_close(&connections, 2);
    cr_assert(TAILQ_FIRST(&connections.active) == connections_at(&connections, 0));
    connections_clear(&connections);
}
