/* Runs a session: passes events to the exchanges of its requests, and carries out their effects. */
#include "client/lib/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/clock.h"
#include "client/lib/totals.h"
#include "proto/instant.h"

#define AT_ONCE 1 /* a time that has passed */
#define EXPIRED 0 /* the timer has expired; it is never set to this time */

/* A look reads at most this many frames from one link, which takes about 30 us. So a server that
 * floods the client does not keep the caller from its own work. */
#define FRAMES_PER_LOOK 64

/* ---- the timer --------------------------------------------------------------------------- */

static void set_timer(struct session *s)
{
    int64_t at_ns = s->pending ? AT_ONCE : s->due_at_ns;

    if (at_ns == s->timer_at_ns)
        return;
    s->timer_at_ns = at_ns;
    wakeup_set_timer(&s->wakeup, at_ns);
}

/* During a look, the timer is set once, at the end. */
static void note_due(struct session *s, int64_t at_ns)
{
    if (at_ns < s->due_at_ns)
        s->due_at_ns = at_ns;
    if (!s->looking)
        set_timer(s);
}

static void look_again(struct session *s)
{
    s->pending = true;
    if (!s->looking)
        set_timer(s);
}

/* ---- links and their users --------------------------------------------------------------- */

static bool open_link(struct session *s, struct server_link *link, size_t endpoint)
{
    look_again(s); /* server_link_open() requires a look */
    return server_link_open(link, &s->context, s->endpoints.names[endpoint]);
}

/* Reads the events of a link outside a look. A look handles them, but the descriptor no longer
 * reports them. */
static void watch_link(struct session *s, struct server_link *link)
{
    server_link_watch(link);
    if (link->down || link->failed || link->reached || link->up != link->announced)
        look_again(s);
}

/* A link that is up stays open for the next request. */
static void release_link(struct server_link *link)
{
    link->users--;
    if (link->users == 0 && !link->up)
        server_link_close(link);
}

static void release_probe(struct session *s, struct session_request *request)
{
    struct server_link *probe = &s->probes[request->endpoint];

    if (!request->probing)
        return;
    request->probing = false;
    if (--probe->users == 0)
        server_link_close(probe);
}

static void detach(struct session *s, struct session_request *request)
{
    release_probe(s, request);
    if (request->attached)
        release_link(&s->links[request->endpoint]);
    request->attached = false;
}

/* ---- effects ----------------------------------------------------------------------------- */

/* An open link may have ended since the last look, so its events are read first. */
static void do_dial(struct session *s, struct session_request *request,
                    const struct exchange_effect *effect)
{
    struct server_link *link = &s->links[effect->endpoint];

    detach(s, request);
    request->endpoint = effect->endpoint;
    request->attached = true;
    link->users++;
    if (link->open)
        watch_link(s, link);
    else if (!open_link(s, link, request->endpoint)) {
        request->next = EXCHANGE_EVENT_CANNOT_DIAL;
        request->dial_errno = errno;
    }
    if (link->announced && !link->down)
        request->next = EXCHANGE_EVENT_CONNECTED;
}

static void send(struct session *s, const struct session_request *request,
                 const struct message *message)
{
    if (server_link_send(&s->links[request->endpoint], message))
        look_again(s);
}

static void do_send_request(struct session *s, struct session_request *request,
                            const struct exchange_effect *effect)
{
    send(s, request,
         &(struct message){.type = MESSAGE_SUM_REQUEST, .sum_request = effect->sum_request});
}

static void do_send_cancel(struct session *s, struct session_request *request,
                           const struct exchange_effect *effect)
{
    send(s, request, &(struct message){.type = MESSAGE_CANCEL, .cancel = effect->cancel});
}

/* If the probe cannot be opened, the server just shows no sign of life. */
static void do_probe(struct session *s, struct session_request *request,
                     const struct exchange_effect *effect)
{
    struct server_link *probe = &s->probes[effect->endpoint];

    if (request->probing)
        return;
    request->probing = true;
    probe->users++;
    if (!probe->open)
        open_link(s, probe, effect->endpoint);
}

static void do_drop_link(struct session *s, struct session_request *request,
                         const struct exchange_effect *effect)
{
    (void)request;
    s->links[effect->endpoint].down = true;
    look_again(s);
}

static void do_detach(struct session *s, struct session_request *request,
                      const struct exchange_effect *effect)
{
    (void)effect;
    detach(s, request);
}

