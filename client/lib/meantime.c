/* A session: many requests over one connection to each endpoint. The exchanges decide, this obeys
 * them: the shell of client/lib/exchange.h. */
#include "client/lib/meantime.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/lib/clock.h"
#include "client/lib/requests.h"
#include "client/lib/server_link.h"
#include "proto/instant.h"
#include "sums/total.h"

#define AT_ONCE 1 /* timerfd takes 0 for never */
#define RUNG    0 /* what it is never set to */

/* Frames taken from one line at a look: some 30 us. A server that floods us does not keep the
 * caller from its own work. */
#define TAKE_MAX 64

/* Looks that may leave something behind before the time is told all the same: as much as a server
 * that answers many requests says at once, or what comes while a caller looks as often as a server
 * is to be heard. */
#define BEHIND_LOOKS_MAX 100
#define BEHIND_NS_MAX    SILENCE_NS

_Static_assert(MEANTIME_TEXT_BYTES >= sizeof(((struct exchange *)0)->trouble), "texts fit");

/* due_at_ns: when a request is to be told the time at the latest. It may be too early, never too
 * late. again: there is something to look for of which no line's descriptor tells. armed_at_ns:
 * what the timer is set to. behind_*: how many looks, one after the other and since when, have left
 * messages to be taken. */
struct meantime {
    struct switchboard board;
    int timer;
    int64_t due_at_ns, armed_at_ns;
    bool again;
    bool attending;
    int behind_looks;
    int64_t behind_since_ns;
    struct endpoints endpoints;
    struct server_link lines[ENDPOINTS_MAX], probes[ENDPOINTS_MAX];
    struct requests requests;
};

/* ---- when -------------------------------------------------------------------------------- */

static void arm(struct meantime *m)
{
    int64_t at_ns = m->again ? AT_ONCE : m->due_at_ns;
    struct itimerspec at = {.it_value = {0}};

    if (at_ns == m->armed_at_ns)
        return;
    m->armed_at_ns = at_ns;
    if (at_ns != NEVER) {
        at.it_value.tv_sec = at_ns / NS_PER_S;
        at.it_value.tv_nsec = at_ns % NS_PER_S;
    }
    int rc = timerfd_settime(m->timer, TFD_TIMER_ABSTIME, &at, NULL);
    assert(rc == 0);
}

/* While it is attended to, the timer is set once, at the end. */
static void due(struct meantime *m, int64_t at_ns)
{
    if (at_ns < m->due_at_ns)
        m->due_at_ns = at_ns;
    if (!m->attending)
        arm(m);
}

static void look_again(struct meantime *m)
{
    m->again = true;
    if (!m->attending)
        arm(m);
}

/* ---- lines and who uses them ------------------------------------------------------------- */

static bool dial(struct meantime *m, struct server_link *line, size_t at)
{
    look_again(m); /* server_link_open() wants it */
    return server_link_open(line, &m->board, m->endpoints.names[at]);
}

/* What has happened to it is told at a look, but the descriptor does not tell of it any more. */
static void watch(struct meantime *m, struct server_link *line)
{
    server_link_watch(line);
    if (line->down || line->up != line->greeted)
        look_again(m);
}

/* One that is up is kept for the next request. */
static void leave(struct server_link *line)
{
    line->users--;
    if (line->users == 0 && !line->up)
        server_link_close(line);
}

static void leave_probe(struct meantime *m, struct session_request *request)
{
    struct server_link *probe = &m->probes[request->at];

    if (!request->probing)
        return;
    request->probing = false;
    if (--probe->users == 0)
        server_link_close(probe);
}

static void detach(struct meantime *m, struct session_request *request)
{
    leave_probe(m, request);
    if (request->attached)
        leave(&m->lines[request->at]);
    request->attached = false;
}

/* ---- what an exchange orders ------------------------------------------------------------- */

static void obey_dial(struct meantime *m, struct session_request *request,
                      const struct order *order)
{
    struct server_link *line = &m->lines[order->endpoint];

    detach(m, request);
    request->at = order->endpoint;
    request->attached = true;
    line->users++;
    if (line->dealer)
        watch(m, line); /* it may have ended while nobody looked */
    else if (!dial(m, line, request->at)) {
        request->next = NEWS_CANNOT;
        request->next_errno = errno;
    }
    if (line->greeted && !line->down)
        request->next = NEWS_UP;
}

