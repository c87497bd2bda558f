/* Dials an endpoint over libzmq until the first handshake: see dialer.h. */
#include "dial/dialer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "dial/descriptors.h"
#include "dial/prober.h"
#include "dial/self_connection.h"
#include "proto/errno_saved.h"
#include "proto/instant.h"

/* The pause after the first round. Each further pause is twice as long, up to pause_ns_max. So a
 * server is not overloaded by many clients at once. */
#define PAUSE_NS_MIN (10 * NS_PER_MS)

/* The pause after a round with a denied key. It may be allowed soon, but each dial costs the server
 * as much computing as some thousand messages. */
#define DENIED_PAUSE_NS (1 * NS_PER_S)

/* How long libzmq may take to connect after a probe has connected. */
#define CONNECT_MS ((int)(DIAL_PROBE_NS / NS_PER_MS))

/* The descriptors of a socket, its monitor (two) and its connection. */
#define CANDIDATE_DESCRIPTORS 4

#define EVENTS                                                                                     \
    (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |                             \
     ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                        \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

/* How long a handshake may take, after 0, 1, 2, ... rounds with silent connections. A handshake
 * takes three round trips, and one to the other side of the world takes 0.2 s. So a silent
 * connection is dropped after 1 s. Later rounds have enough time for a satellite, or for a server
 * with a crowd of clients. */
static const int handshake_ms[] = {1000, 1000, 2000, 4000};

/* A socket that libzmq dials. */
struct candidate {
    void *dealer, *monitor; /* NULL: unused */
    bool connected;         /* libzmq has connected it, and limits the time of its handshake */
    int64_t connected_at_ns;
    char endpoint[DIAL_ENDPOINT_BYTES];
    struct dial_failure failure; /* empty: none so far */
    bool silent;                 /* its handshake has timed out */
    bool over;                   /* it has failed */
};

struct dialer {
    const struct dialer_settings *settings;
    char endpoint[DIAL_ENDPOINT_BYTES];
    int epoll;
    struct prober *prober; /* of this round; NULL: no round can begin */
    bool probed;           /* the prober has probed all addresses */
    bool expired;          /* libzmq has had the time to connect */
    unsigned reached;      /* addresses of this round that a probe has reached */
    bool reach_reported;   /* the owner knows that `reached` is not 0 */
    struct candidate candidates[DIAL_ADDRESSES_MAX];
    struct candidate *winner;
    struct dial_failure round;  /* the failures of this round so far */
    struct dial_failure failed; /* the round before */
    unsigned rounds_begun;
    unsigned rounds_for_all;  /* the rounds that probe each address of the name; 0: unknown */
    unsigned definite_rounds; /* that have failed definitely, since one has not */
    unsigned silent_rounds;   /* that have ended with a silent connection */
    bool silent;              /* a connection of this round was silent */
    int64_t pause_ns;         /* before the next round */
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int handshake_limit_ms(const struct dialer *dialer)
{
    return handshake_ms[dialer->silent_rounds % (sizeof handshake_ms / sizeof *handshake_ms)];
}

static bool watch(const struct dialer *dialer, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(dialer->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void unwatch(const struct dialer *dialer, int fd)
{
    epoll_ctl(dialer->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* ---- failures of a round ----------------------------------------------------------------- */

#define MORE ", ..."

/* Appends an item to a list. If the list has no room for it, the list ends with MORE, for which
 * room is always kept. */
static void append_item(char *list, size_t size, const char *item)
{
    size_t length = strlen(list), needed = strlen(item) + strlen(", ") + strlen(MORE);
    bool has_more = length >= strlen(MORE) && strcmp(list + length - strlen(MORE), MORE) == 0;

    if (has_more)
        return;
    if (length > 0 && length + needed >= size)
        strcpy(list + length, MORE);
    else
        snprintf(list + length, size - length - strlen(MORE), "%s%s", length > 0 ? ", " : "", item);
}

/* "connection refused", or "127.0.0.9:8197: connection refused, [::1]:8197: timed out". */
static void note_failure(struct dialer *dialer, const char *endpoint,
                         const struct dial_failure *failure)
{
    struct dial_failure *round = &dialer->round;
    const char *address = strstr(endpoint, "://");
    bool plain = !address || strcmp(endpoint, dialer->endpoint) == 0;
    char item[DIAL_ENDPOINT_BYTES + DIAL_TEXT_BYTES];

    round->denied |= failure->denied;
    round->definite = failure->definite && (round->text[0] == '\0' || round->definite);
    snprintf(item, sizeof item, "%s%s%s", plain ? "" : address + strlen("://"), plain ? "" : ": ",
             failure->text);
    append_item(round->text, sizeof round->text, item);
}

static void fail_candidate(struct candidate *candidate, bool definite, const char *text)
{
    struct dial_failure *failure = &candidate->failure;

    if (failure->text[0]) /* the first reason is the cause of the others */
        return;
    snprintf(failure->text, sizeof failure->text, "%s", text);
    failure->definite = definite;
}

static void deny_candidate(struct candidate *candidate, const char *text)
{
    fail_candidate(candidate, true, text);
    candidate->failure.denied = candidate->over = true;
}

/* ---- candidates -------------------------------------------------------------------------- */

static int descriptor(void *socket)
{
    int fd = -1;
    size_t size = sizeof fd;

    RETRY_IF_INTERRUPTED(zmq_getsockopt(socket, ZMQ_FD, &fd, &size));
    return fd;
}

static bool set(void *socket, int option, int value)
{
    return RETRY_IF_INTERRUPTED(zmq_setsockopt(socket, option, &value, sizeof value)) == 0;
}

static bool set_keys(const struct dialer *dialer, void *dealer)
{
    const struct identity *identity = dialer->settings->identity;

    return !identity || identity_secure_client(identity, dealer);
}

static bool set_options(const struct dialer *dialer, const struct candidate *candidate)
{
    void *dealer = candidate->dealer;

    return set(dealer, ZMQ_LINGER, 0) && set(dealer, ZMQ_RECONNECT_IVL, -1) &&
           set(dealer, ZMQ_IPV6, strchr(candidate->endpoint, '[') != NULL) &&
           set(dealer, ZMQ_HANDSHAKE_IVL, handshake_limit_ms(dialer)) &&
           set(dealer, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) && dialer->settings->set_options(dealer) &&
           set_keys(dialer, dealer);
}

/* Each monitor needs a new name, because the name of a closed monitor stays in use for a while.
 * The pipe has no limit: libzmq's I/O thread would wait for room in it. */
static bool open_monitor(struct dialer *dialer, struct candidate *candidate)
{
    char address[64];

    snprintf(address, sizeof address, "inproc://meantime-monitor-%u",
             (*dialer->settings->monitors)++);
    if (RETRY_IF_INTERRUPTED(zmq_socket_monitor(candidate->dealer, address, EVENTS)) == -1)
        return false;
    candidate->monitor = zmq_socket(dialer->settings->zmq, ZMQ_PAIR);
    return candidate->monitor && set(candidate->monitor, ZMQ_LINGER, 0) &&
           set(candidate->monitor, ZMQ_RCVHWM, 0) &&
           RETRY_IF_INTERRUPTED(zmq_connect(candidate->monitor, address)) == 0 &&
           watch(dialer, descriptor(candidate->monitor));
}

static bool open_sockets(struct dialer *dialer, struct candidate *candidate)
{
    if (!descriptors_left(CANDIDATE_DESCRIPTORS))
        return false;
    candidate->dealer = zmq_socket(dialer->settings->zmq, ZMQ_DEALER);
    return candidate->dealer && set_options(dialer, candidate) && open_monitor(dialer, candidate) &&
           RETRY_IF_INTERRUPTED(zmq_connect(candidate->dealer, candidate->endpoint)) == 0;
}

static void close_candidate(struct dialer *dialer, struct candidate *candidate)
{
    if (candidate->dealer)
        zmq_socket_monitor(candidate->dealer, NULL, 0);
    if (candidate->monitor) {
        unwatch(dialer, descriptor(candidate->monitor));
        zmq_close(candidate->monitor);
    }
    if (candidate->dealer)
        zmq_close(candidate->dealer);
    *candidate = (struct candidate){.dealer = NULL};
}

static struct candidate *unused_candidate(struct dialer *dialer)
{
    struct candidate *candidate = dialer->candidates;

    while (candidate->dealer)
        candidate++;
    return candidate;
}

/* A round reaches at most DIAL_ADDRESSES_MAX addresses, so a candidate is unused. */
static void open_candidate(struct dialer *dialer, const char *endpoint)
{
    struct candidate *candidate = unused_candidate(dialer);

    *candidate = (struct candidate){.connected_at_ns = now_ns()};
    strcpy(candidate->endpoint, endpoint);
    if (open_sockets(dialer, candidate)) {
        dialer->reached++;
        return;
    }
    fail_candidate(candidate, false, zmq_strerror(errno));
    note_failure(dialer, endpoint, &candidate->failure);
    close_candidate(dialer, candidate);
}

/* ---- events of a candidate --------------------------------------------------------------- */

static void on_connected(const struct dialer *dialer, struct candidate *candidate, int32_t fd)
{
    (void)dialer;
    candidate->connected = true;
    candidate->connected_at_ns = now_ns();
    if (!self_connection_found(fd))
        return;
    fail_candidate(candidate, true, "connection refused");
    candidate->over = true;
}

static const char needs_key_text[] = "the server accepts only peers with a key";

/* If a handshake times out, libzmq reports an arbitrary error. A server closes the connection if
 * the client uses another server's key, or none. In the latter case libzmq sometimes reports the
 * reason, and sometimes only the end of the connection: then the round before says why. */
static void on_handshake_failed(const struct dialer *dialer, struct candidate *candidate,
                                int32_t error)
{
    int64_t limit_ns = handshake_limit_ms(dialer) * NS_PER_MS;
    char text[DIAL_TEXT_BYTES];

    candidate->silent = now_ns() - candidate->connected_at_ns >= limit_ns - limit_ns / 10;
    if (!candidate->silent && dialer->settings->identity)
        deny_candidate(candidate, "handshake failed: the server has another key, or none");
    else if (!candidate->silent && dialer->failed.denied)
        deny_candidate(candidate, needs_key_text);
    if (candidate->silent)
        snprintf(text, sizeof text, "timed out: connected, but no handshake followed");
    else if (error == EPIPE || error == 0)
        snprintf(text, sizeof text,
                 "handshake failed: the peer closed the connection, as a server with keys does");
    else
        snprintf(text, sizeof text, "handshake failed: %s", zmq_strerror(error));
    fail_candidate(candidate, false, text);
}

static void on_protocol_error(const struct dialer *dialer, struct candidate *candidate,
                              int32_t value)
{
    bool keys = dialer->settings->identity;

    if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
        deny_candidate(candidate,
                       keys ? "the server uses no keys, but this side has one" : needs_key_text);
    else
        fail_candidate(candidate, true, "protocol error: the peer does not speak ZMTP");
}

static void on_refused(const struct dialer *dialer, struct candidate *candidate, int32_t value)
{
    (void)dialer, (void)value;
    deny_candidate(candidate,
                   "the server refused this key: it is not allowed, or for another role");
}

static void on_end(const struct dialer *dialer, struct candidate *candidate, int32_t value)
{
    (void)dialer, (void)value;
    fail_candidate(candidate, false, "the connection was lost before the handshake");
    candidate->over = true;
}

/* Returns false if no event is left. An event is two frames: its number in 16 bits with a value in
 * 32 bits, and an endpoint. */
static bool monitor_read(void *monitor, uint16_t *event, int32_t *value)
{
    uint8_t frame[sizeof *event + sizeof *value];
    int size;

    while ((size = zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT)) == -1 && errno == EINTR)
        continue;
    if (size != sizeof frame)
        return false;
    zmq_recv(monitor, NULL, 0, ZMQ_DONTWAIT);
    memcpy(event, frame, sizeof *event);
    memcpy(value, frame + sizeof *event, sizeof *value);
    return true;
}

static void on_event(const struct dialer *dialer, struct candidate *candidate, uint16_t event,
                     int32_t value)
{
    static const struct {
        uint16_t event;
        void (*handle)(const struct dialer *, struct candidate *, int32_t);
    } handlers[] = {
        {ZMQ_EVENT_CONNECTED, on_connected},
        {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, on_handshake_failed},
        {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, on_protocol_error},
        {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, on_refused},
        {ZMQ_EVENT_CLOSED, on_end},
        {ZMQ_EVENT_DISCONNECTED, on_end},
    };

    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (handlers[i].event == event)
            handlers[i].handle(dialer, candidate, value);
}

/* Returns true if the candidate has completed its handshake. */
static bool step_candidate(struct dialer *dialer, struct candidate *candidate)
{
    uint16_t event;
    int32_t value;

    while (!candidate->over && monitor_read(candidate->monitor, &event, &value)) {
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return true;
        on_event(dialer, candidate, event, value);
    }
    if (!candidate->over)
        return false;
    dialer->silent |= candidate->silent;
    note_failure(dialer, candidate->endpoint, &candidate->failure);
    close_candidate(dialer, candidate);
    return false;
}

/* ---- rounds ------------------------------------------------------------------------------ */

static bool begin_round(struct dialer *dialer)
{
    dialer->probed = dialer->expired = dialer->reach_reported = false;
    dialer->reached = 0;
    dialer->round = (struct dial_failure){.definite = false};
    dialer->prober = prober_new(dialer->endpoint, dialer->rounds_begun++, dialer->pause_ns);
    dialer->pause_ns =
        earlier(later(2 * dialer->pause_ns, PAUSE_NS_MIN), dialer->settings->pause_ns_max);
    return dialer->prober && watch(dialer, prober_fd(dialer->prober));
}

static void end_prober(struct dialer *dialer)
{
    if (dialer->prober)
        unwatch(dialer, prober_fd(dialer->prober));
    prober_destroy(&dialer->prober);
}

/* libzmq reports no event if it cannot open its socket. */
static void expire_candidates(struct dialer *dialer)
{
    dialer->expired = false;
    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++) {
        struct candidate *candidate = &dialer->candidates[i];
        if (!candidate->dealer || candidate->connected)
            continue;
        fail_candidate(candidate, false, "libzmq cannot connect");
        candidate->over = true;
    }
}

static void end_probes(struct dialer *dialer, unsigned rounds_for_all)
{
    dialer->probed = true;
    dialer->rounds_for_all = rounds_for_all;
}

static void take_probes(struct dialer *dialer)
{
    struct probe probe;

    while (prober_next(dialer->prober, &probe)) {
        switch (probe.type) {
        case PROBE_REACHED: open_candidate(dialer, probe.endpoint); break;
        case PROBE_FAILED: note_failure(dialer, probe.endpoint, &probe.failure); break;
        case PROBE_OVER: end_probes(dialer, probe.rounds); break;
        case PROBE_EXPIRED: dialer->expired = true; break;
        }
    }
}

/* Returns whether a candidate is left. Sets the winner, if there is one. */
static bool step_candidates(struct dialer *dialer)
{
    bool left = false;

    for (size_t i = 0; i < DIAL_ADDRESSES_MAX && !dialer->winner; i++) {
        struct candidate *candidate = &dialer->candidates[i];
        if (!candidate->dealer)
            continue;
        if (step_candidate(dialer, candidate))
            dialer->winner = candidate;
        left |= candidate->dealer != NULL;
    }
    return left;
}

/* A silent connection has taken time already, so the next round begins without a long pause. */
static enum dialer_event end_round(struct dialer *dialer)
{
    dialer->failed = dialer->round;
    dialer->definite_rounds = dialer->round.definite ? dialer->definite_rounds + 1 : 0;
    dialer->failed.definite = dialer->definite_rounds >= later(dialer->rounds_for_all, 1);
    dialer->silent_rounds += dialer->silent;
    if (dialer->silent)
        dialer->pause_ns = PAUSE_NS_MIN;
    if (dialer->round.denied)
        dialer->pause_ns = DENIED_PAUSE_NS;
    dialer->silent = false;
    end_prober(dialer);
    return begin_round(dialer) ? DIALER_FAILED : DIALER_BROKEN;
}

static bool report_reached(struct dialer *dialer)
{
    bool is_new = dialer->reached > 0 && !dialer->reach_reported;

    dialer->reach_reported |= is_new;
    return is_new;
}

enum dialer_event dialer_next(struct dialer *dialer)
{
    if (!dialer->prober || dialer->winner)
        return DIALER_NOTHING;
    take_probes(dialer);
    bool left = step_candidates(dialer);
    if (dialer->expired && !dialer->winner) {
        expire_candidates(dialer);
        left = step_candidates(dialer);
    }
    if (dialer->winner)
        return DIALER_CONNECTED;
    if (report_reached(dialer))
        return DIALER_REACHED;
    return left || !dialer->probed ? DIALER_NOTHING : end_round(dialer);
}

/* ---- endpoints --------------------------------------------------------------------------- */

/* libzmq checks the endpoint. The socket is bound to a network device that does not exist, so that
 * libzmq does not connect. A real connection without a message would look suspicious to a server.
 */
static bool accepts(void *zmq, const char *endpoint)
{
    static const char no_device[] = "nowhere";
    void *dealer = zmq_socket(zmq, ZMQ_DEALER);
    bool accepted = dealer && set(dealer, ZMQ_LINGER, 0) &&
                    zmq_setsockopt(dealer, ZMQ_BINDTODEVICE, no_device, sizeof no_device) == 0 &&
                    RETRY_IF_INTERRUPTED(zmq_connect(dealer, endpoint)) == 0;

    if (dealer)
        ERRNO_SAVED(zmq_close(dealer));
    return accepted;
}

/* No other program shares the context, so an inproc endpoint can never be a server. */
bool dialer_accepts(void *zmq, const char *endpoint)
{
    char checkable[DIAL_ENDPOINT_BYTES];

    if (strncmp(endpoint, "inproc:", strlen("inproc:")) == 0) {
        errno = EPROTONOSUPPORT;
        return false;
    }
    if (!dial_endpoint_check(endpoint, checkable))
        return false;
    return strncmp(endpoint, "ipc:", strlen("ipc:")) == 0 || accepts(zmq, checkable);
}

/* ---- the owner --------------------------------------------------------------------------- */

struct dialer *dialer_new(const struct dialer_settings *settings, const char *endpoint)
{
    struct dialer *dialer = descriptors_left(DIALER_DESCRIPTORS) ? calloc(1, sizeof *dialer) : NULL;

    if (!dialer)
        return NULL;
    dialer->settings = settings;
    snprintf(dialer->endpoint, sizeof dialer->endpoint, "%s", endpoint);
    dialer->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (dialer->epoll != -1 && begin_round(dialer))
        return dialer;
    ERRNO_SAVED(dialer_destroy(&dialer));
    return NULL;
}

void dialer_destroy(struct dialer **dialer_p)
{
    struct dialer *dialer = *dialer_p;

    if (!dialer)
        return;
    end_prober(dialer);
    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
        close_candidate(dialer, &dialer->candidates[i]);
    if (dialer->epoll != -1)
        close(dialer->epoll);
    free(dialer);
    *dialer_p = NULL;
}

int dialer_fd(const struct dialer *dialer)
{
    return dialer->epoll;
}

void dialer_take(struct dialer *dialer, void **dealer, void **monitor)
{
    struct candidate *winner = dialer->winner;

    unwatch(dialer, descriptor(winner->monitor));
    *dealer = winner->dealer;
    *monitor = winner->monitor;
    winner->dealer = winner->monitor = NULL;
}

const struct dial_failure *dialer_failure(const struct dialer *dialer)
{
    return &dialer->failed;
}
