#include "server/core/membership.h"

#include <assert.h>

#include "proto/instant.h"

/* Before Join is sent again to a parent that has no room for this server now. */
#define RETRY_NS_MIN (1000 * NS_PER_MS)

void membership_init(struct membership *parent, const struct join *join)
{
    *parent = (struct membership){
        .state = MEMBERSHIP_DIALLING,
        .join = *join,
        .due_at_ns = INT64_MAX,
        .beat_at_ns = INT64_MAX,
    };
}

void membership_know(struct membership *parent, const struct heartbeat *own)
{
    parent->join.capacity = own->capacity;
    parent->join.height = own->height;
}

static bool in_touch(const struct membership *parent)
{
    return parent->beat_at_ns != INT64_MAX;
}

/* What the parent gave is of no use to anybody any more. */
static void lose(struct membership *parent, struct membership_orders *orders)
{
    orders->lost = in_touch(parent);
    parent->beat_at_ns = INT64_MAX;
}

static void dial(struct membership *parent, struct membership_orders *orders)
{
    lose(parent, orders);
    parent->due_at_ns = INT64_MAX;
    if (parent->state == MEMBERSHIP_LEAVING)
        return;
    parent->state = MEMBERSHIP_DIALLING;
    orders->dial = true;
}

static struct heartbeat own(const struct membership *parent)
{
    return (struct heartbeat){.capacity = parent->join.capacity, .height = parent->join.height};
}

static bool news_of_own(const struct membership *parent)
{
    return parent->told.capacity != parent->join.capacity ||
           parent->told.height != parent->join.height;
}

static void join(struct membership *parent, struct membership_orders *orders, int64_t now_ns)
{
    parent->state = MEMBERSHIP_JOINING;
    parent->due_at_ns = now_ns + MEMBERSHIP_JOIN_NS;
    parent->told = own(parent);
    orders->send = true;
    orders->message.type = MESSAGE_JOIN;
    orders->message.join = parent->join;
}

static void beat(struct membership *parent, struct membership_orders *orders, int64_t now_ns)
{
    parent->beat_at_ns = now_ns + parent->heartbeat_ns;
    parent->told = own(parent);
    orders->send = true;
    orders->message.type = MESSAGE_HEARTBEAT;
    orders->message.heartbeat = parent->told;
}

static int64_t name_spread_ns(const char *name)
{
    uint32_t hash = 2166136261; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619;
    return hash % MEMBERSHIP_CIRCLE_NS;
}

static void rest(struct membership *parent, const struct refusal *refusal,
                 struct membership_orders *orders, int64_t now_ns)
{
    int64_t rest_ns = refusal->retry_after_ms * NS_PER_MS;

    if (rest_ns < RETRY_NS_MIN)
        rest_ns = RETRY_NS_MIN;
    if (refusal->retry_after_ms == 0)
        rest_ns = MEMBERSHIP_REST_NS;
    if (refusal->status == STATUS_OUT_OF_RANGE)
        rest_ns += name_spread_ns(parent->join.name);
    parent->state = MEMBERSHIP_RESTING;
    parent->due_at_ns = now_ns + rest_ns;
    orders->trouble = refusal->text;
}

/* ---- what the parent says ---------------------------------------------------------------- */

static void on_welcome(struct membership *parent, const struct welcome *welcome, int64_t now_ns)
{
    if (parent->state != MEMBERSHIP_JOINING && parent->state != MEMBERSHIP_LEAVING)
        return;
    if (parent->state == MEMBERSHIP_JOINING)
        parent->state = MEMBERSHIP_JOINED;
    parent->due_at_ns = INT64_MAX;
    parent->heartbeat_ns = welcome->heartbeat_ms * NS_PER_MS;
    parent->beat_at_ns = now_ns + parent->heartbeat_ns;
}

/* NOT_JOINED while Join is on its way answers what was said before that. OUT_OF_RANGE is of a
 * circle: so is the answer to a heartbeat, which ends the membership. */
static void on_refusal(struct membership *parent, const struct refusal *refusal,
                       struct membership_orders *orders, int64_t now_ns)
{
    if (refusal->status == STATUS_NOT_JOINED && in_touch(parent)) {
        lose(parent, orders);
        orders->trouble = refusal->text;
        if (parent->state == MEMBERSHIP_JOINED)
            join(parent, orders, now_ns);
    } else if (refusal->status == STATUS_OUT_OF_RANGE && parent->state == MEMBERSHIP_JOINED) {
        lose(parent, orders);
        rest(parent, refusal, orders, now_ns);
    } else if (refusal->status != STATUS_NOT_JOINED && parent->state == MEMBERSHIP_JOINING) {
        rest(parent, refusal, orders, now_ns);
    }
}

