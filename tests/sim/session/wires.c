/* Simulates the links of a session: connections, their messages in transit, and how they end. */
#include "tests/sim/session/wires.h"

#include <errno.h>

#include "client/lib/server_link.h"
#include "tests/sim/session/scene.h"

/* The pauses between attempts to connect, as in client/lib/server_link.c. The first pauses there
 * are shorter; the simulator leaves some attempts out. */
#define RETRY_NS     (40 * MS)
#define RETRY_NS_MAX (1 * S)

/* Longer handshakes would not end within the turn of an endpoint. A single endpoint has no turns.
 */
#define HANDSHAKE_NS_MAX        (300 * MS)
#define HANDSHAKE_NS_MAX_SINGLE (900 * MS)

/* After this long, TCP ends a connection that loses all packets: UNACKNOWLEDGED_MS and the
 * keepalives of client/lib/server_link.c. */
#define UNACKNOWLEDGED_NS (10 * S)

void wires_init(struct session_scene *scene)
{
    struct wires *wires = &scene->wires;

    wires->wires_used = wires->packets_used = 0;
    wires->free_packets = NO_PACKET;
    wires->latency_ns = chance_spread(&scene->chance, 20 * US, 50 * MS);
    wires->jitter_ns = chance_spread(&scene->chance, 1 * US, 20 * MS);
    wires->no_sockets_until_at_ns = 0;
}

static int64_t delay(struct session_scene *scene)
{
    return scene->wires.latency_ns +
           (int64_t)chance_below(&scene->chance, (uint64_t)scene->wires.jitter_ns);
}

static size_t number_of(const struct session_scene *scene, const struct wire *wire)
{
    return (size_t)(wire - scene->wires.all);
}

static void raise_signal(struct socket_signal *signal)
{
    if (signal->armed)
        signal->raised = true;
}

/* A look has read the socket. nothing: it found nothing more. */
static void read_signal(struct socket_signal *signal, bool nothing)
{
    *signal = (struct socket_signal){.armed = nothing};
}

/* ---- packets ----------------------------------------------------------------------------- */

static struct packet *packet_new(struct session_scene *scene)
{
    struct wires *wires = &scene->wires;
    struct packet *packet;

    if (wires->free_packets != NO_PACKET) {
        packet = &wires->packets[wires->free_packets];
        wires->free_packets = packet->next;
        return packet;
    }
    if (wires->packets_used < PACKETS_MAX)
        return &wires->packets[wires->packets_used++];
    scene_violation(scene, "%d messages are in transit", PACKETS_MAX);
    return NULL;
}

static void packet_free(struct session_scene *scene, struct packet *packet)
{
    packet->next = scene->wires.free_packets;
    scene->wires.free_packets = (uint16_t)(packet - scene->wires.packets);
}

/* TCP retransmits a packet to or from an isolated server until it arrives. */
static void transmit(struct session_scene *scene, struct wire *wire, enum wire_end to,
                     const struct message *message)
{
    int64_t at_ns = scene->now_ns + delay(scene);
    const struct model_server *server = &scene->servers.all[wire->server];
    struct packet *packet = packet_new(scene);

    if (!packet)
        return;
    packet->invalid = !message;
    if (message)
        packet->message = *message;
    packet->to = (uint8_t)to;
    packet->wire = (uint16_t)number_of(scene, wire);
    packet->stamp = wire->stamp;
    if (at_ns < wire->free_at_ns[to])
        at_ns = wire->free_at_ns[to];
    if (at_ns < server->isolated_until_at_ns)
        at_ns = server->isolated_until_at_ns;
    wire->free_at_ns[to] = at_ns;
    scene_schedule(scene, at_ns - scene->now_ns, SCENE_ARRIVAL,
                   (size_t)(packet - scene->wires.packets), 0);
}

static void add_unread(struct session_scene *scene, struct wire *wire, struct packet *packet)
{
    uint16_t number = (uint16_t)(packet - scene->wires.packets);

    packet->next = NO_PACKET;
    packet->arrived_at_ns = scene->now_ns;
    if (wire->first == NO_PACKET)
        wire->first = number;
    else
        scene->wires.packets[wire->last].next = number;
    wire->last = number;
    raise_signal(&wire->dealer);
}

