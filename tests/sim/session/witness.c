#include "tests/sim/session/witness.h"

#include "proto/instant.h"
#include "sums/stream.h"
#include "tests/sim/session/scene.h"

/* A good server is found within a turn for each endpoint, and rests and handshakes beside. */
#define FOUND_NS (1 * S)

/* Looks that are in time, for that. */
#define IN_TIME_NS (100 * MS)

static int64_t after(int64_t at_ns, int64_t ns)
{
    return ns < NEVER - at_ns ? at_ns + ns : NEVER;
}

static int64_t patience(const struct scene *scene, const struct witness *w, int64_t least_ns)
{
    if (w->met && w->deadline_at_ns != NEVER)
        return NEVER;
    return later(least_ns, (int64_t)scene->servers.count * TURN_NS);
}

void witness_begin(struct scene *scene, size_t question)
{
    struct witness *w = &scene->witnesses[question];
    int64_t timeout_ns = scene->caller.questions[question].asked.timeout_ns;

    *w = (struct witness){
        .began_at_ns = scene->now_ns,
        .alone_since_ns = scene->now_ns,
        .received_at_ns = scene->now_ns,
        .deadline_at_ns = timeout_ns ? after(scene->now_ns, timeout_ns) : NEVER,
    };
    w->patience_ns = patience(scene, w, CONNECT_NS);
}

static uint64_t attempt_id(const struct witness *w)
{
    return w->number + (w->attempts - 1) * ATTEMPT_STRIDE;
}

uint64_t witness_some_id(struct scene *scene)
{
    const struct witness *w = &scene->witnesses[chance_below(&scene->chance, scene->caller.count)];

    return w->attempts ? attempt_id(w) : 1;
}

/* ---- news -------------------------------------------------------------------------------- */

static void hear_life(struct witness *w, int64_t at_ns)
{
    w->alone_since_ns = NEVER;
    w->received_at_ns = at_ns;
}

static void lose(struct scene *scene, struct witness *w, enum meantime_error as, int64_t least_ns,
                 int64_t rest_ns)
{
    if (w->alone_since_ns == NEVER)
        w->alone_since_ns = scene->now_ns;
    w->losses += as != MEANTIME_SERVER_BUSY;
    if (w->losses > LOSSES_MAX)
        scene_violation(scene, "has lost more servers than it may");
    w->lost_as = as;
    w->patience_ns = patience(scene, w, least_ns);
    w->ready_at_ns[w->at] = after(scene->now_ns, rest_ns);
}

static void hear_refusal(struct scene *scene, struct witness *w, const struct refusal *refusal)
{
    int64_t retry_ns = refusal->retry_after_ms * MS;

    if (refusal->id != 0 && refusal->id != attempt_id(w))
        return;
    if (refusal->status == STATUS_BUSY)
        lose(scene, w, MEANTIME_SERVER_BUSY, BUSY_NS, retry_ns ? later(retry_ns, REST_NS) : NEVER);
    else if (refusal->status == STATUS_STOPPING)
        lose(scene, w, MEANTIME_SERVER_LOST, RETURN_NS, STOPPING_NS);
    else
        w->refused_as =
            refusal->status == STATUS_DEADLINE_EXCEEDED ? MEANTIME_TIMED_OUT : MEANTIME_REFUSED;
}

/* An answer to this attempt or to an earlier one. */
static bool is_wrong(const struct scene *scene, const struct witness *w,
                     const struct sum_reply *reply)
{
    const struct meantime_question *asked = &scene->caller.questions[w - scene->witnesses].asked;

    return reply->id % ATTEMPT_STRIDE == w->number && reply->id <= attempt_id(w) &&
           (reply->count != asked->count ||
            reply->unit_log2 != stream_unit_log2((enum stream_kind)asked->kind));
}

static void hear_message(struct scene *scene, struct witness *w, const struct message *message)
{
    const struct sum_reply *reply = &message->sum_reply;

    if (w->connection != WITNESSED_UP || scene->cables.speaker != w->at)
        return;
    if (message->type == MESSAGE_REFUSAL)
        hear_refusal(scene, w, &message->refusal);
    else if (message->type == MESSAGE_PROGRESS && message->progress.id == attempt_id(w))
        hear_life(w, scene->now_ns);
    else if (message->type == MESSAGE_SUM_REPLY && is_wrong(scene, w, reply))
        lose(scene, w, MEANTIME_NONSENSE, RETURN_NS, NEVER);
}

