#include "tests/sim/session/cables.h"

#include <errno.h>

#include "client/lib/server_link.h"
#include "tests/sim/session/scene.h"

/* As client/lib/server_link.c has them, but that of the first calls not every one is made. */
#define RETRY_NS     (40 * MS)
#define RETRY_NS_MAX (1 * S)

/* Of a connection that loses everything TCP tells after so long: UNHEARD_MS and the keepalives. */
#define UNHEARD_NS (10 * S)

void cables_init(struct scene *scene)
{
    struct cables *cables = &scene->cables;

    cables->connections_used = cables->letters_used = 0;
    cables->free_letters = NO_LETTER;
    cables->latency_ns = chance_spread(&scene->chance, 20 * US, 50 * MS);
    cables->jitter_ns = chance_spread(&scene->chance, 1 * US, 20 * MS);
    cables->starved_until_ns = 0;
}

static int64_t delay(struct scene *scene)
{
    return scene->cables.latency_ns +
           (int64_t)chance_below(&scene->chance, (uint64_t)scene->cables.jitter_ns);
}

static size_t number_of(const struct scene *scene, const struct connection *connection)
{
    return (size_t)(connection - scene->cables.connections);
}

static void ring(struct bell *bell)
{
    if (bell->asleep)
        bell->rung = true;
}

/* A look, which may have found nothing more. */
static void hush(struct bell *bell, bool nothing)
{
    *bell = (struct bell){.asleep = nothing};
}

/* ---- letters ----------------------------------------------------------------------------- */

static struct letter *letter_new(struct scene *scene)
{
    struct cables *cables = &scene->cables;
    struct letter *letter;

    if (cables->free_letters != NO_LETTER) {
        letter = &cables->letters[cables->free_letters];
        cables->free_letters = letter->next;
        return letter;
    }
    if (cables->letters_used < LETTERS_MAX)
        return &cables->letters[cables->letters_used++];
    scene_violation(scene, "%d messages are on their way", LETTERS_MAX);
    return NULL;
}

static void letter_free(struct scene *scene, struct letter *letter)
{
    letter->next = scene->cables.free_letters;
    scene->cables.free_letters = (uint16_t)(letter - scene->cables.letters);
}

/* What is cut off for a while is sent again until it arrives. */
static void post(struct scene *scene, struct connection *connection, enum side to,
                 const struct message *message)
{
    int64_t at_ns = scene->now_ns + delay(scene);
    const struct server *server = &scene->servers.all[connection->server];
    struct letter *letter = letter_new(scene);

    if (!letter)
        return;
    letter->nonsense = !message;
    if (message)
        letter->message = *message;
    letter->to = (uint8_t)to;
    letter->connection = (uint16_t)number_of(scene, connection);
    letter->stamp = connection->stamp;
    if (at_ns < connection->clear_at_ns[to])
        at_ns = connection->clear_at_ns[to];
    if (at_ns < server->cut_until_ns)
        at_ns = server->cut_until_ns;
    connection->clear_at_ns[to] = at_ns;
    scene_later(scene, at_ns - scene->now_ns, SCENE_ARRIVAL,
                (size_t)(letter - scene->cables.letters), 0);
}

static void put_into_inbox(struct scene *scene, struct connection *connection,
                           struct letter *letter)
{
    uint16_t number = (uint16_t)(letter - scene->cables.letters);

    letter->next = NO_LETTER;
    letter->came_at_ns = scene->now_ns;
    if (connection->first == NO_LETTER)
        connection->first = number;
    else
        scene->cables.letters[connection->last].next = number;
    connection->last = number;
    ring(&connection->dealer);
}

static struct letter *take_from_inbox(struct scene *scene, struct connection *connection)
{
    struct letter *letter = &scene->cables.letters[connection->first];

    connection->first = letter->next;
    return letter;
}

/* To a server that is frozen it comes when that goes on. */
static void deliver_to_server(struct scene *scene, struct connection *connection,
                              struct letter *letter)
{
    const struct server *server = &scene->servers.all[connection->server];

    if (connection->served && server->frozen) {
        scene_later(scene, server->frozen_until_ns - scene->now_ns, SCENE_ARRIVAL,
                    (size_t)(letter - scene->cables.letters), 0);
        return;
    }
    if (connection->served)
        server_hear(scene, connection, &letter->message);
    letter_free(scene, letter);
}

void cable_arrival(struct scene *scene, size_t number)
{
    struct letter *letter = &scene->cables.letters[number];
    struct connection *connection = &scene->cables.connections[letter->connection];

    if (connection->stamp != letter->stamp || connection->ended || connection->deaf)
        letter_free(scene, letter);
    else if (letter->to == SIDE_SERVER)
        deliver_to_server(scene, connection, letter);
    else
        put_into_inbox(scene, connection, letter);
}

