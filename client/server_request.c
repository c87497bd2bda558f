#include "client/server_request.h"

#include <assert.h>
#include <czmq.h>
#include <stdatomic.h>

#include "client/clock.h"

#define NS_A_MS INT64_C(1000000)

/* How soon a server that has gone is noticed. A look at the connection takes some 20 us after work
 * has taken over the caches: so often, they take 0.01 % of the time. */
#define CHECK_NS (250 * NS_A_MS)

/* Tries to connect: soon again, then ever later, so that a crowd does no harm. */
#define RECONNECT_MS     10
#define RECONNECT_MS_MAX 1000

/* How long a cancel may take to leave when the connection is closed. */
#define LINGER_MS 200

/* Frames taken at once: some 30 us. A server that floods us does not keep the caller from its own
 * work. */
#define TAKE_MAX 64

/* A connection, or the try to make one. Each is a fresh socket, so that nothing of an earlier one
 * is left in it, in either direction. {0} is none. */
struct line {
    zsock_t *dealer;
    void *socket; /* the same, for libzmq */
    zsock_t *monitor;
    bool up;   /* it has come about, */
    bool down; /* and has ended since */
};

struct server_request_connection {
    struct line line;
    struct line probe;
    int64_t check_at_ns;
};

/* ---- lines ------------------------------------------------------------------------------- */

/* Never the same name twice: that of a closed monitor is taken for a while. */
static zsock_t *monitor_new(void *socket)
{
    static atomic_uint monitors;
    char address[64];

    snprintf(address, sizeof address, "inproc://meantime-monitor-%u",
             atomic_fetch_add(&monitors, 1));
    int rc =
        zmq_socket_monitor(socket, address, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    assert(rc == 0);
    zsock_t *monitor = zsock_new(ZMQ_PAIR);
    assert(monitor);
    zsock_set_rcvhwm(monitor, 0);
    zsock_connect(monitor, "%s", address);
    return monitor;
}

/* Nothing is sent before the connection is there, and then by us: a message that waited for it
 * inside would be asked late, with a deadline that is no longer true. */
static zsock_t *dealer_new(void)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);

    assert(dealer);
    zsock_set_immediate(dealer, 1);
    zsock_set_maxmsgsize(dealer, FRAME_BYTES_MAX);
    zsock_set_reconnect_ivl(dealer, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(dealer, RECONNECT_MS_MAX);
    return dealer;
}

static void line_close(struct line *line)
{
    if (!line->dealer)
        return;
    zmq_socket_monitor(line->socket, NULL, 0);
    zsock_set_linger(line->dealer, line->up && !line->down ? LINGER_MS : 0);
    zsock_destroy(&line->monitor);
    zsock_destroy(&line->dealer);
    *line = (struct line){0};
}

static void line_open(struct line *line, const char *endpoint)
{
    line_close(line);
    line->dealer = dealer_new();
    line->socket = zsock_resolve(line->dealer);
    line->monitor = monitor_new(line->socket);
    zsock_connect(line->dealer, "%s", endpoint);
}

/* News of the connection, from its monitor. */
static void line_watch(struct line *line)
{
    uint8_t event[6]; /* its number, 16 bits, and a value; an endpoint follows in a second frame */
    uint16_t what;

    if (!line->monitor)
        return;
    void *monitor = zsock_resolve(line->monitor);
    while (zmq_recv(monitor, event, sizeof event, ZMQ_DONTWAIT) == sizeof event) {
        zmq_recv(monitor, NULL, 0, ZMQ_DONTWAIT);
        memcpy(&what, event, sizeof what);
        if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            line->up = true;
        else
            line->down = line->up;
    }
}

/* REP servers, and those behind some proxies, want the empty frame that REQ sends. What cannot be
 * sent is as lost as the connection. The look at its events takes note of a new connection. */