static void hear_up(struct scene *scene, struct witness *w)
{
    if (w->connection != WITNESSED_CALL)
        scene_violation(scene, "told of a connection that it did not ask for");
    if (w->dialled_at_ns == scene->now_ns)
        scene_happened(scene, EVENT_SHARE);
    w->connection = WITNESSED_UP;
    w->received_at_ns = scene->now_ns;
}

static void hear_down(struct scene *scene, struct witness *w)
{
    if (w->connection != WITNESSED_UP)
        scene_violation(scene, "told of the end of what it did not have");
    lose(scene, w, MEANTIME_SERVER_LOST, RETURN_NS, REST_NS);
    w->connection = WITNESSED_NOTHING;
}

static void hear_alive(struct scene *scene, struct witness *w, int64_t at_ns)
{
    if (w->connection != WITNESSED_UP || at_ns > scene->now_ns)
        scene_violation(scene, "told of a life that it cannot know of");
    scene_happened(scene, EVENT_PROBE_UP);
    hear_life(w, at_ns);
}

static void hear(struct scene *scene, struct witness *w, const struct news *news)
{
    switch (news->type) {
    case NEWS_UP: hear_up(scene, w); break;
    case NEWS_DOWN: hear_down(scene, w); break;
    case NEWS_CANNOT: w->cannot = true; break;
    case NEWS_ALIVE: hear_alive(scene, w, news->alive_at_ns); break;
    case NEWS_MESSAGE: hear_message(scene, w, news->message); break;
    case NEWS_NONSENSE: lose(scene, w, MEANTIME_NONSENSE, RETURN_NS, NEVER); break;
    default: break;
    }
}

/* ---- orders ------------------------------------------------------------------------------ */

static void dial(struct scene *scene, struct witness *w, const struct order *order)
{
    if (scene->now_ns < w->ready_at_ns[order->endpoint])
        scene_violation(scene, "dials an endpoint that is to rest");
    w->connection = WITNESSED_CALL;
    w->at = order->endpoint;
    w->dialled_at_ns = scene->now_ns;
}

static void check_deadline(struct scene *scene, const struct witness *w, uint32_t deadline_ms)
{
    int64_t left_ns = w->deadline_at_ns - scene->now_ns;
    bool right = w->deadline_at_ns == NEVER
                     ? deadline_ms == 0
                     : deadline_ms * MS >= left_ns && deadline_ms * MS <= later(left_ns, 0) + MS;

    if (!right)
        scene_violation(scene, "asks for %u ms where %lld ns are left", deadline_ms,
                        (long long)left_ns);
}

static void check_spoken(struct scene *scene, const struct witness *w, const struct order *order)
{
    if (w->connection != WITNESSED_UP || order->endpoint != w->at)
        scene_violation(scene, "speaks without a connection");
}

static void ask(struct scene *scene, struct witness *w, const struct order *order)
{
    const struct sum_request *asked = &order->sum_request;

    w->attempts++;
    scene_happened(scene, EVENT_SEND);
    check_spoken(scene, w, order);
    if (w->attempts > 1)
        scene_happened(scene, EVENT_AGAIN);
    if (asked->id != attempt_id(w))
        scene_violation(scene, "attempt %llu has another one's id",
                        (unsigned long long)w->attempts);
    check_deadline(scene, w, asked->deadline_ms);
    if (!w->met)
        w->alone_since_ns = NEVER;
    w->met = true;
}

static void cancel(struct scene *scene, const struct witness *w, const struct order *order)
{
    uint64_t id = order->cancel.id;

    scene_happened(scene, EVENT_CANCEL_SENT);
    check_spoken(scene, w, order);
    if (id != attempt_id(w))
        scene_violation(scene, "cancels what it does not wait for");
}

