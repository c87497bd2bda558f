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
#include "proto/printable.h"

#define NEVER  INT64_MAX
#define NS_A_S INT64_C(1000000000)

/* What is shown of an answer that is no number. */
#define SHOWN_BYTES 40

enum plain_state {
    PLAIN_OVER, /* or not asked yet */
    PLAIN_DIALING,
    PLAIN_READING,
};

struct plain_server {
    const char *endpoint;
    struct addrinfo *places; /* NULL: the host was not found */
    const char *not_found;   /* why */
    int epoll;               /* of the connection and the timer */
    int timer;
    enum plain_state state;
    const struct addrinfo *place; /* which is dialled */
    int fd;                       /* -1: no connection */
    int64_t began_at_ns;
    int64_t timeout_ns;
    int64_t deadline_at_ns;
    int64_t dial_until_ns;
    char text[NUMBER_BYTES_MAX + 1]; /* with room for one byte more than any number has */
    size_t size;
    struct meantime_result result;
};

/* ---- its end ----------------------------------------------------------------------------- */

static void hang_up(struct plain_server *plain)
{
    if (plain->fd != -1)
        close(plain->fd);
    plain->fd = -1;
}

/* Rings at that time, or not at all; whatever rang before is forgotten. */
static void set_timer(struct plain_server *plain, int64_t at_ns)
{
    struct itimerspec at = {0};

    if (at_ns != NEVER)
        at.it_value = (struct timespec){at_ns / NS_A_S, at_ns % NS_A_S};
    timerfd_settime(plain->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void end(struct plain_server *plain, enum meantime_error error)
{
    hang_up(plain);
    set_timer(plain, NEVER);
    plain->state = PLAIN_OVER;
    plain->result.error = error;
    plain->result.elapsed_ns = clock_ns() - plain->began_at_ns;
}

__attribute__((format(printf, 3, 4))) static void fail(struct plain_server *plain,
                                                       enum meantime_error error,
                                                       const char *sentence, ...)
{
    va_list arguments;

    va_start(arguments, sentence);
    vsnprintf(plain->result.text, sizeof plain->result.text, sentence, arguments);
    va_end(arguments);
    end(plain, error);
}

/* ---- connecting -------------------------------------------------------------------------- */

static bool watch(const struct plain_server *plain, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = plain->fd};

    return epoll_ctl(plain->epoll, how, plain->fd, &event) == 0;
}

/* False with errno set where this one cannot be dialled. */
static bool dial(struct plain_server *plain, const struct addrinfo *place)
{
    plain->fd = socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (plain->fd == -1)
        return false;
    return (connect(plain->fd, place->ai_addr, place->ai_addrlen) == 0 || errno == EINPROGRESS) &&
           watch(plain, EPOLL_CTL_ADD, EPOLLOUT);
}

/* Dials `place`, or the first one after it that can be. reason: why the one before cannot. */
static void dial_from(struct plain_server *plain, const struct addrinfo *place, int reason)
{
    for (; place; place = place->ai_next) {
        plain->place = place;
        if (dial(plain, place)) {
            plain->dial_until_ns = clock_ns() + PLAIN_DIAL_NS;
            set_timer(plain, plain->deadline_at_ns < plain->dial_until_ns ? plain->deadline_at_ns
                                                                          : plain->dial_until_ns);
            return;
        }
        reason = errno;
        hang_up(plain);
    }
    fail(plain, MEANTIME_NO_SERVER,
         "cannot connect to %s: %s; start one with meantime-server --plain, or name another with "
         "--connect",
         plain->endpoint, strerror(reason));
}

static void dial_next(struct plain_server *plain, int reason)
{
    hang_up(plain);
    dial_from(plain, plain->place->ai_next, reason);
}

static void lose(struct plain_server *plain, int reason)
{
    fail(plain, MEANTIME_SERVER_LOST, "%s went away before all of its sum was here: %s",
         plain->endpoint, strerror(reason));
}

static void on_dialled(struct plain_server *plain)
{
    int reason = 0;
    socklen_t size = sizeof reason;

    getsockopt(plain->fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    if (reason == ECONNRESET || reason == EPIPE) { /* it had accepted us before */
        lose(plain, reason);
        return;
    }
    if (reason != 0) {
        dial_next(plain, reason);
        return;
    }
    plain->state = PLAIN_READING;
    set_timer(plain, plain->deadline_at_ns);
    watch(plain, EPOLL_CTL_MOD, EPOLLIN);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void disbelieve(struct plain_server *plain)
{
    char shown[SHOWN_BYTES + 1];
    size_t size = plain->size < SHOWN_BYTES ? plain->size : SHOWN_BYTES;

    for (size_t i = 0; i < size; i++)
        shown[i] = printable_or_mark(plain->text[i]);
    shown[size] = '\0';
    fail(plain, MEANTIME_NONSENSE,
         "what came from %s is no number: \"%s\"%s; is it a server of another kind?",
         plain->endpoint, shown, size < plain->size ? " and more" : "");
}

static void on_all_read(struct plain_server *plain)
{
    if (plain->size == 0)
        fail(plain, MEANTIME_SERVER_LOST,
             "%s closed the connection without a sum; it may be busy or stopping", plain->endpoint);
    else if (number_parse(plain->text, plain->size, &plain->result.sum))
        end(plain, MEANTIME_OK);
    else
        disbelieve(plain);
}

/* A stream that goes on where every number has ended is not read to its end. */
static void on_readable(struct plain_server *plain)
{
    ssize_t size = recv(plain->fd, plain->text + plain->size, sizeof plain->text - plain->size, 0);

    if (size == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size == -1) {
        lose(plain, errno);
        return;
    }
    plain->size += (size_t)size;
    if (size == 0)
        on_all_read(plain);
    else if (plain->size == sizeof plain->text)
        disbelieve(plain);
}

/* ---- looking ----------------------------------------------------------------------------- */

static void on_time(struct plain_server *plain)
{
    int64_t now_ns = clock_ns();

    if (now_ns >= plain->deadline_at_ns)
        fail(plain, MEANTIME_TIMED_OUT, "no answer from %s within %.3g s", plain->endpoint,
             seconds(plain->timeout_ns));
    else if (plain->state == PLAIN_DIALING && now_ns >= plain->dial_until_ns)
        dial_next(plain, ETIMEDOUT);
}

static void on_connection(struct plain_server *plain)
{
    if (plain->state == PLAIN_DIALING)
        on_dialled(plain);
    else if (plain->state == PLAIN_READING)
        on_readable(plain);
}

/* What has come is heard before the time is told. */
bool plain_server_look(struct plain_server *plain, struct meantime_result *result)
{
    struct epoll_event events[2];
    int count = epoll_wait(plain->epoll, events, 2, 0);

    for (int i = 0; i < count; i++)
        if (events[i].data.fd == plain->fd)
            on_connection(plain);
    if (plain->state != PLAIN_OVER)
        on_time(plain);
    if (plain->state == PLAIN_OVER)
        *result = plain->result;
    return plain->state == PLAIN_OVER;
}

int plain_server_fd(const struct plain_server *plain)
{
    return plain->epoll;
}

/* ---- questions --------------------------------------------------------------------------- */

void plain_server_ask(struct plain_server *plain, int64_t timeout_ns)
{
    hang_up(plain);
    plain->state = PLAIN_DIALING;
    plain->result = (struct meantime_result){.attempts = 1};
    plain->size = 0;
    plain->began_at_ns = clock_ns();
    plain->timeout_ns = timeout_ns;
    plain->deadline_at_ns = timeout_ns > 0 ? plain->began_at_ns + timeout_ns : NEVER;
    if (plain->places)
        dial_from(plain, plain->places, 0);
    else
        fail(plain, MEANTIME_NO_SERVER, "cannot find %s: %s; name another with --connect",
             plain->endpoint, plain->not_found);
}

void plain_server_cancel(struct plain_server *plain)
{
    if (plain->state != PLAIN_OVER)
        fail(plain, MEANTIME_CANCELLED, "interrupted");
}

/* ---- life -------------------------------------------------------------------------------- */

bool plain_server_is_endpoint(const char *endpoint)
{
    struct address address;

    return address_parse(endpoint, PLAIN_SCHEME, &address) && strcmp(address.host, "*") != 0 &&
           strcmp(address.port, "*") != 0;
}

static void find(struct plain_server *plain)
{
    static const struct addrinfo hints = {
        .ai_flags = AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct address address;

    address_parse(plain->endpoint, PLAIN_SCHEME, &address);
    int error = getaddrinfo(address.host, address.port, &hints, &plain->places);
    if (error == 0)
        return;
    plain->places = NULL;
    plain->not_found = gai_strerror(error);
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
        find(plain);
        return plain;
    }
    int reason = errno;
    plain_server_destroy(&plain);
    errno = reason;
    return NULL;
}

void plain_server_destroy(struct plain_server **plain_p)
{
    struct plain_server *plain = *plain_p;

    if (!plain)
        return;
    hang_up(plain);
    if (plain->places)
        freeaddrinfo(plain->places);
    if (plain->timer != -1)
        close(plain->timer);
    if (plain->epoll != -1)
        close(plain->epoll);
    free(plain);
    *plain_p = NULL;
}