static struct packet *take_unread(struct session_scene *scene, struct wire *wire)
{
    struct packet *packet = &scene->wires.packets[wire->first];

    wire->first = packet->next;
    return packet;
}

/* A frozen server reads the packet when it resumes. */
static void deliver_to_server(struct session_scene *scene, struct wire *wire, struct packet *packet)
{
    const struct model_server *server = &scene->servers.all[wire->server];

    if (wire->served && server->frozen) {
        scene_schedule(scene, server->frozen_until_at_ns - scene->now_ns, SCENE_ARRIVAL,
                       (size_t)(packet - scene->wires.packets), 0);
        return;
    }
    if (wire->served)
        model_server_receive(scene, wire, &packet->message);
    packet_free(scene, packet);
}

void wire_arrive(struct session_scene *scene, size_t number)
{
    struct packet *packet = &scene->wires.packets[number];
    struct wire *wire = &scene->wires.all[packet->wire];

    if (wire->stamp != packet->stamp || wire->ended || wire->lossy)
        packet_free(scene, packet);
    else if (packet->to == WIRE_END_SERVER)
        deliver_to_server(scene, wire, packet);
    else
        add_unread(scene, wire, packet);
}

void wire_send(struct session_scene *scene, struct wire *wire, const struct message *message)
{
    if (message)
        trace_message(&scene->trace, scene->now_ns, "server sends", (uint32_t)wire->server,
                      number_of(scene, wire), message);
    else
        trace_note(&scene->trace, scene->now_ns, "nonsense", (uint32_t)wire->server,
                   number_of(scene, wire));
    if (wire->open && wire->served)
        transmit(scene, wire, WIRE_END_CLIENT, message);
}

/* ---- connecting and disconnecting --------------------------------------------------------- */

static struct wire *wire_new(struct session_scene *scene)
{
    struct wires *wires = &scene->wires;

    for (uint32_t i = 0; i < wires->wires_used; i++)
        if (!wires->all[i].open)
            return &wires->all[i];
    if (wires->wires_used == WIRES_MAX) {
        scene_violation(scene, "%d connections are open", WIRES_MAX);
        return &wires->all[0];
    }
    struct wire *wire = &wires->all[wires->wires_used++];
    wire->stamp = 0;
    return wire;
}

/* Some handshakes take a while, because the server is busy. */
static bool begins_slow_handshake(struct session_scene *scene, struct wire *wire)
{
    bool slow = !wire->shaking && model_server_reachable(scene, wire->server) &&
                chance_one_in(&scene->chance, 2);

    wire->shaking = wire->reached = slow;
    return slow;
}

static int64_t handshake_ns(struct session_scene *scene)
{
    bool single = scene->servers.count == 1;

    return chance_spread(&scene->chance, MS, single ? HANDSHAKE_NS_MAX_SINGLE : HANDSHAKE_NS_MAX);
}

void wire_connect(struct session_scene *scene, size_t number, uint32_t stamp)
{
    struct wire *wire = &scene->wires.all[number];

    if (wire->stamp != stamp)
        return;
    if (begins_slow_handshake(scene, wire)) {
        raise_signal(&wire->monitor);
        scene_schedule(scene, handshake_ns(scene), SCENE_CONNECT, number, stamp);
        return;
    }
    if (model_server_reachable(scene, wire->server)) {
        wire->up = wire->served = true;
        trace_note(&scene->trace, scene->now_ns, "connected", (uint32_t)wire->server, number);
        raise_signal(&wire->monitor);
        return;
    }
    wire->failed = true;
    wire->refused = !scene->servers.all[wire->server].alive;
    raise_signal(&wire->monitor);
    scene_schedule(scene, wire->retry_ns, SCENE_CONNECT, number, stamp);
    if (wire->retry_ns < RETRY_NS_MAX)
        wire->retry_ns *= 2;
}

static void end(struct wire *wire)
{
    wire->ended = true;
    raise_signal(&wire->monitor);
}

