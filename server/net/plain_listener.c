/* The listener of the plain endpoint: TCP connections that each get one sum as text. */
#include "server/net/plain_listener.h"

#include <assert.h>
#include <czmq.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/errno_saved.h"
#include "proto/instant.h"
#include "server/log.h"
#include "server/net/bind_address.h"

/* In an epoll event: the listening socket. The other values are numbers of connections. */
#define LISTENING_SOCKET PLAIN_MAX

/* Bytes that are read from one connection before the other connections have their turn. */
#define CHUNK_BYTES 4096

/* Digits, sign, point, exponent and newline of a double. */
#define TEXT_BYTES 32

/* Connections that the kernel queues while all places are taken. */
#define BACKLOG 1024

enum place_state {
    PLACE_FREE,
    PLACE_WAITING, /* the client waits for its sum */
    PLACE_CLOSING, /* the client has its answer and must close its end, see close_now() */
};

/* A place for one connection. */
struct place {
    enum place_state state;
    int fd;
    bool ended;                                /* the client has closed its half */
    size_t bytes_read;                         /* 0 to PLAIN_READ_MAX and a chunk */
    int64_t close_at_ns;                       /* in PLACE_CLOSING: when close_now() is due */
    TAILQ_ENTRY(place) link;                   /* plain.closing, or plain.free */
    char peer[INET6_ADDRSTRLEN + IF_NAMESIZE]; /* the client's address, with a zone */
};

TAILQ_HEAD(place_list, place);

struct plain_listener {
    int socket;           /* -1: closed */
    int epoll;            /* watches the socket and all connections */
    int64_t accept_at_ns; /* when accept() is tried again; 0: always; NEVER: when a place is free */
    struct place_list free;
    struct place_list closing; /* in the order of close_at_ns */
    struct place places[PLAIN_MAX];
    char endpoint[ADDRESS_HOST_BYTES + 16];
};

/* ---- binding ----------------------------------------------------------------------------- */

static int bind_to(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    ERRNO_SAVED(close(fd));
    return -1;
}

/* Returns a descriptor, or -1. "*" means each IPv4 interface, as in ZeroMQ. The name of an
 * interface means its address. */
static int listen_on(const struct address *address, const char **why)
{
    bool any = strcmp(address->host, "*") == 0;
    bool any_port = strcmp(address->port, "*") == 0;
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
        .ai_family = any ? AF_INET : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *addresses;
    char interface[BIND_HOST_BYTES];
    const char *host = bind_interface_host(address->host, interface) ? interface : address->host;
    int fd = -1;

    int error = getaddrinfo(any ? NULL : host, any_port ? "0" : address->port, &hints, &addresses);
    if (error != 0) {
        *why = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
        return -1;
    }
    for (struct addrinfo *at = addresses; at && fd == -1; at = at->ai_next)
        fd = bind_to(at);
    *why = strerror(errno);
    freeaddrinfo(addresses);
    return fd;
}

