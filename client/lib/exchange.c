/* Decides what becomes of one request: which server is asked, when, and when the request fails. */
#include "client/lib/exchange.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/instant.h"
#include "sums/moments.h"
#include "sums/stream.h"

/* Space for a list of endpoints in an error text. Longer lists are truncated. */
#define LIST_BYTES 400

static int64_t after(int64_t at_ns, int64_t ns)
{
    return ns < NEVER - at_ns ? at_ns + ns : NEVER;
}

/* ---- texts ------------------------------------------------------------------------------- */

static const char *endpoint_name(const struct exchange *e)
{
    return e->endpoints->names[e->endpoint];
}

/* Writes "tcp://a:8197 (connection refused) or tcp://b:8197". */
static const char *list_endpoints(const struct exchange *e, char *text)
{
    size_t size = 0;

    for (size_t i = 0; i < e->endpoints->count && size < LIST_BYTES; i++) {
        const char *reason = e->dials[i].reason;
        size += (size_t)snprintf(text + size, LIST_BYTES - size, reason ? "%s%s (%s)" : "%s%s",
                                 i ? " or " : "", e->endpoints->names[i], reason);
    }
    return text;
}

/* Appends to the error text. Each attempt begins with an empty text. */
__attribute__((format(printf, 2, 3))) static void append_error(struct exchange *e, const char *text,
                                                               ...)
{
    size_t length = strlen(e->error_text);
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(e->error_text + length, sizeof e->error_text - length, text, arguments);
    va_end(arguments);
}

/* ---- effects ----------------------------------------------------------------------------- */

static struct exchange_effect *add_effect(struct exchange *e, enum exchange_effect_type type)
{
    assert(e->effect_count < EXCHANGE_EFFECTS_MAX);
    struct exchange_effect *effect = &e->effects[e->effect_count++];
    effect->type = type;
    effect->endpoint = e->endpoint;
    return effect;
}

static uint64_t attempt_id(const struct exchange *e)
{
    return e->request.id + (e->attempts - 1) * ATTEMPT_STRIDE;
}

/* Each attempt has the time that is left, because the server counts it from reading the request. */
static uint32_t deadline_ms(const struct exchange *e)
{
    int64_t left_ns = e->deadline_at_ns - e->now_ns;

    if (e->deadline_at_ns == NEVER)
        return 0;
    return (uint32_t)earlier(later(left_ns + NS_PER_MS - 1, NS_PER_MS) / NS_PER_MS, UINT32_MAX);
}

static void send_request(struct exchange *e)
{
    struct sum_request *request = &add_effect(e, EXCHANGE_EFFECT_SEND_REQUEST)->sum_request;

    *request = e->request;
    request->id = attempt_id(e);
    request->deadline_ms = deadline_ms(e);
}

static void send_cancel(struct exchange *e)
{
    add_effect(e, EXCHANGE_EFFECT_SEND_CANCEL)->cancel = (struct cancel){.id = attempt_id(e)};
}

/* ---- from one server to the next --------------------------------------------------------- */

static void end(struct exchange *e, enum exchange_state state)
{
    e->state = state;
    e->ended_at_ns = e->now_ns;
    add_effect(e, EXCHANGE_EFFECT_DETACH);
}

static bool is_denied(const struct exchange *e)
{
    for (size_t i = 0; i < e->endpoints->count; i++)
        if (e->dials[i].denied)
            return true;
    return false;
}

static void give_up(struct exchange *e)
{
    char text[LIST_BYTES];

    if (!e->was_connected) {
        bool denied = is_denied(e);
        e->error = denied ? MEANTIME_NO_ACCESS : MEANTIME_NO_SERVER;
        append_error(e, "no %s %s", denied ? "access to" : "server at", list_endpoints(e, text));
    } else if (e->now_ns > e->unserved_at_ns)
        append_error(e, "; retried for %.3g s without success",
                     seconds(e->now_ns - e->unserved_at_ns));
    end(e, EXCHANGE_FAILED);
}

/* Whether a first connection is hopeless, because no server listens at any endpoint. */
static bool fails_definitely(const struct exchange *e)
{
    if (e->was_connected || e->setting.connected)
        return false;
    for (size_t i = 0; i < e->endpoints->count; i++)
        if (!e->dials[i].definite)
            return false;
    return true;
}

