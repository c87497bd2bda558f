/* Checks each step of an exchange, from outside. */
#include "tests/sim/session/observer.h"

#include "proto/instant.h"
#include "sums/stream.h"
#include "tests/sim/session/scene.h"
#include "tests/sim/session/session_check.h"

/* An exchange finds a good server within one turn of each endpoint, plus this time for pauses and
 * handshakes, if the caller looks in time. */
#define FOUND_NS (1 * S)

/* The caller looks in time if it looks at least this often. */
#define IN_TIME_NS (100 * MS)

static int64_t after(int64_t at_ns, int64_t ns)
{
    return ns < NEVER - at_ns ? at_ns + ns : NEVER;
}

static int64_t patience(const struct session_scene *scene, const struct observer *o,
                        int64_t least_ns)
{
    if (o->was_connected && o->deadline_at_ns != NEVER)
        return NEVER;
    return later(least_ns, (int64_t)scene->servers.count * TURN_NS);
}

void observer_begin(struct session_scene *scene, size_t request)
{
    struct observer *o = &scene->observers[request];
    int64_t timeout_ns = scene->caller.requests[request].question.timeout_ns;

    *o = (struct observer){
        .began_at_ns = scene->now_ns,
        .unserved_at_ns = scene->now_ns,
        .received_at_ns = scene->now_ns,
        .deadline_at_ns = timeout_ns ? after(scene->now_ns, timeout_ns) : NEVER,
        .session_connected = scene->connected,
    };
    o->patience_ns = patience(scene, o, PATIENCE_NS);
}

static uint64_t attempt_id(const struct observer *o)
{
    return o->number + (o->attempts - 1) * ATTEMPT_STRIDE;
}

uint64_t observer_some_id(struct session_scene *scene)
{
    const struct observer *o = &scene->observers[chance_below(&scene->chance, scene->caller.count)];

    return o->attempts ? attempt_id(o) : 1;
}

/* ---- events ------------------------------------------------------------------------------ */

static void see_life(struct observer *o, int64_t at_ns)
{
    o->unserved_at_ns = NEVER;
    o->received_at_ns = at_ns;
}

static void lose(struct session_scene *scene, struct observer *o, enum meantime_error as,
                 int64_t least_ns, int64_t pause_ns)
{
    if (o->unserved_at_ns == NEVER)
        o->unserved_at_ns = scene->now_ns;
    o->losses += as != MEANTIME_SERVER_BUSY;
    if (o->losses > LOSSES_MAX)
        scene_violation(scene, "lost more servers than LOSSES_MAX");
    o->lost_as = as;
    o->patience_ns = patience(scene, o, least_ns);
    o->dial_at_ns[o->at] = after(scene->now_ns, pause_ns);
}

static void see_refusal(struct session_scene *scene, struct observer *o,
                        const struct refusal *refusal)
{
    int64_t retry_ns = refusal->retry_after_ms * MS;

    if (refusal->id != 0 && refusal->id != attempt_id(o))
        return;
    if (refusal->code == REFUSAL_BUSY)
        lose(scene, o, MEANTIME_SERVER_BUSY, BUSY_NS,
             retry_ns ? later(retry_ns, REDIAL_NS) : NEVER);
    else if (refusal->code == REFUSAL_STOPPING)
        lose(scene, o, MEANTIME_SERVER_LOST, PATIENCE_NS, STOPPING_NS);
    else
        o->refused_as =
            refusal->code == REFUSAL_DEADLINE_EXCEEDED ? MEANTIME_TIMED_OUT : MEANTIME_REFUSED;
}

/* Whether a reply to this attempt, or to an earlier one, is wrong. */
static bool is_wrong(const struct session_scene *scene, const struct observer *o,
                     const struct sum_reply *reply)
{
    const struct meantime_question *asked = &scene->caller.requests[o - scene->observers].question;

    return reply->id % ATTEMPT_STRIDE == o->number && reply->id <= attempt_id(o) &&
           (reply->count != asked->count ||
            reply->unit_log2 != stream_unit_log2((enum stream_kind)asked->kind));
}

