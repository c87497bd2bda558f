/* Whose a message is that is read late. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "server/net/connections.h"
#include "tests/unit/chance.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* The id that a ROUTER makes of a number. Its size. */
static uint8_t number_id(uint32_t number, uint8_t *id)
{
    for (int i = 0; i < 4; i++)
        id[i + 1] = (uint8_t)(number >> (24 - 8 * i));
    id[0] = 0;
    return 5;
}

/* ---- stories ----------------------------------------------------------------------------- */

#define FD 7

/* What happens at one descriptor: "open", "close", "all read", "give up", or the id of a message,
 * such as "#3" for the third that a ROUTER gives, "name", or "" for none; and then whose it is. */
struct row {
    const char *happens;
    const char *whose;
};

static const char *whose(const struct connections *connections, const char *text)
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

static void happen(struct connections *connections, const struct row *row)
{
    if (row->whose)
        cr_assert_str_eq(whose(connections, row->happens), row->whose, "%s", row->happens);
    else if (strcmp(row->happens, "open") == 0)
        connections_open(connections, FD);
    else if (strcmp(row->happens, "close") == 0)
        connections_close(connections, FD);
    else if (strcmp(row->happens, "all read") == 0)
        connections_all_read(connections);
    else
        connections_at(connections, FD)->given_up = true;
}

static void tell(const struct row *rows, size_t count)
{
    struct connections connections;

    connections_init(&connections);
    for (size_t i = 0; i < count; i++)
        happen(&connections, &rows[i]);
    connections_clear(&connections);
}

Test(connections, a_message_is_of_the_connection_that_is_open)
{
    static const struct row rows[] = {
        {"#1", "none"}, {"open", NULL},  {"#1", "this"},
        {"#1", "this"}, {"close", NULL}, {"#1", "none"},
    };

    tell(rows, LENGTH(rows));
}

Test(connections, what_one_left_behind_is_not_of_the_next)
{
    static const struct row rows[] = {
        {"open", NULL},   {"#1", "this"}, {"close", NULL},   {"open", NULL},
        {"#1", "unsure"}, {"#2", "this"}, {"#1", "another"},
    };

    tell(rows, LENGTH(rows));
}

Test(connections, the_first_message_after_one_that_was_never_heard_is_unsure_until_all_is_read)
{
    static const struct row rows[] = {
        {"open", NULL},   {"close", NULL},    {"open", NULL}, {"#1", "unsure"},
        {"#2", "unsure"}, {"all read", NULL}, {"#2", "this"}, {"#1", "another"},
    };

    tell(rows, LENGTH(rows));
}

Test(connections, a_name_that_comes_back_is_unsure_until_all_is_read)
{
    static const struct row rows[] = {
        {"open", NULL},     {"name", "this"},   {"close", NULL},  {"open", NULL},
        {"name", "unsure"}, {"all read", NULL}, {"name", "this"}, {"name", "this"},
    };

    tell(rows, LENGTH(rows));
}

Test(connections, one_that_was_never_heard_is_remembered_until_all_is_read)
{
    static const struct row rows[] = {
        {"open", NULL},   {"close", NULL}, {"open", NULL},     {"close", NULL}, {"open", NULL},
        {"#5", "unsure"}, {"close", NULL}, {"all read", NULL}, {"open", NULL},  {"#6", "this"},
        {"close", NULL},  {"open", NULL},  {"#7", "this"},
    };

    tell(rows, LENGTH(rows));
}

Test(connections, numbers_start_again_at_0)
{
    static const struct row rows[] = {
        {"open", NULL}, {"#4294967295", "this"}, {"close", NULL}, {"open", NULL}, {"#0", "this"},
    };

    tell(rows, LENGTH(rows));
}

/* REP tells no id: who has been heard before is taken to have nothing left to say. */
Test(connections, without_ids_only_those_that_were_never_heard_make_doubt)
{
    static const struct row rows[] = {
        {"open", NULL}, {"", "this"},    {"close", NULL},    {"open", NULL},
        {"", "this"},   {"close", NULL}, {"open", NULL},     {"close", NULL},
        {"open", NULL}, {"", "unsure"},  {"all read", NULL}, {"", "this"},
    };

    tell(rows, LENGTH(rows));
}

Test(connections, of_one_that_is_given_up_nothing_is_heard_until_it_ends)
{
    static const struct row rows[] = {
        {"open", NULL},    {"#1", "this"},     {"give up", NULL},
        {"#1", "another"}, {"all read", NULL}, {"#1", "another"},
        {"close", NULL},   {"open", NULL},     {"#2", "this"},
    };

    tell(rows, LENGTH(rows));
}

