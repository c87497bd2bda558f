#include "server/net/listener.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "proto/address.h"
#include "server/net/connections.h"
#include "server/net/io_threads.h"
#include "server/net/monitor.h"
#include "server/net/senders.h"
#include "server/net/tcp_socket.h"

/* Messages that wait in one client's pipe, in either direction: as many as it may have in flight.
 */
#define PIPE_MESSAGES_MAX CLIENT_REQUESTS_MAX

/* Before a frame on the wire, which is long or not. */
#define HEADER_BYTES      2
#define LONG_HEADER_BYTES 9

/* Time between two looks at what is unread of connections. */
#define LOOK_NS INT64_C(100000000)

/* Time after which a message that was kept is tried again: no event tells when there is room. */
#define FLUSH_MS 10
#define FLUSH_NS (FLUSH_MS * INT64_C(1000000))

/* A peer that cannot finish its handshake in this time is cut off. */
#define HANDSHAKE_MS 3000

/* A peer whose machine has lost power, or is asleep, is asked after so long whether it is there,
 * and so often until TCP gives it up. */
#define KEEPALIVE_S 60
#define AGAIN_S     10

/* File descriptors that are left when it is told that they run out. */
#define FILES_FEW 16

/* Time between two warnings about connections that are given up, and about descriptors. */
#define WARN_US       1000000
#define WARN_FILES_US 60000000

struct listener {
    enum listener_type type;
    zsock_t *socket;
    zsock_t *monitor;
    zmq_msg_t body;
    size_t wire_bytes; /* of the message read last */
    bool owes;         /* REP has read a message and takes no other until it has sent one */
    struct connections connections;
    struct senders senders;
    int64_t look_at_ns;
    int64_t flush_at_ns;
    int files;          /* below this file descriptors are no rare thing */
    int64_t warn_at_us; /* no warning before this */
    int64_t warn_held_at_us;
    int64_t warn_files_at_us;
};

/* ---- life -------------------------------------------------------------------------------- */

/* With a limit who waits on a machine elsewhere can end this process (libzmq #4364): see look(). */
static int requests_wait_max(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", strlen("tcp://")) == 0 ? 0 : PIPE_MESSAGES_MAX;
}

static zsock_t *socket_new(enum listener_type type, const char *endpoint)
{
    zsock_t *socket = zsock_new(type == LISTENER_REP ? ZMQ_REP : ZMQ_ROUTER);

    if (!socket)
        return NULL;
    zsock_set_sndhwm(socket, PIPE_MESSAGES_MAX);
    zsock_set_rcvhwm(socket, requests_wait_max(endpoint));
    zsock_set_maxmsgsize(socket, FRAME_BYTES_MAX);
    zsock_set_handshake_ivl(socket, HANDSHAKE_MS);
    zsock_set_tcp_keepalive(socket, 1);
    zsock_set_tcp_keepalive_idle(socket, KEEPALIVE_S);
    zsock_set_tcp_keepalive_intvl(socket, AGAIN_S);
    zsock_set_ipv6(socket, address_is_ipv6(endpoint));
    zsock_set_affinity(socket, IO_LISTENERS);
    if (type == LISTENER_ROUTER)
        zsock_set_router_mandatory(socket, 1); /* else it drops what it cannot send, silently */
    return socket;
}

/* The monitor is there first: who connects at once must not be missed by it. */
static bool listener_bind(struct listener *front, const char *endpoint)
{
    front->socket = socket_new(front->type, endpoint);
    if (!front->socket)
        return false;
    front->monitor =
        monitor_new(listener_socket(front), ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
    return front->monitor && zsock_bind(front->socket, "%s", endpoint) != -1;
}

/* Descriptors are given out the lowest first. */
static int files_that_are_many(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1 || files.rlim_cur > INT_MAX)
        return INT_MAX;
    return (int)files.rlim_cur - FILES_FEW;
}

struct listener *listener_new(enum listener_type type, const char *endpoint)
{
    struct listener *front = calloc(1, sizeof *front);

    if (!front)
        return NULL;
    front->type = type;
    front->files = files_that_are_many();
    zmq_msg_init(&front->body);
    connections_init(&front->connections);
    front->connections.inexact = type == LISTENER_REP;
    senders_init(&front->senders);
    if (!listener_bind(front, endpoint)) {
        int reason = errno;
        listener_destroy(&front, 0);
        errno = reason;
    }
    return front;
}

/* Time that is left of `patience_ms` once nothing is kept any more. */
static int flush_all(struct listener *front, int patience_ms)
{
    for (; !TAILQ_EMPTY(&front->senders.slow) && patience_ms > 0; patience_ms -= FLUSH_MS) {
        zclock_sleep(FLUSH_MS);
        listener_tend(front, zclock_usecs() * 1000);
    }
    return patience_ms > 0 ? patience_ms : 0;
}