static void see_message(struct session_scene *scene, struct observer *o,
                        const struct message *message)
{
    const struct sum_reply *reply = &message->sum_reply;

    if (o->link != OBSERVED_UP || scene->wires.sender != o->at)
        return;
    if (message->type == MESSAGE_REFUSAL)
        see_refusal(scene, o, &message->refusal);
    else if (message->type == MESSAGE_PROGRESS && message->progress.id == attempt_id(o))
        see_life(o, scene->now_ns);
    else if (message->type == MESSAGE_SUM_REPLY && is_wrong(scene, o, reply))
        lose(scene, o, MEANTIME_NONSENSE, PATIENCE_NS, NEVER);
}

static void see_up(struct session_scene *scene, struct observer *o)
{
    if (o->link != OBSERVED_DIALED)
        scene_violation(scene, "learns of a link that it did not dial");
    if (o->dialled_at_ns == scene->now_ns)
        scene_count(scene, COUNTER_SHARE);
    o->link = OBSERVED_UP;
    o->received_at_ns = scene->now_ns;
    scene->connected = true;
}

static void see_failure(struct session_scene *scene, struct observer *o,
                        const struct exchange_event *event)
{
    if (o->link != OBSERVED_DIALED)
        scene_violation(scene, "learns of the failure of a dial that it does not wait for");
    o->refused[o->at] = event->definite;
}

static void see_reached(struct session_scene *scene, struct observer *o)
{
    if (o->link != OBSERVED_DIALED)
        scene_violation(scene, "learns of a dial that it does not wait for");
    o->refused[o->at] = false;
}

static void see_down(struct session_scene *scene, struct observer *o)
{
    if (o->link != OBSERVED_UP)
        scene_violation(scene, "learns of the end of a link that it did not use");
    lose(scene, o, MEANTIME_SERVER_LOST, PATIENCE_NS, REDIAL_NS);
    o->link = OBSERVED_NONE;
}

static void see_alive(struct session_scene *scene, struct observer *o, int64_t at_ns)
{
    if (o->link != OBSERVED_UP || at_ns > scene->now_ns)
        scene_violation(scene, "learns of a sign of life without a link");
    scene_count(scene, COUNTER_ALIVE);
    see_life(o, at_ns);
}

static void watch_event(struct session_scene *scene, struct observer *o,
                        const struct exchange_event *event)
{
    switch (event->type) {
    case EXCHANGE_EVENT_CONNECTED: see_up(scene, o); break;
    case EXCHANGE_EVENT_DISCONNECTED: see_down(scene, o); break;
    case EXCHANGE_EVENT_CANNOT_DIAL: o->cannot_dial = true; break;
    case EXCHANGE_EVENT_REACHED: see_reached(scene, o); break;
    case EXCHANGE_EVENT_CANNOT_CONNECT: see_failure(scene, o, event); break;
    case EXCHANGE_EVENT_ALIVE: see_alive(scene, o, event->alive_at_ns); break;
    case EXCHANGE_EVENT_MESSAGE: see_message(scene, o, event->message); break;
    case EXCHANGE_EVENT_INVALID: lose(scene, o, MEANTIME_NONSENSE, PATIENCE_NS, NEVER); break;
    default: break;
    }
}

/* ---- effects ----------------------------------------------------------------------------- */

static void dial(struct session_scene *scene, struct observer *o,
                 const struct exchange_effect *effect)
{
    if (scene->now_ns < o->dial_at_ns[effect->endpoint])
        scene_violation(scene, "dials an endpoint during its pause");
    o->link = OBSERVED_DIALED;
    o->at = effect->endpoint;
    o->dialled_at_ns = scene->now_ns;
}

static void check_deadline(struct session_scene *scene, const struct observer *o,
                           uint32_t deadline_ms)
{
    int64_t left_ns = o->deadline_at_ns - scene->now_ns;
    bool right = o->deadline_at_ns == NEVER
                     ? deadline_ms == 0
                     : deadline_ms * MS >= left_ns && deadline_ms * MS <= later(left_ns, 0) + MS;

    if (!right)
        scene_violation(scene, "sends a deadline of %u ms while %lld ns are left", deadline_ms,
                        (long long)left_ns);
}