static void send(struct meantime *m, const struct session_request *request,
                 const struct message *message)
{
    if (server_link_send(&m->lines[request->at], message))
        look_again(m);
}

static void obey_ask(struct meantime *m, struct session_request *request, const struct order *order)
{
    send(m, request,
         &(struct message){.type = MESSAGE_SUM_REQUEST, .sum_request = order->sum_request});
}

static void obey_cancel(struct meantime *m, struct session_request *request,
                        const struct order *order)
{
    send(m, request, &(struct message){.type = MESSAGE_CANCEL, .cancel = order->cancel});
}

/* Where none can be opened, there is no sign of life either. */
static void obey_probe(struct meantime *m, struct session_request *request,
                       const struct order *order)
{
    struct server_link *probe = &m->probes[order->endpoint];

    if (request->probing)
        return;
    request->probing = true;
    probe->users++;
    if (!probe->dealer)
        dial(m, probe, order->endpoint);
}

static void obey_cut(struct meantime *m, struct session_request *request, const struct order *order)
{
    (void)request;
    m->lines[order->endpoint].down = true;
    look_again(m);
}

static void obey_hang_up(struct meantime *m, struct session_request *request,
                         const struct order *order)
{
    (void)order;
    detach(m, request);
}

static void step(struct meantime *m, struct session_request *request, const struct news *news)
{
    static void (*const obey[])(struct meantime *, struct session_request *,
                                const struct order *) = {
        [ORDER_DIAL] = obey_dial,   [ORDER_ASK] = obey_ask, [ORDER_CANCEL] = obey_cancel,
        [ORDER_PROBE] = obey_probe, [ORDER_CUT] = obey_cut, [ORDER_HANG_UP] = obey_hang_up,
    };
    const struct order *order;

    request->next = NEWS_BEGIN;
    exchange_step(&request->exchange, clock_ns(), news);
    while ((order = exchange_next(&request->exchange)))
        obey[order->type](m, request, order);
}

/* ---- news -------------------------------------------------------------------------------- */

/* An order may have news at once: a connection that is there already. */
static void tell(struct meantime *m, struct session_request *request, const struct news *news)
{
    step(m, request, news);
    while (request->next != NEWS_BEGIN)
        step(m, request,
             &(struct news){.type = request->next, .reason = zmq_strerror(request->next_errno)});
    if (exchange_over(&request->exchange)) {
        requests_end(&m->requests, request);
        if (!m->attending) /* no look has ended it: the descriptor asks for one */
            look_again(m);
    } else
        due(m, exchange_due_at(&request->exchange));
}

static void tell_that(struct meantime *m, struct session_request *request, enum news_type type)
{
    tell(m, request, &(struct news){.type = type});
}

/* What is told to many. of: whether a request is one of them. A request that is told may end. */
static void tell_all(struct meantime *m, size_t at,
                     bool (*of)(const struct session_request *request, size_t at),
                     const struct news *news)
{
    struct session_request *request = TAILQ_FIRST(&m->requests.in_flight);

    if (m->lines[at].users == 0 && m->probes[at].users == 0)
        return;
    while (request) {
        struct session_request *next = TAILQ_NEXT(request, link);
        if (of(request, at))
            tell(m, request, news);
        request = next;
    }
}

static bool is_attached(const struct session_request *request, size_t at)
{
    return request->attached && request->at == at;
}

static bool is_dialing(const struct session_request *request, size_t at)
{
    return is_attached(request, at) && request->exchange.state == EXCHANGE_DIALING;
}

static bool is_talking(const struct session_request *request, size_t at)
{
    return is_attached(request, at) && request->exchange.state != EXCHANGE_DIALING;
}

static bool is_probing(const struct session_request *request, size_t at)
{
    return request->probing && request->at == at;
}

/* ---- messages ---------------------------------------------------------------------------- */