/* The server is at work for it, and could be heard at any time that matters. */
static bool is_well(const struct scene *scene, const struct witness *w)
{
    const struct server *server = &scene->servers.all[w->at];
    int64_t since_ns = scene->now_ns - SILENCE_NS - DOUBT_NS - 2 * S;

    return !scene->luck.deafened && server->troubled_until_ns < since_ns &&
           scene->cables.starved_until_ns < since_ns &&
           servers_work_for(scene, w->at, attempt_id(w));
}

static void cut(struct scene *scene, struct witness *w)
{
    scene_happened(scene, EVENT_LEAVE_SILENT);
    if (w->connection != WITNESSED_UP)
        scene_violation(scene, "cuts a connection that it does not have");
    if (scene->now_ns < w->received_at_ns + SILENCE_NS + DOUBT_NS)
        scene_violation(scene, "leaves a server that has just been heard");
    if (is_well(scene, w))
        scene_violation(scene, "leaves a server for its silence that is at work");
    lose(scene, w, MEANTIME_SERVER_LOST, RETURN_NS, REST_NS);
    scene->cables.spoken_over[w->at]->cut = true;
    w->connection = WITNESSED_NOTHING;
}

static void probe(struct scene *scene, const struct witness *w)
{
    scene_happened(scene, EVENT_PROBE);
    if (w->connection != WITNESSED_UP)
        scene_violation(scene, "probes a server that it has not asked");
}

static void watch_order(struct scene *scene, struct witness *w, const struct order *order)
{
    trace_note(&scene->trace, scene->now_ns, "orders of an exchange", (uint32_t)order->type,
               order->endpoint);
    switch (order->type) {
    case ORDER_DIAL: dial(scene, w, order); break;
    case ORDER_ASK: ask(scene, w, order); break;
    case ORDER_CANCEL: cancel(scene, w, order); break;
    case ORDER_PROBE: probe(scene, w); break;
    case ORDER_CUT: cut(scene, w); break;
    case ORDER_HANG_UP: w->connection = WITNESSED_NOTHING; break;
    }
}

/* ---- the end ----------------------------------------------------------------------------- */

static bool nobody_may_be_asked_before(const struct scene *scene, const struct witness *w,
                                       int64_t limit_ns)
{
    for (size_t i = 0; i < scene->servers.count; i++)
        if (later(w->ready_at_ns[i], scene->now_ns) < limit_ns)
            return false;
    return true;
}

/* One that it may ask has been there all the time, and so has the caller. */
static bool a_server_was_there(const struct scene *scene, const struct witness *w, int64_t limit_ns)
{
    const struct caller *caller = &scene->caller;
    int64_t since_ns = w->alone_since_ns;
    int64_t needed_ns = (int64_t)scene->servers.count * TURN_NS + FOUND_NS;

    if (scene->luck.deafened || caller->slice_ns > IN_TIME_NS ||
        caller->stalled_until_ns > since_ns || scene->cables.starved_until_ns > since_ns ||
        limit_ns - since_ns < needed_ns || w->losses >= LOSSES_MAX)
        return false;
    for (size_t i = 0; i < scene->servers.count; i++) {
        const struct server *server = &scene->servers.all[i];
        if (server->alive && server->good_since_ns <= since_ns && w->ready_at_ns[i] <= since_ns)
            return true;
    }
    return false;
}

static void check_given_up(struct scene *scene, const struct witness *w)
{
    int64_t limit_ns = earlier(after(w->alone_since_ns, w->patience_ns), w->deadline_at_ns);

    if (w->losses >= LOSSES_MAX)
        scene_happened(scene, EVENT_LOSSES_MAX);
    else if (!nobody_may_be_asked_before(scene, w, limit_ns))
        scene_violation(scene, "gives up too early");
    if (a_server_was_there(scene, w, limit_ns))
        scene_violation(scene, "gives up although a server is there");
}

static void check_lost(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    if (!w->met || w->lost_as != e->error)
        scene_violation(scene, "error %d is not what befell it", e->error);
    check_given_up(scene, w);
}

static void end_done(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    scene_happened(scene, EVENT_DONE);
    if (e->reply.id != attempt_id(w))
        scene_happened(scene, EVENT_DONE_LATE);
}

static void end_no_server(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    (void)e;
    scene_happened(scene, EVENT_NO_SERVER);
    if (w->met)
        scene_violation(scene, "says that there was no server, and has met one");
    check_given_up(scene, w);
}