static void check_link(struct session_scene *scene, const struct observer *o,
                       const struct exchange_effect *effect)
{
    if (o->link != OBSERVED_UP || effect->endpoint != o->at)
        scene_violation(scene, "sends without a link");
}

static void ask(struct session_scene *scene, struct observer *o,
                const struct exchange_effect *effect)
{
    const struct sum_request *asked = &effect->sum_request;

    o->attempts++;
    scene_count(scene, COUNTER_SEND);
    check_link(scene, o, effect);
    if (o->attempts > 1)
        scene_count(scene, COUNTER_RETRY);
    if (asked->id != attempt_id(o))
        scene_violation(scene, "attempt %llu has a wrong id", (unsigned long long)o->attempts);
    check_deadline(scene, o, asked->deadline_ms);
    if (!o->was_connected)
        o->unserved_at_ns = NEVER;
    o->was_connected = true;
}

static void cancel(struct session_scene *scene, const struct observer *o,
                   const struct exchange_effect *effect)
{
    uint64_t id = effect->cancel.id;

    scene_count(scene, COUNTER_CANCEL_SENT);
    check_link(scene, o, effect);
    if (id != attempt_id(o))
        scene_violation(scene, "cancels another attempt than its last one");
}

/* True if the server works on the request, and if no fault delayed its messages since SILENCE_NS
 * and PROBE_NS ago. */
static bool is_well(const struct session_scene *scene, const struct observer *o)
{
    const struct model_server *server = &scene->servers.all[o->at];
    int64_t since_ns = scene->now_ns - SILENCE_NS - PROBE_NS - 2 * S;

    return !scene->faults.lost_all && server->disturbed_until_at_ns < since_ns &&
           scene->wires.no_sockets_until_at_ns < since_ns &&
           model_servers_work_for(scene, o->at, attempt_id(o));
}

static void cut(struct session_scene *scene, struct observer *o)
{
    scene_count(scene, COUNTER_DROP_SILENT);
    if (o->link != OBSERVED_UP)
        scene_violation(scene, "drops a link that it does not use");
    if (scene->now_ns < o->received_at_ns + SILENCE_NS + PROBE_NS)
        scene_violation(scene, "leaves a server soon after a sign of life");
    if (is_well(scene, o))
        scene_violation(scene, "leaves a server as silent that works on the request");
    lose(scene, o, MEANTIME_SERVER_LOST, PATIENCE_NS, REDIAL_NS);
    scene->wires.last_used[o->at]->dropped = true;
    o->link = OBSERVED_NONE;
}

static void probe(struct session_scene *scene, const struct observer *o)
{
    scene_count(scene, COUNTER_PROBE);
    if (o->link != OBSERVED_UP)
        scene_violation(scene, "probes a server that has no request");
}

static void watch_effect(struct session_scene *scene, struct observer *o,
                         const struct exchange_effect *effect)
{
    trace_note(&scene->trace, scene->now_ns, "orders of an exchange", (uint32_t)effect->type,
               effect->endpoint);
    switch (effect->type) {
    case EXCHANGE_EFFECT_DIAL: dial(scene, o, effect); break;
    case EXCHANGE_EFFECT_SEND_REQUEST: ask(scene, o, effect); break;
    case EXCHANGE_EFFECT_SEND_CANCEL: cancel(scene, o, effect); break;
    case EXCHANGE_EFFECT_PROBE: probe(scene, o); break;
    case EXCHANGE_EFFECT_DROP_LINK: cut(scene, o); break;
    case EXCHANGE_EFFECT_DETACH: o->link = OBSERVED_NONE; break;
    }
}

/* ---- the end ----------------------------------------------------------------------------- */

static bool no_endpoint_before(const struct session_scene *scene, const struct observer *o,
                               int64_t limit_ns)
{
    for (size_t i = 0; i < scene->servers.count; i++)
        if (later(o->dial_at_ns[i], scene->now_ns) < limit_ns)
            return false;
    return true;
}