void cable_say(struct scene *scene, struct connection *connection, const struct message *message)
{
    if (message)
        trace_message(&scene->trace, scene->now_ns, "server says", (uint32_t)connection->server,
                      number_of(scene, connection), message);
    else
        trace_note(&scene->trace, scene->now_ns, "nonsense", (uint32_t)connection->server,
                   number_of(scene, connection));
    if (connection->open && connection->served)
        post(scene, connection, SIDE_CLIENT, message);
}

/* ---- connections ------------------------------------------------------------------------- */

static struct connection *connection_new(struct scene *scene)
{
    struct cables *cables = &scene->cables;

    for (uint32_t i = 0; i < cables->connections_used; i++)
        if (!cables->connections[i].open)
            return &cables->connections[i];
    if (cables->connections_used == CONNECTIONS_MAX) {
        scene_violation(scene, "%d connections are open", CONNECTIONS_MAX);
        return &cables->connections[0];
    }
    struct connection *connection = &cables->connections[cables->connections_used++];
    connection->stamp = 0;
    return connection;
}

void cable_call(struct scene *scene, size_t number, uint32_t stamp)
{
    struct connection *connection = &scene->cables.connections[number];

    if (connection->stamp != stamp)
        return;
    if (server_reachable(scene, connection->server)) {
        connection->up = connection->served = true;
        trace_note(&scene->trace, scene->now_ns, "connected", (uint32_t)connection->server, number);
        ring(&connection->monitor);
        return;
    }
    scene_later(scene, connection->retry_ns, SCENE_CALL, number, stamp);
    if (connection->retry_ns < RETRY_NS_MAX)
        connection->retry_ns *= 2;
}

static void end(struct connection *connection)
{
    connection->ended = true;
    ring(&connection->monitor);
}

void cable_gone(struct scene *scene, size_t number, uint32_t stamp)
{
    struct connection *connection = &scene->cables.connections[number];

    if (connection->stamp != stamp || connection->ended || connection->deaf)
        return;
    trace_note(&scene->trace, scene->now_ns, "disconnected", (uint32_t)connection->server, number);
    end(connection);
}

void cable_unheard(struct scene *scene, size_t number, uint32_t stamp)
{
    struct connection *connection = &scene->cables.connections[number];

    if (connection->stamp == stamp)
        end(connection);
}

void cable_deafen(struct scene *scene, struct connection *connection)
{
    connection->deaf = scene->luck.deafened = true;
    scene_later(scene, UNHEARD_NS, SCENE_UNHEARD, number_of(scene, connection), connection->stamp);
}

void cable_break(struct scene *scene, struct connection *connection)
{
    int64_t cut_ns = scene->servers.all[connection->server].cut_until_ns - scene->now_ns;
    int64_t delay_ns = delay(scene);

    servers_forget(scene, connection);
    connection->served = false;
    if (cut_ns > delay_ns)
        delay_ns = cut_ns;
    scene_later(scene, delay_ns, SCENE_GONE, number_of(scene, connection), connection->stamp);
}

/* Of a process that ended while nobody could be told, nobody is told afterwards. */
void cables_orphan(struct scene *scene, size_t server)
{
    bool cut = scene->servers.all[server].cut_until_ns > scene->now_ns;

    for (uint32_t i = 0; i < scene->cables.connections_used; i++) {
        struct connection *connection = &scene->cables.connections[i];
        if (!connection->open || connection->server != server || !connection->served)
            continue;
        if (cut && chance_one_in(&scene->chance, 2))
            cable_deafen(scene, connection);
        cable_break(scene, connection);
    }
}

struct connection *cables_some(struct scene *scene)
{
    uint32_t used = scene->cables.connections_used;

    if (used == 0)
        return NULL;
    struct connection *connection = &scene->cables.connections[chance_below(&scene->chance, used)];
    return connection->open && connection->served ? connection : NULL;
}

/* ---- what the descriptor and the laws want to know ----------------------------------------- */

bool cables_ring(const struct scene *scene)
{
    for (uint32_t i = 0; i < scene->cables.connections_used; i++) {
        const struct connection *connection = &scene->cables.connections[i];
        if (connection->open && (connection->monitor.rung || connection->dealer.rung))
            return true;
    }
    return false;
}

static bool has_reply(const struct scene *scene, const struct connection *connection, uint64_t id,
                      int64_t by_ns)
{
    const struct letter *letters = scene->cables.letters;

    for (uint16_t i = connection->first; i != NO_LETTER; i = letters[i].next)
        if (!letters[i].nonsense && letters[i].message.type == MESSAGE_SUM_REPLY &&
            letters[i].message.sum_reply.id == id && letters[i].came_at_ns <= by_ns)
            return true;
    return false;
}

