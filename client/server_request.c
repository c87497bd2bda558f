#include "client/server_request.h"

#include <assert.h>
#include <czmq.h>
#include <inttypes.h>
#include <stdarg.h>

#include "client/clock.h"
#include "sums/stream.h"

#define NS_A_MS INT64_C(1000000)

/* How soon a server that has gone is noticed. A look at the connection takes some 20 us after work
 * has taken over the caches: so often, they take 0.01 % of the time. */
#define CHECK_NS (250 * NS_A_MS)

/* A server that is being started at the same moment gets this long to appear. */
#define CONNECT_NS (3000 * NS_A_MS)

/* Tries to connect: soon again, then ever later, so that a crowd does no harm. */
#define RECONNECT_MS     10
#define RECONNECT_MS_MAX 1000

/* How long a cancel may take to leave when the connection is closed. */
#define LINGER_MS 200

struct server_request_connection {
    const char *endpoint;
    zsock_t *dealer;
    void *socket; /* the same, for libzmq */
    zsock_t *monitor;
    bool connected;
    bool lost;
    int64_t timeout_ns; /* 0: none */
    int64_t check_at_ns;
};

__attribute__((format(printf, 2, 3))) static void fail(struct server_request *request,
                                                       const char *text, ...)
{
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(request->trouble, sizeof request->trouble, text, arguments);
    va_end(arguments);
    request->state = SERVER_REQUEST_FAILED;
    request->ended_at_ns = clock_ns();
}

static zsock_t *monitor_new(zsock_t *dealer)
{
    char address[64];
    zsock_t *monitor;

    snprintf(address, sizeof address, "inproc://monitor-%p", (void *)dealer);
    if (zmq_socket_monitor(zsock_resolve(dealer), address,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) == -1)
        return NULL;
    monitor = zsock_new(ZMQ_PAIR);
    assert(monitor);
    zsock_set_rcvhwm(monitor, 0);
    zsock_connect(monitor, "%s", address);
    return monitor;
}

static zsock_t *dealer_new(void)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);

    assert(dealer);
    zsock_set_linger(dealer, LINGER_MS);
    zsock_set_maxmsgsize(dealer, FRAME_BYTES_MAX);
    zsock_set_reconnect_ivl(dealer, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(dealer, RECONNECT_MS_MAX);
    return dealer;
}

bool server_request_init(struct server_request *request, const char *endpoint,
                         const struct sum_request *asked, int64_t timeout_ns)
{
    struct server_request_connection *c = zmalloc(sizeof *c);
    int64_t deadline_ms = (timeout_ns + NS_A_MS - 1) / NS_A_MS;

    *c = (struct server_request_connection){
        .endpoint = endpoint, .dealer = dealer_new(), .timeout_ns = timeout_ns};
    c->monitor = monitor_new(c->dealer);
    *request = (struct server_request){.asked = *asked, .connection = c};
    request->asked.deadline_ms = deadline_ms < UINT32_MAX ? (uint32_t)deadline_ms : UINT32_MAX;
    c->socket = zsock_resolve(c->dealer);
    request->fd = (int)zsock_fd(c->dealer);
    if (zsock_connect(c->dealer, "%s", endpoint) == -1)
        fail(request, "cannot connect to %s: %s; an endpoint is such as tcp://host:8197", endpoint,
             zmq_strerror(errno));
    return !server_request_over(request);
}

