/* A listening socket, a ROUTER: messages in and out, senders by number, lost senders. */
#include "server/net/listener.h"

#include <assert.h>
#include <czmq.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/instant.h"
#include "server/access/access.h"
#include "server/log.h"
#include "server/net/bind_address.h"
#include "server/net/connections.h"
#include "server/net/flood_control.h"
#include "server/net/handshake_limit.h"
#include "server/net/io_threads.h"
#include "server/net/monitor.h"
#include "server/net/routing_ids.h"
#include "server/net/senders.h"
#include "server/net/tcp_socket.h"
#include "server/net/warning.h"

/* Messages in the pipe of one connection, in either direction: as many as a client may have in
 * flight. */
#define PIPE_MESSAGES_MAX CLIENT_REQUESTS_MAX

/* Time between two runs of flood control while bytes arrive. In this time libzmq reads 0.4 MB of
 * empty frames from one connection, which take 13 MB. */
#define INSPECT_NS (10 * NS_PER_MS)

/* Time between two checks of routing ids, silent connections, and descriptors. */
#define GUARD_NS (100 * NS_PER_MS)

/* Time between two attempts to send messages that wait: no event reports that a connection has room
 * again. */
#define FLUSH_MS 10
#define FLUSH_NS (FLUSH_MS * NS_PER_MS)

/* Connections for which one attempt is made at a time: about 0.5 ms. */
#define FLUSHED_MAX 500

/* A peer that does not finish its handshake in this time is disconnected. */
#define HANDSHAKE_MS 3000

/* If a peer is silent for KEEPALIVE_S, TCP probes it every KEEPALIVE_INTERVAL_S and disconnects it
 * after several failures: its machine may have lost power or be asleep. */
#define KEEPALIVE_S          60
#define KEEPALIVE_INTERVAL_S 10

/* If fewer file descriptors are left, the listener accepts no connections until twice as many are
 * left: without descriptors, accept() of libzmq would fail again and again. */
#define FILES_FEW 16

/* Time between two warnings that few descriptors are left. */
#define WARN_FILES_US 60000000

/* What ZMQ_SRCFD says of a message that came from this process. */
#define NO_DESCRIPTOR (-1)

/* Room for the endpoint of probe_ids(). */
#define ID_PROBE_BYTES 48

/* The frames before the body. */
struct envelope_form {
    bool fits;      /* they are few and short enough */
    bool delimited; /* one after the routing id is empty */
};

struct listener {
    enum listener_type type;
    const struct access *access; /* the caller's; NULL: peers need no keys */
    enum gate gate;
    zsock_t *socket;
    zsock_t *monitor;
    zmq_msg_t body;    /* the last frame of the message that was read last */
    size_t wire_bytes; /* of that message, as far as flood control can count them */
    bool owes;         /* LISTENER_REP: a message was read, and its answer is not sent yet */
    struct connections connections;
    struct senders senders;
    struct flood_control flood;
    struct routing_ids ids;
    zsock_t *id_probe; /* a connection of this listener to itself, whose id is not read yet */
    struct handshake_limit handshakes;
    bool counts_bytes;     /* TCP counts the bytes of connections */
    bool armed;            /* flood control runs when its epoll set is readable */
    int64_t inspect_at_ns; /* when flood control runs next, unless it is armed */
    int64_t guard_at_ns;   /* when ids, silence and descriptors are checked next */
    int64_t flush_at_ns;   /* when messages that wait are tried next */
    bool bound;            /* the listener accepts connections */
    int files_few_from;    /* from this descriptor on, few descriptors are left */
    int64_t warn_files_at_us;
    char lost_peer[PEER_BYTES]; /* the address of the sender that was lost last */
};

/* libzmq's handle. */
static void *listener_socket(const struct listener *listener)
{
    return zsock_resolve(listener->socket);
}

/* ---- life -------------------------------------------------------------------------------- */

/* TCP listeners have no limit here, because a remote peer could abort this process through one
 * (libzmq #4364). Flood control limits them instead. */
static bool is_tcp(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", strlen("tcp://")) == 0;
}