static uint64_t id_of(const struct message *message)
{
    switch (message->type) {
    case MESSAGE_PROGRESS: return message->progress.id;
    case MESSAGE_SUM_REPLY: return message->sum_reply.id;
    case MESSAGE_REFUSAL: return message->refusal.id;
    default: return UINT64_MAX; /* nothing that a server says */
    }
}

/* A server speaks for itself alone: of a request that has left it, or never came to it, its word is
 * nothing. A refusal without an id is of all that it was asked: it could not read them. */
static void take_message(struct meantime *m, size_t at, const struct message *message)
{
    struct news news = {.type = NEWS_MESSAGE, .message = message};
    uint64_t id = id_of(message);
    struct session_request *request = requests_find(&m->requests, id % ATTEMPT_STRIDE);

    if (id == 0)
        tell_all(m, at, is_talking, &news);
    else if (request && is_talking(request, at))
        tell(m, request, &news);
}

/* False: it makes no sense, and nor will the rest. */
static bool take_frame(struct meantime *m, size_t at, zmq_msg_t *frame)
{
    struct message message;
    struct message_error error;

    m->lines[at].heard_at_ns = clock_ns();
    if (message_decode(zmq_msg_data(frame), zmq_msg_size(frame), &message, &error)) {
        take_message(m, at, &message);
        return true;
    }
    tell_all(m, at, is_talking, &(struct news){.type = NEWS_NONSENSE, .reason = error.reason});
    m->lines[at].down = true;
    return false;
}

/* False: there may be more, of which the descriptor does not tell again. */
static bool take_frames(struct meantime *m, size_t at)
{
    zmq_msg_t frame;
    int left = TAKE_MAX;
    bool sense = true;

    zmq_msg_init(&frame);
    while (sense && server_link_take(&m->lines[at], &frame, &left))
        sense = take_frame(m, at, &frame);
    zmq_msg_close(&frame);
    return !sense || left > 0;
}

/* ---- connections ------------------------------------------------------------------------- */

/* Whoever is still dialling, or does so again at once, gets a new one. */
static void lose_line(struct meantime *m, size_t at)
{
    struct server_link *line = &m->lines[at];
    struct news cannot = {.type = NEWS_CANNOT};

    server_link_close(line);
    tell_all(m, at, is_talking, &(struct news){.type = NEWS_DOWN});
    if (line->users == 0 || line->dealer || dial(m, line, at))
        return;
    cannot.reason = zmq_strerror(errno);
    tell_all(m, at, is_dialing, &cannot);
}

/* Words before the end: a server may answer and then go. False: there are more. */
static bool attend_line(struct meantime *m, size_t at)
{
    struct server_link *line = &m->lines[at];

    server_link_watch(line);
    if (!line->up)
        return true;
    if (!line->greeted) {
        line->greeted = true;
        tell_all(m, at, is_dialing, &(struct news){.type = NEWS_UP});
    }
    if (!take_frames(m, at))
        return false;
    if (line->down)
        lose_line(m, at);
    return true;
}

static void attend_probe(struct meantime *m, size_t at)
{
    struct server_link *probe = &m->probes[at];
    struct news alive = {.type = NEWS_ALIVE, .alive_at_ns = clock_ns()};

    server_link_watch(probe);
    if (!probe->up)
        return;
    m->lines[at].heard_at_ns = alive.alive_at_ns;
    tell_all(m, at, is_probing, &alive);
    for (struct session_request *request = TAILQ_FIRST(&m->requests.in_flight); request;
         request = TAILQ_NEXT(request, link))
        if (is_probing(request, at))
            leave_probe(m, request);
}

/* ---- time -------------------------------------------------------------------------------- */

/* What the server said to others is a sign of its life as well. */
static void tell_time(struct meantime *m, struct session_request *request, int64_t now_ns)
{
    const struct server_link *line = &m->lines[request->at];
    bool heard = line->heard_at_ns > 0 && line->heard_at_ns + SILENCE_NS > now_ns;

    if (heard && is_talking(request, request->at))
        tell(m, request, &(struct news){.type = NEWS_ALIVE, .alive_at_ns = line->heard_at_ns});
    tell_that(m, request, NEWS_TIME);
}

