#include "client/lib/server_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client/lib/descriptors.h"
#include "proto/address.h"

/* Tries to connect: soon again, then ever later, so that a crowd does no harm. */
#define RECONNECT_MS     10
#define RECONNECT_MS_MAX 1000

/* How long a cancel may take to leave when the connection is closed. */
#define LINGER_MS 200

/* What the other end's system does not confirm for so long never will be: the network has lost the
 * connection, as a router does that was restarted. One on which nothing is said is tried every few
 * seconds. A server that is frozen confirms all the same: its system does. Longer than silence and
 * doubt, which come first where they can. */
#define UNHEARD_MS  8000
#define KEEPALIVE_S 3
#define AGAIN_S     1

/* A call that nobody takes, as of a machine that is down, is made again after so long: the system
 * itself waits ever longer. Far more than three handshakes to the other side of the world take. */
#define CALL_MS 2000

/* Nobody else is in a session's context. */
#define INPROC "inproc:"

#define EVENTS (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED)

/* A signal that comes while libzmq looks for news makes its calls fail before they have done
 * anything. */
#define AGAIN_IF_INTERRUPTED TEMP_FAILURE_RETRY

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static int get(void *socket, int option)
{
    int value = 0;
    size_t size = sizeof value;

    AGAIN_IF_INTERRUPTED(zmq_getsockopt(socket, option, &value, &size));
    return value;
}

static bool connect_to(void *socket, const char *endpoint)
{
    return AGAIN_IF_INTERRUPTED(zmq_connect(socket, endpoint)) == 0;
}

static bool listen_to(const struct switchboard *board, void *socket)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(board->epoll, EPOLL_CTL_ADD, get(socket, ZMQ_FD), &event) == 0;
}

static void stop_listening_to(const struct switchboard *board, void *socket)
{
    epoll_ctl(board->epoll, EPOLL_CTL_DEL, get(socket, ZMQ_FD), NULL);
}

/* Without this, TCP tells after a quarter of an hour; and meanwhile the server, which can be
 * reached over every other connection, seems to be at work. */
static bool set_unheard(void *dealer)
{
    return set(dealer, ZMQ_TCP_MAXRT, UNHEARD_MS) && set(dealer, ZMQ_TCP_KEEPALIVE, 1) &&
           set(dealer, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_S) &&
           set(dealer, ZMQ_TCP_KEEPALIVE_INTVL, AGAIN_S);
}

/* Nothing is sent before the connection is there, and then by us: a message that waited for it
 * inside would be asked late, with a deadline that is no longer true. What is sent is bounded by
 * the requests in flight, so that no limit is needed there. */
