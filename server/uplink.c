#include "server/uplink.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/address.h"
#include "server/dispatcher.h"
#include "server/io.h"
#include "server/monitor.h"
#include "server/parent.h"

/* A parent that was restarted has its workers back in the time that a person takes for none. */
#define REDIAL_MS     10
#define REDIAL_MS_MAX 80

/* A call that nothing answers is made again: the network may be mended while TCP still waits. */
#define CALL_MS 3000

/* ---- the socket -------------------------------------------------------------------------- */

/* In the log, of one parent. */
#define LINES_AT_ONCE 10
#define LINES_NS      INT64_C(10000000000)

/* One that cannot be reached is told of after this, and the same trouble again after so long. */
#define UNREACHED_NS INT64_C(3000000000)
#define AGAIN_NS     INT64_C(600000000000)

/* Messages that wait to be read: spans and cancels, as many as a parent of ours has reason to send,
 * and heartbeats. */
#define MESSAGES_MAX (4 * WORKER_CREDIT_MAX)

/* called: the dealer knows the endpoint, and calls it again whenever a connection ends. */
struct line {
    zsock_t *dealer;
    zsock_t *monitor;
    bool called;
};

static void line_close(struct line *line, int linger_ms)
{
    if (line->dealer) {
        monitor_destroy(&line->monitor, zsock_resolve(line->dealer));
        zsock_set_linger(line->dealer, linger_ms);
    }
    zsock_destroy(&line->dealer);
}

struct uplink {
    const char *endpoint;
    struct parent parent;
    struct line line;
    zmq_msg_t frame;
    int64_t unreached_at_ns; /* when it is told that it cannot be reached; INT64_MAX: it is there */
    int64_t quiet_until_ns;  /* of the log, for a parent may welcome and drop a worker all day */
    int lines;
    char trouble[TEXT_BYTES_MAX + 1]; /* that was told last */
    int64_t trouble_until_ns;         /* and is not told again before this */
};