static void attend_time(struct meantime *m, int64_t now_ns)
{
    struct session_request *request = TAILQ_FIRST(&m->requests.in_flight);

    m->due_at_ns = NEVER; /* found anew */
    while (request) {
        struct session_request *next = TAILQ_NEXT(request, link);
        int64_t due_at_ns = exchange_due_at(&request->exchange);
        if (due_at_ns <= now_ns)
            tell_time(m, request, now_ns);
        else
            due(m, due_at_ns);
        request = next;
    }
}

/* False: messages are left, which were there in time perhaps. But a server that floods us does not
 * hold up for long what others are to be told. */
static bool may_tell_time(struct meantime *m, bool behind, int64_t now_ns)
{
    m->behind_looks = behind ? m->behind_looks + 1 : 0;
    if (m->behind_looks == 1)
        m->behind_since_ns = now_ns;
    return !behind ||
           (m->behind_looks > BEHIND_LOOKS_MAX && now_ns - m->behind_since_ns >= BEHIND_NS_MAX);
}

/* What has come is heard before the time is told: a caller that looks late has missed nothing. */
static void attend(struct meantime *m)
{
    int64_t now_ns = clock_ns();
    bool behind = false;

    m->attending = true;
    m->again = false;
    for (size_t i = 0; i < m->endpoints.count; i++) {
        if (m->lines[i].dealer)
            behind |= !attend_line(m, i);
        if (m->probes[i].dealer)
            attend_probe(m, i);
    }
    m->again |= behind;
    if (may_tell_time(m, behind, now_ns) && now_ns >= m->due_at_ns)
        attend_time(m, now_ns);
    m->attending = false;
    if (m->armed_at_ns <= now_ns)
        m->armed_at_ns = RUNG; /* set anew, it tells those again who are told of changes alone */
    arm(m);
}

/* ---- sessions ---------------------------------------------------------------------------- */

static bool open_all(struct meantime *m)
{
    struct epoll_event event = {.events = EPOLLIN};

    m->board.epoll = epoll_create1(EPOLL_CLOEXEC);
    m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    m->board.context = zmq_ctx_new();
    return m->board.epoll != -1 && m->timer != -1 && m->board.context &&
           epoll_ctl(m->board.epoll, EPOLL_CTL_ADD, m->timer, &event) == 0 &&
           server_link_prepare(&m->board);
}

static void close_all(struct meantime *m)
{
    for (size_t i = 0; i < m->endpoints.count; i++) {
        server_link_close(&m->probes[i]);
        server_link_close(&m->lines[i]);
        free((char *)m->endpoints.names[i]);
    }
    if (m->board.context)
        while (zmq_ctx_term(m->board.context) == -1 && errno == EINTR)
            continue;
    if (m->timer != -1)
        close(m->timer);
    if (m->board.epoll != -1)
        close(m->board.epoll);
}

struct meantime *meantime_new(void)
{
    struct meantime *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->due_at_ns = m->armed_at_ns = NEVER;
    requests_init(&m->requests);
    if (open_all(m))
        return m;
    int why = errno;
    meantime_close(&m);
    errno = why;
    return NULL;
}

void meantime_close(struct meantime **m)
{
    struct session_request *request;

    if (!*m)
        return;
    while ((request = TAILQ_FIRST(&(*m)->requests.in_flight)))
        tell_that(*m, request, NEWS_CANCEL);
    close_all(*m);
    requests_clear(&(*m)->requests);
    free(*m);
    *m = NULL;
}

int meantime_fd(const struct meantime *m)
{
    return m->board.epoll;
}

/* ---- endpoints --------------------------------------------------------------------------- */

static int try_endpoint(const struct meantime *m, const char *name)
{
    if (!*name)
        return MEANTIME_INVALID;
    if (server_link_could_open(&m->board, name))
        return MEANTIME_OK;
    bool ours = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
    return ours ? MEANTIME_NO_RESOURCES : MEANTIME_BAD_ENDPOINT;
}

