#include "server/net/plain_listener.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
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
#include "proto/instant.h"

/* Stands for the listener where connections have their number. */
#define LISTENER PLAIN_MAX

/* Read at once from one connection, before the others have their turn. */
#define CHUNK_BYTES 4096

/* Digits, sign, point, exponent and newline of a double. */
#define TEXT_BYTES 32

/* Connections that the kernel keeps while all places are taken. */
#define BACKLOG 1024

enum caller_state {
    CALLER_FREE,
    CALLER_WAITING, /* for its sum */
    CALLER_CLOSING, /* it has been told all; its end is awaited where there is room, see let_go() */
};

struct caller {
    enum caller_state state;
    int fd;
    bool ended; /* it sends no more */
    size_t bytes_read;
    int64_t close_at_ns;
    TAILQ_ENTRY(caller) link;                  /* plain.closing, or plain.free */
    char peer[INET6_ADDRSTRLEN + IF_NAMESIZE]; /* its address, with a zone */
};

TAILQ_HEAD(caller_list, caller);

/* listen_at_ns: when the listener is heard again; 0: it is heard; NEVER: when there is a place. */
struct plain_listener {
    int listener; /* -1: closed */
    int epoll;
    int64_t listen_at_ns;
    struct caller_list free;
    struct caller_list closing; /* the first one's time is over first, or its place is needed */
    struct caller callers[PLAIN_MAX];
    char endpoint[ADDRESS_HOST_BYTES + 16];
};

/* ---- its place --------------------------------------------------------------------------- */