static int receive_limit(const char *endpoint)
{
    return is_tcp(endpoint) ? 0 : PIPE_MESSAGES_MAX;
}

/* libzmq begins to count a ROUTER's connections at a number from rand(), and czmq seeds rand() with
 * the time. A peer that could tell these numbers could end the process, see routing_ids.h. */
static bool seed_rand(void)
{
    unsigned seed;
    bool random = getrandom(&seed, sizeof seed, 0) == sizeof seed;

    srandom(seed);
    return random;
}

/* zsys_init() seeds rand() as well, so it comes first. Always a ROUTER: a REP hides envelopes and
 * ids, and skips messages without end. */
static zsock_t *socket_new(const char *endpoint)
{
    zsock_t *socket = zsys_init() && seed_rand() ? zsock_new(ZMQ_ROUTER) : NULL;

    if (!socket)
        return NULL;
    zsock_set_sndhwm(socket, PIPE_MESSAGES_MAX);
    zsock_set_rcvhwm(socket, receive_limit(endpoint));
    zsock_set_maxmsgsize(socket, FRAME_BYTES_MAX);
    zsock_set_handshake_ivl(socket, HANDSHAKE_MS);
    zsock_set_tcp_keepalive(socket, 1);
    zsock_set_tcp_keepalive_idle(socket, KEEPALIVE_S);
    zsock_set_tcp_keepalive_intvl(socket, KEEPALIVE_INTERVAL_S);
    zsock_set_ipv6(socket, address_is_ipv6(endpoint));
    zsock_set_affinity(socket, IO_LISTENERS);
    zsock_set_router_mandatory(socket, 1); /* without it, unsendable messages are dropped */
    return socket;
}

/* ---- the counter of routing ids ---------------------------------------------------------- */

/* The name of the endpoint at which the listener connects to itself. */
static void probe_endpoint(const struct listener *listener, char endpoint[ID_PROBE_BYTES])
{
    snprintf(endpoint, ID_PROBE_BYTES, "inproc://ids-%p", (const void *)listener);
}

/* Connects to itself and sends an empty message, whose id tells libzmq's counter. Without memory or
 * descriptors it is tried again later. */
static void probe_ids(struct listener *listener)
{
    char endpoint[ID_PROBE_BYTES];

    probe_endpoint(listener, endpoint);
    zsock_destroy(&listener->id_probe);
    listener->id_probe = zsock_new(ZMQ_DEALER);
    if (listener->id_probe && zsock_connect(listener->id_probe, "%s", endpoint) == 0)
        zmq_send(zsock_resolve(listener->id_probe), NULL, 0, ZMQ_DONTWAIT);
}

/* A message of no connection is the one that probe_ids() has sent. */
static void learn_ids(struct listener *listener, const struct envelope *envelope)
{
    uint32_t number;

    if (connections_id_number(envelope->bytes + 1, envelope->bytes[0], &number))
        routing_ids_learn(&listener->ids, number);
    zsock_destroy(&listener->id_probe);
}

/* ---- binding ----------------------------------------------------------------------------- */

static bool secure(const struct listener *listener)
{
    return !listener->access ||
           access_secure(listener->access, listener_socket(listener), listener->gate);
}