static void line_send(struct line *line, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    if (!(zsock_events(line->dealer) & ZMQ_POLLOUT) ||
        zmq_send(line->socket, NULL, 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1 ||
        zmq_send(line->socket, bytes, size, ZMQ_DONTWAIT) == -1)
        line->down = true;
}

/* Over a network device that nobody has: the call itself is not made. A connection that came and went
 * without a word would leave a server in doubt about the next one. */
bool server_request_can_dial(const char *endpoint)
{
    static const char nowhere[] = "nowhere";
    zsock_t *dealer = dealer_new();

    zmq_setsockopt(zsock_resolve(dealer), ZMQ_BINDTODEVICE, nowhere, sizeof nowhere);
    bool can = zsock_connect(dealer, "%s", endpoint) == 0;
    int why = errno;

    zsock_destroy(&dealer);
    errno = why;
    return can;
}

/* ---- what the exchange orders ------------------------------------------------------------ */

/* Until the connection is there, its monitor is what there is to poll; but that tells of news only
 * after a look that has found none: the next check is at once. */
static void dial(struct server_request *request, const char *endpoint)
{
    struct server_request_connection *c = request->connection;

    line_close(&c->probe);
    line_open(&c->line, endpoint);
    request->fd = (int)zsock_fd(c->line.monitor);
    c->check_at_ns = 0;
}

static void hang_up(struct server_request *request)
{
    line_close(&request->connection->probe);
    line_close(&request->connection->line);
    request->fd = -1;
}

static void obey(struct server_request *request, const struct order *order)
{
    struct server_request_connection *c = request->connection;
    const char *endpoint = request->exchange.endpoints->names[order->endpoint];

    switch (order->type) {
    case ORDER_DIAL: dial(request, endpoint); break;
    case ORDER_SEND: line_send(&c->line, &order->message); break;
    case ORDER_PROBE: line_open(&c->probe, endpoint); break;
    case ORDER_HANG_UP: hang_up(request); break;
    }
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static void tell(struct server_request *request, const struct news *news)
{
    struct server_request_connection *c = request->connection;
    const struct order *order;

    exchange_step(&request->exchange, clock_ns(), news);
    while ((order = exchange_next(&request->exchange)))
        obey(request, order);
    c->check_at_ns = earlier(c->check_at_ns, exchange_due_at(&request->exchange));
}

static void tell_that(struct server_request *request, enum news_type type)
{
    tell(request, &(struct news){.type = type});
}

/* ---- looking ----------------------------------------------------------------------------- */

void server_request_init(struct server_request *request, const struct endpoints *endpoints,
                         const struct sum_request *asked, int64_t timeout_ns)
{
    *request = (struct server_request){
        .fd = -1,
        .connection = zmalloc(sizeof *request->connection),
    };
    exchange_init(&request->exchange, endpoints, asked, timeout_ns);
}

void server_request_begin(struct server_request *request)
{
    tell_that(request, NEWS_BEGIN);
}

static void take_connection(struct server_request *request)
{
    struct line *line = &request->connection->line;

    line_watch(line);
    if (!line->up)
        return;
    request->fd = (int)zsock_fd(line->dealer);
    tell_that(request, NEWS_UP);
}

static void take_frame(struct server_request *request, zmq_msg_t *frame)
{
    struct message message;
    struct message_error error;

    if (message_decode(zmq_msg_data(frame), zmq_msg_size(frame), &message, &error))
        tell(request, &(struct news){.type = NEWS_MESSAGE, .message = &message});
    else
        tell(request, &(struct news){.type = NEWS_NONSENSE, .reason = error.reason});
}

/* The last frame is the message; those before it are the envelope. False: there is more. */
static bool take_frames(struct server_request *request)
{
    const struct line *line = &request->connection->line;
    zmq_msg_t frame;
    int left = TAKE_MAX;

    zmq_msg_init(&frame);
    while (left > 0 && line->up && zmq_msg_recv(&frame, line->socket, ZMQ_DONTWAIT) != -1) {
        left--;
        if (!zmq_msg_more(&frame))
            take_frame(request, &frame);
    }
    zmq_msg_close(&frame);
    return left > 0;
}

/* What is left is taken at the next check, at once: `fd` does not tell of it again. */
void server_request_take(struct server_request *request)
{
    struct server_request_connection *c = request->connection;

    if (request->exchange.state == EXCHANGE_DIALING)
        take_connection(request);
    if (!take_frames(request))
        c->check_at_ns = 0;
}

/* Words before the end: a server may answer and then go. */
void server_request_check(struct server_request *request)
{
    struct server_request_connection *c = request->connection;
    int64_t now = clock_ns();

    if (server_request_over(request) || now < c->check_at_ns)
        return;
    c->check_at_ns = now + CHECK_NS;
    line_watch(&c->probe);
    if (c->line.up)
        line_watch(&c->line);
    server_request_take(request);
    if (c->line.down && c->check_at_ns > 0)
        tell_that(request, NEWS_DOWN);
    if (c->probe.up) {
        line_close(&c->probe);
        tell_that(request, NEWS_ALIVE);
    }
    tell_that(request, NEWS_TIME);
}

long server_request_wait_ms(const struct server_request *request)
{
    int64_t wait_ns = request->connection->check_at_ns - clock_ns();

    return wait_ns > 0 ? (long)((wait_ns + NS_A_MS - 1) / NS_A_MS) : 0;
}

void server_request_cancel(struct server_request *request)
{
    tell_that(request, NEWS_CANCEL);
}

void server_request_clear(struct server_request *request)
{
    hang_up(request);
    free(request->connection);
    request->connection = NULL;
}
