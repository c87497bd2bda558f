/* Connects to a plain server and reads its sum, without blocking. */
#include "client/lesson/plain_server.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/common/number.h"
#include "client/lib/clock.h"
#include "proto/address.h"
#include "proto/errno_saved.h"
#include "proto/instant.h"
#include "proto/printable.h"

/* Longest part of an invalid answer that an error message shows. */
#define SHOWN_BYTES 40

enum plain_state {
    PLAIN_OVER, /* the request has ended, or has not begun */
    PLAIN_CONNECTING,
    PLAIN_READING,
};

struct plain_server {
    const char *endpoint;
    struct addrinfo *addresses; /* of the host; NULL: its name could not be resolved */
    const char *resolve_error;  /* the reason, if addresses is NULL */
    int epoll;                  /* watches the connection and the timer */
    int timer;
    enum plain_state state;
    const struct addrinfo *address; /* the address that the client connects to */
    int fd;                         /* the connection; -1: none */
    int64_t began_at_ns;
    int64_t timeout_ns;              /* 0: none */
    int64_t deadline_at_ns;          /* of the answer; NEVER: no timeout */
    int64_t connect_deadline_at_ns;  /* deadline of the present address */
    char text[NUMBER_BYTES_MAX + 1]; /* what was received; one byte more than the longest number */
    size_t size;                     /* bytes in text */
    struct meantime_result result;   /* valid in PLAIN_OVER */
};

/* ---- the end of a request ---------------------------------------------------------------- */

static void disconnect(struct plain_server *plain)
{
    if (plain->fd != -1)
        close(plain->fd);
    plain->fd = -1;
}

