/* A listening socket, ROUTER or REP: messages in and out, senders by number, lost senders. */
#include "server/net/listener.h"

#include <assert.h>
#include <czmq.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "proto/address.h"
#include "proto/instant.h"
#include "server/log.h"
#include "server/net/bind_address.h"
#include "server/net/connections.h"
#include "server/net/flood_control.h"
#include "server/net/io_threads.h"
#include "server/net/monitor.h"
#include "server/net/senders.h"
#include "server/net/warning.h"

/* Messages in the pipe of one connection, in either direction: as many as a client may have in
 * flight. */
#define PIPE_MESSAGES_MAX CLIENT_REQUESTS_MAX

/* Bytes before a frame on the wire: up to UINT8_MAX bytes, and longer. */
#define HEADER_BYTES      2
#define LONG_HEADER_BYTES 9

/* Time between two runs of flood control. */
#define INSPECT_NS (100 * NS_PER_MS)

/* Time between two attempts to send messages that wait: no event reports that a connection has room
 * again. */
#define FLUSH_MS 10
#define FLUSH_NS (FLUSH_MS * NS_PER_MS)

/* A peer that does not finish its handshake in this time is disconnected. */
#define HANDSHAKE_MS 3000

/* If a peer is silent for KEEPALIVE_S, TCP probes it every KEEPALIVE_INTERVAL_S and disconnects it
 * after several failures: its machine may have lost power or be asleep. */
#define KEEPALIVE_S          60
#define KEEPALIVE_INTERVAL_S 10

/* If fewer file descriptors are left, the listener logs a warning. */
#define FILES_FEW 16

/* Time between two warnings that few descriptors are left. */
#define WARN_FILES_US 60000000

struct listener {
    enum listener_type type;
    zsock_t *socket;
    zsock_t *monitor;
    zmq_msg_t body;    /* the last frame of the message that was read last */
    size_t wire_bytes; /* of that message, as far as flood control can count them */
    bool owes;         /* a REP has read a message, and must answer before it reads the next one */
    struct connections connections;
    struct senders senders;
    struct flood_control flood;
    int64_t inspect_at_ns; /* when flood control runs next */
    int64_t flush_at_ns;   /* when messages that wait are tried next */
    int files_few_from;    /* from this descriptor on, few descriptors are left */
    int64_t warn_files_at_us;
    char lost_peer[PEER_BYTES]; /* the address of the sender that was lost last */
};

/* ---- life -------------------------------------------------------------------------------- */

/* TCP listeners have no limit here, because a remote peer could abort this process through one
 * (libzmq #4364). Flood control limits them instead. */
static int receive_limit(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", strlen("tcp://")) == 0 ? 0 : PIPE_MESSAGES_MAX;
}

static zsock_t *socket_new(enum listener_type type, const char *endpoint)
{
    zsock_t *socket = zsock_new(type == LISTENER_REP ? ZMQ_REP : ZMQ_ROUTER);

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
    if (type == LISTENER_ROUTER)
        zsock_set_router_mandatory(socket, 1); /* without it, unsendable messages are dropped */
    return socket;
}

