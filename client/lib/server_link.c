/* Links to servers over libzmq: one DEALER socket each, and a monitor that reports its state. */
#include "client/lib/server_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h> /* TEMP_FAILURE_RETRY */
#include <zmq.h>

#include "client/lib/rehearsal.h"
#include "dial/descriptors.h"
#include "proto/decode_arena.h"
#include "proto/errno_saved.h"
#include "proto/instant.h"

/* The longest pause between two rounds of dials. So a server is not overloaded by many clients at
 * once. */
#define REDIAL_PAUSE_NS_MAX (500 * NS_PER_MS)

/* How long a cancel may take to leave when the link is closed. */
#define LINGER_MS 200

/* If the other machine acknowledges no data for this long, the network has lost the connection.
 * A router that was restarted does that. A link without traffic is probed with TCP keepalives every
 * few seconds. A frozen server still acknowledges, because its kernel does.
 * This is longer than SILENCE_NS + PROBE_NS, so the exchange gives up a frozen server earlier. */
#define UNACKNOWLEDGED_MS    8000
#define KEEPALIVE_IDLE_S     3
#define KEEPALIVE_INTERVAL_S 1

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static int get(void *socket, int option)
{
    int value = 0;
    size_t size = sizeof value;

    RETRY_IF_INTERRUPTED(zmq_getsockopt(socket, option, &value, &size));
    return value;
}

/* ---- the options of a link --------------------------------------------------------------- */

/* Without these options, TCP reports a lost connection after a quarter of an hour. Until then the
 * server seems to be at work, because probes reach it over new connections. */
static bool set_lost_connection(void *dealer)
{
    return set(dealer, ZMQ_TCP_MAXRT, UNACKNOWLEDGED_MS) && set(dealer, ZMQ_TCP_KEEPALIVE, 1) &&
           set(dealer, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S) &&
           set(dealer, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S);
}

/* ZMQ_IMMEDIATE: libzmq queues no message before the connection is established. A queued request
 * would leave late, with a deadline that is no longer true.
 * ZMQ_SNDHWM 0: the requests in flight limit what is sent, so the socket needs no limit. */
static bool set_options(void *dealer)
{
    return set(dealer, ZMQ_IMMEDIATE, 1) && set(dealer, ZMQ_SNDHWM, 0) &&
           zmq_setsockopt(dealer, ZMQ_MAXMSGSIZE, &(int64_t){FRAME_BYTES_MAX}, sizeof(int64_t)) ==
               0 &&
           set_lost_connection(dealer);
}

/* ---- the context ------------------------------------------------------------------------- */

/* A first connection: its dialer, and two sockets that check endpoints. libzmq closes the sockets
 * some time later. */
#define CONNECTING_DESCRIPTORS (DIALER_DESCRIPTORS + 2)

/* libzmq starts its threads with its first socket, and aborts the program if it has too few
 * descriptors for them. So this opens the first socket, after a check that includes the first
 * connection. */
bool link_context_init(struct link_context *context, struct wakeup *wakeup)
{
    *context = (struct link_context){.wakeup = wakeup, .arena = malloc(sizeof *context->arena)};
    if (!context->arena || !rehearse_context(CONNECTING_DESCRIPTORS))
        return false;
    context->zmq = zmq_ctx_new();
    if (!context->zmq)
        return false;
    context->dialing = (struct dialer_settings){
        .zmq = context->zmq,
        .monitors = &context->monitors,
        .set_options = set_options,
        .pause_ns_max = REDIAL_PAUSE_NS_MAX,
    };
    void *first = zmq_socket(context->zmq, ZMQ_DEALER);
    return first && zmq_close(first) == 0;
}

void link_context_clear(struct link_context *context)
{
    if (context->zmq)
        while (zmq_ctx_term(context->zmq) == -1 && errno == EINTR)
            continue;
    context->zmq = NULL;
    free(context->arena);
    context->arena = NULL;
    identity_destroy(&context->identity);
}

bool link_context_set_keys(struct link_context *context, const char *key_file,
                           const char *server_key, struct key_problem *problem)
{
    struct identity *identity = identity_load(key_file, server_key, problem);

    if (!identity)
        return false;
    identity_destroy(&context->identity);
    context->dialing.identity = context->identity = identity;
    return true;
}

const char *server_link_error_text(int error)
{
    return zmq_strerror(error);
}

/* ---- opening and closing ----------------------------------------------------------------- */

bool server_link_could_open(const struct link_context *context, const char *endpoint)
{
    return dialer_accepts(context->zmq, endpoint);
}