/* Whether a good server was reachable, and could be dialled, since no server works on the request,
 * and the caller looked at least every IN_TIME_NS. */
static bool a_server_was_reachable(const struct session_scene *scene, const struct observer *o,
                                   int64_t limit_ns)
{
    const struct model_caller *caller = &scene->caller;
    int64_t since_ns = o->unserved_at_ns;
    int64_t needed_ns = (int64_t)scene->servers.count * TURN_NS + FOUND_NS;

    if (scene->faults.lost_all || caller->slice_ns > IN_TIME_NS ||
        caller->stalled_until_at_ns > since_ns || scene->wires.no_sockets_until_at_ns > since_ns ||
        limit_ns - since_ns < needed_ns || o->losses >= LOSSES_MAX)
        return false;
    for (size_t i = 0; i < scene->servers.count; i++) {
        const struct model_server *server = &scene->servers.all[i];
        if (server->alive && server->good_since_at_ns <= since_ns && o->dial_at_ns[i] <= since_ns)
            return true;
    }
    return false;
}

/* A first connection is given up sooner if no endpoint accepts connections. */
static bool is_refused(const struct session_scene *scene, const struct observer *o)
{
    if (o->was_connected || o->session_connected)
        return false;
    for (size_t i = 0; i < scene->servers.count; i++)
        if (!o->refused[i])
            return false;
    return true;
}

static void check_given_up(struct session_scene *scene, const struct observer *o)
{
    int64_t patience_ns = is_refused(scene, o) ? patience(scene, o, CONNECT_NS) : o->patience_ns;
    int64_t limit_ns = earlier(after(o->unserved_at_ns, patience_ns), o->deadline_at_ns);

    if (o->losses >= LOSSES_MAX)
        scene_count(scene, COUNTER_LOSSES_MAX);
    else if (!no_endpoint_before(scene, o, limit_ns))
        scene_violation(scene, "gives up too early");
    if (a_server_was_reachable(scene, o, limit_ns))
        scene_violation(scene, "gives up although a server is reachable");
}

static void check_lost(struct session_scene *scene, const struct observer *o,
                       const struct exchange *e)
{
    if (!o->was_connected || o->lost_as != e->error)
        scene_violation(scene, "error %d does not follow from the last loss", e->error);
    check_given_up(scene, o);
}

static void end_done(struct session_scene *scene, const struct observer *o,
                     const struct exchange *e)
{
    scene_count(scene, COUNTER_DONE);
    if (e->reply.id != attempt_id(o))
        scene_count(scene, COUNTER_DONE_LATE);
}

static void end_no_server(struct session_scene *scene, const struct observer *o,
                          const struct exchange *e)
{
    (void)e;
    scene_count(scene, COUNTER_NO_SERVER);
    if (o->was_connected)
        scene_violation(scene, "fails with NO_SERVER after it was connected");
    check_given_up(scene, o);
}

static void end_server_lost(struct session_scene *scene, const struct observer *o,
                            const struct exchange *e)
{
    scene_count(scene, COUNTER_SERVER_LOST);
    check_lost(scene, o, e);
}

static void end_busy(struct session_scene *scene, const struct observer *o,
                     const struct exchange *e)
{
    scene_count(scene, COUNTER_SERVER_BUSY);
    check_lost(scene, o, e);
}

static void end_invalid(struct session_scene *scene, const struct observer *o,
                        const struct exchange *e)
{
    scene_count(scene, COUNTER_INVALID_MESSAGE);
    check_lost(scene, o, e);
}

static void end_refused(struct session_scene *scene, const struct observer *o,
                        const struct exchange *e)
{
    (void)e;
    scene_count(scene, COUNTER_REFUSED);
    if (o->refused_as != MEANTIME_REFUSED)
        scene_violation(scene, "fails with REFUSED without a refusal");
}