static void lose_all(struct listener *front)
{
    for (size_t fd = 0; fd < front->connections.size; fd++)
        if (front->connections.by_fd[fd])
            senders_lose(&front->senders, front->connections.by_fd[fd]);
}

/* That this server ends is to be heard by all. */
static void release_all(struct listener *front)
{
    for (size_t fd = 0; fd < front->connections.size; fd++)
        if (front->connections.by_fd[fd] && front->connections.by_fd[fd]->held)
            tcp_hold((int)fd, false);
}

void listener_destroy(struct listener **listener_p, int patience_ms)
{
    struct listener *front = *listener_p;

    if (!front)
        return;
    if (front->socket) {
        zsock_set_linger(front->socket, flush_all(front, patience_ms));
        release_all(front);
        monitor_destroy(&front->monitor, listener_socket(front));
    }
    zsock_destroy(&front->socket);
    lose_all(front);
    senders_clear(&front->senders);
    connections_clear(&front->connections);
    zmq_msg_close(&front->body);
    free(front);
    *listener_p = NULL;
}

const char *listener_endpoint(const struct listener *front)
{
    return zsock_endpoint(front->socket);
}

void *listener_socket(const struct listener *front)
{
    return zsock_resolve(front->socket);
}

void *listener_monitor(const struct listener *front)
{
    return zsock_resolve(front->monitor);
}

/* ---- who is there ------------------------------------------------------------------------ */

/* No more than one in every_us. */
static bool may_warn(int64_t *at_us, int64_t every_us)
{
    if (zclock_usecs() < *at_us)
        return false;
    *at_us = zclock_usecs() + every_us;
    return true;
}

static void connection_new(struct listener *front, int fd)
{
    connections_open(&front->connections, fd);
    tcp_hold(fd, false); /* meant for one that had it before */
    if (fd >= front->files && may_warn(&front->warn_files_at_us, WARN_FILES_US))
        zsys_warning("hardly any file descriptor is left for those who connect to %s: raise "
                     "\"ulimit -n\"",
                     listener_endpoint(front));
}

/* Takes what the monitor tells. True where a connection has ended. */
static bool listener_watch(struct listener *front)
{
    bool ended = false;
    uint16_t what;
    int32_t fd;

    while (monitor_next(front->monitor, &what, &fd)) {
        struct connection *connection = connections_at(&front->connections, fd);
        if (connection) {
            senders_lose(&front->senders, connection);
            connections_close(&front->connections, fd);
            ended = true;
        }
        if (what == ZMQ_EVENT_ACCEPTED && fd >= 0)
            connection_new(front, fd);
    }
    return ended;
}

/* Answers a client that has gone: the message goes nowhere, and REP takes the next one. */
static void rep_go_on(struct listener *front)
{
    if (front->owes)
        zmq_send(listener_socket(front), NULL, 0, ZMQ_DONTWAIT);
    front->owes = false;
}

bool listener_lost(struct listener *front, uint32_t *sender)
{
    listener_watch(front);
    if (!senders_take_lost(&front->senders, sender))
        return false;
    rep_go_on(front);
    return true;
}

static struct sender *numbered(const struct listener *front, uint32_t number)
{
    assert(number < CLIENTS_MAX);
    assert(front->senders.by_number[number]);
    return front->senders.by_number[number];
}

void listener_release(struct listener *front, uint32_t sender)
{
    senders_release(&front->senders, numbered(front, sender));
}

void listener_keep(struct listener *front, uint32_t sender, bool keep)
{
    senders_stay(&front->senders, numbered(front, sender), keep);
}

const char *listener_peer(const struct listener *front, uint32_t sender)
{
    const struct connection *connection = numbered(front, sender)->connection;

    return connection ? connection->peer : "";
}

/* ---- messages in ------------------------------------------------------------------------- */

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

static bool frame_read(struct listener *front)
{
    int size = zmq_msg_recv(&front->body, listener_socket(front), ZMQ_DONTWAIT);

    if (size == -1)
        return false;
    front->wire_bytes += (size_t)size + (size > UINT8_MAX ? LONG_HEADER_BYTES : HEADER_BYTES);
    return true;
}

/* Reads a whole message, however many frames it has; the last one is left in front->body. Returns
 * false where there is none; `fits` is false where the frames before it are too many or too long.
 * REP keeps the envelope to itself, so that there must be none. On the wire a message has no
 * routing id, and one for a REP has a delimiter at least. */