static void step_once(struct session *s, struct session_request *request,
                      const struct exchange_event *event)
{
    static void (*const carry_out[])(struct session *, struct session_request *,
                                     const struct exchange_effect *) = {
        [EXCHANGE_EFFECT_DIAL] = do_dial,
        [EXCHANGE_EFFECT_SEND_REQUEST] = do_send_request,
        [EXCHANGE_EFFECT_SEND_CANCEL] = do_send_cancel,
        [EXCHANGE_EFFECT_PROBE] = do_probe,
        [EXCHANGE_EFFECT_DROP_LINK] = do_drop_link,
        [EXCHANGE_EFFECT_DETACH] = do_detach,
    };
    const struct exchange_effect *effect;

    request->next = EXCHANGE_EVENT_BEGIN;
    exchange_step(&request->exchange, clock_ns(), event);
    while ((effect = exchange_next(&request->exchange)))
        carry_out[effect->type](s, request, effect);
}

/* ---- events ------------------------------------------------------------------------------ */

/* The outputs of an answer are valid only as long as its message. */
static void keep_outputs(struct session_request *request)
{
    struct exchange *exchange = &request->exchange;

    if (exchange->state != EXCHANGE_DONE || exchange->reply.outputs.count == 0)
        return;
    request->outputs = totals_outputs(&exchange->reply);
    if (!request->outputs)
        exchange_drop_answer(exchange);
}

/* An effect may cause the next event at once: the link may be up already. */
static void step(struct session *s, struct session_request *request,
                 const struct exchange_event *event)
{
    step_once(s, request, event);
    while (request->next != EXCHANGE_EVENT_BEGIN)
        step_once(s, request,
                  &(struct exchange_event){
                      .type = request->next,
                      .reason = server_link_error_text(request->dial_errno),
                  });
    if (exchange_over(&request->exchange)) {
        keep_outputs(request);
        requests_end(&s->requests, request);
        if (!s->looking) /* a request has ended outside a look, so the caller must look */
            look_again(s);
    } else
        note_due(s, exchange_due_at(&request->exchange));
}

static void step_type(struct session *s, struct session_request *request,
                      enum exchange_event_type type)
{
    step(s, request, &(struct exchange_event){.type = type});
}

/* Passes one event to all requests that `selects` returns true for. A request may end meanwhile. */
static void step_all(struct session *s, size_t endpoint,
                     bool (*selects)(const struct session_request *request, size_t endpoint),
                     const struct exchange_event *event)
{
    struct session_request *request = TAILQ_FIRST(&s->requests.in_flight);

    if (s->links[endpoint].users == 0 && s->probes[endpoint].users == 0)
        return;
    while (request) {
        struct session_request *next = TAILQ_NEXT(request, link);
        if (selects(request, endpoint))
            step(s, request, event);
        request = next;
    }
}

static bool is_attached(const struct session_request *request, size_t endpoint)
{
    return request->attached && request->endpoint == endpoint;
}

static bool is_dialing(const struct session_request *request, size_t endpoint)
{
    return is_attached(request, endpoint) && request->exchange.state == EXCHANGE_DIALING;
}

/* The request was sent to this endpoint, and waits for its answer. */
static bool is_waiting(const struct session_request *request, size_t endpoint)
{
    return is_attached(request, endpoint) && request->exchange.state != EXCHANGE_DIALING;
}

static bool is_probing(const struct session_request *request, size_t endpoint)
{
    return request->probing && request->endpoint == endpoint;
}

/* ---- messages ---------------------------------------------------------------------------- */

static uint64_t id_of(const struct message *message)
{
    switch (message->type) {
    case MESSAGE_PROGRESS: return message->progress.id;
    case MESSAGE_SUM_REPLY: return message->sum_reply.id;
    case MESSAGE_REFUSAL: return message->refusal.id;
    default: return UINT64_MAX; /* a server sends no other message to a client */
    }
}

/* A message counts only for requests that wait for this endpoint. A message about another
 * endpoint's request is ignored. A refusal without an id is for all requests of the link, because
 * the server could not read them. */
static void take_message(struct session *s, size_t endpoint, const struct message *message)
{
    struct exchange_event event = {.type = EXCHANGE_EVENT_MESSAGE, .message = message};
    uint64_t id = id_of(message);
    struct session_request *request = requests_find(&s->requests, id % ATTEMPT_STRIDE);

    if (id == 0)
        step_all(s, endpoint, is_waiting, &event);
    else if (request && is_waiting(request, endpoint))
        step(s, request, &event);
}

/* No later frame of this link is read, because it may be invalid as well. */
static void take_invalid(struct session *s, size_t endpoint, const char *reason)
{
    step_all(s, endpoint, is_waiting,
             &(struct exchange_event){.type = EXCHANGE_EVENT_INVALID, .reason = reason});
    s->links[endpoint].down = true;
}

/* Returns false if more messages may wait, which the descriptor does not report again. */
static bool take_messages(struct session *s, size_t endpoint)
{
    struct server_link *link = &s->links[endpoint];
    enum link_receipt receipt;
    struct message message;
    struct message_error error;
    int left = FRAMES_PER_LOOK;

    while ((receipt = server_link_receive(link, &message, &error, &left)) != LINK_EMPTY) {
        link->received_at_ns = clock_ns();
        if (receipt == LINK_INVALID) {
            take_invalid(s, endpoint, error.reason);
            return true;
        }
        take_message(s, endpoint, &message);
    }
    return left > 0;
}