/* czmq fails an assertion where there is no file descriptor for a socket. */
static bool files_left(void)
{
    int files[UPLINK_FILES];
    int count = 0;

    while (count < UPLINK_FILES && (files[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) != -1)
        count++;
    bool left = count == UPLINK_FILES;
    while (count > 0)
        close(files[--count]);
    return left;
}

/* What waits to be sent is bounded by the credit that the parent gives. */
static bool line_open(struct line *line, const char *endpoint)
{
    if (!files_left())
        return false;
    line->dealer = zsock_new(ZMQ_DEALER);
    if (!line->dealer)
        return false;
    zsock_set_sndhwm(line->dealer, 0);
    zsock_set_rcvhwm(line->dealer, MESSAGES_MAX);
    zsock_set_immediate(line->dealer, 1);
    zsock_set_maxmsgsize(line->dealer, FRAME_BYTES_MAX);
    zsock_set_reconnect_ivl(line->dealer, REDIAL_MS);
    zsock_set_reconnect_ivl_max(line->dealer, REDIAL_MS_MAX);
    zsock_set_connect_timeout(line->dealer, CALL_MS);
    zsock_set_ipv6(line->dealer, address_is_ipv6(endpoint));
    zsock_set_affinity(line->dealer, IO_UPLINKS);
    line->monitor = monitor_new(zsock_resolve(line->dealer),
                                ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    line->called = line->monitor && zsock_connect(line->dealer, "%s", endpoint) != -1;
    return line->called;
}

/* Once: where libzmq does not know the endpoint it looks the name up, here and now. */
static void line_call_no_more(struct line *line, const char *endpoint)
{
    if (line->called)
        zsock_disconnect(line->dealer, "%s", endpoint);
    line->called = false;
}

/* A new socket for each connection: nothing of the one before can arrive, in either direction. */
static bool dial(struct uplink *uplink)
{
    struct line line = {.dealer = NULL};

    if (!line_open(&line, uplink->endpoint)) {
        int reason = errno;
        line_close(&line, 0);
        errno = reason;
        return false;
    }
    line_close(&uplink->line, 0);
    uplink->line = line;
    return true;
}

struct uplink *uplink_new(const char *endpoint, const struct join *join, int64_t now_ns)
{
    struct uplink *uplink = calloc(1, sizeof *uplink);

    if (!uplink)
        return NULL;
    uplink->endpoint = endpoint;
    uplink->unreached_at_ns = now_ns + UNREACHED_NS;
    zmq_msg_init(&uplink->frame);
    parent_init(&uplink->parent, join);
    if (!dial(uplink)) {
        int reason = errno;
        uplink_destroy(&uplink, 0);
        errno = reason;
    }
    return uplink;
}

void uplink_destroy(struct uplink **uplink_p, int patience_ms)
{
    struct uplink *uplink = *uplink_p;

    if (!uplink)
        return;
    line_close(&uplink->line, patience_ms);
    zmq_msg_close(&uplink->frame);
    free(uplink);
    *uplink_p = NULL;
}

const char *uplink_endpoint(const struct uplink *uplink)
{
    return uplink->endpoint;
}

void *uplink_socket(const struct uplink *uplink)
{
    return zsock_resolve(uplink->line.dealer);
}

void *uplink_monitor(const struct uplink *uplink)
{
    return zsock_resolve(uplink->line.monitor);
}

void uplink_send(struct uplink *uplink, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    zmq_send(uplink_socket(uplink), bytes, size, ZMQ_DONTWAIT);
}

/* ---- the parent -------------------------------------------------------------------------- */

/* Up to LINES_AT_ONCE lines in the log, and as many again after LINES_NS. */
static bool may_say(struct uplink *uplink, int64_t now_ns)
{
    if (now_ns >= uplink->quiet_until_ns) {
        uplink->quiet_until_ns = now_ns + LINES_NS;
        uplink->lines = 0;
    }
    return uplink->lines++ < LINES_AT_ONCE;
}

static void say_trouble(struct uplink *uplink, int64_t now_ns, const char *trouble)
{
    bool same = now_ns < uplink->trouble_until_ns && streq(uplink->trouble, trouble);

    if (same || !may_say(uplink, now_ns))
        return;
    snprintf(uplink->trouble, sizeof uplink->trouble, "%s", trouble);
    uplink->trouble_until_ns = now_ns + AGAIN_NS;
    zsys_warning("%s: %s", uplink->endpoint, trouble);
}

/* What goes wrong after that is news. */
static void say_joined(struct uplink *uplink, int64_t now_ns)
{
    uplink->trouble_until_ns = 0;
    if (may_say(uplink, now_ns))
        zsys_info("joined %s", uplink->endpoint);
}

static bool is_there(const struct uplink *uplink)
{
    return uplink->parent.state != PARENT_APART && uplink->parent.state != PARENT_DIALLING;
}

static void watch_reach(struct uplink *uplink, int64_t now_ns)
{
    if (is_there(uplink))
        uplink->unreached_at_ns = INT64_MAX;
    else if (uplink->unreached_at_ns == INT64_MAX)
        uplink->unreached_at_ns = now_ns + UNREACHED_NS;
}

static void say(struct uplink *uplink, int64_t now_ns, enum parent_state before,
                const char *trouble)
{
    enum parent_state state = uplink->parent.state;

    if (trouble)
        say_trouble(uplink, now_ns, trouble);
    if (before == PARENT_JOINING && state == PARENT_JOINED)
        say_joined(uplink, now_ns);
    if (before == PARENT_JOINED && state == PARENT_APART && may_say(uplink, now_ns))
        zsys_warning("%s: the connection was lost; dialling again", uplink->endpoint);
}

/* To the parent core a line that cannot be had is one that has ended: it tries again. */
static void obey_dial(struct uplink *uplink, int64_t now_ns)
{
    struct parent_orders none;

    if (dial(uplink))
        return;
    if (may_say(uplink, now_ns))
        zsys_error("cannot dial %s: %s", uplink->endpoint, zmq_strerror(errno));
    parent_step(&uplink->parent, now_ns, PARENT_DOWN, NULL, &none);
}

static enum uplink_news step(struct uplink *uplink, int64_t now_ns, enum parent_news news,
                             const struct message *message)
{
    struct parent_orders orders;
    enum parent_state before = uplink->parent.state;

    parent_step(&uplink->parent, now_ns, news, message, &orders);
    say(uplink, now_ns, before, orders.trouble);
    watch_reach(uplink, now_ns);
    if (news == PARENT_DOWN) /* the parent core says when it is called again */
        line_call_no_more(&uplink->line, uplink->endpoint);
    if (orders.dial)
        obey_dial(uplink, now_ns);
    if (orders.send)
        uplink_send(uplink, &orders.message);
    return orders.lost ? UPLINK_LOST : orders.pass ? UPLINK_MESSAGE : UPLINK_HEARD;
}

/* The last frame is the message. False where there is none. */
static bool frame_read(struct uplink *uplink)
{
    do {
        if (zmq_msg_recv(&uplink->frame, uplink_socket(uplink), ZMQ_DONTWAIT) == -1)
            return false;
    } while (zmq_msg_more(&uplink->frame));
    return true;
}

static enum uplink_news on_frame(struct uplink *uplink, int64_t now_ns, struct message *message)
{
    struct message_error error;

    if (!message_decode(zmq_msg_data(&uplink->frame), zmq_msg_size(&uplink->frame), message,
                        &error))
        return UPLINK_BAD;
    return step(uplink, now_ns, PARENT_MESSAGE, message);
}

enum uplink_news uplink_next(struct uplink *uplink, int64_t now_ns, const struct heartbeat *own,
                             struct message *message)
{
    uint16_t what;
    int32_t value;

    parent_know(&uplink->parent, own);
    if (now_ns >= uplink->unreached_at_ns) {
        uplink->unreached_at_ns = now_ns + AGAIN_NS;
        say_trouble(uplink, now_ns, "no server can be reached there; dialling on");
    }
    if (monitor_next(uplink->line.monitor, &what, &value))
        return step(uplink, now_ns, what == ZMQ_EVENT_DISCONNECTED ? PARENT_DOWN : PARENT_UP, NULL);
    if (frame_read(uplink))
        return on_frame(uplink, now_ns, message);
    if (now_ns >= parent_due_at(&uplink->parent))
        return step(uplink, now_ns, PARENT_TIME, NULL);
    return UPLINK_NOTHING;
}

int64_t uplink_due_at(const struct uplink *uplink)
{
    int64_t due_at_ns = parent_due_at(&uplink->parent);

    return uplink->unreached_at_ns < due_at_ns ? uplink->unreached_at_ns : due_at_ns;
}

void uplink_leave(struct uplink *uplink, int64_t now_ns)
{
    step(uplink, now_ns, PARENT_LEAVE, NULL);
}