static bool message_read(struct listener *front, struct envelope *envelope, bool *fits)
{
    uint32_t frames = 0;

    envelope->size = 0;
    *fits = true;
    front->wire_bytes = 0;
    if (!frame_read(front))
        return false;
    front->wire_bytes = front->type == LISTENER_REP ? front->wire_bytes + HEADER_BYTES : 0;
    while (zmq_msg_more(&front->body)) {
        *fits = *fits && front->type == LISTENER_ROUTER && ++frames <= ENVELOPE_FRAMES_MAX &&
                envelope_add(envelope, &front->body);
        if (!frame_read(front))
            return false;
    }
    front->owes = front->type == LISTENER_REP;
    envelope->fd = zmq_msg_get(&front->body, ZMQ_SRCFD);
    return true;
}

/* The monitor speaks of the end of a connection before its descriptor is closed: when there is
 * nothing to read after that, nothing of it is left. REP has nothing to read while it owes an
 * answer, which proves nothing. */
static bool message_next(struct listener *front, struct envelope *envelope, bool *fits)
{
    do
        if (message_read(front, envelope, fits))
            return true;
        else if (errno != EAGAIN)
            return false;
    while (listener_watch(front));
    connections_all_read(&front->connections);
    return false;
}

static const char *message_property(struct listener *front, const char *name)
{
    const char *value = zmq_msg_gets(&front->body, name);

    return value ? value : "";
}

/* What the first message of a connection tells for all. */
static void connection_learn(struct listener *front, struct connection *connection)
{
    snprintf(connection->peer, PEER_BYTES, "%s", message_property(front, "Peer-Address"));
    connection->lockstep =
        front->type == LISTENER_REP || streq(message_property(front, "Socket-Type"), "REQ");
}

/* Monitor news that is older than a message is here when the message is, so that its descriptor
 * means the connection that the monitor spoke of last, or one before it. */
static struct connection *message_connection(struct listener *front,
                                             const struct envelope *envelope, bool *crowded)
{
    const uint8_t *id = envelope->bytes + 1;
    uint8_t id_size = envelope->size ? envelope->bytes[0] : 0;
    struct connection *connection = connections_at(&front->connections, envelope->fd);
    enum origin sender = ORIGIN_THIS;

    if (!connections_surely(connection, id, id_size)) {
        listener_watch(front);
        connection = connections_at(&front->connections, envelope->fd);
        if (!connection)
            return NULL;
        bool heard = connection->heard;
        sender = connections_origin(&front->connections, connection, id, id_size);
        if (!heard)
            connection_learn(front, connection);
    }
    *crowded = sender == ORIGIN_UNSURE || connection->holds >= CONNECTION_REQUESTS_MAX;
    return sender == ORIGIN_ANOTHER ? NULL : connection;
}

static void message_fill(struct listener *front, const struct connection *connection,
                         struct listener_message *message)
{
    message->bytes = zmq_msg_data(&front->body);
    message->size = zmq_msg_size(&front->body);
    message->lockstep = connection->lockstep;
}

enum listener_news listener_recv(struct listener *front, struct listener_message *message)
{
    struct envelope envelope;
    struct connection *connection;
    struct sender *sender = NULL;
    bool fits;

    if (!message_next(front, &envelope, &fits))
        return LISTENER_NOTHING;
    connection = message_connection(front, &envelope, &message->crowded);
    if (connection)
        connections_read(&front->connections, connection, front->wire_bytes);
    if (!fits && front->type == LISTENER_ROUTER)
        return LISTENER_BAD;
    if (connection)
        sender = senders_get(&front->senders, connection, &envelope);
    if (!sender) {
        rep_go_on(front);
        return LISTENER_DROPPED;
    }
    message_fill(front, connection, message);
    if (!fits)
        message->size = 0;
    senders_hold(&front->senders, sender);
    message->sender = sender->number;
    return LISTENER_MESSAGE;
}

/* ---- messages out ------------------------------------------------------------------------ */

/* Only the first frame of a message can find its client gone or its pipe full. */
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

/* False where the connection has no room. Of one that is no longer there the monitor tells. */
static bool client_send(struct listener *front, const struct sender *sender, const void *bytes,
                        size_t size)
{
    void *socket = listener_socket(front);

    if (envelope_send(socket, &sender->envelope) &&
        zmq_send(socket, bytes, size, ZMQ_DONTWAIT) != -1) {
        front->owes = false;
        return true;
    }
    return errno != EAGAIN;
}

static const char *peer_of(struct connection *connection)
{
    if (!connection->heard)
        tcp_peer(connection->fd, connection->peer, PEER_BYTES);
    return connection->peer;
}