void wire_disconnect(struct session_scene *scene, size_t number, uint32_t stamp)
{
    struct wire *wire = &scene->wires.all[number];

    if (wire->stamp != stamp || wire->ended || wire->lossy)
        return;
    trace_note(&scene->trace, scene->now_ns, "disconnected", (uint32_t)wire->server, number);
    end(wire);
}

void wire_unacknowledged(struct session_scene *scene, size_t number, uint32_t stamp)
{
    struct wire *wire = &scene->wires.all[number];

    if (wire->stamp == stamp)
        end(wire);
}

void wire_lose_all(struct session_scene *scene, struct wire *wire)
{
    wire->lossy = scene->faults.lost_all = true;
    scene_schedule(scene, UNACKNOWLEDGED_NS, SCENE_UNACKNOWLEDGED, number_of(scene, wire),
                   wire->stamp);
}

void wire_break(struct session_scene *scene, struct wire *wire)
{
    int64_t isolated_ns = scene->servers.all[wire->server].isolated_until_at_ns - scene->now_ns;
    int64_t delay_ns = delay(scene);

    model_servers_forget(scene, wire);
    wire->served = false;
    if (isolated_ns > delay_ns)
        delay_ns = isolated_ns;
    scene_schedule(scene, delay_ns, SCENE_DISCONNECT, number_of(scene, wire), wire->stamp);
}

/* If a process ends while it is isolated, some of its peers never learn that. */
void wires_end_server(struct session_scene *scene, size_t server)
{
    bool isolated = scene->servers.all[server].isolated_until_at_ns > scene->now_ns;

    for (uint32_t i = 0; i < scene->wires.wires_used; i++) {
        struct wire *wire = &scene->wires.all[i];
        if (!wire->open || wire->server != server || !wire->served)
            continue;
        if (isolated && chance_one_in(&scene->chance, 2))
            wire_lose_all(scene, wire);
        wire_break(scene, wire);
    }
}

struct wire *wires_random(struct session_scene *scene)
{
    uint32_t used = scene->wires.wires_used;

    if (used == 0)
        return NULL;
    struct wire *wire = &scene->wires.all[chance_below(&scene->chance, used)];
    return wire->open && wire->served ? wire : NULL;
}

/* ---- what the descriptor and the checks need to know -------------------------------------- */

bool wires_readable(const struct session_scene *scene)
{
    for (uint32_t i = 0; i < scene->wires.wires_used; i++) {
        const struct wire *wire = &scene->wires.all[i];
        if (wire->open && (wire->monitor.raised || wire->dealer.raised))
            return true;
    }
    return false;
}

static bool has_reply(const struct session_scene *scene, const struct wire *wire, uint64_t id,
                      int64_t by_ns)
{
    const struct packet *packets = scene->wires.packets;

    for (uint16_t i = wire->first; i != NO_PACKET; i = packets[i].next)
        if (!packets[i].invalid && packets[i].message.type == MESSAGE_SUM_REPLY &&
            packets[i].message.sum_reply.id == id && packets[i].arrived_at_ns <= by_ns)
            return true;
    return false;
}

bool wires_have_reply(const struct session_scene *scene, size_t server, uint64_t id, int64_t by_ns)
{
    for (uint32_t i = 0; i < scene->wires.wires_used; i++) {
        const struct wire *wire = &scene->wires.all[i];
        if (wire->open && wire->server == server && has_reply(scene, wire, id, by_ns))
            return true;
    }
    return false;
}

unsigned wires_open(const struct session_scene *scene)
{
    unsigned open = 0;

    for (uint32_t i = 0; i < scene->wires.wires_used; i++)
        open += scene->wires.all[i].open;
    return open;
}

const char *wires_unreported(const struct session_scene *scene)
{
    for (uint32_t i = 0; i < scene->wires.wires_used; i++) {
        const struct wire *wire = &scene->wires.all[i];
        if (!wire->open)
            continue;
        if (wire->up && !wire->reported_up)
            return "a connection is established";
        if (wire->failed)
            return "a dial has failed";
        if (wire->reached)
            return "an address is reached";
        if (wire->ended && !wire->reported_end)
            return "a connection has ended";
        if (wire->first != NO_PACKET)
            return "a message has arrived";
    }
    return NULL;
}

