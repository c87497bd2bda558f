/* The link to a parent: dials it, and owns a DEALER socket with its monitor. */
#include "server/net/parent_link.h"

#include <czmq.h>

#include "proto/bounds.h"
#include "proto/instant.h"
#include "server/limits.h"
#include "server/net/io_threads.h"

/* The longest pause between two rounds of dials. A parent that was restarted has its workers back
 * before a person notices. */
#define REDIAL_PAUSE_NS_MAX (80 * NS_PER_MS)

/* Unread messages that the socket holds: as many spans and cancels as a correct parent sends, and
 * heartbeats. */
#define UNREAD_MESSAGES_MAX (4 * WORKER_CREDIT_MAX)

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(void *dealer)
{
    return set(dealer, ZMQ_SNDHWM, 0) && /* see parent_link_send() */
           set(dealer, ZMQ_RCVHWM, UNREAD_MESSAGES_MAX) && set(dealer, ZMQ_IMMEDIATE, 1) &&
           zmq_setsockopt(dealer, ZMQ_MAXMSGSIZE, &(int64_t){FRAME_BYTES_MAX}, sizeof(int64_t)) ==
               0 &&
           zmq_setsockopt(dealer, ZMQ_AFFINITY, &(uint64_t){IO_PARENT_LINKS}, sizeof(uint64_t)) ==
               0;
}

/* All links share czmq's context, one counter of monitors, which makes the names of monitors
 * unique, and the keys. */
static unsigned monitors;
static struct dialer_settings settings = {
    .monitors = &monitors,
    .set_options = set_options,
    .pause_ns_max = REDIAL_PAUSE_NS_MAX,
};

void parent_links_use(const struct identity *identity)
{
    settings.identity = identity;
}

static const struct dialer_settings *dialer_settings(void)
{
    settings.zmq = zsys_init();
    return &settings;
}

void parent_link_init(struct parent_link *link, const char *endpoint)
{
    *link = (struct parent_link){.endpoint = endpoint};
    zmq_msg_init(&link->frame);
}

static void hang_up(struct parent_link *link, int linger_ms)
{
    dialer_destroy(&link->dialer);
    if (link->dealer) {
        zmq_socket_monitor(link->dealer, NULL, 0);
        set(link->dealer, ZMQ_LINGER, linger_ms);
        zmq_close(link->monitor);
        zmq_close(link->dealer);
    }
    link->dealer = link->monitor = NULL;
}

void parent_link_clear(struct parent_link *link, int patience_ms)
{
    hang_up(link, patience_ms);
    zmq_msg_close(&link->frame);
}

bool parent_link_accepts(const char *endpoint)
{
    return dialer_accepts(zsys_init(), endpoint);
}

bool parent_link_dial(struct parent_link *link)
{
    hang_up(link, 0);
    link->dialer = dialer_new(dialer_settings(), link->endpoint);
    return link->dialer;
}

/* ---- events ------------------------------------------------------------------------------ */

static enum parent_link_event end_dial(struct parent_link *link, enum parent_link_event event)
{
    dialer_destroy(&link->dialer);
    return event;
}

static enum parent_link_event next_of_dialer(struct parent_link *link)
{
    for (;;) {
        switch (dialer_next(link->dialer)) {
        case DIALER_NOTHING: return PARENT_LINK_NOTHING;
        case DIALER_REACHED: break;
        case DIALER_CONNECTED:
            dialer_take(link->dialer, &link->dealer, &link->monitor);
            return end_dial(link, PARENT_LINK_CONNECTED);
        case DIALER_FAILED: link->failure = *dialer_failure(link->dialer); break;
        case DIALER_BROKEN: return end_dial(link, PARENT_LINK_DISCONNECTED);
        }
    }
}

/* An event is two frames: its number in 16 bits with a value in 32 bits, and an endpoint. */
static bool is_disconnected(struct parent_link *link)
{
    uint8_t event[6];
    uint16_t number;

    while (zmq_recv(link->monitor, event, sizeof event, ZMQ_DONTWAIT) == sizeof event) {
        zmq_recv(link->monitor, NULL, 0, ZMQ_DONTWAIT);
        memcpy(&number, event, sizeof number);
        if (number == ZMQ_EVENT_DISCONNECTED)
            return true;
    }
    return false;
}

/* The last frame is the message. False if there is none. */
static bool frame_read(struct parent_link *link)
{
    do {
        if (zmq_msg_recv(&link->frame, link->dealer, ZMQ_DONTWAIT) == -1)
            return false;
    } while (zmq_msg_more(&link->frame));
    return true;
}

enum parent_link_event parent_link_next(struct parent_link *link)
{
    if (link->dialer)
        return next_of_dialer(link);
    if (!link->dealer)
        return PARENT_LINK_NOTHING;
    if (is_disconnected(link))
        return PARENT_LINK_DISCONNECTED;
    return frame_read(link) ? PARENT_LINK_MESSAGE : PARENT_LINK_NOTHING;
}

void parent_link_send(struct parent_link *link, const void *bytes, size_t size)
{
    if (link->dealer)
        zmq_send(link->dealer, bytes, size, ZMQ_DONTWAIT);
}

int parent_link_poll_items(const struct parent_link *link, zmq_pollitem_t *items)
{
    int count = 0;

    if (link->dialer)
        items[count++] = (zmq_pollitem_t){.fd = dialer_fd(link->dialer), .events = ZMQ_POLLIN};
    if (link->dealer) {
        items[count++] = (zmq_pollitem_t){.socket = link->dealer, .events = ZMQ_POLLIN};
        items[count++] = (zmq_pollitem_t){.socket = link->monitor, .events = ZMQ_POLLIN};
    }
    return count;
}