/* Each endpoint gets one turn. */
static int64_t turns_ns(const struct exchange *e)
{
    return (int64_t)e->endpoints->count * TURN_NS;
}

static int64_t give_up_at_ns(const struct exchange *e)
{
    int64_t patience_ns = e->patience_ns;

    if (fails_definitely(e))
        patience_ns = earlier(patience_ns, later(CONNECT_NS, turns_ns(e)));
    return earlier(after(e->unserved_at_ns, patience_ns), e->deadline_at_ns);
}

static void set_dial_due(struct exchange *e)
{
    e->due_at_ns = earlier(give_up_at_ns(e), e->turn_ends_at_ns);
}

static void begin_turn(struct exchange *e)
{
    e->turn_ends_at_ns = e->endpoints->count > 1 ? after(e->now_ns, TURN_NS) : NEVER;
    set_dial_due(e);
}

static void dial(struct exchange *e)
{
    e->state = EXCHANGE_DIALING;
    begin_turn(e);
    add_effect(e, EXCHANGE_EFFECT_DIAL);
}

/* Returns the endpoint that may be dialled first. If several may be dialled at the same time,
 * returns the next one after the current endpoint in the list. */
static size_t next_endpoint(const struct exchange *e)
{
    size_t best = e->endpoint;
    int64_t best_at_ns = NEVER;

    for (size_t i = 1; i <= e->endpoints->count; i++) {
        size_t candidate = (e->endpoint + i) % e->endpoints->count;
        int64_t at_ns = later(e->dial_at_ns[candidate], e->now_ns);
        if (at_ns < best_at_ns) {
            best = candidate;
            best_at_ns = at_ns;
        }
    }
    return best;
}

static void dial_next(struct exchange *e)
{
    size_t next = next_endpoint(e);
    int64_t dial_at_ns = e->dial_at_ns[next];

    if (later(dial_at_ns, e->now_ns) >= give_up_at_ns(e)) {
        give_up(e);
        return;
    }
    if (e->state == EXCHANGE_DIALING && next == e->endpoint) { /* only this one may be dialled */
        begin_turn(e);
        return;
    }
    e->endpoint = next;
    if (dial_at_ns <= e->now_ns) {
        dial(e);
        return;
    }
    e->state = EXCHANGE_PAUSING;
    e->due_at_ns = dial_at_ns;
    add_effect(e, EXCHANGE_EFFECT_DETACH);
}

enum loss {
    LOSS_DISCONNECTED,
    LOSS_SILENT,
    LOSS_BUSY,
    LOSS_STOPPING,
    LOSS_INVALID,
    LOSS_NO_SUMMAND,
};

static const struct {
    const char *because; /* completes "The server at ENDPOINT ..." */
    int64_t patience_ns; /* how long to retry after this loss; 0: as the session's setting says */
    enum meantime_error error;
} losses[] = {
    [LOSS_DISCONNECTED] = {"disconnected", 0, MEANTIME_SERVER_LOST},
    [LOSS_SILENT] = {"stopped responding", 0, MEANTIME_SERVER_LOST},
    [LOSS_BUSY] = {"is busy", BUSY_NS, MEANTIME_SERVER_BUSY},
    [LOSS_STOPPING] = {"is stopping", 0, MEANTIME_SERVER_LOST},
    [LOSS_INVALID] = {"sent an invalid message", 0, MEANTIME_NONSENSE},
    [LOSS_NO_SUMMAND] = {"does not have the summand", 0, MEANTIME_NO_SUMMAND},
};

/* If any server was connected and the caller has set a timeout, only the timeout limits the
 * retries. Otherwise the patience is long enough for one turn of each endpoint. */
static int64_t patience_ns(const struct exchange *e, int64_t least_ns)
{
    if (least_ns == 0)
        least_ns = e->setting.patience_ns ? e->setting.patience_ns : NEVER;
    if (e->was_connected && e->deadline_at_ns != NEVER)
        return NEVER;
    return later(least_ns, turns_ns(e));
}

/* Leaves the current server. The caller has written the reason to `error_text`.
 * pause_ns: how long this endpoint is not dialled; NEVER: it is not dialled again. */
