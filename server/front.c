#include "server/front.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/clients.h"

/* Messages that wait in one client's pipe, in either direction. Finite, so that nobody fills the
 * memory, and as many as a client may have in flight, so that its answers find room. */
#define PIPE_MESSAGES_MAX CLIENT_REQUESTS_MAX

/* A peer that cannot finish its handshake in this time is cut off. */
#define HANDSHAKE_MS 3000

/* Time between two warnings about clients that are given up. */
#define WARN_US 1000000

/* How long answers may take to leave when the server ends. */
#define LINGER_MS 1000

struct front {
    enum front_type type;
    zsock_t *socket;
    zsock_t *monitor;
    zmq_msg_t body;
    bool owes; /* REP has read a message and takes no other until it has sent one */
    struct clients clients;
    bool *connected; /* by file descriptor */
    size_t connected_size;
    int64_t warn_at_us; /* no warning before this */
};

/* ---- the socket and its monitor ---------------------------------------------------------- */

static zsock_t *front_bind(enum front_type type, const char *endpoint)
{
    zsock_t *socket = zsock_new(type == FRONT_REP ? ZMQ_REP : ZMQ_ROUTER);

    if (!socket)
        return NULL;
    zsock_set_linger(socket, LINGER_MS);
    zsock_set_sndhwm(socket, PIPE_MESSAGES_MAX);
    zsock_set_rcvhwm(socket, PIPE_MESSAGES_MAX);
    zsock_set_maxmsgsize(socket, FRAME_BYTES_MAX);
    zsock_set_handshake_ivl(socket, HANDSHAKE_MS);
    if (type == FRONT_ROUTER)
        zsock_set_router_mandatory(socket, 1); /* else it drops what it cannot send, silently */
    if (zsock_bind(socket, "%s", endpoint) == -1) {
        int reason = errno;
        zsock_destroy(&socket);
        errno = reason;
    }
    return socket;
}

/* libzmq's I/O thread waits for room in this pipe, hence no limit. */
static zsock_t *front_watch(zsock_t *socket)
{
    char address[64];

    snprintf(address, sizeof address, "inproc://front-monitor-%p", (void *)socket);
    if (zmq_socket_monitor(zsock_resolve(socket), address,
                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) == -1)
        return NULL;
    zsock_t *monitor = zsock_new(ZMQ_PAIR);
    if (!monitor)
        return NULL;
    zsock_set_rcvhwm(monitor, 0);
    if (zsock_connect(monitor, "%s", address) == -1)
        zsock_destroy(&monitor);
    return monitor;
}

struct front *front_new(enum front_type type, const char *endpoint)
{
    struct front *front = calloc(1, sizeof *front);

    if (!front)
        return NULL;
    front->type = type;
    zmq_msg_init(&front->body);
    clients_init(&front->clients);
    front->socket = front_bind(type, endpoint);
    if (front->socket)
        front->monitor = front_watch(front->socket);
    if (!front->monitor) {
        int reason = errno;
        front_destroy(&front);
        errno = reason;
    }
    return front;
}

void front_destroy(struct front **front_p)
{
    struct front *front = *front_p;

    if (!front)
        return;
    for (int waited_ms = 0; front_flush(front) && waited_ms < LINGER_MS;
         waited_ms += FRONT_FLUSH_MS)
        zclock_sleep(FRONT_FLUSH_MS);
    clients_clear(&front->clients);
    if (front->socket)
        zmq_socket_monitor(zsock_resolve(front->socket), NULL, 0);
    zsock_destroy(&front->monitor);
    zsock_destroy(&front->socket);
    zmq_msg_close(&front->body);
    free(front->connected);
    free(front);
    *front_p = NULL;
}

const char *front_endpoint(const struct front *front)
{
    return zsock_endpoint(front->socket);
}

void *front_socket(const struct front *front)
{
    return zsock_resolve(front->socket);
}

void *front_monitor(const struct front *front)
{
    return zsock_resolve(front->monitor);
}

static void connection_set(struct front *front, int fd, bool connected)
{
    size_t index = (size_t)fd;

    if (index >= front->connected_size) {
        size_t size = 2 * index + 64;
        bool *grown = realloc(front->connected, size * sizeof *grown);
        if (!grown)
            return; /* its clients will count as connected */
        memset(grown + front->connected_size, true, (size - front->connected_size) * sizeof *grown);
        front->connected = grown;
        front->connected_size = size;
    }
    front->connected[index] = connected;
}

static bool connected(const struct front *front, int fd)
{
    return fd < 0 || (size_t)fd >= front->connected_size || front->connected[fd];
}

/* An event is two frames: its number and the file descriptor, then the endpoint. */
static bool front_watch_next(struct front *front)
{
    uint8_t event[6];
    uint16_t what;
    int32_t fd;

    if (zmq_recv(front_monitor(front), event, sizeof event, ZMQ_DONTWAIT) != sizeof event)
        return false;
    zmq_recv(front_monitor(front), NULL, 0, ZMQ_DONTWAIT);
    memcpy(&what, event, sizeof what);
    memcpy(&fd, event + sizeof what, sizeof fd);
    if (fd < 0)
        return true;
    connection_set(front, fd, what == ZMQ_EVENT_ACCEPTED);
    if (what == ZMQ_EVENT_DISCONNECTED)
        clients_lose_connection(&front->clients, fd);
    return true;
}