static int bind_to(const struct addrinfo *place)
{
    int fd = socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, place->ai_addr, place->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* A descriptor, or -1. "*" is every interface of IPv4, as it is to ZeroMQ. */
static int listen_on(const struct address *address, const char **why)
{
    bool any = strcmp(address->host, "*") == 0;
    bool any_port = strcmp(address->port, "*") == 0;
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
        .ai_family = any ? AF_INET : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *places;
    int fd = -1;

    int error =
        getaddrinfo(any ? NULL : address->host, any_port ? "0" : address->port, &hints, &places);
    if (error != 0) {
        *why = gai_strerror(error);
        return -1;
    }
    for (struct addrinfo *place = places; place && fd == -1; place = place->ai_next)
        fd = bind_to(place);
    *why = strerror(errno);
    freeaddrinfo(places);
    return fd;
}

static void name_endpoint(struct plain_listener *plain)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    char host[ADDRESS_HOST_BYTES] = "", port[ADDRESS_PORT_BYTES] = "";

    getsockname(plain->listener, (struct sockaddr *)&at, &size);
    getnameinfo((struct sockaddr *)&at, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(plain->endpoint, sizeof plain->endpoint,
             at.ss_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
}

/* ---- what is listened to ----------------------------------------------------------------- */

static void watch(struct plain_listener *plain, int how, int fd, uint32_t events, uint32_t who)
{
    struct epoll_event event = {.events = events, .data.u32 = who};

    if (fd != -1 && epoll_ctl(plain->epoll, how, fd, &event) == -1)
        zsys_error("cannot watch a connection to %s: %s", plain->endpoint, strerror(errno));
}

static uint32_t number_of(const struct plain_listener *plain, const struct caller *caller)
{
    return (uint32_t)(caller - plain->callers);
}

static void listen_again(struct plain_listener *plain)
{
    plain->listen_at_ns = 0;
    watch(plain, EPOLL_CTL_MOD, plain->listener, EPOLLIN, LISTENER);
}

static void listen_later(struct plain_listener *plain, int64_t at_ns)
{
    plain->listen_at_ns = at_ns;
    watch(plain, EPOLL_CTL_MOD, plain->listener, 0, LISTENER);
}

static void forget(struct plain_listener *plain, struct caller *caller)
{
    if (caller->state == CALLER_CLOSING)
        TAILQ_REMOVE(&plain->closing, caller, link);
    close(caller->fd);
    caller->state = CALLER_FREE;
    TAILQ_INSERT_HEAD(&plain->free, caller, link);
    if (plain->listen_at_ns != 0)
        listen_again(plain);
}

/* The same as recv(). */
static ssize_t read_chunk(struct caller *caller)
{
    char bytes[CHUNK_BYTES];
    ssize_t size = recv(caller->fd, bytes, sizeof bytes, 0);

    if (size > 0)
        caller->bytes_read += (size_t)size;
    return size;
}

/* One that has been told all and has not closed. The kernel delivers what was sent, also after
 * close(). But where bytes are unread then, or come later, it resets the connection, which may
 * destroy what the peer has not read: those that are here are read before. */
static void let_go(struct plain_listener *plain, struct caller *caller)
{
    while (caller->bytes_read <= PLAIN_READ_MAX && read_chunk(caller) > 0)
        continue;
    forget(plain, caller);
}

/* ---- those who call ---------------------------------------------------------------------- */

/* Places of those who have their sums go to others who need them, for peers that never close could
 * keep them all. */
static bool make_room(struct plain_listener *plain)
{
    if (TAILQ_EMPTY(&plain->free) && !TAILQ_EMPTY(&plain->closing))
        let_go(plain, TAILQ_FIRST(&plain->closing));
    return !TAILQ_EMPTY(&plain->free);
}

static enum plain_event welcome(struct plain_listener *plain, int fd,
                                const struct sockaddr_storage *from, uint32_t *number)
{
    struct caller *caller = TAILQ_FIRST(&plain->free);

    TAILQ_REMOVE(&plain->free, caller, link);
    *caller = (struct caller){.state = CALLER_WAITING, .fd = fd};
    getnameinfo((const struct sockaddr *)from, sizeof *from, caller->peer, sizeof caller->peer,
                NULL, 0, NI_NUMERICHOST);
    *number = number_of(plain, caller);
    watch(plain, EPOLL_CTL_ADD, fd, EPOLLIN, *number);
    return PLAIN_EVENT_ASKED;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static enum plain_event on_call(struct plain_listener *plain, int64_t now_ns, uint32_t *number)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;

    if (!make_room(plain)) {
        listen_later(plain, NEVER);
        return PLAIN_EVENT_FULL;
    }
    int fd =
        accept4(plain->listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd != -1)
        return welcome(plain, fd, &from, number);
    if (!is_shortage(errno))
        return PLAIN_EVENT_HEARD; /* whoever called has gone again */
    listen_later(plain, now_ns + PLAIN_SHORT_NS);
    return PLAIN_EVENT_SHORT;
}

/* Before its sum this is a loss. */
static enum plain_event on_end(struct plain_listener *plain, struct caller *caller)
{
    bool waits = caller->state == CALLER_WAITING;

    forget(plain, caller);
    return waits ? PLAIN_EVENT_LOST : PLAIN_EVENT_HEARD;
}

/* One that sends no more may yet read: it has closed one half. Or it has gone, which looks the same
 * until something is sent: then its machine answers with a reset. A blank before a number means
 * nothing to those who read it. */
static enum plain_event on_half_close(struct plain_listener *plain, struct caller *caller)
{
    if (caller->state == CALLER_CLOSING)
        return on_end(plain, caller);
    caller->ended = true;
    send(caller->fd, " ", 1, MSG_NOSIGNAL);
    watch(plain, EPOLL_CTL_MOD, caller->fd, 0, number_of(plain, caller));
    return PLAIN_EVENT_HEARD;
}

static enum plain_event on_bytes(struct plain_listener *plain, struct caller *caller)
{
    ssize_t size = read_chunk(caller);

    if (size == 0)
        return on_half_close(plain, caller);
    if (size == -1)
        return errno == EAGAIN || errno == EINTR ? PLAIN_EVENT_HEARD : on_end(plain, caller);
    if (caller->bytes_read <= PLAIN_READ_MAX)
        return PLAIN_EVENT_HEARD;
    return on_end(plain, caller) == PLAIN_EVENT_LOST ? PLAIN_EVENT_FLOODED : PLAIN_EVENT_HEARD;
}

static enum plain_event on_caller(struct plain_listener *plain, struct caller *caller,
                                  uint32_t events)
{
    assert(caller->state != CALLER_FREE);
    if (events & EPOLLERR)
        return on_end(plain, caller);
    return events & EPOLLIN ? on_bytes(plain, caller) : on_end(plain, caller);
}

/* ---- news -------------------------------------------------------------------------------- */

static void do_what_is_due(struct plain_listener *plain, int64_t now_ns)
{
    struct caller *caller;

    while ((caller = TAILQ_FIRST(&plain->closing)) && caller->close_at_ns <= now_ns)
        let_go(plain, caller);
    if (plain->listen_at_ns != 0 && plain->listen_at_ns <= now_ns)
        listen_again(plain);
}

/* One event at a time: those that were fetched together could be of a number's last owner. */
enum plain_event plain_listener_next(struct plain_listener *plain, int64_t now_ns, uint32_t *number)
{
    struct epoll_event event;

    do_what_is_due(plain, now_ns);
    if (epoll_wait(plain->epoll, &event, 1, 0) < 1)
        return PLAIN_EVENT_NOTHING;
    *number = event.data.u32;
    if (*number == LISTENER)
        return on_call(plain, now_ns, number);
    return on_caller(plain, &plain->callers[*number], event.events);
}

int64_t plain_listener_due_at(const struct plain_listener *plain)
{
    const struct caller *closing = TAILQ_FIRST(&plain->closing);
    int64_t listen_at_ns = plain->listen_at_ns == 0 ? NEVER : plain->listen_at_ns;

    return closing && closing->close_at_ns < listen_at_ns ? closing->close_at_ns : listen_at_ns;
}

/* ---- answers ----------------------------------------------------------------------------- */

void plain_listener_drop(struct plain_listener *plain, uint32_t number, int64_t now_ns)
{
    struct caller *caller = &plain->callers[number];

    assert(caller->state == CALLER_WAITING);
    shutdown(caller->fd, SHUT_WR);
    if (caller->ended) {
        forget(plain, caller);
        return;
    }
    caller->state = CALLER_CLOSING;
    caller->close_at_ns = now_ns + PLAIN_CLOSE_NS;
    TAILQ_INSERT_TAIL(&plain->closing, caller, link);
    if (plain->listen_at_ns == NEVER)
        listen_again(plain);
}

/* A socket that holds a blank at most has room for a line: no peer, however deaf, can make this one
 * wait. */
void plain_listener_answer(struct plain_listener *plain, uint32_t number, int64_t now_ns,
                           double sum)
{
    char text[TEXT_BYTES];
    int size = snprintf(text, sizeof text, "%.17g\n", sum);

    send(plain->callers[number].fd, text, (size_t)size, MSG_NOSIGNAL);
    plain_listener_drop(plain, number, now_ns);
}

/* ---- life -------------------------------------------------------------------------------- */

static bool open_at(struct plain_listener *plain, const char *endpoint, const char **why)
{
    struct address address;

    *why = "expected tcp://host:port";
    if (!address_parse(endpoint, "tcp://", &address))
        return false;
    plain->listener = listen_on(&address, why);
    if (plain->listener == -1)
        return false;
    plain->epoll = epoll_create1(EPOLL_CLOEXEC);
    *why = strerror(errno);
    if (plain->epoll == -1)
        return false;
    name_endpoint(plain);
    watch(plain, EPOLL_CTL_ADD, plain->listener, EPOLLIN, LISTENER);
    return true;
}

struct plain_listener *plain_listener_new(const char *endpoint, const char **why)
{
    struct plain_listener *plain = calloc(1, sizeof *plain);

    if (!plain) {
        *why = strerror(errno);
        return NULL;
    }
    plain->listener = plain->epoll = -1;
    TAILQ_INIT(&plain->free);
    TAILQ_INIT(&plain->closing);
    for (uint32_t i = 0; i < PLAIN_MAX; i++)
        TAILQ_INSERT_TAIL(&plain->free, &plain->callers[i], link);
    if (!open_at(plain, endpoint, why))
        plain_listener_destroy(&plain, 0);
    return plain;
}

void plain_listener_leave(struct plain_listener *plain)
{
    if (plain->listener != -1)
        close(plain->listener);
    plain->listener = -1;
    plain->listen_at_ns = 0;
}

/* Until all have closed their ends. */
static void await_ends(struct plain_listener *plain, int patience_ms)
{
    int64_t until_ms = zclock_mono() + patience_ms;
    int64_t left_ms = patience_ms;
    struct epoll_event event;

    while (!TAILQ_EMPTY(&plain->closing) && left_ms > 0) {
        if (epoll_wait(plain->epoll, &event, 1, (int)left_ms) == 1)
            on_caller(plain, &plain->callers[event.data.u32], event.events);
        left_ms = until_ms - zclock_mono();
    }
}

void plain_listener_destroy(struct plain_listener **plain_p, int patience_ms)
{
    struct plain_listener *plain = *plain_p;

    if (!plain)
        return;
    plain_listener_leave(plain);
    await_ends(plain, patience_ms);
    for (uint32_t i = 0; i < PLAIN_MAX; i++)
        if (plain->callers[i].state != CALLER_FREE)
            forget(plain, &plain->callers[i]);
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
    return plain->callers[number].peer;
}