static void leave(struct exchange *e, enum loss loss, int64_t pause_ns)
{
    if (e->unserved_at_ns == NEVER) {
        e->unserved_at_ns = e->now_ns;
        e->outages++;
        e->left_endpoint = endpoint_name(e);
        e->left_because = losses[loss].because;
    }
    e->error = losses[loss].error;
    e->patience_ns = patience_ns(e, losses[loss].patience_ns);
    e->dial_at_ns[e->endpoint] = after(e->now_ns, pause_ns);
    e->losses += loss != LOSS_BUSY;
    if (e->losses < LOSSES_MAX)
        dial_next(e);
    else
        give_up(e);
}

static void fail(struct exchange *e, enum meantime_error error)
{
    e->error = error;
    end(e, EXCHANGE_FAILED);
}

/* ---- events: the link -------------------------------------------------------------------- */

static void begin(struct exchange *e)
{
    e->began_at_ns = e->unserved_at_ns = e->now_ns;
    e->patience_ns = patience_ns(e, 0);
    e->deadline_at_ns = e->setting.timeout_ns ? after(e->now_ns, e->setting.timeout_ns) : NEVER;
    dial(e);
}

static void ask(struct exchange *e)
{
    if (!e->was_connected)
        e->unserved_at_ns = NEVER;
    e->was_connected = true;
    e->dials[e->endpoint] = (struct dial_result){.reason = NULL};
    e->sent_progress = false;
    e->error_text[0] = '\0';
    e->samples_done = 0;
    e->attempts++;
    e->state = EXCHANGE_WAITING;
    e->due_at_ns = after(e->now_ns, SILENCE_NS);
    send_request(e);
}

static void lose(struct exchange *e)
{
    append_error(e, "the server at %s disconnected before it answered", endpoint_name(e));
    leave(e, LOSS_DISCONNECTED, REDIAL_NS);
}

/* This machine lacks a resource. Another endpoint would need the same resource. */
static void fail_dial(struct exchange *e)
{
    e->error_text[0] = '\0';
    append_error(e, "cannot connect to %s: %s", endpoint_name(e), e->event->reason);
    fail(e, MEANTIME_NO_RESOURCES);
}

/* The next dial has begun already. The failure may end the patience. */
static void note_failure(struct exchange *e)
{
    e->dials[e->endpoint] = (struct dial_result){
        .reason = e->event->reason, .denied = e->event->denied, .definite = e->event->definite};
    set_dial_due(e);
}

/* The handshake may take a while, but a connection is not hopeless any more. */
static void note_reached(struct exchange *e)
{
    e->dials[e->endpoint].definite = false;
    set_dial_due(e);
}

/* ---- events: messages -------------------------------------------------------------------- */

/* The server works on the request: the outage ends, and the time of silence starts again. */
static void keep_waiting(struct exchange *e, int64_t alive_at_ns)
{
    e->unserved_at_ns = NEVER;
    e->state = EXCHANGE_WAITING;
    e->due_at_ns = after(alive_at_ns, SILENCE_NS);
}

static void refresh(struct exchange *e)
{
    assert(e->event->alive_at_ns <= e->now_ns);
    keep_waiting(e, e->event->alive_at_ns);
}

static void take_progress(struct exchange *e, const struct progress *progress)
{
    if (progress->id != attempt_id(e))
        return;
    e->samples_done = progress->done;
    e->sent_progress = true;
    keep_waiting(e, e->now_ns);
}

/* Whether `count` terms can have both totals together. Each total is valid on its own. */
static bool is_possible(uint64_t count, const struct output_total *output)
{
    struct exact_total sum, squares;
    struct moments moments;

    if (!output->has_squares)
        return true;
    units_copy(&sum, &output->sum);
    units_copy(&squares, &output->squares);
    return moments_init(&moments, count, &sum, &squares);
}

static bool are_possible(const struct sum_reply *reply)
{
    for (uint32_t i = 0; i < reply->outputs.count; i++)
        if (!is_possible(reply->count, &reply->outputs.list[i]))
            return false;
    return true;
}

static bool fits_summand(struct exchange *e, const struct sum_reply *reply)
{
    const struct sum_request *request = &e->request;

    if (reply->outputs.count == 0)
        append_error(e, "the server at %s summed samples instead of terms of %s", endpoint_name(e),
                     request->summand);
    else if (request->build && reply->build != request->build)
        append_error(e, "the server at %s summed another build of %s", endpoint_name(e),
                     request->summand);
    else if (!are_possible(reply))
        append_error(e, "the server at %s sent totals that no terms have", endpoint_name(e));
    else
        return true;
    return false;
}