static bool dealer_open(struct server_link *line, const char *endpoint)
{
    line->dealer = zmq_socket(line->board->context, ZMQ_DEALER);
    return line->dealer && set(line->dealer, ZMQ_IMMEDIATE, 1) &&
           set(line->dealer, ZMQ_LINGER, 0) && set(line->dealer, ZMQ_SNDHWM, 0) &&
           set(line->dealer, ZMQ_IPV6, address_is_ipv6(endpoint)) &&
           zmq_setsockopt(line->dealer, ZMQ_MAXMSGSIZE, &(int64_t){FRAME_BYTES_MAX},
                          sizeof(int64_t)) == 0 &&
           set(line->dealer, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set(line->dealer, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MS_MAX) &&
           set(line->dealer, ZMQ_CONNECT_TIMEOUT, CALL_MS) && set_unheard(line->dealer) &&
           listen_to(line->board, line->dealer);
}

/* Never the same name twice: that of a closed monitor is taken for a while. */
static bool monitor_open(struct server_link *line)
{
    char address[64];

    snprintf(address, sizeof address, "inproc://meantime-monitor-%u", line->board->monitors++);
    if (AGAIN_IF_INTERRUPTED(zmq_socket_monitor(line->dealer, address, EVENTS)) == -1)
        return false;
    line->monitor = zmq_socket(line->board->context, ZMQ_PAIR);
    return line->monitor && set(line->monitor, ZMQ_LINGER, 0) &&
           set(line->monitor, ZMQ_RCVHWM, 0) && connect_to(line->monitor, address) &&
           listen_to(line->board, line->monitor);
}

/* libzmq starts its threads with its first socket, and ends the program when it has no descriptor
 * for them. So that is done here, and only when there are enough. */
bool server_link_prepare(struct switchboard *board)
{
    bool enough = descriptors_left(DESCRIPTORS_FIRST_SOCKET);
    void *first = enough ? zmq_socket(board->context, ZMQ_DEALER) : NULL;

    return first && zmq_close(first) == 0;
}

/* Over a network device that nobody has: the call itself is not made. A connection that came and
 * went without a word would leave a server in doubt about the next one. */
bool server_link_could_open(const struct switchboard *board, const char *endpoint)
{
    static const char nowhere[] = "nowhere";
    void *dealer;

    if (strncmp(endpoint, INPROC, strlen(INPROC)) == 0) {
        errno = EPROTONOSUPPORT;
        return false;
    }
    dealer = zmq_socket(board->context, ZMQ_DEALER);
    bool could = dealer && set(dealer, ZMQ_LINGER, 0) &&
                 zmq_setsockopt(dealer, ZMQ_BINDTODEVICE, nowhere, sizeof nowhere) == 0 &&
                 connect_to(dealer, endpoint);
    int why = errno;

    if (dealer)
        zmq_close(dealer);
    errno = why;
    return could;
}

/* libzmq's thread makes the call, and says nothing of a descriptor that it does not get for it. */
bool server_link_open(struct server_link *line, struct switchboard *board, const char *endpoint)
{
    *line = (struct server_link){.board = board, .users = line->users};
    if (dealer_open(line, endpoint) && monitor_open(line) && descriptors_left(1) &&
        connect_to(line->dealer, endpoint))
        return true;
    int why = errno;
    server_link_close(line);
    errno = why;
    return false;
}

static void close_socket(struct server_link *line, void *socket)
{
    if (!socket)
        return;
    stop_listening_to(line->board, socket);
    zmq_close(socket);
}

void server_link_close(struct server_link *line)
{
    if (line->dealer) {
        zmq_socket_monitor(line->dealer, NULL, 0);
        if (line->up && !line->down)
            set(line->dealer, ZMQ_LINGER, LINGER_MS);
    }
    close_socket(line, line->monitor);
    close_socket(line, line->dealer);
    *line = (struct server_link){.users = line->users};
}

static int receive(void *socket, void *bytes, size_t size)
{
    return (int)AGAIN_IF_INTERRUPTED(zmq_recv(socket, bytes, size, ZMQ_DONTWAIT));
}

/* Of a dealer that is not up nobody asks for messages, and its descriptor stays readable for what
 * libzmq tells itself, until somebody looks at its events. */
void server_link_watch(struct server_link *line)
{
    uint8_t event[6]; /* its number, 16 bits, and a value; an endpoint follows in a second frame */
    uint16_t what;

    while (receive(line->monitor, event, sizeof event) == sizeof event) {
        receive(line->monitor, NULL, 0);
        memcpy(&what, event, sizeof what);
        if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            line->up = true;
        else
            line->down = line->up;
    }
    if (!line->up)
        get(line->dealer, ZMQ_EVENTS);
}

static bool send_frame(struct server_link *line, const void *bytes, size_t size, int flags)
{
    return AGAIN_IF_INTERRUPTED(zmq_send(line->dealer, bytes, size, flags | ZMQ_DONTWAIT)) != -1;
}

/* REP servers, and those behind some proxies, want the empty frame that REQ sends. The look at its
 * events takes note of a new connection, and afterwards of what came meanwhile. */
bool server_link_send(struct server_link *line, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    if (!(get(line->dealer, ZMQ_EVENTS) & ZMQ_POLLOUT) || !send_frame(line, NULL, 0, ZMQ_SNDMORE) ||
        !send_frame(line, bytes, size, 0))
        line->down = true;
    return line->down || get(line->dealer, ZMQ_EVENTS) & ZMQ_POLLIN;
}

bool server_link_take(struct server_link *line, zmq_msg_t *frame, int *left)
{
    while (*left > 0 &&
           AGAIN_IF_INTERRUPTED(zmq_msg_recv(frame, line->dealer, ZMQ_DONTWAIT)) != -1) {
        --*left;
        if (!zmq_msg_more(frame))
            return true;
    }
    return false;
}