bool server_link_open(struct server_link *link, struct link_context *context, const char *endpoint)
{
    *link = (struct server_link){.context = context, .users = link->users};
    link->dialer = dialer_new(&context->dialing, endpoint);
    if (!link->dialer)
        return false;
    link->open = true;
    if (wakeup_add(context->wakeup, dialer_fd(link->dialer)))
        return true;
    ERRNO_SAVED(server_link_close(link));
    return false;
}

static void close_dialer(struct server_link *link)
{
    if (link->dialer)
        wakeup_remove(link->context->wakeup, dialer_fd(link->dialer));
    dialer_destroy(&link->dialer);
}

static void close_socket(struct server_link *link, void *socket)
{
    if (!socket)
        return;
    wakeup_remove(link->context->wakeup, get(socket, ZMQ_FD));
    zmq_close(socket);
}

void server_link_close(struct server_link *link)
{
    close_dialer(link);
    if (link->dealer) {
        zmq_socket_monitor(link->dealer, NULL, 0);
        if (!link->down)
            set(link->dealer, ZMQ_LINGER, LINGER_MS);
    }
    close_socket(link, link->monitor);
    close_socket(link, link->dealer);
    *link = (struct server_link){.users = link->users};
}

/* ---- events and messages ----------------------------------------------------------------- */

static int receive(void *socket, void *bytes, size_t size)
{
    return (int)RETRY_IF_INTERRUPTED(zmq_recv(socket, bytes, size, ZMQ_DONTWAIT));
}

static void take_connection(struct server_link *link)
{
    const struct wakeup *wakeup = link->context->wakeup;

    dialer_take(link->dialer, &link->dealer, &link->monitor);
    close_dialer(link);
    link->up = true;
    link->down = !wakeup_add(wakeup, get(link->dealer, ZMQ_FD)) ||
                 !wakeup_add(wakeup, get(link->monitor, ZMQ_FD));
}

static void note_failure(struct server_link *link)
{
    link->failed = true;
    link->reached = false;
    link->failure = *dialer_failure(link->dialer);
}

/* After DIALER_BROKEN, the session opens the link again, or learns why that is impossible. */
static void watch_dialer(struct server_link *link)
{
    while (link->dialer) {
        switch (dialer_next(link->dialer)) {
        case DIALER_NOTHING: return;
        case DIALER_REACHED: link->reached = true; break;
        case DIALER_CONNECTED: take_connection(link); return;
        case DIALER_FAILED: note_failure(link); break;
        case DIALER_BROKEN: link->down = true; return;
        }
    }
}

static void watch_connection(struct server_link *link)
{
    uint8_t event[6]; /* its number in 16 bits, and a value; the endpoint is in a second frame */
    uint16_t number;

    while (receive(link->monitor, event, sizeof event) == sizeof event) {
        receive(link->monitor, NULL, 0);
        memcpy(&number, event, sizeof number);
        link->down |= number == ZMQ_EVENT_DISCONNECTED;
    }
}

void server_link_watch(struct server_link *link)
{
    watch_dialer(link);
    if (link->dealer)
        watch_connection(link);
}

static bool send_frame(struct server_link *link, const void *bytes, size_t size, int flags)
{
    return RETRY_IF_INTERRUPTED(zmq_send(link->dealer, bytes, size, flags | ZMQ_DONTWAIT)) != -1;
}

/* REP servers, and servers behind some proxies, need the empty frame that a REQ socket sends.
 * Reading ZMQ_EVENTS lets libzmq process a new connection. Reading it again afterwards finds
 * messages that came meanwhile. */
bool server_link_send(struct server_link *link, const struct message *message)
{
    uint8_t bytes[REQUEST_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    if (!(get(link->dealer, ZMQ_EVENTS) & ZMQ_POLLOUT) || !send_frame(link, NULL, 0, ZMQ_SNDMORE) ||
        !send_frame(link, bytes, size, 0))
        link->down = true;
    return link->down || get(link->dealer, ZMQ_EVENTS) & ZMQ_POLLIN;
}

/* Receives frames up to the last one of a message. */
static bool receive_last_frame(struct server_link *link, zmq_msg_t *frame, int *left)
{
    while (*left > 0 &&
           RETRY_IF_INTERRUPTED(zmq_msg_recv(frame, link->dealer, ZMQ_DONTWAIT)) != -1) {
        --*left;
        if (!zmq_msg_more(frame))
            return true;
    }
    return false;
}

enum link_receipt server_link_receive(struct server_link *link, struct message *message,
                                      struct message_error *error, int *left)
{
    enum link_receipt receipt = LINK_EMPTY;
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    if (receive_last_frame(link, &frame, left))
        receipt = message_decode(link->context->arena, zmq_msg_data(&frame), zmq_msg_size(&frame),
                                 message, error)
                      ? LINK_MESSAGE
                      : LINK_INVALID;
    zmq_msg_close(&frame);
    return receipt;
}