/* Sets the time at which the timer becomes readable. NEVER: never. */
static void set_timer(struct plain_server *plain, int64_t at_ns)
{
    struct itimerspec at = {0};

    if (at_ns != NEVER)
        at.it_value = (struct timespec){at_ns / NS_PER_S, at_ns % NS_PER_S};
    timerfd_settime(plain->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void end(struct plain_server *plain, enum meantime_error error)
{
    disconnect(plain);
    set_timer(plain, NEVER);
    plain->state = PLAIN_OVER;
    plain->result.error = error;
    plain->result.elapsed_ns = clock_ns() - plain->began_at_ns;
}

__attribute__((format(printf, 3, 4))) static void fail(struct plain_server *plain,
                                                       enum meantime_error error,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(plain->result.text, sizeof plain->result.text, format, arguments);
    va_end(arguments);
    end(plain, error);
}

/* ---- connecting -------------------------------------------------------------------------- */

static bool watch(const struct plain_server *plain, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = plain->fd};

    return epoll_ctl(plain->epoll, operation, plain->fd, &event) == 0;
}

/* Begins to connect to that address. On failure sets errno. */
static bool begin_connect(struct plain_server *plain, const struct addrinfo *address)
{
    plain->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (plain->fd == -1)
        return false;
    return (connect(plain->fd, address->ai_addr, address->ai_addrlen) == 0 ||
            errno == EINPROGRESS) &&
           watch(plain, EPOLL_CTL_ADD, EPOLLOUT);
}

/* Begins to connect to `address`. If that fails, tries the addresses after it in their order.
 * error: why the previous address failed. */
static void connect_from(struct plain_server *plain, const struct addrinfo *address, int error)
{
    for (; address; address = address->ai_next) {
        plain->address = address;
        if (begin_connect(plain, address)) {
            plain->connect_deadline_at_ns = clock_ns() + PLAIN_CONNECT_NS;
            set_timer(plain, earlier(plain->deadline_at_ns, plain->connect_deadline_at_ns));
            return;
        }
        error = errno;
        disconnect(plain);
    }
    fail(plain, MEANTIME_NO_SERVER,
         "cannot connect to %s: %s; start one with meantime-server --plain, or name another with "
         "--connect",
         plain->endpoint, strerror(error));
}

static void connect_next(struct plain_server *plain, int error)
{
    disconnect(plain);
    connect_from(plain, plain->address->ai_next, error);
}

static void on_lost(struct plain_server *plain, int error)
{
    fail(plain, MEANTIME_SERVER_LOST, "%s disconnected before its sum was complete: %s",
         plain->endpoint, strerror(error));
}

static void on_connected(struct plain_server *plain)
{
    int error = 0;
    socklen_t size = sizeof error;

    getsockopt(plain->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == ECONNRESET || error == EPIPE) { /* the server had accepted the connection */
        on_lost(plain, error);
        return;
    }
    if (error != 0) {
        connect_next(plain, error);
        return;
    }
    plain->state = PLAIN_READING;
    set_timer(plain, plain->deadline_at_ns);
    watch(plain, EPOLL_CTL_MOD, EPOLLIN);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void on_bad_text(struct plain_server *plain)
{
    char shown[SHOWN_BYTES + 1];
    size_t size = plain->size < SHOWN_BYTES ? plain->size : SHOWN_BYTES;

    for (size_t i = 0; i < size; i++)
        shown[i] = printable_or_mark(plain->text[i]);
    shown[size] = '\0';
    fail(plain, MEANTIME_NONSENSE,
         "%s sent text that is not a number: \"%s\"%s; is it another kind of server?",
         plain->endpoint, shown, size < plain->size ? " and more" : "");
}

static void on_end_of_text(struct plain_server *plain)
{
    if (plain->size == 0)
        fail(plain, MEANTIME_SERVER_LOST,
             "%s closed the connection without a sum; the server may be busy or stopping",
             plain->endpoint);
    else if (number_parse(plain->text, plain->size, &plain->result.sum))
        end(plain, MEANTIME_OK);
    else
        on_bad_text(plain);
}

/* If the text is longer than any number, the rest is not read. */
static void on_readable(struct plain_server *plain)
{
    ssize_t size = recv(plain->fd, plain->text + plain->size, sizeof plain->text - plain->size, 0);

    if (size == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size == -1) {
        on_lost(plain, errno);
        return;
    }
    plain->size += (size_t)size;
    if (size == 0)
        on_end_of_text(plain);
    else if (plain->size == sizeof plain->text)
        on_bad_text(plain);
}

/* ---- a look ------------------------------------------------------------------------------ */

static void on_timer(struct plain_server *plain)
{
    int64_t now_ns = clock_ns();

    if (now_ns >= plain->deadline_at_ns)
        fail(plain, MEANTIME_TIMED_OUT, "no answer from %s within %.3g s", plain->endpoint,
             seconds(plain->timeout_ns));
    else if (plain->state == PLAIN_CONNECTING && now_ns >= plain->connect_deadline_at_ns)
        connect_next(plain, ETIMEDOUT);
}

static void on_connection(struct plain_server *plain)
{
    if (plain->state == PLAIN_CONNECTING)
        on_connected(plain);
    else if (plain->state == PLAIN_READING)
        on_readable(plain);
}

/* Arrived data is processed before the deadline is checked. */
bool plain_server_look(struct plain_server *plain, struct meantime_result *result)
{
    struct epoll_event events[2];
    int count = epoll_wait(plain->epoll, events, 2, 0);

    for (int i = 0; i < count; i++)
        if (events[i].data.fd == plain->fd)
            on_connection(plain);
    if (plain->state != PLAIN_OVER)
        on_timer(plain);
    if (plain->state == PLAIN_OVER)
        *result = plain->result;
    return plain->state == PLAIN_OVER;
}

int plain_server_fd(const struct plain_server *plain)
{
    return plain->epoll;
}

/* ---- requests ---------------------------------------------------------------------------- */

void plain_server_ask(struct plain_server *plain, int64_t timeout_ns)
{
    disconnect(plain);
    plain->state = PLAIN_CONNECTING;
    plain->result = (struct meantime_result){.attempts = 1};
    plain->size = 0;
    plain->began_at_ns = clock_ns();
    plain->timeout_ns = timeout_ns;
    plain->deadline_at_ns = timeout_ns > 0 ? plain->began_at_ns + timeout_ns : NEVER;
    if (plain->addresses)
        connect_from(plain, plain->addresses, 0);
    else
        fail(plain, MEANTIME_NO_SERVER, "cannot find %s: %s; name another with --connect",
             plain->endpoint, plain->resolve_error);
}

void plain_server_cancel(struct plain_server *plain)
{
    if (plain->state != PLAIN_OVER)
        fail(plain, MEANTIME_CANCELLED, "interrupted");
}

/* ---- new and destroy --------------------------------------------------------------------- */

bool plain_server_is_endpoint(const char *endpoint)
{
    struct address address;

    return address_parse(endpoint, PLAIN_SCHEME, &address) && strcmp(address.host, "*") != 0 &&
           strcmp(address.port, "*") != 0;
}

static void resolve(struct plain_server *plain)
{
    static const struct addrinfo hints = {
        .ai_flags = AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct address address;

    address_parse(plain->endpoint, PLAIN_SCHEME, &address);
    int error = getaddrinfo(address.host, address.port, &hints, &plain->addresses);
    if (error == 0)
        return;
    plain->addresses = NULL;
    plain->resolve_error = gai_strerror(error);
}

static bool open_all(struct plain_server *plain)
{
    struct epoll_event event = {.events = EPOLLIN};

    plain->epoll = epoll_create1(EPOLL_CLOEXEC);
    plain->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    event.data.fd = plain->timer;
    return plain->epoll != -1 && plain->timer != -1 &&
           epoll_ctl(plain->epoll, EPOLL_CTL_ADD, plain->timer, &event) == 0;
}

struct plain_server *plain_server_new(const char *endpoint)
{
    struct plain_server *plain = calloc(1, sizeof *plain);

    if (!plain)
        return NULL;
    plain->endpoint = endpoint;
    plain->fd = -1;
    if (open_all(plain)) {
        resolve(plain);
        return plain;
    }
    ERRNO_SAVED(plain_server_destroy(&plain));
    return NULL;
}

void plain_server_destroy(struct plain_server **plain_p)
{
    struct plain_server *plain = *plain_p;

    if (!plain)
        return;
    disconnect(plain);
    if (plain->addresses)
        freeaddrinfo(plain->addresses);
    if (plain->timer != -1)
        close(plain->timer);
    if (plain->epoll != -1)
        close(plain->epoll);
    free(plain);
    *plain_p = NULL;
}