static void end_timed_out(struct session_scene *scene, const struct observer *o,
                          const struct exchange *e)
{
    bool waits = e->attempts > 0 && !session_is_flooded(scene->caller.m);

    scene_count(scene, COUNTER_TIMED_OUT);
    if (o->refused_as == MEANTIME_TIMED_OUT)
        return;
    if (scene->now_ns < o->deadline_at_ns)
        scene_violation(scene, "times out before its deadline");
    if (waits && wires_have_reply(scene, o->at, attempt_id(o), o->deadline_at_ns))
        scene_violation(scene, "times out although the answer came in time");
}

static void end_cancelled(struct session_scene *scene, const struct observer *o,
                          const struct exchange *e)
{
    (void)e;
    scene_count(scene, COUNTER_CANCELLED);
    if (!o->cancelled)
        scene_violation(scene, "fails with CANCELLED without a cancel");
}

static void end_no_resources(struct session_scene *scene, const struct observer *o,
                             const struct exchange *e)
{
    (void)e;
    scene_count(scene, COUNTER_NO_RESOURCES);
    if (!o->cannot_dial)
        scene_violation(scene, "fails with NO_RESOURCES although links can be opened");
}

static void end(struct session_scene *scene, const struct observer *o, const struct exchange *e)
{
    if (o->link != OBSERVED_NONE)
        scene_violation(scene, "still uses a link at its end");
    switch (e->error) {
    case MEANTIME_OK: end_done(scene, o, e); break;
    case MEANTIME_NO_SERVER: end_no_server(scene, o, e); break;
    case MEANTIME_SERVER_LOST: end_server_lost(scene, o, e); break;
    case MEANTIME_SERVER_BUSY: end_busy(scene, o, e); break;
    case MEANTIME_REFUSED: end_refused(scene, o, e); break;
    case MEANTIME_NONSENSE: end_invalid(scene, o, e); break;
    case MEANTIME_TIMED_OUT: end_timed_out(scene, o, e); break;
    case MEANTIME_CANCELLED: end_cancelled(scene, o, e); break;
    case MEANTIME_NO_RESOURCES: end_no_resources(scene, o, e); break;
    default: scene_violation(scene, "ends with error %d", e->error);
    }
}

/* ---- stepping ---------------------------------------------------------------------------- */

/* A message about another server's request changes nothing, unless it is the right answer. */
static void check_misdirected(struct session_scene *scene, const struct observer *o,
                              const struct exchange *e, enum exchange_state state,
                              int64_t due_at_ns)
{
    bool same = e->state == state && exchange_due_at(e) == due_at_ns && e->effect_count == 0;

    if (scene->wires.sender != o->at && e->state != EXCHANGE_DONE && !same)
        scene_violation(scene, "is changed by a message of another server");
}

/* The linker's --wrap=exchange_step gives the real function this name. */
void __real_exchange_step(struct exchange *exchange, int64_t now_ns,
                          const struct exchange_event *event);

void observer_step(struct session_scene *scene, struct exchange *e, int64_t now_ns,
                   const struct exchange_event *event)
{
    struct observer *o = &scene->observers[e->request.seed];
    enum exchange_state state = e->state;
    int64_t due_at_ns = exchange_due_at(e);

    scene->tally->steps++;
    o->number = e->request.id;
    trace_note(&scene->trace, now_ns, "news of an exchange", (uint32_t)event->type,
               e->request.seed);
    __real_exchange_step(e, now_ns, event);
    caller_found(scene, e->effect_count > 0 || e->state != state);
    if (event->type == EXCHANGE_EVENT_MESSAGE || event->type == EXCHANGE_EVENT_INVALID)
        check_misdirected(scene, o, e, state, due_at_ns);
    watch_event(scene, o, event);
    for (size_t i = 0; i < e->effect_count; i++)
        watch_effect(scene, o, &e->effects[i]);
    if (event->type == EXCHANGE_EVENT_CANNOT_DIAL && !exchange_over(e))
        scene_violation(scene, "waits for a link that cannot be dialled");
    if (exchange_over(e) && state < EXCHANGE_DONE)
        end(scene, o, e);
}