static bool fits_samples(struct exchange *e, const struct sum_reply *reply)
{
    int unit_log2 = stream_unit_log2((enum stream_kind)e->request.kind);

    if (reply->outputs.count > 0)
        append_error(e, "the server at %s summed terms instead of samples", endpoint_name(e));
    else if (reply->unit_log2 != unit_log2)
        append_error(e, "the server at %s sent a sum in units of 2^%d instead of 2^%d",
                     endpoint_name(e), reply->unit_log2, unit_log2);
    else
        return true;
    return false;
}

/* Returns whether the reply can be the answer. Otherwise writes the reason to the error text. */
static bool fits(struct exchange *e, const struct sum_reply *reply)
{
    if (reply->count != e->request.count) {
        append_error(e, "the server at %s summed %" PRIu64 " %s instead of %" PRIu64,
                     endpoint_name(e), reply->count, e->request.summand ? "terms" : "samples",
                     e->request.count);
        return false;
    }
    return e->request.summand ? fits_summand(e, reply) : fits_samples(e, reply);
}

/* An answer to an earlier attempt counts as well, because the sum is the same. */
static void take_reply(struct exchange *e, const struct sum_reply *reply)
{
    if (reply->id % ATTEMPT_STRIDE != e->request.id || reply->id > attempt_id(e))
        return;
    if (!fits(e, reply)) {
        leave(e, LOSS_INVALID, NEVER);
        return;
    }
    e->reply = *reply;
    e->samples_done = reply->count;
    e->error = MEANTIME_OK;
    end(e, EXCHANGE_DONE);
}

/* Another server may have the summand. */
static void miss_summand(struct exchange *e, int64_t retry_ns)
{
    if (e->endpoints->count > 1)
        leave(e, LOSS_NO_SUMMAND, retry_ns ? later(retry_ns, REDIAL_NS) : NEVER);
    else
        fail(e, MEANTIME_NO_SUMMAND);
}

static void take_refusal(struct exchange *e, const struct refusal *refusal)
{
    int64_t retry_ns = refusal->retry_after_ms * NS_PER_MS;

    if (refusal->id != attempt_id(e) && refusal->id != 0)
        return;
    append_error(e, "the server at %s refused (%s): %s", endpoint_name(e),
                 refusal_code_text(refusal->code), refusal->text);
    if (retry_ns)
        append_error(e, "; try again in %.1f s", seconds(retry_ns));
    if (refusal->code == REFUSAL_BUSY)
        leave(e, LOSS_BUSY, retry_ns ? later(retry_ns, REDIAL_NS) : NEVER);
    else if (refusal->code == REFUSAL_STOPPING)
        leave(e, LOSS_STOPPING, STOPPING_NS);
    else if (refusal->code == REFUSAL_UNKNOWN_SUMMAND && e->request.summand)
        miss_summand(e, retry_ns);
    else if (refusal->code == REFUSAL_DEADLINE_EXCEEDED)
        fail(e, MEANTIME_TIMED_OUT);
    else
        fail(e, MEANTIME_REFUSED); /* every other server would refuse as well */
}

static void take(struct exchange *e)
{
    const struct message *message = e->event->message;

    switch (message->type) {
    case MESSAGE_PROGRESS: take_progress(e, &message->progress); break;
    case MESSAGE_SUM_REPLY: take_reply(e, &message->sum_reply); break;
    case MESSAGE_REFUSAL: take_refusal(e, &message->refusal); break;
    default: break; /* a server sends no other message to a client */
    }
}

static void reject(struct exchange *e)
{
    append_error(e, "the server at %s sent an invalid message: %s", endpoint_name(e),
                 e->event->reason);
    leave(e, LOSS_INVALID, NEVER);
}

/* ---- events: time and cancel ------------------------------------------------------------- */

/* The server has been silent. A REP server never sends progress. A server that froze before its
 * first progress sends none either. Only a server that is not frozen completes the handshake of a
 * probe. */
static void probe(struct exchange *e)
{
    e->state = EXCHANGE_PROBING;
    e->due_at_ns = after(e->now_ns, PROBE_NS);
    if (!e->sent_progress)
        add_effect(e, EXCHANGE_EFFECT_PROBE);
}

static void drop(struct exchange *e)
{
    append_error(e, "the server at %s stopped responding before it answered", endpoint_name(e));
    send_cancel(e);
    add_effect(e, EXCHANGE_EFFECT_DROP_LINK);
    leave(e, LOSS_SILENT, REDIAL_NS);
}