bool cables_have_reply(const struct scene *scene, size_t server, uint64_t id, int64_t by_ns)
{
    for (uint32_t i = 0; i < scene->cables.connections_used; i++) {
        const struct connection *connection = &scene->cables.connections[i];
        if (connection->open && connection->server == server &&
            has_reply(scene, connection, id, by_ns))
            return true;
    }
    return false;
}

unsigned cables_open(const struct scene *scene)
{
    unsigned open = 0;

    for (uint32_t i = 0; i < scene->cables.connections_used; i++)
        open += scene->cables.connections[i].open;
    return open;
}

const char *cables_missed(const struct scene *scene)
{
    for (uint32_t i = 0; i < scene->cables.connections_used; i++) {
        const struct connection *connection = &scene->cables.connections[i];
        if (!connection->open)
            continue;
        if (connection->up && !connection->told_up)
            return "a connection has come about";
        if (connection->ended && !connection->told_end)
            return "a connection has ended";
        if (connection->first != NO_LETTER)
            return "a message has come";
    }
    return NULL;
}

/* ---- client/lib/server_link.h
 * ------------------------------------------------------------------------ */

bool server_link_prepare(struct switchboard *board)
{
    (void)board;
    return true;
}

bool server_link_could_open(const struct switchboard *board, const char *endpoint)
{
    (void)board, (void)endpoint;
    return true;
}

bool server_link_open(struct server_link *line, struct switchboard *board, const char *endpoint)
{
    struct scene *scene = board->context;

    *line = (struct server_link){.board = board, .users = line->users};
    if (scene->now_ns < scene->cables.starved_until_ns) {
        errno = EMFILE;
        return false;
    }
    struct connection *connection = connection_new(scene);
    *connection = (struct connection){
        .open = true,
        .server = server_named(endpoint),
        .stamp = connection->stamp + 1,
        .first = NO_LETTER,
        .retry_ns = RETRY_NS,
    };
    line->dealer = line->monitor = connection;
    scene_happened(scene, EVENT_DIAL);
    scene_later(scene, 4 * delay(scene), SCENE_CALL, number_of(scene, connection),
                connection->stamp);
    return true;
}

void server_link_close(struct server_link *line)
{
    struct connection *connection = line->dealer;

    if (connection) {
        struct scene *scene = line->board->context;
        servers_forget(scene, connection);
        if (line->users > 0 && connection->first != NO_LETTER && !connection->mad)
            scene_violation(scene, "closes a connection before its last words are heard");
        while (connection->first != NO_LETTER)
            letter_free(scene, take_from_inbox(scene, connection));
        connection->open = connection->served = false;
        connection->stamp++;
    }
    *line = (struct server_link){.users = line->users};
}

void server_link_watch(struct server_link *line)
{
    struct connection *connection = line->monitor;

    caller_finds(line->board->context, connection->up != connection->told_up ||
                                           connection->ended != connection->told_end);
    line->up = connection->told_up = connection->up;
    line->down |= connection->ended;
    connection->told_end = connection->ended;
    hush(&connection->monitor, true);
}

bool server_link_send(struct server_link *line, const struct message *message)
{
    struct scene *scene = line->board->context;
    struct connection *connection = line->dealer;

    trace_message(&scene->trace, scene->now_ns, "client says", (uint32_t)connection->server,
                  number_of(scene, connection), message);
    if (!connection->up)
        scene_violation(scene, "speaks where nobody has answered the call");
    if (connection->cut && message->type == MESSAGE_SUM_REQUEST)
        scene_violation(scene, "asks over a connection that was given up");
    scene->cables.spoken_over[connection->server] = connection;
    if (connection->ended) {
        line->down = true;
        scene_happened(scene, EVENT_SEND_LOST);
    } else if (!connection->deaf)
        post(scene, connection, SIDE_SERVER, message);
    hush(&connection->dealer, connection->first == NO_LETTER);
    return line->down || connection->first != NO_LETTER;
}

/* The frame stays as it is: there is one at a time, and what it holds is `taken`. */
bool server_link_take(struct server_link *line, zmq_msg_t *frame, int *left)
{
    (void)frame;
    struct scene *scene = line->board->context;
    struct connection *connection = line->dealer;
    struct letter *letter;

    if (*left == 0) {
        scene_happened(scene, EVENT_TAKE_MAX);
        return false;
    }
    hush(&connection->dealer, connection->first == NO_LETTER);
    if (connection->first == NO_LETTER)
        return false;
    --*left;
    letter = take_from_inbox(scene, connection);
    scene->cables.taken = *letter;
    connection->mad |= letter->nonsense;
    letter_free(scene, letter);
    scene->cables.speaker = connection->server;
    caller_finds(scene, true);
    return true;
}