static void on_message(struct membership *parent, int64_t now_ns, const struct message *message,
                       struct membership_orders *orders)
{
    parent->heard_at_ns = now_ns;
    switch (message->type) {
    case MESSAGE_WELCOME: on_welcome(parent, &message->welcome, now_ns); break;
    case MESSAGE_REFUSAL: on_refusal(parent, &message->refusal, orders, now_ns); break;
    case MESSAGE_SUM_REQUEST:
    case MESSAGE_CANCEL: orders->pass = in_touch(parent); break;
    default: break; /* a heartbeat, or nothing that a parent says */
    }
}

/* ---- other news -------------------------------------------------------------------------- */

static void on_up(struct membership *parent, int64_t now_ns, const struct message *message,
                  struct membership_orders *orders)
{
    (void)message;
    if (parent->state == MEMBERSHIP_DIALLING)
        join(parent, orders, now_ns);
}

static void on_down(struct membership *parent, int64_t now_ns, const struct message *message,
                    struct membership_orders *orders)
{
    bool joined = in_touch(parent);

    (void)message;
    lose(parent, orders);
    if (parent->state == MEMBERSHIP_LEAVING || parent->state == MEMBERSHIP_APART)
        return;
    parent->state = MEMBERSHIP_APART;
    parent->due_at_ns = now_ns + (joined ? MEMBERSHIP_REDIAL_NS : MEMBERSHIP_REDIAL_LATER_NS);
}

static void on_leave(struct membership *parent, int64_t now_ns, const struct message *message,
                     struct membership_orders *orders)
{
    (void)now_ns;
    (void)message;
    orders->send = parent->state == MEMBERSHIP_JOINED || parent->state == MEMBERSHIP_JOINING;
    orders->message.type = MESSAGE_LEAVE;
    parent->state = MEMBERSHIP_LEAVING;
    parent->due_at_ns = INT64_MAX;
}

static int64_t silence_at_ns(const struct membership *parent)
{
    return parent->heard_at_ns + HEARTBEATS_MISSED * parent->heartbeat_ns;
}

/* A heartbeat that is very late shows that this process itself did not run, and what the parent has
 * said meanwhile has still to be read. */
static void in_touch_time(struct membership *parent, int64_t now_ns,
                          struct membership_orders *orders)
{
    if (now_ns - parent->beat_at_ns > parent->heartbeat_ns)
        parent->heard_at_ns = now_ns;
    if (now_ns >= silence_at_ns(parent)) {
        orders->trouble = "nothing was heard of it for too long";
        dial(parent, orders);
    } else if (now_ns >= parent->beat_at_ns || news_of_own(parent)) {
        beat(parent, orders, now_ns);
    }
}

static void on_time(struct membership *parent, int64_t now_ns, const struct message *message,
                    struct membership_orders *orders)
{
    (void)message;
    if (in_touch(parent))
        in_touch_time(parent, now_ns, orders);
    if (now_ns < parent->due_at_ns)
        return;
    if (parent->state == MEMBERSHIP_RESTING) {
        join(parent, orders, now_ns);
        return;
    }
    if (parent->state == MEMBERSHIP_JOINING)
        orders->trouble = "it does not answer; dialling again";
    dial(parent, orders);
}

void membership_step(struct membership *parent, int64_t now_ns, enum membership_news news,
                     const struct message *message, struct membership_orders *orders)
{
    static void (*const handlers[MEMBERSHIP_NEWS])(
        struct membership *, int64_t, const struct message *, struct membership_orders *) = {
        [MEMBERSHIP_UP] = on_up,           [MEMBERSHIP_DOWN] = on_down,
        [MEMBERSHIP_MESSAGE] = on_message, [MEMBERSHIP_TIME] = on_time,
        [MEMBERSHIP_LEAVE] = on_leave,
    };

    orders->lost = orders->dial = orders->pass = orders->send = false;
    orders->trouble = NULL;
    handlers[news](parent, now_ns, message, orders);
}

/* What the parent does not know of this server is due at once. */
int64_t membership_due_at(const struct membership *parent)
{
    int64_t due_at_ns = parent->due_at_ns;

    if (!in_touch(parent))
        return due_at_ns;
    if (news_of_own(parent))
        return 0;
    if (parent->beat_at_ns < due_at_ns)
        due_at_ns = parent->beat_at_ns;
    return silence_at_ns(parent) < due_at_ns ? silence_at_ns(parent) : due_at_ns;
}