/* Before it is known whether the connection has ended meanwhile. */
Test(connections, only_an_id_that_the_router_made_is_sure)
{
    struct connections connections;
    uint8_t id[5], name[] = "name";
    uint8_t size = number_id(1, id);

    connections_init(&connections);
    connections_open(&connections, FD);
    struct connection *connection = connections_at(&connections, FD);
    cr_assert(!connections_surely(NULL, id, size));
    cr_assert(!connections_surely(connection, id, size));
    connections_origin(&connections, connection, id, size);
    cr_assert(connections_surely(connection, id, size));
    cr_assert(!connections_surely(connection, name, 4));
    connection->given_up = true;
    cr_assert(!connections_surely(connection, id, size));
    connections_close(&connections, FD);
    connections_open(&connections, FD);
    cr_assert(!connections_surely(connection, id, size));
    connections_all_read(&connections);
    connections_origin(&connections, connection, name, 4);
    cr_assert(!connections_surely(connection, name, 4));
    connections_clear(&connections);
}

/* ---- what is unread ---------------------------------------------------------------------- */

#define KIB UINT64_C(1024)

static struct connection *opened(struct connections *connections, int fd)
{
    connections_open(connections, fd);
    return connections_at(connections, fd);
}

Test(connections, what_is_no_message_is_taken_for_read_once_all_messages_are)
{
    struct connections connections;

    connections_init(&connections);
    struct connection *connection = opened(&connections, FD);
    connections_look(&connections, connection, 100);
    cr_assert(connection->unread_bytes == 100, "a handshake, or what will be a message");
    connections_read(&connections, connection, 30);
    connections_look(&connections, connection, 130);
    cr_assert(connection->unread_bytes == 100);
    connections_all_read(&connections);
    connections_look(&connections, connection, 130);
    cr_assert(connection->unread_bytes == 0);
    connections_look(&connections, connection, 1000 * KIB);
    cr_assert(connection->unread_bytes == 1000 * KIB - 130, "nothing was read since");
    connections_read(&connections, connection, 10);
    connections_all_read(&connections);
    connections_look(&connections, connection, 1000 * KIB);
    cr_assert(connection->unread_bytes == 1000 * KIB - 140, "that is more than a little");
    connections_clear(&connections);
}

/* What its predecessor left may be taken for its own. */
Test(connections, no_more_can_be_read_than_has_come)
{
    struct connections connections;

    connections_init(&connections);
    struct connection *connection = opened(&connections, FD);
    connections_read(&connections, connection, 900);
    connections_look(&connections, connection, 300);
    cr_assert(connection->unread_bytes == 0);
    connections_look(&connections, connection, 500);
    cr_assert(connection->unread_bytes == 200);
    connections_close(&connections, FD);
    connections_look(&connections, opened(&connections, FD), 70);
    cr_assert(connection->unread_bytes == 70, "the next begins anew");
    connections_clear(&connections);
}

/* Unread bytes of each connection, and the limit; 0: none. */
static const struct {
    uint64_t unread[4];
    uint64_t limit;
} shares[] = {
    {{4096 * KIB}, 0},
    {{4097 * KIB}, 4096 * KIB},
    {{2048 * KIB, 2048 * KIB}, 0},
    {{2048 * KIB, 2041 * KIB, 8 * KIB}, 2048 * KIB},
    {{1000 * KIB, 1000 * KIB, 1000 * KIB, 16000 * KIB}, 1024 * KIB},
};

Test(connections, those_that_have_much_unread_share_what_there_is)
{
    for (size_t i = 0; i < LENGTH(shares); i++) {
        struct connections connections;
        connections_init(&connections);
        for (int fd = 0; fd < 4; fd++)
            connections_look(&connections, opened(&connections, fd), shares[i].unread[fd]);
        uint64_t limit = connections_limit(&connections);
        cr_assert(limit == (shares[i].limit ? shares[i].limit : UINT64_MAX), "row %zu", i);
        connections_clear(&connections);
    }
}

Test(connections, however_many_share_each_may_have_a_little)
{
    struct connections connections;

    connections_init(&connections);
    for (int fd = 0; fd < 1000; fd++)
        connections_look(&connections, opened(&connections, fd), 9 * KIB);
    cr_assert(connections_limit(&connections) == 8 * KIB);
    for (int fd = 0; fd < 600; fd++)
        connections_give_up(&connections, connections_at(&connections, fd));
    cr_assert(connections_limit(&connections) == UINT64_MAX,
              "those that are given up count no more");
    connections_clear(&connections);
}

/* Looks in a row: what has come on one connection in all, how much of that has been read, whether
 * all that can be read has been; and what is to be done. */
struct glance {
    uint64_t came;
    uint64_t read;
    bool all;
    enum verdict verdict;
};