/* libzmq takes in what comes until memory is full. So TCP is to take nothing in for a while, and
 * its peer sends it again: nothing is lost. Where that cannot be the connection is cut. */
static void connection_hold(const struct connection *connection)
{
    if (!tcp_hold(connection->fd, true))
        shutdown(connection->fd, SHUT_RDWR);
}

/* Released first, for libzmq closes what is shut down at once, and its peer is to hear of it. Where
 * it has ended in this moment, and another has its descriptor, that one is cut instead: its peer
 * asks again, as after any loss. */
static void connection_cut(const struct connection *connection)
{
    tcp_hold(connection->fd, false);
    shutdown(connection->fd, SHUT_RDWR);
}

static void connection_lose(struct listener *front, struct connection *connection, const char *does,
                            const char *why)
{
    if (may_warn(&front->warn_at_us, WARN_US))
        zsys_warning("a client that %s is given up, with all of its connection from %s: %s", does,
                     peer_of(connection), why);
    senders_lose(&front->senders, connection);
}

/* False where the message has to wait. */
static bool send_at_once(struct listener *front, const struct sender *sender, const void *bytes,
                         size_t size)
{
    if (!sender->connection) {
        rep_go_on(front);
        return true;
    }
    return TAILQ_EMPTY(&sender->connection->kept) && client_send(front, sender, bytes, size);
}

void listener_send(struct listener *front, uint32_t number, const void *bytes, size_t size)
{
    struct sender *sender = numbered(front, number);

    if (send_at_once(front, sender, bytes, size))
        return;
    struct connection *given_up = senders_keep(&front->senders, sender, bytes, size);
    if (!given_up)
        return;
    connection_lose(front, given_up, "does not read",
                    "there is no more room for what waits for it");
    connections_give_up(&front->connections, given_up);
    connection_hold(given_up);
}

void listener_offer(struct listener *front, uint32_t number, const void *bytes, size_t size)
{
    send_at_once(front, numbered(front, number), bytes, size);
}

static void connection_flush(struct listener *front, struct connection *connection)
{
    struct kept *kept;

    while ((kept = TAILQ_FIRST(&connection->kept)) &&
           client_send(front, kept->sender, kept->bytes, kept->size))
        senders_unkeep(&front->senders, connection);
}

static void flush(struct listener *front)
{
    struct connection *connection = TAILQ_FIRST(&front->senders.slow);

    while (connection) {
        struct connection *next = TAILQ_NEXT(connection, in_slow);
        connection_flush(front, connection);
        connection = next;
    }
}

/* ---- who sends too much ------------------------------------------------------------------ */

static void held_warn(struct listener *front, struct connection *connection)
{
    if (may_warn(&front->warn_held_at_us, WARN_US))
        zsys_warning("more comes from %s than is read: it has to wait", peer_of(connection));
}

static void connection_judge(struct listener *front, struct connection *connection, uint64_t limit)
{
    switch (connections_judge(&front->connections, connection, limit)) {
    case VERDICT_LET_BE: break;
    case VERDICT_HOLD: held_warn(front, connection); break;
    case VERDICT_RELEASE: tcp_hold(connection->fd, false); break;
    case VERDICT_GIVE_UP:
        connection_lose(front, connection, "does not end its message", "it is too long");
        break;
    case VERDICT_CUT: connection_cut(connection); break;
    }
    if (connection->held) /* again and again: another may have had its descriptor in between */
        connection_hold(connection);
}

/* At what libzmq has taken in, and TCP has for it. */
static void look(struct listener *front)
{
    struct connections *connections = &front->connections;
    struct connection *connection;

    listener_watch(front);
    for (size_t fd = 0; fd < connections->size; fd++)
        if ((connection = connections_at(connections, (int)fd)))
            connections_look(connections, connection, tcp_received_bytes((int)fd));
    uint64_t limit = connections_limit(connections);
    for (size_t fd = 0; fd < connections->size; fd++)
        if ((connection = connections_at(connections, (int)fd)))
            connection_judge(front, connection, limit);
}

/* ---- what time brings -------------------------------------------------------------------- */

void listener_tend(struct listener *front, int64_t now_ns)
{
    if (now_ns >= front->flush_at_ns) {
        flush(front);
        front->flush_at_ns = now_ns + FLUSH_NS;
    }
    if (now_ns >= front->look_at_ns) {
        look(front);
        front->look_at_ns = zclock_usecs() * 1000 + LOOK_NS;
    }
}

int64_t listener_due_at(const struct listener *front)
{
    if (!TAILQ_EMPTY(&front->senders.slow))
        return front->flush_at_ns;
    return front->connections.open_count > 0 ? front->look_at_ns : INT64_MAX;
}