static void name_endpoint(struct plain_listener *plain)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    char host[ADDRESS_HOST_BYTES] = "", port[ADDRESS_PORT_BYTES] = "";

    getsockname(plain->socket, (struct sockaddr *)&at, &size);
    getnameinfo((struct sockaddr *)&at, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(plain->endpoint, sizeof plain->endpoint,
             at.ss_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
}

/* ---- places ------------------------------------------------------------------------------ */

static void watch(struct plain_listener *plain, int operation, int fd, uint32_t events,
                  uint32_t number)
{
    struct epoll_event event = {.events = events, .data.u32 = number};

    if (fd != -1 && epoll_ctl(plain->epoll, operation, fd, &event) == -1)
        log_error("cannot watch a connection to %s: %s", plain->endpoint, strerror(errno));
}

static uint32_t number_of(const struct plain_listener *plain, const struct place *place)
{
    return (uint32_t)(place - plain->places);
}

static void accept_again(struct plain_listener *plain)
{
    plain->accept_at_ns = 0;
    watch(plain, EPOLL_CTL_MOD, plain->socket, EPOLLIN, LISTENING_SOCKET);
}

static void accept_later(struct plain_listener *plain, int64_t at_ns)
{
    plain->accept_at_ns = at_ns;
    watch(plain, EPOLL_CTL_MOD, plain->socket, 0, LISTENING_SOCKET);
}

static void place_free(struct plain_listener *plain, struct place *place)
{
    if (place->state == PLACE_CLOSING)
        TAILQ_REMOVE(&plain->closing, place, link);
    close(place->fd);
    place->state = PLACE_FREE;
    TAILQ_INSERT_HEAD(&plain->free, place, link);
    if (plain->accept_at_ns != 0)
        accept_again(plain);
}

/* Returns what recv() returns. */
static ssize_t read_chunk(struct place *place)
{
    char bytes[CHUNK_BYTES];
    ssize_t size = recv(place->fd, bytes, sizeof bytes, 0);

    if (size > 0)
        place->bytes_read += (size_t)size;
    return size;
}

/* Closes a connection whose client has its answer but has not closed its end. The kernel delivers
 * the answer even after close(). But if bytes are unread at close(), the kernel resets the
 * connection, which may destroy the answer before the client reads it. So all bytes that have
 * arrived are read first. */
static void close_now(struct plain_listener *plain, struct place *place)
{
    while (place->bytes_read <= PLAIN_READ_MAX && read_chunk(place) > 0)
        continue;
    place_free(plain, place);
}

/* ---- connections ------------------------------------------------------------------------- */

/* A client that has its answer loses its place if another client needs one: otherwise clients that
 * never close could occupy all places. */
static bool make_room(struct plain_listener *plain)
{
    if (TAILQ_EMPTY(&plain->free) && !TAILQ_EMPTY(&plain->closing))
        close_now(plain, TAILQ_FIRST(&plain->closing));
    return !TAILQ_EMPTY(&plain->free);
}

static enum plain_event place_take(struct plain_listener *plain, int fd,
                                   const struct sockaddr_storage *from, uint32_t *number)
{
    struct place *place = TAILQ_FIRST(&plain->free);

    TAILQ_REMOVE(&plain->free, place, link);
    *place = (struct place){.state = PLACE_WAITING, .fd = fd};
    getnameinfo((const struct sockaddr *)from, sizeof *from, place->peer, sizeof place->peer, NULL,
                0, NI_NUMERICHOST);
    *number = number_of(plain, place);
    watch(plain, EPOLL_CTL_ADD, fd, EPOLLIN, *number);
    return PLAIN_EVENT_CONNECTED;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static enum plain_event on_connect(struct plain_listener *plain, int64_t now_ns, uint32_t *number)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;

    if (!make_room(plain)) {
        accept_later(plain, NEVER);
        return PLAIN_EVENT_FULL;
    }
    int fd = accept4(plain->socket, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd != -1)
        return place_take(plain, fd, &from, number);
    if (!is_shortage(errno))
        return PLAIN_EVENT_HANDLED; /* the client has disconnected already */
    accept_later(plain, now_ns + PLAIN_RETRY_NS);
    return PLAIN_EVENT_NO_DESCRIPTOR;
}

/* A client that disconnects before it has its sum is lost. */
static enum plain_event on_end(struct plain_listener *plain, struct place *place)
{
    bool waits = place->state == PLACE_WAITING;

    place_free(plain, place);
    return waits ? PLAIN_EVENT_LOST : PLAIN_EVENT_HANDLED;
}

/* The client has closed one half and still reads, or it has closed both. Both look the same until
 * something is sent: if the client has closed both halves, its machine then answers with a reset.
 * The blank before the number does not matter to programs that parse the number. */
static enum plain_event on_half_close(struct plain_listener *plain, struct place *place)
{
    if (place->state == PLACE_CLOSING)
        return on_end(plain, place);
    place->ended = true;
    send(place->fd, " ", 1, MSG_NOSIGNAL);
    watch(plain, EPOLL_CTL_MOD, place->fd, 0, number_of(plain, place));
    return PLAIN_EVENT_HANDLED;
}

static enum plain_event on_bytes(struct plain_listener *plain, struct place *place)
{
    ssize_t size = read_chunk(place);

    if (size == 0)
        return on_half_close(plain, place);
    if (size == -1)
        return errno == EAGAIN || errno == EINTR ? PLAIN_EVENT_HANDLED : on_end(plain, place);
    if (place->bytes_read <= PLAIN_READ_MAX)
        return PLAIN_EVENT_HANDLED;
    return on_end(plain, place) == PLAIN_EVENT_LOST ? PLAIN_EVENT_FLOODED : PLAIN_EVENT_HANDLED;
}

static enum plain_event on_connection_event(struct plain_listener *plain, struct place *place,
                                            uint32_t events)
{
    assert(place->state != PLACE_FREE);
    if (events & EPOLLERR)
        return on_end(plain, place);
    return events & EPOLLIN ? on_bytes(plain, place) : on_end(plain, place);
}

/* ---- events ------------------------------------------------------------------------------ */

static void run_due(struct plain_listener *plain, int64_t now_ns)
{
    struct place *place;

    while ((place = TAILQ_FIRST(&plain->closing)) && place->close_at_ns <= now_ns)
        close_now(plain, place);
    if (plain->accept_at_ns != 0 && plain->accept_at_ns <= now_ns)
        accept_again(plain);
}

/* Reads one event at a time. If it read several events, the first event could end a connection and
 * free its number. A later event of the ended connection would then seem to belong to the next
 * connection with that number. */
enum plain_event plain_listener_next(struct plain_listener *plain, int64_t now_ns, uint32_t *number)
{
    struct epoll_event event;

    run_due(plain, now_ns);
    if (epoll_wait(plain->epoll, &event, 1, 0) < 1)
        return PLAIN_EVENT_NOTHING;
    *number = event.data.u32;
    if (*number == LISTENING_SOCKET)
        return on_connect(plain, now_ns, number);
    return on_connection_event(plain, &plain->places[*number], event.events);
}

int64_t plain_listener_due_at(const struct plain_listener *plain)
{
    const struct place *closing = TAILQ_FIRST(&plain->closing);
    int64_t accept_at_ns = plain->accept_at_ns == 0 ? NEVER : plain->accept_at_ns;

    return closing && closing->close_at_ns < accept_at_ns ? closing->close_at_ns : accept_at_ns;
}

/* ---- answers ----------------------------------------------------------------------------- */

void plain_listener_disconnect(struct plain_listener *plain, uint32_t number, int64_t now_ns)
{
    struct place *place = &plain->places[number];

    assert(place->state == PLACE_WAITING);
    shutdown(place->fd, SHUT_WR);
    if (place->ended) {
        place_free(plain, place);
        return;
    }
    place->state = PLACE_CLOSING;
    place->close_at_ns = now_ns + PLAIN_CLOSE_NS;
    TAILQ_INSERT_TAIL(&plain->closing, place, link);
    if (plain->accept_at_ns == NEVER)
        accept_again(plain);
}

/* send() never has to wait: the socket's buffer holds one blank at most, so it has room for a line
 * even if the client does not read. */
void plain_listener_answer(struct plain_listener *plain, uint32_t number, int64_t now_ns,
                           double sum)
{
    char text[TEXT_BYTES];
    int size = snprintf(text, sizeof text, "%.17g\n", sum);

    send(plain->places[number].fd, text, (size_t)size, MSG_NOSIGNAL);
    plain_listener_disconnect(plain, number, now_ns);
}

/* ---- life -------------------------------------------------------------------------------- */

static bool open_at(struct plain_listener *plain, const char *endpoint, const char **why)
{
    struct address address;

    *why = "expected tcp://host:port";
    if (!address_parse(endpoint, "tcp://", &address))
        return false;
    plain->socket = listen_on(&address, why);
    if (plain->socket == -1)
        return false;
    plain->epoll = epoll_create1(EPOLL_CLOEXEC);
    *why = strerror(errno);
    if (plain->epoll == -1)
        return false;
    name_endpoint(plain);
    watch(plain, EPOLL_CTL_ADD, plain->socket, EPOLLIN, LISTENING_SOCKET);
    return true;
}

struct plain_listener *plain_listener_new(const char *endpoint, const char **why)
{
    struct plain_listener *plain = calloc(1, sizeof *plain);

    if (!plain) {
        *why = strerror(errno);
        return NULL;
    }
    plain->socket = plain->epoll = -1;
    TAILQ_INIT(&plain->free);
    TAILQ_INIT(&plain->closing);
    for (uint32_t i = 0; i < PLAIN_MAX; i++)
        TAILQ_INSERT_TAIL(&plain->free, &plain->places[i], link);
    if (!open_at(plain, endpoint, why))
        plain_listener_destroy(&plain, 0);
    return plain;
}

void plain_listener_stop_accepting(struct plain_listener *plain)
{
    if (plain->socket != -1)
        close(plain->socket);
    plain->socket = -1;
    plain->accept_at_ns = 0;
}

/* Waits until all clients have closed their ends. */
static void await_closes(struct plain_listener *plain, int patience_ms)
{
    int64_t until_ms = zclock_mono() + patience_ms;
    int64_t left_ms = patience_ms;
    struct epoll_event event;

    while (!TAILQ_EMPTY(&plain->closing) && left_ms > 0) {
        if (epoll_wait(plain->epoll, &event, 1, (int)left_ms) == 1)
            on_connection_event(plain, &plain->places[event.data.u32], event.events);
        left_ms = until_ms - zclock_mono();
    }
}

void plain_listener_destroy(struct plain_listener **plain_p, int patience_ms)
{
    struct plain_listener *plain = *plain_p;

    if (!plain)
        return;
    plain_listener_stop_accepting(plain);
    await_closes(plain, patience_ms);
    for (uint32_t i = 0; i < PLAIN_MAX; i++)
        if (plain->places[i].state != PLACE_FREE)
            place_free(plain, &plain->places[i]);
    if (plain->epoll != -1)
        close(plain->epoll);
    free(plain);
    *plain_p = NULL;
}

const char *plain_listener_endpoint(const struct plain_listener *plain)
{
    return plain->endpoint;
}

int plain_listener_fd(const struct plain_listener *plain)
{
    return plain->epoll;
}

const char *plain_listener_peer(const struct plain_listener *plain, uint32_t number)
{
    return plain->places[number].peer;
}