/* Opens the monitor before it binds, so that the monitor misses no connection. */
static bool bind_socket(struct listener *listener, const char *endpoint)
{
    listener->socket = socket_new(listener->type, endpoint);
    if (!listener->socket)
        return false;
    listener->monitor =
        monitor_new(listener_socket(listener), ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
    return listener->monitor && zsock_bind(listener->socket, "%s", endpoint) != -1;
}

static void close_socket(struct listener *listener)
{
    if (listener->socket)
        monitor_destroy(&listener->monitor, listener_socket(listener));
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

/* False if the system has no random bytes for the key of the senders' hash. */
static bool init_senders(struct senders *senders, const char **why)
{
    uint8_t key[SIPHASH_KEY_BYTES];
    bool random = getrandom(key, sizeof key, 0) == sizeof key;

    senders_init(senders, key);
    *why = "getrandom() gives no random bytes";
    return random;
}

struct listener *listener_new(enum listener_type type, const char *endpoint, struct log_limit *log,
                              const char **why)
{
    struct listener *listener = calloc(1, sizeof *listener);

    *why = "out of memory";
    if (!listener)
        return NULL;
    listener->type = type;
    listener->files_few_from = files_few_from();
    zmq_msg_init(&listener->body);
    connections_init(&listener->connections);
    listener->connections.inexact = type == LISTENER_REP;
    listener->flood = (struct flood_control){&listener->connections, &listener->senders, log};
    if (!init_senders(&listener->senders, why) || !listener_bind(listener, endpoint, why))
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

void *listener_socket(const struct listener *listener)
{
    return zsock_resolve(listener->socket);
}

void *listener_monitor(const struct listener *listener)
{
    return zsock_resolve(listener->monitor);
}

/* ---- connections ------------------------------------------------------------------------- */

static void connection_new(struct listener *listener, int fd)
{
    connections_open(&listener->connections, fd);
    flood_control_reset(fd);
    if (fd >= listener->files_few_from && warning_due(&listener->warn_files_at_us, WARN_FILES_US))
        log_warning("fewer than %d file descriptors are left for connections to %s: raise "
                    "\"ulimit -n\"",
                    FILES_FEW, listener_endpoint(listener));
}

/* Reads the events of the monitor. True if a connection has ended. */
static bool listener_watch(struct listener *listener)
{
    bool ended = false;
    uint16_t event;
    int32_t fd;

    while (monitor_next(listener->monitor, &event, &fd)) {
        struct connection *connection = connections_at(&listener->connections, fd);
        if (connection) {
            senders_lose(&listener->senders, connection);
            connections_close(&listener->connections, fd);
            ended = true;
        }
        if (event == ZMQ_EVENT_ACCEPTED && fd >= 0)
            connection_new(listener, fd);
    }
    return ended;
}

/* Sends an answer to a lost client. libzmq drops the answer, and the REP socket can read the next
 * message. */
static void rep_resume(struct listener *listener)
{
    if (listener->owes)
        zmq_send(listener_socket(listener), NULL, 0, ZMQ_DONTWAIT);
    listener->owes = false;
}

bool listener_lost(struct listener *listener, uint32_t *sender, const char **peer)
{
    listener_watch(listener);
    if (!senders_take_lost(&listener->senders, sender, listener->lost_peer))
        return false;
    *peer = listener->lost_peer;
    rep_resume(listener);
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
    listener->wire_bytes += (size_t)size + (size > UINT8_MAX ? LONG_HEADER_BYTES : HEADER_BYTES);
    return true;
}

/* Reads a whole message, with any number of frames. The last frame remains in listener->body. False
 * if there is no message. fits: false if the frames before the last one are too many or too long; a
 * REP hides the envelope, so a message read from it must have one frame. On the wire a message has
 * no routing id, and a message to a REP has at least an empty delimiter frame. */
static bool message_read(struct listener *listener, struct envelope *envelope, bool *fits)
{
    uint32_t frames = 0;

    envelope->size = 0;
    *fits = true;
    listener->wire_bytes = 0;
    if (!frame_read(listener))
        return false;
    listener->wire_bytes = listener->type == LISTENER_REP ? listener->wire_bytes + HEADER_BYTES : 0;
    while (zmq_msg_more(&listener->body)) {
        *fits = *fits && listener->type == LISTENER_ROUTER && ++frames <= ENVELOPE_FRAMES_MAX &&
                envelope_add(envelope, &listener->body);
        if (!frame_read(listener))
            return false;
    }
    listener->owes = listener->type == LISTENER_REP;
    envelope->fd = zmq_msg_get(&listener->body, ZMQ_SRCFD);
    return true;
}

/* The monitor reports the end of a connection before its descriptor is closed. If no message is
 * left after that report, no message of the connection is left. If a REP owes an answer, it reads
 * nothing (EFSM), although messages may be left. */
static bool message_next(struct listener *listener, struct envelope *envelope, bool *fits)
{
    do
        if (message_read(listener, envelope, fits))
            return true;
        else if (errno != EAGAIN)
            return false;
    while (listener_watch(listener));
    connections_all_read(&listener->connections);
    return false;
}

static const char *message_property(struct listener *listener, const char *name)
{
    const char *value = zmq_msg_gets(&listener->body, name);

    return value ? value : "";
}

/* The first message of a connection shows the address and the type of the peer. */
static void connection_learn_peer(struct listener *listener, struct connection *connection)
{
    snprintf(connection->peer, PEER_BYTES, "%s", message_property(listener, "Peer-Address"));
    connection->lockstep =
        listener->type == LISTENER_REP || streq(message_property(listener, "Socket-Type"), "REQ");
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
    struct connection *connection;
    struct sender *sender = NULL;
    bool fits;

    if (!message_next(listener, &envelope, &fits))
        return LISTENER_NOTHING;
    connection = message_connection(listener, &envelope, &message->crowded);
    message->peer = connection ? connection->peer : "";
    if (connection)
        connections_read(&listener->connections, connection, listener->wire_bytes);
    if (!fits && listener->type == LISTENER_ROUTER)
        return LISTENER_BAD_ENVELOPE;
    if (connection)
        sender = sender_of(listener, connection, &envelope);
    if (!sender) {
        rep_resume(listener);
        return LISTENER_DROPPED;
    }
    message_fill(listener, connection, message);
    if (!fits)
        message->size = 0;
    senders_hold(&listener->senders, sender);
    message->sender = sender->number;
    return LISTENER_MESSAGE;
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

/* False if the connection has no room. The monitor reports a connection that has ended. */
static bool sender_send(struct listener *listener, const struct sender *sender, const void *bytes,
                        size_t size)
{
    void *socket = listener_socket(listener);

    if (envelope_send(socket, &sender->envelope) &&
        zmq_send(socket, bytes, size, ZMQ_DONTWAIT) != -1) {
        listener->owes = false;
        return true;
    }
    return errno != EAGAIN;
}

/* False if the message has to wait. */
static bool send_at_once(struct listener *listener, const struct sender *sender, const void *bytes,
                         size_t size)
{
    if (!sender->connection) {
        rep_resume(listener);
        return true;
    }
    return TAILQ_EMPTY(&sender->connection->kept) && sender_send(listener, sender, bytes, size);
}

void listener_send(struct listener *listener, uint32_t number, const void *bytes, size_t size)
{
    struct sender *sender = numbered(listener, number);

    if (send_at_once(listener, sender, bytes, size))
        return;
    struct connection *abandoned = senders_keep(&listener->senders, sender, bytes, size);
    if (abandoned)
        flood_control_abandon(&listener->flood, abandoned,
                              "it does not read, and no more messages can wait for it");
}

void listener_send_or_drop(struct listener *listener, uint32_t number, const void *bytes,
                           size_t size)
{
    send_at_once(listener, numbered(listener, number), bytes, size);
}

static void connection_flush(struct listener *listener, struct connection *connection)
{
    struct kept *kept;

    while ((kept = TAILQ_FIRST(&connection->kept)) &&
           sender_send(listener, kept->sender, kept->bytes, kept->size))
        senders_unkeep(&listener->senders, connection);
}

static void flush(struct listener *listener)
{
    struct connection *connection = TAILQ_FIRST(&listener->senders.slow);

    while (connection) {
        struct connection *next = TAILQ_NEXT(connection, in_slow);
        connection_flush(listener, connection);
        connection = next;
    }
}

/* ---- due work ---------------------------------------------------------------------------- */

void listener_run_due(struct listener *listener, int64_t now_ns)
{
    if (now_ns >= listener->flush_at_ns) {
        flush(listener);
        listener->flush_at_ns = now_ns + FLUSH_NS;
    }
    if (now_ns >= listener->inspect_at_ns) {
        listener_watch(listener);
        flood_control_inspect(&listener->flood);
        listener->inspect_at_ns = zclock_usecs() * NS_PER_US + INSPECT_NS;
    }
}

int64_t listener_due_at(const struct listener *listener)
{
    if (!TAILQ_EMPTY(&listener->senders.slow))
        return listener->flush_at_ns;
    return listener->connections.open_count > 0 ? listener->inspect_at_ns : NEVER;
}
