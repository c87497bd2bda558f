#include "server/net/parent_link.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/address.h"
#include "server/core/membership.h"
#include "server/limits.h"
#include "server/net/io_threads.h"
#include "server/net/monitor.h"

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

struct parent_link {
    const char *endpoint;
    struct membership parent;
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
    int files[PARENT_LINK_FILES];
    int count = 0;

    while (count < PARENT_LINK_FILES && (files[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) != -1)
        count++;
    bool left = count == PARENT_LINK_FILES;
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
    zsock_set_affinity(line->dealer, IO_PARENT_LINKS);
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
static bool dial(struct parent_link *link)
{
    struct line line = {.dealer = NULL};

    if (!line_open(&line, link->endpoint)) {
        int reason = errno;
        line_close(&line, 0);
        errno = reason;
        return false;
    }
    line_close(&link->line, 0);
    link->line = line;
    return true;
}

struct parent_link *parent_link_new(const char *endpoint, const struct join *join, int64_t now_ns)
{
    struct parent_link *link = calloc(1, sizeof *link);

    if (!link)
        return NULL;
    link->endpoint = endpoint;
    link->unreached_at_ns = now_ns + UNREACHED_NS;
    zmq_msg_init(&link->frame);
    membership_init(&link->parent, join);
    if (!dial(link)) {
        int reason = errno;
        parent_link_destroy(&link, 0);
        errno = reason;
    }
    return link;
}

void parent_link_destroy(struct parent_link **parent_link_p, int patience_ms)
{
    struct parent_link *link = *parent_link_p;

    if (!link)
        return;
    line_close(&link->line, patience_ms);
    zmq_msg_close(&link->frame);
    free(link);
    *parent_link_p = NULL;
}

const char *parent_link_endpoint(const struct parent_link *link)
{
    return link->endpoint;
}

void *parent_link_socket(const struct parent_link *link)
{
    return zsock_resolve(link->line.dealer);
}

void *parent_link_monitor(const struct parent_link *link)
{
    return zsock_resolve(link->line.monitor);
}

void parent_link_send(struct parent_link *link, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    zmq_send(parent_link_socket(link), bytes, size, ZMQ_DONTWAIT);
}

/* ---- the parent -------------------------------------------------------------------------- */

/* Up to LINES_AT_ONCE lines in the log, and as many again after LINES_NS. */
static bool may_say(struct parent_link *link, int64_t now_ns)
{
    if (now_ns >= link->quiet_until_ns) {
        link->quiet_until_ns = now_ns + LINES_NS;
        link->lines = 0;
    }
    return link->lines++ < LINES_AT_ONCE;
}

static void say_trouble(struct parent_link *link, int64_t now_ns, const char *trouble)
{
    bool same = now_ns < link->trouble_until_ns && streq(link->trouble, trouble);

    if (same || !may_say(link, now_ns))
        return;
    snprintf(link->trouble, sizeof link->trouble, "%s", trouble);
    link->trouble_until_ns = now_ns + AGAIN_NS;
    zsys_warning("%s: %s", link->endpoint, trouble);
}

/* What goes wrong after that is news. */
static void say_joined(struct parent_link *link, int64_t now_ns)
{
    link->trouble_until_ns = 0;
    if (may_say(link, now_ns))
        zsys_info("joined %s", link->endpoint);
}

static bool is_there(const struct parent_link *link)
{
    return link->parent.state != MEMBERSHIP_DISCONNECTED &&
           link->parent.state != MEMBERSHIP_DIALLING;
}

static void watch_reach(struct parent_link *link, int64_t now_ns)
{
    if (is_there(link))
        link->unreached_at_ns = INT64_MAX;
    else if (link->unreached_at_ns == INT64_MAX)
        link->unreached_at_ns = now_ns + UNREACHED_NS;
}

static void say(struct parent_link *link, int64_t now_ns, enum membership_state before,
                const char *trouble)
{
    enum membership_state state = link->parent.state;

    if (trouble)
        say_trouble(link, now_ns, trouble);
    if (before == MEMBERSHIP_JOINING && state == MEMBERSHIP_JOINED)
        say_joined(link, now_ns);
    if (before == MEMBERSHIP_JOINED && state == MEMBERSHIP_DISCONNECTED && may_say(link, now_ns))
        zsys_warning("%s: the connection was lost; dialling again", link->endpoint);
}

/* To the parent core a line that cannot be had is one that has ended: it tries again. */
static void obey_dial(struct parent_link *link, int64_t now_ns)
{
    struct membership_effects none;

    if (dial(link))
        return;
    if (may_say(link, now_ns))
        zsys_error("cannot dial %s: %s", link->endpoint, zmq_strerror(errno));
    membership_step(&link->parent, now_ns, MEMBERSHIP_EVENT_DISCONNECTED, NULL, &none);
}

static enum parent_link_news step(struct parent_link *link, int64_t now_ns,
                                  enum membership_event news, const struct message *message)
{
    struct membership_effects effects;
    enum membership_state before = link->parent.state;

    membership_step(&link->parent, now_ns, news, message, &effects);
    say(link, now_ns, before, effects.problem);
    watch_reach(link, now_ns);
    if (news == MEMBERSHIP_EVENT_DISCONNECTED) /* the parent core says when it is called again */
        line_call_no_more(&link->line, link->endpoint);
    if (effects.dial)
        obey_dial(link, now_ns);
    if (effects.send)
        parent_link_send(link, &effects.message);
    return effects.client_lost ? PARENT_LINK_LOST
           : effects.deliver   ? PARENT_LINK_MESSAGE
                               : PARENT_LINK_HEARD;
}

/* The last frame is the message. False where there is none. */
static bool frame_read(struct parent_link *link)
{
    do {
        if (zmq_msg_recv(&link->frame, parent_link_socket(link), ZMQ_DONTWAIT) == -1)
            return false;
    } while (zmq_msg_more(&link->frame));
    return true;
}

static enum parent_link_news on_frame(struct parent_link *link, int64_t now_ns,
                                      struct message *message)
{
    struct message_error error;

    if (!message_decode(zmq_msg_data(&link->frame), zmq_msg_size(&link->frame), message, &error))
        return PARENT_LINK_BAD;
    return step(link, now_ns, MEMBERSHIP_EVENT_MESSAGE, message);
}

enum parent_link_news parent_link_next(struct parent_link *link, int64_t now_ns,
                                       const struct heartbeat *own, struct message *message)
{
    uint16_t what;
    int32_t value;

    membership_set_own(&link->parent, own);
    if (now_ns >= link->unreached_at_ns) {
        link->unreached_at_ns = now_ns + AGAIN_NS;
        say_trouble(link, now_ns, "no server can be reached there; dialling on");
    }
    if (monitor_next(link->line.monitor, &what, &value))
        return step(link, now_ns,
                    what == ZMQ_EVENT_DISCONNECTED ? MEMBERSHIP_EVENT_DISCONNECTED
                                                   : MEMBERSHIP_EVENT_CONNECTED,
                    NULL);
    if (frame_read(link))
        return on_frame(link, now_ns, message);
    if (now_ns >= membership_due_at(&link->parent))
        return step(link, now_ns, MEMBERSHIP_EVENT_TIME, NULL);
    return PARENT_LINK_NOTHING;
}

int64_t parent_link_due_at(const struct parent_link *link)
{
    int64_t due_at_ns = membership_due_at(&link->parent);

    return link->unreached_at_ns < due_at_ns ? link->unreached_at_ns : due_at_ns;
}

void parent_link_leave(struct parent_link *link, int64_t now_ns)
{
    step(link, now_ns, MEMBERSHIP_EVENT_LEAVE, NULL);
}