static int add_endpoint(struct meantime *m, const char *name)
{
    struct endpoints *endpoints = &m->endpoints;

    if (endpoints->count == ENDPOINTS_MAX)
        return MEANTIME_TOO_MANY;
    int error = try_endpoint(m, name);
    if (error != MEANTIME_OK)
        return error;
    endpoints->names[endpoints->count] = strdup(name);
    if (!endpoints->names[endpoints->count])
        return MEANTIME_NO_RESOURCES;
    endpoints->count++;
    return MEANTIME_OK;
}

/* `names` is cut into pieces. */
static int add_endpoints(struct meantime *m, char *names)
{
    size_t before = m->endpoints.count;
    int error = MEANTIME_OK;
    char *name;

    while (error == MEANTIME_OK && (name = strsep(&names, ",")))
        error = add_endpoint(m, name);
    int why = errno;
    while (error != MEANTIME_OK && m->endpoints.count > before)
        free((char *)m->endpoints.names[--m->endpoints.count]);
    errno = why;
    return error;
}

int meantime_connect(struct meantime *m, const char *endpoints)
{
    char *names = strdup(endpoints);

    if (!names)
        return MEANTIME_NO_RESOURCES;
    int error = add_endpoints(m, names);
    int why = errno;
    free(names);
    errno = why;
    return error;
}

/* ---- requests ---------------------------------------------------------------------------- */

static bool makes_sense(const struct meantime_question *question)
{
    bool kind = question->kind == MEANTIME_GAUSSIAN || question->kind == MEANTIME_UNIFORM;

    return kind && question->timeout_ns >= 0 && question->count >= 1 &&
           question->count <= SAMPLE_END_MAX && question->first <= SAMPLE_END_MAX - question->count;
}

/* The server tells how far it is, and so that it is alive. */
static void begin(struct meantime *m, struct session_request *request,
                  const struct meantime_question *question)
{
    struct sum_request asked = {
        .id = request->number,
        .seed = question->seed,
        .kind = (enum message_kind)question->kind,
        .first = question->first,
        .count = question->count,
        .progress = true,
    };

    request->user = question->user;
    exchange_init(&request->exchange, &m->endpoints, question->server % m->endpoints.count, &asked,
                  question->timeout_ns);
    tell_that(m, request, NEWS_BEGIN);
}

int meantime_ask(struct meantime *m, const struct meantime_question *question, uint64_t *request)
{
    if (!makes_sense(question))
        return MEANTIME_INVALID;
    if (m->endpoints.count == 0)
        return MEANTIME_NOT_CONNECTED;
    struct session_request *added = requests_add(&m->requests);
    if (!added)
        return errno == EAGAIN ? MEANTIME_TOO_MANY : MEANTIME_NO_RESOURCES;
    *request = added->number;
    begin(m, added, question);
    return MEANTIME_OK;
}

int meantime_cancel(struct meantime *m, uint64_t number)
{
    struct session_request *request = requests_find(&m->requests, number);

    if (!request)
        return MEANTIME_UNKNOWN;
    if (!request->ended)
        tell_that(m, request, NEWS_CANCEL);
    return MEANTIME_OK;
}

int meantime_progress(const struct meantime *m, uint64_t number, struct meantime_progress *progress)
{
    const struct session_request *request = requests_find(&m->requests, number);

    if (!request)
        return MEANTIME_UNKNOWN;
    const struct exchange *exchange = &request->exchange;
    *progress = (struct meantime_progress){
        .done = exchange->samples_done,
        .count = exchange->asked.count,
        .attempts = exchange->attempts,
        .outages = exchange->outages,
        .left_endpoint = exchange->left_endpoint,
        .left_because = exchange->left_because,
    };
    return MEANTIME_OK;
}

/* ---- results ----------------------------------------------------------------------------- */

static void give_sum(const struct sum_reply *reply, struct meantime_result *result)
{
    result->sum_high = (int64_t)(reply->units >> 64);
    result->sum_low = (uint64_t)reply->units;
    result->unit_log2 = reply->unit_log2;
    result->sum = total_value(reply->units, reply->unit_log2);
    result->count = reply->count;
    result->compute_ns = reply->compute_ns;
}