static void end_server_lost(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    scene_happened(scene, EVENT_SERVER_LOST);
    check_lost(scene, w, e);
}

static void end_busy(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    scene_happened(scene, EVENT_SERVER_BUSY);
    check_lost(scene, w, e);
}

static void end_nonsense(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    scene_happened(scene, EVENT_NONSENSE);
    check_lost(scene, w, e);
}

static void end_refused(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    (void)e;
    scene_happened(scene, EVENT_REFUSED);
    if (w->refused_as != MEANTIME_REFUSED)
        scene_violation(scene, "says that it was refused, and was not");
}

static void end_timed_out(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    bool waits = e->attempts > 0 && !shell_is_flooded(scene->caller.m);

    scene_happened(scene, EVENT_TIMED_OUT);
    if (w->refused_as == MEANTIME_TIMED_OUT)
        return;
    if (scene->now_ns < w->deadline_at_ns)
        scene_violation(scene, "times out before its time");
    if (waits && cables_have_reply(scene, w->at, attempt_id(w), w->deadline_at_ns))
        scene_violation(scene, "times out although the answer came in time");
}

static void end_cancelled(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    (void)e;
    scene_happened(scene, EVENT_CANCELLED);
    if (!w->cancelled)
        scene_violation(scene, "says that it was cancelled, and was not");
}

static void end_no_resources(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    (void)e;
    scene_happened(scene, EVENT_NO_RESOURCES);
    if (!w->cannot)
        scene_violation(scene, "says that there are no sockets, and there are");
}

static void end(struct scene *scene, const struct witness *w, const struct exchange *e)
{
    if (w->connection != WITNESSED_NOTHING)
        scene_violation(scene, "ends with a connection");
    switch (e->error) {
    case MEANTIME_OK: end_done(scene, w, e); break;
    case MEANTIME_NO_SERVER: end_no_server(scene, w, e); break;
    case MEANTIME_SERVER_LOST: end_server_lost(scene, w, e); break;
    case MEANTIME_SERVER_BUSY: end_busy(scene, w, e); break;
    case MEANTIME_REFUSED: end_refused(scene, w, e); break;
    case MEANTIME_NONSENSE: end_nonsense(scene, w, e); break;
    case MEANTIME_TIMED_OUT: end_timed_out(scene, w, e); break;
    case MEANTIME_CANCELLED: end_cancelled(scene, w, e); break;
    case MEANTIME_NO_RESOURCES: end_no_resources(scene, w, e); break;
    default: scene_violation(scene, "ends with the error %d", e->error);
    }
}

/* ---- all of it --------------------------------------------------------------------------- */

/* What one server says about another's work changes nothing, unless it is the answer. */
static void check_hearsay(struct scene *scene, const struct witness *w, const struct exchange *e,
                          enum exchange_state state, int64_t due_at_ns)
{
    bool same = e->state == state && exchange_due_at(e) == due_at_ns && e->orders_given == 0;

    if (scene->cables.speaker != w->at && e->state != EXCHANGE_DONE && !same)
        scene_violation(scene, "believes one server what it says for another");
}

void witness_step(struct scene *scene, struct exchange *e, int64_t now_ns, const struct news *news)
{
    struct witness *w = &scene->witnesses[e->asked.seed];
    enum exchange_state state = e->state;
    int64_t due_at_ns = exchange_due_at(e);

    scene->tally->steps++;
    w->number = e->asked.id;
    trace_note(&scene->trace, now_ns, "news of an exchange", (uint32_t)news->type, e->asked.seed);
    exchange_step(e, now_ns, news);
    caller_finds(scene, e->orders_given > 0 || e->state != state);
    if (news->type == NEWS_MESSAGE || news->type == NEWS_NONSENSE)
        check_hearsay(scene, w, e, state, due_at_ns);
    hear(scene, w, news);
    for (size_t i = 0; i < e->orders_given; i++)
        watch_order(scene, w, &e->orders[i]);
    if (news->type == NEWS_CANNOT && !exchange_over(e))
        scene_violation(scene, "waits for a call that cannot be made");
    if (exchange_over(e) && state < EXCHANGE_DONE)
        end(scene, w, e);
}
