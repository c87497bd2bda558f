#include "client/lib/exchange.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/instant.h"
#include "sums/stream.h"

/* Endpoints in a sentence; what is beyond is cut. */
#define WHERE_BYTES 400

static int64_t after(int64_t at_ns, int64_t ns)
{
    return ns < NEVER - at_ns ? at_ns + ns : NEVER;
}

/* ---- words ------------------------------------------------------------------------------- */

static const char *endpoint(const struct exchange *e)
{
    return e->endpoints->names[e->at];
}

/* "tcp://a:8197 or tcp://b:8197" */
static const char *where(const struct exchange *e, char *text)
{
    size_t size = 0;

    for (size_t i = 0; i < e->endpoints->count && size < WHERE_BYTES; i++)
        size += (size_t)snprintf(text + size, WHERE_BYTES - size, "%s%s", i ? " or " : "",
                                 e->endpoints->names[i]);
    return text;
}

/* Adds to what is said already: each attempt begins with nothing. */
__attribute__((format(printf, 2, 3))) static void say(struct exchange *e, const char *text, ...)
{
    size_t said = strlen(e->trouble);
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(e->trouble + said, sizeof e->trouble - said, text, arguments);
    va_end(arguments);
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* ---- orders ------------------------------------------------------------------------------ */

static struct order *order(struct exchange *e, enum order_type type)
{
    assert(e->orders_given < ORDERS_MAX);
    struct order *order = &e->orders[e->orders_given++];
    order->type = type;
    order->endpoint = e->at;
    return order;
}

static uint64_t attempt_id(const struct exchange *e)
{
    return e->asked.id + (e->attempts - 1) * ATTEMPT_STRIDE;
}

/* The server counts it from when it reads it: what is left goes with each attempt. */
static uint32_t deadline_ms(const struct exchange *e)
{
    int64_t left_ns = e->deadline_at_ns - e->now_ns;

    if (e->deadline_at_ns == NEVER)
        return 0;
    return (uint32_t)earlier(later(left_ns + NS_PER_MS - 1, NS_PER_MS) / NS_PER_MS, UINT32_MAX);
}

static void send_request(struct exchange *e)
{
    struct sum_request *request = &order(e, ORDER_ASK)->sum_request;

    *request = e->asked;
    request->id = attempt_id(e);
    request->deadline_ms = deadline_ms(e);
}

static void send_cancel(struct exchange *e)
{
    order(e, ORDER_CANCEL)->cancel = (struct cancel){.id = attempt_id(e)};
}

/* ---- from one server to the next --------------------------------------------------------- */

static void end(struct exchange *e, enum exchange_state state)
{
    e->state = state;
    e->ended_at_ns = e->now_ns;
    order(e, ORDER_HANG_UP);
}

static void give_up(struct exchange *e)
{
    char text[WHERE_BYTES];

    if (!e->met) {
        e->error = MEANTIME_NO_SERVER;
        say(e, "no server at %s", where(e, text));
    } else if (e->now_ns > e->alone_since_ns)
        say(e, "; asking again for %.3g s did not help", seconds(e->now_ns - e->alone_since_ns));
    end(e, EXCHANGE_FAILED);
}

static int64_t give_up_at_ns(const struct exchange *e)
{
    return earlier(after(e->alone_since_ns, e->patience_ns), e->deadline_at_ns);
}

static void take_turn(struct exchange *e)
{
    int64_t turn_ns = e->endpoints->count > 1 ? TURN_NS : NEVER;

    e->due_at_ns = earlier(give_up_at_ns(e), after(e->now_ns, turn_ns));
}

static void dial(struct exchange *e)
{
    e->state = EXCHANGE_DIALING;
    take_turn(e);
    order(e, ORDER_DIAL);
}

/* The one that may be dialled first; of several, the next one in the list. */
static size_t next_endpoint(const struct exchange *e)
{
    size_t best = e->at;
    int64_t best_at_ns = NEVER;

    for (size_t i = 1; i <= e->endpoints->count; i++) {
        size_t candidate = (e->at + i) % e->endpoints->count;
        int64_t at_ns = later(e->ready_at_ns[candidate], e->now_ns);
        if (at_ns < best_at_ns) {
            best = candidate;
            best_at_ns = at_ns;
        }
    }
    return best;
}

static void go_on(struct exchange *e)
{
    size_t next = next_endpoint(e);
    int64_t ready_at_ns = e->ready_at_ns[next];

    if (later(ready_at_ns, e->now_ns) >= give_up_at_ns(e)) {
        give_up(e);
        return;
    }
    if (e->state == EXCHANGE_DIALING && next == e->at) { /* no other one may be dialled now */
        take_turn(e);
        return;
    }
    e->at = next;
    if (ready_at_ns <= e->now_ns) {
        dial(e);
        return;
    }
    e->state = EXCHANGE_RESTING;
    e->due_at_ns = ready_at_ns;
    order(e, ORDER_HANG_UP);
}

enum loss {
    LOSS_AWAY,
    LOSS_SILENT,
    LOSS_BUSY,
    LOSS_STOPPING,
    LOSS_BROKEN,
};

static const struct {
    const char *because; /* "The server at ... went away." */
    int64_t patience_ns;
    enum meantime_error error;
} losses[] = {
    [LOSS_AWAY] = {"went away", RETURN_NS, MEANTIME_SERVER_LOST},
    [LOSS_SILENT] = {"fell silent", RETURN_NS, MEANTIME_SERVER_LOST},
    [LOSS_BUSY] = {"is busy", BUSY_NS, MEANTIME_SERVER_BUSY},
    [LOSS_STOPPING] = {"is stopping", RETURN_NS, MEANTIME_SERVER_LOST},
    [LOSS_BROKEN] = {"makes no sense", RETURN_NS, MEANTIME_NONSENSE},
};

/* Whoever set a deadline has said how long to try. Otherwise every endpoint gets its turn. */
static int64_t patience_ns(const struct exchange *e, int64_t least_ns)
{
    if (e->met && e->deadline_at_ns != NEVER)
        return NEVER;
    return later(least_ns, (int64_t)e->endpoints->count * TURN_NS);
}

/* `trouble` says why. rest_ns: before this endpoint is dialled again; NEVER: not at all. */
static void leave(struct exchange *e, enum loss loss, int64_t rest_ns)
{
    if (e->alone_since_ns == NEVER) {
        e->alone_since_ns = e->now_ns;
        e->outages++;
        e->left_endpoint = endpoint(e);
        e->left_because = losses[loss].because;
    }
    e->error = losses[loss].error;
    e->patience_ns = patience_ns(e, losses[loss].patience_ns);
    e->ready_at_ns[e->at] = after(e->now_ns, rest_ns);
    e->losses += loss != LOSS_BUSY;
    if (e->losses < LOSSES_MAX)
        go_on(e);
    else
        give_up(e);
}

/* ---- news: the connection ---------------------------------------------------------------- */

static void begin(struct exchange *e)
{
    e->began_at_ns = e->alone_since_ns = e->now_ns;
    e->patience_ns = patience_ns(e, CONNECT_NS);
    e->deadline_at_ns = e->timeout_ns ? after(e->now_ns, e->timeout_ns) : NEVER;
    dial(e);
}

static void ask(struct exchange *e)
{
    if (!e->met)
        e->alone_since_ns = NEVER;
    e->met = true;
    e->spoken = false;
    e->trouble[0] = '\0';
    e->samples_done = 0;
    e->attempts++;
    e->state = EXCHANGE_ASKED;
    e->due_at_ns = after(e->now_ns, SILENCE_NS);
    send_request(e);
}

static void lose(struct exchange *e)
{
    say(e, "the server at %s went away before it answered", endpoint(e));
    leave(e, LOSS_AWAY, REST_NS);
}

static void fail(struct exchange *e, enum meantime_error error)
{
    e->error = error;
    end(e, EXCHANGE_FAILED);
}

/* Ours is the trouble: the next endpoint would not mend it. */
static void forgo(struct exchange *e)
{
    e->trouble[0] = '\0';
    say(e, "cannot connect to %s: %s", endpoint(e), e->news->reason);
    fail(e, MEANTIME_NO_RESOURCES);
}

/* ---- news: messages ---------------------------------------------------------------------- */

static void trust(struct exchange *e, int64_t alive_at_ns)
{
    e->alone_since_ns = NEVER;
    e->state = EXCHANGE_ASKED;
    e->due_at_ns = after(alive_at_ns, SILENCE_NS);
}

static void live(struct exchange *e)
{
    assert(e->news->alive_at_ns <= e->now_ns);
    trust(e, e->news->alive_at_ns);
}

static void hear_progress(struct exchange *e, const struct progress *progress)
{
    if (progress->id != attempt_id(e))
        return;
    e->samples_done = progress->done;
    e->spoken = true;
    trust(e, e->now_ns);
}

/* An answer to an earlier attempt is as good as one to the last: the sum is the same. */
static void hear_reply(struct exchange *e, const struct sum_reply *reply)
{
    if (reply->id % ATTEMPT_STRIDE != e->asked.id || reply->id > attempt_id(e))
        return;
    if (reply->count != e->asked.count)
        say(e, "the server at %s summed %" PRIu64 " samples instead of %" PRIu64, endpoint(e),
            reply->count, e->asked.count);
    else if (reply->unit_log2 != stream_unit_log2((enum stream_kind)e->asked.kind))
        say(e, "the server at %s counts in units of 2^%d, which is not what it should", endpoint(e),
            reply->unit_log2);
    else {
        e->reply = *reply;
        e->samples_done = reply->count;
        e->error = MEANTIME_OK;
        end(e, EXCHANGE_DONE);
        return;
    }
    leave(e, LOSS_BROKEN, NEVER);
}

static void hear_refusal(struct exchange *e, const struct refusal *refusal)
{
    int64_t retry_ns = refusal->retry_after_ms * NS_PER_MS;

    if (refusal->id != attempt_id(e) && refusal->id != 0)
        return;
    say(e, "the server at %s refused (%s): %s", endpoint(e), status_text(refusal->status),
        refusal->text);
    if (retry_ns)
        say(e, "; try again in %.1f s", seconds(retry_ns));
    if (refusal->status == STATUS_BUSY)
        leave(e, LOSS_BUSY, retry_ns ? later(retry_ns, REST_NS) : NEVER);
    else if (refusal->status == STATUS_STOPPING)
        leave(e, LOSS_STOPPING, STOPPING_NS);
    else if (refusal->status == STATUS_DEADLINE_EXCEEDED)
        fail(e, MEANTIME_TIMED_OUT);
    else
        fail(e, MEANTIME_REFUSED); /* it would be no better at the next one */
}

static void hear(struct exchange *e)
{
    const struct message *message = e->news->message;

    switch (message->type) {
    case MESSAGE_PROGRESS: hear_progress(e, &message->progress); break;
    case MESSAGE_SUM_REPLY: hear_reply(e, &message->sum_reply); break;
    case MESSAGE_REFUSAL: hear_refusal(e, &message->refusal); break;
    default: break; /* nothing that a server says */
    }
}

static void disbelieve(struct exchange *e)
{
    say(e, "what the server at %s said makes no sense: %s", endpoint(e), e->news->reason);
    leave(e, LOSS_BROKEN, NEVER);
}

/* ---- news: time, and the caller's change of mind ------------------------------------------ */

/* A REP server never tells of its progress, and neither does one that froze at once. But only one
 * that is not frozen shakes hands. */
static void doubt(struct exchange *e)
{
    e->state = EXCHANGE_DOUBTING;
    e->due_at_ns = after(e->now_ns, DOUBT_NS);
    if (!e->spoken)
        order(e, ORDER_PROBE);
}

static void despair(struct exchange *e)
{
    say(e, "the server at %s fell silent before it answered", endpoint(e));
    send_cancel(e);
    order(e, ORDER_CUT);
    leave(e, LOSS_SILENT, REST_NS);
}

static void expire(struct exchange *e)
{
    char text[WHERE_BYTES];

    if (e->trouble[0])
        say(e, "; no answer within %.3g s", seconds(e->timeout_ns));
    else
        say(e, "no answer from %s within %.3g s", where(e, text), seconds(e->timeout_ns));
    fail(e, MEANTIME_TIMED_OUT);
}

static void stop(struct exchange *e)
{
    if (e->state == EXCHANGE_ASKED || e->state == EXCHANGE_DOUBTING)
        send_cancel(e);
    e->trouble[0] = '\0';
    say(e, "cancelled");
    fail(e, MEANTIME_CANCELLED);
}

/* ---- all of it --------------------------------------------------------------------------- */

/* What follows from which news; 0: nothing. Of time: when that of the state is over. */
/* clang-format off */
static void (*const table[EXCHANGE_STATES][NEWS_TYPES])(struct exchange *) = {
    /*                      BEGIN  UP   DOWN  CANNOT ALIVE MESSAGE NONSENSE    TIME     CANCEL */
    [EXCHANGE_NEW] =      { begin, 0,   0,    0,     0,    0,      0,          0,       0    },
    [EXCHANGE_DIALING] =  { 0,     ask, 0,    forgo, 0,    0,      0,          go_on,   stop },
    [EXCHANGE_ASKED] =    { 0,     0,   lose, 0,     live, hear,   disbelieve, doubt,   stop },
    [EXCHANGE_DOUBTING] = { 0,     0,   lose, 0,     live, hear,   disbelieve, despair, stop },
    [EXCHANGE_RESTING] =  { 0,     0,   0,    0,     0,    0,      0,          dial,    stop },
    [EXCHANGE_DONE] =     { 0,     0,   0,    0,     0,    0,      0,          0,       0    },
    [EXCHANGE_FAILED] =   { 0,     0,   0,    0,     0,    0,      0,          0,       0    },
};
/* clang-format on */

void exchange_init(struct exchange *e, const struct endpoints *endpoints, size_t first,
                   const struct sum_request *asked, int64_t timeout_ns)
{
    assert(endpoints->count >= 1 && endpoints->count <= ENDPOINTS_MAX);
    assert(first < endpoints->count);
    assert(asked->id > 0 && asked->id < ATTEMPT_STRIDE);
    *e = (struct exchange){
        .asked = *asked,
        .endpoints = endpoints,
        .at = first,
        .timeout_ns = timeout_ns,
        .deadline_at_ns = NEVER,
        .due_at_ns = NEVER,
    };
}

void exchange_step(struct exchange *e, int64_t now_ns, const struct news *news)
{
    assert(now_ns >= e->now_ns);
    assert((news->type == NEWS_BEGIN) == (e->state == EXCHANGE_NEW));
    assert(e->orders_taken == e->orders_given);
    e->orders_taken = e->orders_given = 0;
    e->now_ns = now_ns;
    e->news = news;
    if (news->type == NEWS_TIME && now_ns < exchange_due_at(e))
        return;
    if (news->type == NEWS_TIME && now_ns >= e->deadline_at_ns)
        expire(e);
    else if (table[e->state][news->type])
        table[e->state][news->type](e);
}

const struct order *exchange_next(struct exchange *e)
{
    return e->orders_taken < e->orders_given ? &e->orders[e->orders_taken++] : NULL;
}

int64_t exchange_due_at(const struct exchange *e)
{
    return exchange_over(e) ? NEVER : earlier(e->due_at_ns, e->deadline_at_ns);
}