static void give(const struct session_request *request, struct meantime_result *result)
{
    const struct exchange *exchange = &request->exchange;

    *result = (struct meantime_result){
        .request = request->number,
        .user = request->user,
        .error = exchange->error,
        .elapsed_ns = exchange->ended_at_ns - exchange->began_at_ns,
        .attempts = exchange->attempts,
        .server = (unsigned)exchange->at,
    };
    if (exchange->state == EXCHANGE_DONE)
        give_sum(&exchange->reply, result);
    else
        memcpy(result->text, exchange->trouble, sizeof exchange->trouble);
}

int meantime_take(struct meantime *m, uint64_t number, struct meantime_result *result)
{
    struct session_request *request = number == MEANTIME_ANY ? TAILQ_FIRST(&m->requests.ended)
                                                             : requests_find(&m->requests, number);

    if (!request)
        return number == MEANTIME_ANY ? 0 : MEANTIME_UNKNOWN;
    if (!request->ended)
        return 0;
    give(request, result);
    requests_forget(&m->requests, request);
    return 1;
}

/* ---- looking and waiting ----------------------------------------------------------------- */

int meantime_look(struct meantime *m)
{
    struct epoll_event event;

    if (epoll_wait(m->board.epoll, &event, 1, 0) > 0)
        attend(m);
    return m->requests.ended_count;
}

/* 1: it has ended; 0: it has not; or MEANTIME_UNKNOWN. */
static int has_ended(const struct meantime *m, uint64_t number)
{
    const struct session_request *request;

    if (number == MEANTIME_ANY)
        return m->requests.ended_count > 0;
    request = requests_find(&m->requests, number);
    return request ? request->ended : MEANTIME_UNKNOWN;
}

/* False: a signal has come. until_ns: NEVER for as long as it takes. */
static bool idle(const struct meantime *m, int64_t until_ns)
{
    struct pollfd fd = {.fd = m->board.epoll, .events = POLLIN};
    int64_t left_ns = until_ns - clock_ns();
    struct timespec left = {0};

    if (left_ns > 0) {
        left.tv_sec = left_ns / NS_PER_S;
        left.tv_nsec = left_ns % NS_PER_S;
    }
    return ppoll(&fd, 1, until_ns == NEVER ? NULL : &left, NULL) != -1 || errno != EINTR;
}

int meantime_wait(struct meantime *m, uint64_t number, int64_t timeout_ns)
{
    int64_t now_ns = clock_ns();
    int64_t until_ns = timeout_ns < 0 || timeout_ns > NEVER - now_ns ? NEVER : now_ns + timeout_ns;

    for (;;) {
        meantime_look(m);
        int ended = has_ended(m, number);
        if (ended != 0 || TAILQ_EMPTY(&m->requests.in_flight) || clock_ns() >= until_ns)
            return ended;
        if (!idle(m, until_ns))
            return MEANTIME_INTERRUPTED;
    }
}

/* ---- errors ------------------------------------------------------------------------------ */

const char *meantime_error_text(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {MEANTIME_OK, "all is well"},
        {MEANTIME_INVALID, "an argument is out of its range"},
        {MEANTIME_BAD_ENDPOINT, "no server could be at such an endpoint"},
        {MEANTIME_NO_RESOURCES, "no memory, file descriptor or socket is left"},
        {MEANTIME_TOO_MANY, "too many endpoints or requests"},
        {MEANTIME_NOT_CONNECTED, "the session has no endpoint"},
        {MEANTIME_UNKNOWN, "there is no such request, or its result is taken"},
        {MEANTIME_INTERRUPTED, "a signal came"},
        {MEANTIME_NO_SERVER, "no server answered the call"},
        {MEANTIME_SERVER_LOST, "the server went away and none took over"},
        {MEANTIME_SERVER_BUSY, "the servers are busy"},
        {MEANTIME_REFUSED, "the server refused"},
        {MEANTIME_NONSENSE, "what the server said makes no sense"},
        {MEANTIME_TIMED_OUT, "there was no answer in time"},
        {MEANTIME_CANCELLED, "cancelled"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].error == error)
            return texts[i].text;
    return "an error of another version";
}