/* Opens the monitor before it binds, so that the monitor misses no connection. */
static bool bind_socket(struct listener *listener, const char *endpoint)
{
    char probe[ID_PROBE_BYTES];

    probe_endpoint(listener, probe);
    listener->socket = socket_new(endpoint);
    if (!listener->socket || !secure(listener) || zsock_bind(listener->socket, "%s", probe) == -1)
        return false;
    if (routing_ids_learning(&listener->ids))
        probe_ids(listener);
    listener->monitor =
        monitor_new(listener_socket(listener),
                    ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    listener->bound = listener->monitor && zsock_bind(listener->socket, "%s", endpoint) != -1;
    return listener->bound;
}

static void close_socket(struct listener *listener)
{
    if (listener->socket)
        monitor_destroy(&listener->monitor, listener_socket(listener));
    zsock_destroy(&listener->id_probe);
    zsock_destroy(&listener->socket);
}

/* Binds to an endpoint of which no name has to be resolved. */
static bool bind_numeric(struct listener *listener, const char *endpoint, const char **why)
{
    int lock;

    if (!ipc_path_lock(endpoint, &lock, why))
        return false;
    bool bound = bind_socket(listener, endpoint);
    *why = errno == ENODEV ? "this machine has no such address or interface" : zmq_strerror(errno);
    ipc_path_unlock(lock);
    if (!bound)
        close_socket(listener);
    return bound;
}

/* If a name has several addresses, the first one that can be bound is used. */
static bool listener_bind(struct listener *listener, const char *endpoint, const char **why)
{
    struct bind_addresses addresses;
    bool bound = false;

    if (!bind_resolve(endpoint, &addresses, why))
        return false;
    if (addresses.count == 0)
        return bind_numeric(listener, endpoint, why);
    for (size_t i = 0; i < addresses.count && !bound; i++)
        bound = bind_numeric(listener, addresses.endpoints[i], why);
    return bound;
}

/* The kernel gives out the lowest free descriptor first. */
static int files_few_from(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1 || files.rlim_cur > INT_MAX)
        return INT_MAX;
    return (int)files.rlim_cur - FILES_FEW;
}

/* False if the system has no random bytes for the keys of the hashes. */
static bool init_tables(struct listener *listener, const char **why)
{
    uint8_t key[SIPHASH_KEY_BYTES];
    bool random = getrandom(key, sizeof key, 0) == sizeof key;

    senders_init(&listener->senders, key);
    memcpy(listener->handshakes.key, key, sizeof key);
    *why = "getrandom() gives no random bytes";
    return random;
}

static bool init_flood_control(struct listener *listener, const char **why)
{
    bool done = flood_control_init(&listener->flood);

    *why = strerror(errno);
    return done;
}

struct listener *listener_new(const struct listener_settings *settings, const char **why)
{
    struct listener *listener = calloc(1, sizeof *listener);

    *why = "out of memory";
    if (!listener)
        return NULL;
    listener->type = settings->type;
    listener->access = settings->access;
    listener->gate = settings->gate;
    listener->files_few_from = files_few_from();
    zmq_msg_init(&listener->body);
    connections_init(&listener->connections);
    listener->connections.totals.frame_overhead =
        listener->access ? FRAME_OVERHEAD_CURVE : FRAME_OVERHEAD_NULL;
    listener->flood =
        (struct flood_control){-1, &listener->connections, &listener->senders, settings->log};
    listener->counts_bytes = is_tcp(settings->endpoint);
    if (!init_tables(listener, why) || !init_flood_control(listener, why) ||
        !listener_bind(listener, settings->endpoint, why))
        listener_destroy(&listener, 0);
    return listener;
}

/* Sends the messages that wait for slow senders, for up to patience_ms. Returns the milliseconds
 * that are left. */
static int flush_all(struct listener *listener, int patience_ms)
{
    for (; !TAILQ_EMPTY(&listener->senders.slow) && patience_ms > 0; patience_ms -= FLUSH_MS) {
        zclock_sleep(FLUSH_MS);
        listener_run_due(listener, zclock_usecs() * NS_PER_US);
    }
    return patience_ms > 0 ? patience_ms : 0;
}

static void lose_all(struct listener *listener)
{
    for (size_t fd = 0; fd < listener->connections.size; fd++)
        if (listener->connections.by_fd[fd])
            senders_lose(&listener->senders, listener->connections.by_fd[fd]);
}

void listener_destroy(struct listener **listener_p, int patience_ms)
{
    struct listener *listener = *listener_p;

    if (!listener)
        return;
    if (listener->socket) {
        zsock_set_linger(listener->socket, flush_all(listener, patience_ms));
        flood_control_resume_all(&listener->flood);
    }
    close_socket(listener);
    flood_control_clear(&listener->flood);
    lose_all(listener);
    senders_clear(&listener->senders);
    connections_clear(&listener->connections);
    zmq_msg_close(&listener->body);
    free(listener);
    *listener_p = NULL;
}

const char *listener_endpoint(const struct listener *listener)
{
    return zsock_endpoint(listener->socket);
}

/* ---- connections ------------------------------------------------------------------------- */