/* ---- looks at links ---------------------------------------------------------------------- */

/* Requests that are still dialling, or that dial again at once, get a new link. */
static void lose_link(struct session *s, size_t endpoint)
{
    struct server_link *link = &s->links[endpoint];
    struct exchange_event cannot_dial = {.type = EXCHANGE_EVENT_CANNOT_DIAL};

    server_link_close(link);
    step_all(s, endpoint, is_waiting,
             &(struct exchange_event){.type = EXCHANGE_EVENT_DISCONNECTED});
    if (link->users == 0 || link->open || open_link(s, link, endpoint))
        return;
    cannot_dial.reason = server_link_error_text(errno);
    step_all(s, endpoint, is_dialing, &cannot_dial);
}

/* Passes a failed dial to the requests that wait for it. */
static void pass_failure(struct session *s, size_t endpoint)
{
    struct server_link *link = &s->links[endpoint];
    struct dial_failure *failure = &s->failures[endpoint];

    link->failed = false;
    *failure = link->failure;
    step_all(s, endpoint, is_dialing,
             &(struct exchange_event){.type = EXCHANGE_EVENT_CANNOT_CONNECT,
                                      .reason = failure->text,
                                      .definite = failure->definite,
                                      .denied = failure->denied});
}

static void pass_reached(struct session *s, size_t endpoint)
{
    s->links[endpoint].reached = false;
    step_all(s, endpoint, is_dialing, &(struct exchange_event){.type = EXCHANGE_EVENT_REACHED});
}

/* Reads the messages before the end of the connection, because a server may answer and then end.
 * Returns false if messages are left unread. */
static bool look_at_link(struct session *s, size_t endpoint)
{
    struct server_link *link = &s->links[endpoint];

    server_link_watch(link);
    if (link->failed)
        pass_failure(s, endpoint);
    if (link->reached)
        pass_reached(s, endpoint);
    if (!link->up && link->down)
        lose_link(s, endpoint);
    if (!link->up)
        return true;
    if (!link->announced) {
        link->announced = s->connected = true;
        step_all(s, endpoint, is_dialing,
                 &(struct exchange_event){.type = EXCHANGE_EVENT_CONNECTED});
    }
    if (!take_messages(s, endpoint))
        return false;
    if (link->down)
        lose_link(s, endpoint);
    return true;
}

static void look_at_probe(struct session *s, size_t endpoint)
{
    struct server_link *probe = &s->probes[endpoint];
    struct exchange_event alive = {.type = EXCHANGE_EVENT_ALIVE, .alive_at_ns = clock_ns()};
    struct session_request *request;

    server_link_watch(probe);
    if (!probe->up)
        return;
    s->links[endpoint].received_at_ns = alive.alive_at_ns;
    step_all(s, endpoint, is_probing, &alive);
    TAILQ_FOREACH (request, &s->requests.in_flight, link) {
        if (is_probing(request, endpoint))
            release_probe(s, request);
    }
}

/* ---- time -------------------------------------------------------------------------------- */

/* Messages for other requests of the link are signs of life as well. */
static void step_time(struct session *s, struct session_request *request, int64_t now_ns)
{
    int64_t received_at_ns = s->links[request->endpoint].received_at_ns;
    bool alive = received_at_ns > 0 && received_at_ns + SILENCE_NS > now_ns;

    if (alive && is_waiting(request, request->endpoint))
        step(s, request,
             &(struct exchange_event){.type = EXCHANGE_EVENT_ALIVE, .alive_at_ns = received_at_ns});
    step_type(s, request, EXCHANGE_EVENT_TIME);
}

/* Steps all requests that are due, and updates due_at_ns. */
static void step_due(struct session *s, int64_t now_ns)
{
    struct session_request *request = TAILQ_FIRST(&s->requests.in_flight);

    s->due_at_ns = NEVER;
    while (request) {
        struct session_request *next = TAILQ_NEXT(request, link);
        int64_t due_at_ns = exchange_due_at(&request->exchange);
        if (due_at_ns <= now_ns)
            step_time(s, request, now_ns);
        else
            note_due(s, due_at_ns);
        request = next;
    }
}

/* Returns whether the requests may get the time. While messages are unread, the requests do not get
 * the time, because an unread answer may have come in time. But a server that floods the client
 * delays the time only up to a limit. */
static bool may_step_due(struct session *s, bool unread, int64_t now_ns)
{
    s->unread_looks = unread ? s->unread_looks + 1 : 0;
    if (s->unread_looks == 1)
        s->unread_since_at_ns = now_ns;
    return !unread ||
           (s->unread_looks > UNREAD_LOOKS_MAX && now_ns - s->unread_since_at_ns >= UNREAD_NS_MAX);
}