/* REP servers, and those behind some proxies, want the empty frame that REQ sends. */
static void send_message(struct server_request *request, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    zmq_send(request->connection->socket, NULL, 0, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(request->connection->socket, bytes, size, ZMQ_DONTWAIT);
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* Soon, and in any case when time is over. */
static int64_t next_check_ns(const struct server_request *request, int64_t now)
{
    const struct server_request_connection *c = request->connection;
    int64_t check_ns = now + CHECK_NS;

    if (c->timeout_ns)
        check_ns = earlier(check_ns, request->began_at_ns + c->timeout_ns);
    if (!c->connected)
        check_ns = earlier(check_ns, request->began_at_ns + CONNECT_NS);
    return check_ns;
}

void server_request_begin(struct server_request *request)
{
    struct server_request_connection *c = request->connection;
    struct message message = {.type = MESSAGE_SUM_REQUEST, .sum_request = request->asked};

    request->began_at_ns = clock_ns();
    c->check_at_ns = next_check_ns(request, request->began_at_ns);
    send_message(request, &message);
}

static void take_reply(struct server_request *request, const struct message *message)
{
    if (message->sum_reply.id != request->asked.id)
        return;
    request->reply = message->sum_reply;
    request->samples_done = message->sum_reply.count;
    request->state = SERVER_REQUEST_DONE;
    request->ended_at_ns = clock_ns();
    if (request->reply.count != request->asked.count)
        fail(request, "the server at %s summed %" PRIu64 " samples instead of %" PRIu64,
             request->connection->endpoint, request->reply.count, request->asked.count);
    else if (request->reply.unit_log2 != stream_unit_log2((enum stream_kind)request->asked.kind))
        fail(request, "the server at %s counts in units of 2^%d, which is not what it should",
             request->connection->endpoint, request->reply.unit_log2);
}

static void take_refusal(struct server_request *request, const struct message *message)
{
    const struct refusal *refusal = &message->refusal;

    if (refusal->id != request->asked.id && refusal->id != 0)
        return;
    if (refusal->retry_after_ms > 0)
        fail(request, "the server at %s refused (%s): %s; try again in %.1f s",
             request->connection->endpoint, status_text(refusal->status), refusal->text,
             refusal->retry_after_ms / 1e3);
    else
        fail(request, "the server at %s refused (%s): %s", request->connection->endpoint,
             status_text(refusal->status), refusal->text);
}

static void take_message(struct server_request *request, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_SUM_REPLY: take_reply(request, message); break;
    case MESSAGE_REFUSAL: take_refusal(request, message); break;
    case MESSAGE_PROGRESS: request->samples_done = message->progress.done; break;
    default: break; /* nothing that a server says */
    }
}

/* The last frame is the message; those before it are the envelope. */
void server_request_take(struct server_request *request)
{
    struct message message;
    struct message_error error;
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    while (!server_request_over(request) &&
           zmq_msg_recv(&frame, request->connection->socket, ZMQ_DONTWAIT) != -1) {
        if (zmq_msg_more(&frame))
            continue;
        if (message_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), &message, &error))
            take_message(request, &message);
        else
            fail(request, "what the server at %s said makes no sense: %s",
                 request->connection->endpoint, error.reason);
    }
    zmq_msg_close(&frame);
}

static void watch_connection(struct server_request_connection *c)
{
    void *monitor = zsock_resolve(c->monitor);
    uint8_t event[6]; /* its number, 16 bits, and a value; an endpoint follows in a second frame */
    uint16_t what;

    while (zmq_recv(monitor, event, sizeof event, ZMQ_DONTWAIT) == sizeof event) {
        zmq_recv(monitor, NULL, 0, ZMQ_DONTWAIT);
        memcpy(&what, event, sizeof what);
        if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            c->connected = true;
        else
            c->lost = c->connected;
    }
}

void server_request_check(struct server_request *request)
{
    struct server_request_connection *c = request->connection;
    int64_t now = clock_ns();

    if (server_request_over(request) || now < c->check_at_ns)
        return;
    c->check_at_ns = next_check_ns(request, now);
    watch_connection(c);
    server_request_take(request); /* a server may answer and then go */
    if (server_request_over(request))
        return;
    int64_t waited_ns = now - request->began_at_ns;
    if (c->lost)
        fail(request, "the server at %s went away before it answered", c->endpoint);
    else if (c->timeout_ns && waited_ns >= c->timeout_ns)
        fail(request, "no answer from %s within %.3g s", c->endpoint, seconds(c->timeout_ns));
    else if (!c->connected && waited_ns >= CONNECT_NS)
        fail(request,
             "no server at %s; start one with meantime-server, or name another with --connect",
             c->endpoint);
}

long server_request_wait_ms(const struct server_request *request)
{
    int64_t wait_ns = request->connection->check_at_ns - clock_ns();

    return wait_ns > 0 ? (long)((wait_ns + NS_A_MS - 1) / NS_A_MS) : 0;
}

void server_request_cancel(struct server_request *request)
{
    struct message message = {.type = MESSAGE_CANCEL, .cancel = {.id = request->asked.id}};

    send_message(request, &message);
    fail(request, "interrupted");
}

void server_request_clear(struct server_request *request)
{
    struct server_request_connection *c = request->connection;

    zmq_socket_monitor(request->connection->socket, NULL, 0);
    if (!c->connected)
        zsock_set_linger(c->dealer, 0); /* nobody is there to take it */
    zsock_destroy(&c->monitor);
    zsock_destroy(&c->dealer);
    free(c);
    request->connection = NULL;
}