static void refuse_connections(struct listener *listener)
{
    if (!listener->bound)
        return;
    listener->bound = zmq_unbind(listener_socket(listener), listener_endpoint(listener)) == -1;
    if (warning_due(&listener->warn_files_at_us, WARN_FILES_US))
        log_warning("fewer than %d file descriptors are left for connections to %s: new ones are "
                    "refused until some have ended; raise \"ulimit -n\"",
                    FILES_FEW, listener_endpoint(listener));
}

/* The kernel gives out the lowest free descriptor. If the endpoint cannot be bound, for instance
 * because libzmq has not closed it yet, the next call tries it again. */
static void accept_connections(struct listener *listener)
{
    int lowest = listener->bound ? -1 : fcntl(listener->flood.epoll, F_DUPFD_CLOEXEC, 0);

    if (lowest == -1)
        return;
    close(lowest);
    if (lowest < listener->files_few_from - FILES_FEW)
        listener->bound = zmq_bind(listener_socket(listener), listener_endpoint(listener)) == 0;
}

static void connection_new(struct listener *listener, int fd)
{
    uint8_t key[ADDRESS_KEY_BYTES];
    int64_t now_ns = zclock_usecs() * NS_PER_US;

    connections_open(&listener->connections, fd, now_ns);
    struct connection *connection = connections_at(&listener->connections, fd);
    if (!connection)
        return;
    flood_control_watch(&listener->flood, connection);
    if (tcp_peer_key(fd, key) && !handshake_limit_count(&listener->handshakes, key, now_ns))
        flood_control_disconnect(&listener->flood, connection,
                                 "its address opens too many connections");
    if (fd >= listener->files_few_from)
        refuse_connections(listener);
}

/* True if a connection has ended at that descriptor. */
static bool connection_end(struct listener *listener, int fd)
{
    struct connection *connection = connections_at(&listener->connections, fd);

    if (!connection)
        return false;
    senders_lose(&listener->senders, connection);
    connections_close(&listener->connections, fd);
    return true;
}

/* Reads the events of the monitor. True if a connection has ended. */
static bool listener_watch(struct listener *listener)
{
    bool ended = false;
    uint16_t event;
    int32_t fd;

    while (monitor_next(listener->monitor, &event, &fd)) {
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            routing_ids_count(&listener->ids);
            continue;
        }
        ended = connection_end(listener, fd) || ended;
        if (event == ZMQ_EVENT_ACCEPTED && fd >= 0)
            connection_new(listener, fd);
    }
    return ended;
}