static void expire(struct exchange *e)
{
    char text[LIST_BYTES];

    if (e->error_text[0])
        append_error(e, "; no answer within %.3g s", seconds(e->setting.timeout_ns));
    else
        append_error(e, "no answer from %s within %.3g s", list_endpoints(e, text),
                     seconds(e->setting.timeout_ns));
    fail(e, MEANTIME_TIMED_OUT);
}

static void cancel(struct exchange *e)
{
    if (e->state == EXCHANGE_WAITING || e->state == EXCHANGE_PROBING)
        send_cancel(e);
    e->error_text[0] = '\0';
    append_error(e, "cancelled");
    fail(e, MEANTIME_CANCELLED);
}

/* ---- stepping ---------------------------------------------------------------------------- */

/* The handler of each event in each state; 0: the event changes nothing. The handler of TIME is
 * called only after the state's due_at_ns. */
/* clang-format off */
static void (*const table[EXCHANGE_STATES][EXCHANGE_EVENT_TYPES])(struct exchange *) = {
    /*                      BEGIN       DISCONNECTED     REACHED         ALIVE    MESSAGE       TIME       CANCEL
     *                             CONNECTED  CANNOT_DIAL      CANNOT_CONNECT              INVALID                 */
    [EXCHANGE_NEW] =      { begin, 0,   0,    0,         0,            0,             0,       0,    0,      0,         0      },
    [EXCHANGE_DIALING] =  { 0,     ask, 0,    fail_dial, note_reached, note_failure,  0,       0,    0,      dial_next, cancel },
    [EXCHANGE_WAITING] =  { 0,     0,   lose, 0,         0,            0,             refresh, take, reject, probe,     cancel },
    [EXCHANGE_PROBING] =  { 0,     0,   lose, 0,         0,            0,             refresh, take, reject, drop,      cancel },
    [EXCHANGE_PAUSING] =  { 0,     0,   0,    0,         0,            0,             0,       0,    0,      dial,      cancel },
    [EXCHANGE_DONE] =     { 0,     0,   0,    0,         0,            0,             0,       0,    0,      0,         0      },
    [EXCHANGE_FAILED] =   { 0,     0,   0,    0,         0,            0,             0,       0,    0,      0,         0      },
};
/* clang-format on */

void exchange_init(struct exchange *e, const struct endpoints *endpoints, size_t first,
                   const struct sum_request *request, const struct exchange_setting *setting)
{
    assert(endpoints->count >= 1 && endpoints->count <= ENDPOINTS_MAX);
    assert(first < endpoints->count);
    assert(request->id > 0 && request->id < ATTEMPT_STRIDE);
    *e = (struct exchange){
        .request = *request,
        .endpoints = endpoints,
        .endpoint = first,
        .setting = *setting,
        .deadline_at_ns = NEVER,
        .due_at_ns = NEVER,
    };
}

void exchange_step(struct exchange *e, int64_t now_ns, const struct exchange_event *event)
{
    assert(now_ns >= e->now_ns);
    assert((event->type == EXCHANGE_EVENT_BEGIN) == (e->state == EXCHANGE_NEW));
    assert(e->effects_taken == e->effect_count);
    e->effects_taken = e->effect_count = 0;
    e->now_ns = now_ns;
    e->event = event;
    if (event->type == EXCHANGE_EVENT_TIME && now_ns < exchange_due_at(e))
        return;
    if (event->type == EXCHANGE_EVENT_TIME && now_ns >= e->deadline_at_ns)
        expire(e);
    else if (table[e->state][event->type])
        table[e->state][event->type](e);
}

void exchange_drop_answer(struct exchange *e)
{
    assert(e->state == EXCHANGE_DONE);
    e->state = EXCHANGE_FAILED;
    e->error = MEANTIME_NO_RESOURCES;
    e->error_text[0] = '\0';
    append_error(e, "no memory is left for the outputs of %s", e->request.summand);
}

const struct exchange_effect *exchange_next(struct exchange *e)
{
    return e->effects_taken < e->effect_count ? &e->effects[e->effects_taken++] : NULL;
}

int64_t exchange_due_at(const struct exchange *e)
{
    return exchange_over(e) ? NEVER : earlier(e->due_at_ns, e->deadline_at_ns);
}