/* Answers a client that has gone: the message goes nowhere, and REP takes the next one. */
static void rep_go_on(struct front *front)
{
    if (front->owes)
        zmq_send(front_socket(front), NULL, 0, ZMQ_DONTWAIT);
    front->owes = false;
}

bool front_lost(struct front *front, uint32_t *client)
{
    while (front_watch_next(front))
        ;
    if (!clients_take_lost(&front->clients, client))
        return false;
    rep_go_on(front);
    return true;
}

/* ---- messages ---------------------------------------------------------------------------- */

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

/* Reads a whole message, however many frames it has; the last one is left in front->body. Returns
 * false where there is none; `fits` is false where the frames before it are too many or too long.
 * REP keeps the envelope to itself, so that there must be none. */
static bool message_read(struct front *front, struct envelope *envelope, bool *fits)
{
    uint32_t frames = 0;

    envelope->size = 0;
    *fits = true;
    if (zmq_msg_recv(&front->body, front_socket(front), ZMQ_DONTWAIT) == -1)
        return false;
    while (zmq_msg_more(&front->body)) {
        *fits = *fits && front->type == FRONT_ROUTER && ++frames <= ENVELOPE_FRAMES_MAX &&
                envelope_add(envelope, &front->body);
        if (zmq_msg_recv(&front->body, front_socket(front), ZMQ_DONTWAIT) == -1)
            return false;
    }
    front->owes = front->type == FRONT_REP;
    return true;
}

/* A message can be read after its connection has ended. The monitor spoke first, for a file
 * descriptor is closed after that and taken again later still: so the number in a message always
 * means the connection that the monitor spoke of last, or one that has gone. */
static struct client *message_client(struct front *front, const struct envelope *envelope)
{
    int fd = zmq_msg_get(&front->body, ZMQ_SRCFD);

    while (front_watch_next(front))
        ;
    struct client *client = clients_find(&front->clients, envelope);
    if (client)
        return client->lost ? NULL : client;
    return connected(front, fd) ? clients_add(&front->clients, envelope, fd) : NULL;
}

static bool message_lockstep(struct front *front)
{
    const char *peer = zmq_msg_gets(&front->body, "Socket-Type");

    return front->type == FRONT_REP || (peer && streq(peer, "REQ"));
}

enum front_news front_recv(struct front *front, struct front_message *message)
{
    struct envelope envelope;
    bool fits;

    while (message_read(front, &envelope, &fits)) {
        if (!fits && front->type == FRONT_ROUTER)
            return FRONT_BAD;
        struct client *client = message_client(front, &envelope);
        if (!client) {
            rep_go_on(front);
            continue;
        }
        clients_hold(&front->clients, client);
        message->client = client->number;
        message->bytes = zmq_msg_data(&front->body);
        message->size = fits ? zmq_msg_size(&front->body) : 0;
        message->lockstep = message_lockstep(front);
        return FRONT_MESSAGE;
    }
    return FRONT_NOTHING;
}

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

enum sent {
    SENT,
    SENT_FULL, /* the client does not read fast enough */
    SENT_GONE, /* it is no longer there */
};

static enum sent client_send(struct front *front, struct client *client, const void *bytes,
                             size_t size)
{
    void *socket = front_socket(front);

    if (client->lost) {
        rep_go_on(front);
        return SENT_GONE;
    }
    if (envelope_send(socket, &client->envelope) &&
        zmq_send(socket, bytes, size, ZMQ_DONTWAIT) != -1) {
        front->owes = false;
        return SENT;
    }
    if (errno == EAGAIN)
        return SENT_FULL;
    clients_lose(&front->clients, client);
    return SENT_GONE;
}

static void given_up_warn(struct front *front)
{
    if (zclock_usecs() < front->warn_at_us)
        return;
    front->warn_at_us = zclock_usecs() + WARN_US;
    zsys_warning("a client that does not read is given up: there is no more room for what waits "
                 "for it");
}

void front_send(struct front *front, uint32_t number, const void *bytes, size_t size)
{
    struct clients *clients = &front->clients;
    struct client *client = clients->by_number[number];

    if (TAILQ_EMPTY(&client->kept) && client_send(front, client, bytes, size) != SENT_FULL)
        return;
    if (clients_keep(clients, client, bytes, size))
        given_up_warn(front);
}

void front_offer(struct front *front, uint32_t number, const void *bytes, size_t size)
{
    struct client *client = front->clients.by_number[number];

    if (TAILQ_EMPTY(&client->kept))
        client_send(front, client, bytes, size);
}

void front_release(struct front *front, uint32_t number)
{
    clients_release(&front->clients, front->clients.by_number[number]);
}

static void client_flush(struct front *front, struct client *client)
{
    for (bool last = false; !last;) {
        struct kept *kept = TAILQ_FIRST(&client->kept);
        if (client_send(front, client, kept->bytes, kept->size) == SENT_FULL)
            return;
        last = !TAILQ_NEXT(kept, link);
        clients_unkeep(&front->clients, client);
    }
}

bool front_flush(struct front *front)
{
    struct client *client = TAILQ_FIRST(&front->clients.slow);

    while (client) {
        struct client *next = TAILQ_NEXT(client, in_slow);
        client_flush(front, client);
        client = next;
    }
    return !TAILQ_EMPTY(&front->clients.slow);
}