/* ---- the calls of meantime.c ------------------------------------------------------------- */

/* Messages come before the time, so that a caller that looks late misses no answer. */
void session_look(struct session *s)
{
    int64_t now_ns = clock_ns();
    bool unread = false;

    s->looking = true;
    s->pending = false;
    for (size_t i = 0; i < s->endpoints.count; i++) {
        if (s->links[i].open)
            unread |= !look_at_link(s, i);
        if (s->probes[i].open)
            look_at_probe(s, i);
    }
    s->pending |= unread;
    if (may_step_due(s, unread, now_ns) && now_ns >= s->due_at_ns)
        step_due(s, now_ns);
    s->looking = false;
    if (s->timer_at_ns <= now_ns)
        s->timer_at_ns = EXPIRED; /* so that set_timer() sets the timer again, which wakes callers
                                     with an edge-triggered epoll */
    set_timer(s);
}

bool session_init(struct session *s)
{
    *s = (struct session){
        .due_at_ns = NEVER,
        .timer_at_ns = NEVER,
        .patience_ns = PATIENCE_NS,
    };
    requests_init(&s->requests);
    return wakeup_init(&s->wakeup) && link_context_init(&s->context, &s->wakeup);
}

void session_clear(struct session *s)
{
    struct session_request *request;

    while ((request = TAILQ_FIRST(&s->requests.in_flight)))
        session_cancel(s, request);
    for (size_t i = 0; i < s->endpoints.count; i++) {
        server_link_close(&s->probes[i]);
        server_link_close(&s->links[i]);
    }
    session_keep_endpoints(s, 0);
    link_context_clear(&s->context);
    free(s->key_problem);
    wakeup_clear(&s->wakeup);
    requests_clear(&s->requests);
    free(s->taken);
}

static int check_endpoint(const struct session *s, const char *name)
{
    if (!*name)
        return MEANTIME_INVALID;
    if (server_link_could_open(&s->context, name))
        return MEANTIME_OK;
    bool no_resources = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
    return no_resources ? MEANTIME_NO_RESOURCES : MEANTIME_BAD_ENDPOINT;
}

int session_add_endpoint(struct session *s, const char *name)
{
    struct endpoints *endpoints = &s->endpoints;

    if (endpoints->count == ENDPOINTS_MAX)
        return MEANTIME_TOO_MANY;
    int error = check_endpoint(s, name);
    if (error != MEANTIME_OK)
        return error;
    endpoints->names[endpoints->count] = strdup(name);
    if (!endpoints->names[endpoints->count])
        return MEANTIME_NO_RESOURCES;
    endpoints->count++;
    return MEANTIME_OK;
}

void session_keep_endpoints(struct session *s, size_t count)
{
    while (s->endpoints.count > count)
        free((char *)s->endpoints.names[--s->endpoints.count]);
}

/* Copies the summand and its parameters, one after the other. */
static char *copy_texts(const struct meantime_question *question, size_t *parameters_at)
{
    const char *parameters = question->parameters ? question->parameters : "";
    char *texts = malloc(strlen(question->summand) + strlen(parameters) + 2);

    if (!texts)
        return NULL;
    *parameters_at = strlen(question->summand) + 1;
    strcpy(texts, question->summand);
    strcpy(texts + *parameters_at, parameters);
    return texts;
}

static bool set_summand(struct session_request *request, const struct meantime_question *question,
                        struct sum_request *sum_request)
{
    size_t parameters_at;

    if (!question->summand)
        return true;
    request->texts = copy_texts(question, &parameters_at);
    if (!request->texts)
        return false;
    sum_request->summand = request->texts;
    sum_request->parameters = request->texts + parameters_at;
    sum_request->build = question->build;
    return true;
}

/* The server sends progress, which also shows that it is alive. */
bool session_begin(struct session *s, struct session_request *request,
                   const struct meantime_question *question)
{
    struct sum_request sum_request = {
        .id = request->number,
        .seed = question->seed,
        .kind = (enum message_kind)question->kind,
        .first = question->first,
        .count = question->count,
        .progress = true,
    };
    struct exchange_setting setting = {
        .timeout_ns = question->timeout_ns,
        .patience_ns = s->patience_ns,
        .connected = s->connected,
    };

    if (!set_summand(request, question, &sum_request))
        return false;
    request->user = question->user;
    exchange_init(&request->exchange, &s->endpoints, question->server % s->endpoints.count,
                  &sum_request, &setting);
    step_type(s, request, EXCHANGE_EVENT_BEGIN);
    return true;
}

void session_cancel(struct session *s, struct session_request *request)
{
    step_type(s, request, EXCHANGE_EVENT_CANCEL);
}
