/* The link to a parent: a DEALER socket that this program dials, with its monitor. */
#include "server/net/parent_link.h"

#include <fcntl.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/bounds.h"
#include "proto/errno_saved.h"
#include "server/limits.h"
#include "server/net/io_threads.h"
#include "server/net/monitor.h"

/* A parent that was restarted has its workers back before a person notices. */
#define RECONNECT_MS     10
#define RECONNECT_MS_MAX 80

/* libzmq dials again after this time without an answer: the network may be back while TCP still
 * waits before it retransmits. */
#define CONNECT_TIMEOUT_MS 3000

/* Unread messages that the socket holds: the spans and cancels that a parent has reason to send,
 * and heartbeats. */
#define UNREAD_MESSAGES_MAX (4 * WORKER_CREDIT_MAX)

void parent_link_init(struct parent_link *link, const char *endpoint)
{
    *link = (struct parent_link){.endpoint = endpoint};
    zmq_msg_init(&link->frame);
}

static void sockets_close(zsock_t **dealer, zsock_t **monitor, int linger_ms)
{
    if (*dealer) {
        monitor_destroy(monitor, zsock_resolve(*dealer));
        zsock_set_linger(*dealer, linger_ms);
    }
    zsock_destroy(dealer);
}

void parent_link_clear(struct parent_link *link, int patience_ms)
{
    sockets_close(&link->dealer, &link->monitor, patience_ms);
    zmq_msg_close(&link->frame);
}

/* czmq aborts if no file descriptor is left for a socket. */
static bool files_left(void)
{
    int files[PARENT_LINK_FILES];
    int count = 0;

    while (count < PARENT_LINK_FILES && (files[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) != -1)
        count++;
    bool left = count == PARENT_LINK_FILES;
    while (count > 0)
        close(files[--count]);
    return left;
}

static zsock_t *dealer_new(const char *endpoint)
{
    zsock_t *dealer = files_left() ? zsock_new(ZMQ_DEALER) : NULL;

    if (!dealer)
        return NULL;
    zsock_set_sndhwm(dealer, 0); /* see parent_link_send() */
    zsock_set_rcvhwm(dealer, UNREAD_MESSAGES_MAX);
    zsock_set_immediate(dealer, 1);
    zsock_set_maxmsgsize(dealer, FRAME_BYTES_MAX);
    zsock_set_reconnect_ivl(dealer, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(dealer, RECONNECT_MS_MAX);
    zsock_set_connect_timeout(dealer, CONNECT_TIMEOUT_MS);
    zsock_set_ipv6(dealer, address_is_ipv6(endpoint));
    zsock_set_affinity(dealer, IO_PARENT_LINKS);
    return dealer;
}

static bool sockets_open(zsock_t **dealer, zsock_t **monitor, const char *endpoint)
{
    *dealer = dealer_new(endpoint);
    if (!*dealer)
        return false;
    *monitor =
        monitor_new(zsock_resolve(*dealer), ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    return *monitor && zsock_connect(*dealer, "%s", endpoint) != -1;
}

bool parent_link_dial(struct parent_link *link)
{
    zsock_t *dealer = NULL, *monitor = NULL;

    if (!sockets_open(&dealer, &monitor, link->endpoint)) {
        ERRNO_SAVED(sockets_close(&dealer, &monitor, 0));
        return false;
    }
    sockets_close(&link->dealer, &link->monitor, 0);
    link->dealer = dealer;
    link->monitor = monitor;
    link->reconnecting = true;
    return true;
}

/* At most one zsock_disconnect() per connection: if libzmq does not know the endpoint any more, it
 * resolves the host name in this thread. */
void parent_link_stop_reconnecting(struct parent_link *link)
{
    if (link->reconnecting)
        zsock_disconnect(link->dealer, "%s", link->endpoint);
    link->reconnecting = false;
}

/* The last frame is the message. False if there is none. */
static bool frame_read(struct parent_link *link)
{
    do {
        if (zmq_msg_recv(&link->frame, parent_link_socket(link), ZMQ_DONTWAIT) == -1)
            return false;
    } while (zmq_msg_more(&link->frame));
    return true;
}

enum parent_link_event parent_link_next(struct parent_link *link)
{
    uint16_t event;
    int32_t value;

    if (monitor_next(link->monitor, &event, &value))
        return event == ZMQ_EVENT_DISCONNECTED ? PARENT_LINK_DISCONNECTED : PARENT_LINK_CONNECTED;
    return frame_read(link) ? PARENT_LINK_MESSAGE : PARENT_LINK_NOTHING;
}

void parent_link_send(struct parent_link *link, const void *bytes, size_t size)
{
    zmq_send(parent_link_socket(link), bytes, size, ZMQ_DONTWAIT);
}

void *parent_link_socket(const struct parent_link *link)
{
    return zsock_resolve(link->dealer);
}

void *parent_link_monitor(const struct parent_link *link)
{
    return zsock_resolve(link->monitor);
}