static void glance_at(bool inexact, const struct glance *glances, size_t count)
{
    struct connections connections;
    uint64_t read = 0;

    connections_init(&connections);
    connections.inexact = inexact;
    struct connection *connection = opened(&connections, FD);
    for (size_t i = 0; i < count; i++) {
        if (glances[i].read > read)
            connections_read(&connections, connection, glances[i].read - read);
        read = glances[i].read;
        if (glances[i].all)
            connections_all_read(&connections);
        connections_look(&connections, connection, glances[i].came);
        enum verdict verdict =
            connections_judge(&connections, connection, connections_limit(&connections));
        cr_assert(verdict == glances[i].verdict, "glance %zu: %d", i, (int)verdict);
    }
    connections_clear(&connections);
}

Test(connections, of_which_too_much_is_unread_is_held_until_it_is_read)
{
    static const struct glance glances[] = {
        {4096 * KIB, 0, false, VERDICT_LET_BE},
        {4097 * KIB, 0, false, VERDICT_HOLD},
        {4500 * KIB, 900 * KIB, false, VERDICT_LET_BE},
        {4500 * KIB, 4400 * KIB, true, VERDICT_LET_BE},
        {4500 * KIB, 4493 * KIB, false, VERDICT_RELEASE}, /* others may have more to be read */
        {9000 * KIB, 4493 * KIB, false, VERDICT_HOLD},
    };

    glance_at(false, glances, LENGTH(glances));
}

/* libzmq may have some to pass on for a while, and some of it at a time. */
Test(connections, only_what_stays_as_it_is_while_all_is_read_is_a_message_that_does_not_end)
{
    static const struct glance glances[] = {
        {6000 * KIB, 0, false, VERDICT_HOLD},    {6000 * KIB, 0, true, VERDICT_LET_BE},
        {6000 * KIB, 0, true, VERDICT_LET_BE},   {6000 * KIB, 0, true, VERDICT_LET_BE},
        {6000 * KIB, 0, true, VERDICT_LET_BE},   {6000 * KIB, 90, true, VERDICT_LET_BE},
        {6000 * KIB, 90, true, VERDICT_LET_BE},  {6000 * KIB, 90, true, VERDICT_LET_BE},
        {6000 * KIB, 90, false, VERDICT_LET_BE}, {6000 * KIB, 90, true, VERDICT_LET_BE},
        {6000 * KIB, 90, true, VERDICT_LET_BE},  {6000 * KIB, 90, true, VERDICT_GIVE_UP},
        {6000 * KIB, 90, false, VERDICT_LET_BE}, {6000 * KIB, 90, true, VERDICT_CUT},
        {6000 * KIB, 90, true, VERDICT_LET_BE},
    };

    glance_at(false, glances, LENGTH(glances));
}

Test(connections, what_a_rep_does_not_tell_of_is_taken_for_read_but_not_twice)
{
    static const struct glance glances[] = {
        {6000 * KIB, 1000 * KIB, false, VERDICT_HOLD},
        {6000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {6000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {6000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {6000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {6000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {6000 * KIB, 1500 * KIB, true, VERDICT_RELEASE},
        {6000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {11000 * KIB, 1500 * KIB, true, VERDICT_HOLD},
        {11000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {11000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {11000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {11000 * KIB, 1500 * KIB, true, VERDICT_LET_BE},
        {11000 * KIB, 1500 * KIB, true, VERDICT_GIVE_UP},
    };

    glance_at(true, glances, LENGTH(glances));
}

/* Although it was held before, and all was read meanwhile. */
Test(connections, one_that_is_given_up_is_cut_when_all_is_read_anew)
{
    struct connections connections;

    connections_init(&connections);
    struct connection *connection = opened(&connections, FD);
    connections_look(&connections, connection, 6000 * KIB);
    cr_assert(connections_judge(&connections, connection, 0) == VERDICT_HOLD);
    connections_all_read(&connections);
    connections_give_up(&connections, connection);
    cr_assert(connections_judge(&connections, connection, 0) == VERDICT_LET_BE);
    connections_all_read(&connections);
    cr_assert(connections_judge(&connections, connection, 0) == VERDICT_CUT);
    cr_assert(!connection->held);
    connections_clear(&connections);
}

/* ---- seeds ------------------------------------------------------------------------------- */

#define FDS   3
#define STEPS 100000
#define PIPES 64
#define NAMES 3

/* A connection as libzmq has it: it may have ended, and there are messages of it to read. */
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

    TAILQ_FOREACH(pipe, &router->pipes, link)
    if (pipe->open && pipe->fd == fd)
        return pipe;
    return NULL;
}

/* libzmq does not listen to a peer that brings a name which is still in use. */
static bool name_is_taken(struct router *router, uint8_t name)
{
    struct pipe *pipe;

    TAILQ_FOREACH(pipe, &router->pipes, link)
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
    connections_open(&router->connections, fd);
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

    TAILQ_FOREACH(pipe, &router->pipes, link)
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

/* No message is ever taken for another's, and none of who is there is lost. */
Test(connections, whatever_happens_nobody_is_taken_for_another)
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