/* ---- client/lib/server_link.h ------------------------------------------------------------ */

bool server_link_could_open(const struct link_context *context, const char *endpoint)
{
    (void)context, (void)endpoint;
    return true;
}

bool server_link_open(struct server_link *link, struct link_context *context, const char *endpoint)
{
    struct session_scene *scene = context->zmq;

    *link = (struct server_link){.context = context, .users = link->users};
    if (scene->now_ns < scene->wires.no_sockets_until_at_ns) {
        errno = EMFILE;
        return false;
    }
    struct wire *wire = wire_new(scene);
    *wire = (struct wire){
        .open = true,
        .server = model_server_named(endpoint),
        .stamp = wire->stamp + 1,
        .first = NO_PACKET,
        .retry_ns = RETRY_NS,
    };
    link->open = true;
    link->dealer = link->monitor = wire;
    scene_count(scene, COUNTER_DIAL);
    scene_schedule(scene, 4 * delay(scene), SCENE_CONNECT, number_of(scene, wire), wire->stamp);
    return true;
}

void server_link_close(struct server_link *link)
{
    struct wire *wire = link->dealer;

    if (wire) {
        struct session_scene *scene = link->context->zmq;
        model_servers_forget(scene, wire);
        if (link->users > 0 && wire->first != NO_PACKET && !wire->read_invalid)
            scene_violation(scene, "closes a connection before its last messages are read");
        while (wire->first != NO_PACKET)
            packet_free(scene, take_unread(scene, wire));
        wire->open = wire->served = false;
        wire->stamp++;
    }
    *link = (struct server_link){.users = link->users};
}

void server_link_watch(struct server_link *link)
{
    struct wire *wire = link->monitor;

    caller_found(link->context->zmq, wire->failed || wire->reached ||
                                         wire->up != wire->reported_up ||
                                         wire->ended != wire->reported_end);
    if (wire->failed) {
        link->failed = true;
        link->failure =
            (struct dial_failure){.text = "a simulated failure", .definite = wire->refused};
    }
    link->reached |= wire->reached;
    wire->failed = wire->reached = false;
    link->up = wire->reported_up = wire->up;
    link->down |= wire->ended;
    wire->reported_end = wire->ended;
    read_signal(&wire->monitor, true);
}

bool server_link_send(struct server_link *link, const struct message *message)
{
    struct session_scene *scene = link->context->zmq;
    struct wire *wire = link->dealer;

    trace_message(&scene->trace, scene->now_ns, "client sends", (uint32_t)wire->server,
                  number_of(scene, wire), message);
    if (!wire->up)
        scene_violation(scene, "sends over a connection that is not established");
    if (wire->dropped && message->type == MESSAGE_SUM_REQUEST)
        scene_violation(scene, "sends a request over a link that was dropped");
    scene->wires.last_used[wire->server] = wire;
    if (wire->ended) {
        link->down = true;
        scene_count(scene, COUNTER_SEND_LOST);
    } else if (!wire->lossy)
        transmit(scene, wire, WIRE_END_SERVER, message);
    read_signal(&wire->dealer, wire->first == NO_PACKET);
    return link->down || wire->first != NO_PACKET;
}

enum link_receipt server_link_receive(struct server_link *link, struct message *message,
                                      struct message_error *error, int *left)
{
    struct session_scene *scene = link->context->zmq;
    struct wire *wire = link->dealer;
    struct packet *packet;

    if (*left == 0) {
        scene_count(scene, COUNTER_LOOK_FULL);
        return LINK_EMPTY;
    }
    read_signal(&wire->dealer, wire->first == NO_PACKET);
    if (wire->first == NO_PACKET)
        return LINK_EMPTY;
    --*left;
    packet = take_unread(scene, wire);
    *message = packet->message;
    error->reason = "a simulated error";
    wire->read_invalid |= packet->invalid;
    scene->wires.sender = wire->server;
    enum link_receipt receipt = packet->invalid ? LINK_INVALID : LINK_MESSAGE;
    packet_free(scene, packet);
    caller_found(scene, true);
    return receipt;
}