/* True if a connection has that id. It then gets an empty message. */
static bool id_is_used(struct listener *listener, uint32_t number)
{
    void *socket = listener_socket(listener);
    uint8_t id[] = {0, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                    (uint8_t)number};

    if (zmq_send(socket, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1)
        return errno != EHOSTUNREACH;
    zmq_send(socket, NULL, 0, ZMQ_DONTWAIT);
    return true;
}

static void disconnect_silent(struct listener *listener, int64_t now_ns, bool all)
{
    struct connection *connection;

    while ((connection = connections_silent(&listener->connections, now_ns, all)))
        flood_control_disconnect(&listener->flood, connection,
                                 all ? "a peer holds a routing id that libzmq uses soon"
                                     : "it has sent no valid message");
}

/* If a connection holds a number that libzmq uses soon, the peer has brought this number as its id.
 * Its connection is silent, because the first message would have shown the id. Only if more than
 * ROUTING_IDS_SLACK handshakes end during the check, a connection can have got the number from
 * libzmq. */
static void check_ids(struct listener *listener, int64_t now_ns)
{
    uint32_t number, count = routing_ids_ahead(&listener->ids, &number);
    bool forged = false;

    for (; count > 0; count--, number++)
        if (id_is_used(listener, number)) {
            listener_watch(listener);
            forged = forged || !routing_ids_possible(&listener->ids, number);
        }
    if (forged)
        disconnect_silent(listener, now_ns, true);
}

bool listener_lost(struct listener *listener, uint32_t *sender, const char **peer)
{
    listener_watch(listener);
    if (!senders_take_lost(&listener->senders, sender, listener->lost_peer))
        return false;
    *peer = listener->lost_peer;
    listener->owes = false;
    return true;
}

static struct sender *numbered(const struct listener *listener, uint32_t number)
{
    assert(number < CLIENTS_MAX);
    assert(listener->senders.by_number[number]);
    return listener->senders.by_number[number];
}

void listener_release(struct listener *listener, uint32_t sender)
{
    senders_release(&listener->senders, numbered(listener, sender));
}

void listener_keep_number(struct listener *listener, uint32_t sender, bool keep)
{
    senders_keep_number(&listener->senders, numbered(listener, sender), keep);
}

const char *listener_peer(const struct listener *listener, uint32_t sender)
{
    const struct sender *numbered_sender = numbered(listener, sender);

    return numbered_sender->connection ? numbered_sender->connection->peer
                                       : numbered_sender->lost_peer;
}

/* ---- receiving --------------------------------------------------------------------------- */

static bool envelope_add(struct envelope *envelope, zmq_msg_t *frame)
{
    size_t size = zmq_msg_size(frame);

    if (size > UINT8_MAX || envelope->size + 1 + size > sizeof envelope->bytes)
        return false;
    envelope->bytes[envelope->size++] = (uint8_t)size;
    memcpy(envelope->bytes + envelope->size, zmq_msg_data(frame), size);
    envelope->size += (uint16_t)size;
    return true;
}

static bool frame_read(struct listener *listener)
{
    int size = zmq_msg_recv(&listener->body, listener_socket(listener), ZMQ_DONTWAIT);

    if (size == -1)
        return false;
    listener->wire_bytes += traffic_frame_bytes(&listener->connections.totals, (size_t)size);
    return true;
}

/* Whether another frame fits before the body. The frames before the body of a LISTENER_REP end with
 * the first empty one. */
static bool frame_fits(const struct listener *listener, uint32_t frames, bool delimited)
{
    return frames <= ENVELOPE_FRAMES_MAX && !(listener->type == LISTENER_REP && delimited);
}

/* Reads a whole message, with any number of frames. The last frame remains in listener->body. False
 * if there is no message. The routing id, which is the first frame, does not come from the wire. */
static bool message_read(struct listener *listener, struct envelope *envelope,
                         struct envelope_form *form)
{
    uint32_t frames = 0;

    envelope->size = 0;
    *form = (struct envelope_form){.fits = true};
    if (!frame_read(listener))
        return false;
    listener->wire_bytes = 0;
    while (zmq_msg_more(&listener->body)) {
        form->fits = form->fits && frame_fits(listener, ++frames, form->delimited) &&
                     envelope_add(envelope, &listener->body);
        form->delimited |= frames > 1 && zmq_msg_size(&listener->body) == 0;
        if (!frame_read(listener))
            return false;
    }
    envelope->fd = zmq_msg_get(&listener->body, ZMQ_SRCFD);
    return true;
}

/* The monitor reports the end of a connection before its descriptor is closed. If no message is
 * left after that report, no message of the connection is left. */
static bool message_next(struct listener *listener, struct envelope *envelope,
                         struct envelope_form *form)
{
    if (listener->owes)
        return false;
    do
        if (message_read(listener, envelope, form))
            return true;
    while (listener_watch(listener));
    connections_all_read(&listener->connections);
    return false;
}

static const char *message_property(struct listener *listener, const char *name)
{
    const char *value = zmq_msg_gets(&listener->body, name);

    return value ? value : "";
}

/* Disconnects a peer that has brought an id of the form that libzmq makes. */
static bool id_is_forged(struct listener *listener, struct connection *connection,
                         const uint8_t *id, uint8_t id_size)
{
    uint32_t number;

    if (id_size == 0 || id[0] != 0 ||
        (connections_id_number(id, id_size, &number) &&
         routing_ids_possible(&listener->ids, number)))
        return false;
    flood_control_abandon(&listener->flood, connection, "it has brought a forged routing id");
    return true;
}

/* The first message of a connection shows the address and the type of the peer. */
static void connection_learn_peer(struct listener *listener, struct connection *connection)
{
    snprintf(connection->peer, PEER_BYTES, "%s", message_property(listener, "Peer-Address"));
    connection->lockstep =
        listener->type == LISTENER_REP || streq(message_property(listener, "Socket-Type"), "REQ");
    if (listener->access)
        connection->role = access_role(listener->access, listener->gate,
                                       zmq_msg_gets(&listener->body, "User-Id"), connection->key);
}

/* The authenticator has accepted the key, but the key may have been revoked since. */
static bool has_key(struct listener *listener, struct connection *connection)
{
    if (!listener->access || connection->role != KEY_ROLE_NONE)
        return true;
    flood_control_disconnect(&listener->flood, connection, "its key is not allowed");
    return false;
}

/* Why the connection must end, or NULL. */
static const char *key_fault(const struct listener *listener, const struct connection *connection)
{
    if (!connection->first_message_read)
        return "a key was revoked, and it has sent no message that shows its key";
    return access_is_allowed(listener->access, connection->key, connection->role)
               ? NULL
               : "its key was revoked";
}

void listener_check_keys(struct listener *listener)
{
    struct connection *connection;
    const char *fault;

    listener_watch(listener);
    for (size_t fd = 0; fd < listener->connections.size; fd++)
        if ((connection = connections_at(&listener->connections, (int)fd)) &&
            !connection->traffic.abandoned && (fault = key_fault(listener, connection)))
            flood_control_disconnect(&listener->flood, connection, fault);
}

bool listener_may_see_all(const struct listener *listener, uint32_t sender)
{
    const struct connection *connection = numbered(listener, sender)->connection;

    return !listener->access || (connection && connection->role == KEY_ROLE_ADMIN);
}

bool listener_may_see(const struct listener *listener, uint32_t sender, uint32_t other)
{
    const struct connection *mine = numbered(listener, sender)->connection;
    const struct connection *theirs = numbered(listener, other)->connection;

    return listener_may_see_all(listener, sender) ||
           (mine && theirs && memcmp(mine->key, theirs->key, KEY_BYTES) == 0);
}

/* The connection that a message belongs to, or NULL. The monitor events that are older than the
 * message are read first. So the message belongs to the connection that the monitor reported last
 * for its descriptor, or to an earlier one. */
static struct connection *message_connection(struct listener *listener,
                                             const struct envelope *envelope, bool *crowded)
{
    const uint8_t *id = envelope->bytes + 1;
    uint8_t id_size = envelope->size ? envelope->bytes[0] : 0;
    struct connection *connection = connections_at(&listener->connections, envelope->fd);
    enum origin origin = ORIGIN_THIS;

    if (!connections_is_certain(connection, id, id_size)) {
        listener_watch(listener);
        connection = connections_at(&listener->connections, envelope->fd);
        if (!connection)
            return NULL;
        bool learned = connection->first_message_read;
        origin = connections_origin(&listener->connections, connection, id, id_size);
        if (!learned)
            connection_learn_peer(listener, connection);
        if (!has_key(listener, connection) ||
            (!learned && id_is_forged(listener, connection, id, id_size)))
            return NULL;
    }
    *crowded = origin == ORIGIN_UNSURE || connection->holds >= CONNECTION_REQUESTS_MAX;
    return origin == ORIGIN_ANOTHER ? NULL : connection;
}

static void message_fill(struct listener *listener, const struct connection *connection,
                         struct listener_message *message)
{
    message->bytes = zmq_msg_data(&listener->body);
    message->size = zmq_msg_size(&listener->body);
    message->lockstep = connection->lockstep;
}

/* The sender of a message; NULL if its connection is abandoned, or if memory is short. */
static struct sender *sender_of(struct listener *listener, struct connection *connection,
                                const struct envelope *envelope)
{
    struct sender *sender = senders_get(&listener->senders, connection, envelope);
    struct connection *crowding = sender ? NULL : senders_crowding(&listener->senders);

    if (crowding)
        flood_control_abandon(&listener->flood, crowding,
                              "it does not read, and has more senders than any other connection");
    return crowding && crowding != connection
               ? senders_get(&listener->senders, connection, envelope)
               : sender;
}

enum listener_event listener_receive(struct listener *listener, struct listener_message *message)
{
    struct envelope envelope;
    struct envelope_form form;

    if (!message_next(listener, &envelope, &form))
        return LISTENER_NOTHING;
    if (envelope.fd == NO_DESCRIPTOR) {
        learn_ids(listener, &envelope);
        return LISTENER_DROPPED;
    }
    struct connection *connection = message_connection(listener, &envelope, &message->crowded);
    message->peer = connection ? connection->peer : "";
    if (connection)
        traffic_read(&listener->connections.totals, &connection->traffic, listener->wire_bytes);
    if (!form.fits && listener->type == LISTENER_ROUTER)
        return LISTENER_BAD_ENVELOPE;
    if (!connection || (listener->type == LISTENER_REP && !form.delimited))
        return LISTENER_DROPPED;
    struct sender *sender = sender_of(listener, connection, &envelope);
    if (!sender)
        return LISTENER_DROPPED;
    message_fill(listener, connection, message);
    if (!form.fits)
        message->size = 0;
    senders_hold(&listener->senders, sender);
    message->sender = sender->number;
    listener->owes = listener->type == LISTENER_REP;
    return LISTENER_MESSAGE;
}

void listener_vouch(struct listener *listener, uint32_t sender)
{
    struct connection *connection = numbered(listener, sender)->connection;

    if (connection && connection->silent)
        connections_speak(&listener->connections, connection);
}

/* ---- sending ----------------------------------------------------------------------------- */

/* Only the first frame of a message can fail, because the client is lost or its pipe is full. */
static bool envelope_send(void *socket, const struct envelope *envelope)
{
    const uint8_t *frame = envelope->bytes;

    while (frame < envelope->bytes + envelope->size) {
        if (zmq_send(socket, frame + 1, frame[0], ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1)
            return false;
        frame += 1 + frame[0];
    }
    return true;
}

/* Bytes of the message on the wire, where it has no routing id. */
static size_t message_wire_bytes(const struct listener *listener, const struct envelope *envelope,
                                 size_t size)
{
    const struct traffic_totals *totals = &listener->connections.totals;
    const uint8_t *frame = envelope->bytes + 1 + envelope->bytes[0];
    size_t bytes = traffic_frame_bytes(totals, size);

    for (; frame < envelope->bytes + envelope->size; frame += 1 + frame[0])
        bytes += traffic_frame_bytes(totals, frame[0]);
    return bytes;
}

/* If the last inspection has found no room, the peer may have acknowledged answers since then. */
static bool has_room(struct listener *listener, struct connection *connection, size_t bytes)
{
    const struct traffic_totals *totals = &listener->connections.totals;

    if (!listener->counts_bytes || traffic_has_room(totals, &connection->traffic, bytes))
        return true;
    flood_control_count(&listener->flood, connection);
    return traffic_has_room(totals, &connection->traffic, bytes);
}

static void count_sent(struct listener *listener, struct connection *connection, size_t bytes,
                       bool status)
{
    if (!listener->counts_bytes)
        return;
    traffic_hand(&listener->connections.totals, &connection->traffic, bytes, status);
    connections_set_active(&listener->connections, connection, true);
}

/* False if the connection has no room. The monitor reports a connection that has ended. */
static bool sender_send(struct listener *listener, const struct sender *sender, const void *bytes,
                        size_t size, bool status)
{
    void *socket = listener_socket(listener);
    size_t wire_bytes = message_wire_bytes(listener, &sender->envelope, size);

    if (!has_room(listener, sender->connection, wire_bytes))
        return false;
    if (envelope_send(socket, &sender->envelope) &&
        zmq_send(socket, bytes, size, ZMQ_DONTWAIT) != -1) {
        count_sent(listener, sender->connection, wire_bytes, status);
        return true;
    }
    return errno != EAGAIN;
}

/* False if the message has to wait. */
static bool send_at_once(struct listener *listener, const struct sender *sender, const void *bytes,
                         size_t size, bool status)
{
    listener->owes = false;
    if (!sender->connection)
        return true;
    return TAILQ_EMPTY(&sender->connection->kept) &&
           sender_send(listener, sender, bytes, size, status);
}

void listener_send(struct listener *listener, uint32_t number, const void *bytes, size_t size)
{
    struct sender *sender = numbered(listener, number);

    if (send_at_once(listener, sender, bytes, size, false))
        return;
    struct connection *abandoned = senders_keep(&listener->senders, sender, bytes, size);
    if (abandoned)
        flood_control_abandon(&listener->flood, abandoned,
                              "it does not read, and no more messages can wait for it");
}

void listener_send_or_drop(struct listener *listener, uint32_t number, const void *bytes,
                           size_t size)
{
    send_at_once(listener, numbered(listener, number), bytes, size, false);
}

static bool status_is_pending(struct listener *listener, struct connection *connection)
{
    if (!connection || !traffic_status_is_pending(&connection->traffic))
        return false;
    flood_control_count(&listener->flood, connection);
    return traffic_status_is_pending(&connection->traffic);
}

bool listener_send_status(struct listener *listener, uint32_t number, const void *bytes,
                          size_t size)
{
    const struct sender *sender = numbered(listener, number);

    return !status_is_pending(listener, sender->connection) &&
           send_at_once(listener, sender, bytes, size, true);
}

static void connection_flush(struct listener *listener, struct connection *connection)
{
    struct kept *kept;

    while ((kept = TAILQ_FIRST(&connection->kept)) &&
           sender_send(listener, kept->sender, kept->bytes, kept->size, false))
        senders_unkeep(&listener->senders, connection);
}

/* The connections take turns, so that thousands of slow ones do not delay the others. */
static void flush(struct listener *listener)
{
    struct connection_list *slow = &listener->senders.slow;
    struct connection *connection, *last = TAILQ_LAST(slow, connection_list);

    for (int i = 0; i < FLUSHED_MAX && (connection = TAILQ_FIRST(slow)); i++) {
        TAILQ_REMOVE(slow, connection, in_slow);
        TAILQ_INSERT_TAIL(slow, connection, in_slow);
        connection_flush(listener, connection);
        if (connection == last)
            break;
    }
}

/* ---- due work ---------------------------------------------------------------------------- */

/* What peers may do between two runs costs little. */
static void guard(struct listener *listener, int64_t now_ns)
{
    listener_watch(listener);
    check_ids(listener, now_ns);
    disconnect_silent(listener, now_ns, false);
    if (routing_ids_learning(&listener->ids))
        probe_ids(listener);
    accept_connections(listener);
    listener->guard_at_ns = now_ns + GUARD_NS;
}

/* While nothing has changed, flood control waits for its epoll set. */
void listener_run_due(struct listener *listener, int64_t now_ns)
{
    if (now_ns >= listener->flush_at_ns) {
        flush(listener);
        listener->flush_at_ns = now_ns + FLUSH_NS;
    }
    if (now_ns >= listener->guard_at_ns)
        guard(listener, now_ns);
    if (!listener->armed && now_ns < listener->inspect_at_ns)
        return;
    listener_watch(listener);
    listener->armed = !flood_control_inspect(&listener->flood, now_ns);
    listener->inspect_at_ns = now_ns + INSPECT_NS;
}

int64_t listener_due_at(const struct listener *listener)
{
    bool guards = listener->ids.unchecked > 0 || !listener->bound ||
                  listener->connections.silent_count > SILENT_MANY;
    int64_t due_at_ns = listener->armed ? NEVER : listener->inspect_at_ns;

    if (!TAILQ_EMPTY(&listener->senders.slow))
        due_at_ns = earlier(due_at_ns, listener->flush_at_ns);
    return guards ? earlier(due_at_ns, listener->guard_at_ns) : due_at_ns;
}

int listener_poll_items(const struct listener *listener, zmq_pollitem_t *items)
{
    items[0] = (zmq_pollitem_t){.socket = listener_socket(listener),
                                .events = listener->owes ? 0 : ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.socket = zsock_resolve(listener->monitor), .events = ZMQ_POLLIN};
    items[2] =
        (zmq_pollitem_t){.fd = listener->flood.epoll, .events = listener->armed ? ZMQ_POLLIN : 0};
    return LISTENER_POLL_ITEMS;
}
