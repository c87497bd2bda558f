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
        .due_at_ns = NEVER,
        .heartbeat_at_ns = NEVER,
    };
}

void membership_set_own(struct membership *parent, const struct heartbeat *own)
{
    parent->join.capacity = own->capacity;
    parent->join.height = own->height;
}

static bool is_member(const struct membership *parent)
{
    return parent->heartbeat_at_ns != NEVER;
}

/* What the parent gave is of no use to anybody any more. */
static void lose(struct membership *parent, struct membership_effects *effects)
{
    effects->client_lost = is_member(parent);
    parent->heartbeat_at_ns = NEVER;
}

static void dial(struct membership *parent, struct membership_effects *effects)
{
    lose(parent, effects);
    parent->due_at_ns = NEVER;
    if (parent->state == MEMBERSHIP_LEAVING)
        return;
    parent->state = MEMBERSHIP_DIALLING;
    effects->dial = true;
}

static struct heartbeat own(const struct membership *parent)
{
    return (struct heartbeat){.capacity = parent->join.capacity, .height = parent->join.height};
}

static bool own_changed(const struct membership *parent)
{
    return parent->told.capacity != parent->join.capacity ||
           parent->told.height != parent->join.height;
}

static void join(struct membership *parent, struct membership_effects *effects, int64_t now_ns)
{
    parent->state = MEMBERSHIP_JOINING;
    parent->due_at_ns = now_ns + MEMBERSHIP_JOIN_NS;
    parent->told = own(parent);
    effects->send = true;
    effects->message.type = MESSAGE_JOIN;
    effects->message.join = parent->join;
}

static void send_heartbeat(struct membership *parent, struct membership_effects *effects,
                           int64_t now_ns)
{
    parent->heartbeat_at_ns = now_ns + parent->heartbeat_ns;
    parent->told = own(parent);
    effects->send = true;
    effects->message.type = MESSAGE_HEARTBEAT;
    effects->message.heartbeat = parent->told;
}

static int64_t name_spread_ns(const char *name)
{
    uint32_t hash = 2166136261; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619;
    return hash % MEMBERSHIP_CIRCLE_NS;
}

static void rest(struct membership *parent, const struct refusal *refusal,
                 struct membership_effects *effects, int64_t now_ns)
{
    int64_t rest_ns = refusal->retry_after_ms * NS_PER_MS;

    if (rest_ns < RETRY_NS_MIN)
        rest_ns = RETRY_NS_MIN;
    if (refusal->retry_after_ms == 0)
        rest_ns = MEMBERSHIP_REST_NS;
    if (refusal->status == STATUS_OUT_OF_RANGE)
        rest_ns += name_spread_ns(parent->join.name);
    parent->state = MEMBERSHIP_REFUSED;
    parent->due_at_ns = now_ns + rest_ns;
    effects->problem = refusal->text;
}

/* ---- what the parent says ---------------------------------------------------------------- */

static void on_welcome(struct membership *parent, const struct welcome *welcome, int64_t now_ns)
{
    if (parent->state != MEMBERSHIP_JOINING && parent->state != MEMBERSHIP_LEAVING)
        return;
    if (parent->state == MEMBERSHIP_JOINING)
        parent->state = MEMBERSHIP_JOINED;
    parent->due_at_ns = NEVER;
    parent->heartbeat_ns = welcome->heartbeat_ms * NS_PER_MS;
    parent->heartbeat_at_ns = now_ns + parent->heartbeat_ns;
}

/* NOT_JOINED while Join is on its way answers what was said before that. OUT_OF_RANGE is of a
 * circle: so is the answer to a heartbeat, which ends the membership. */
static void on_refusal(struct membership *parent, const struct refusal *refusal,
                       struct membership_effects *effects, int64_t now_ns)
{
    if (refusal->status == STATUS_NOT_JOINED && is_member(parent)) {
        lose(parent, effects);
        effects->problem = refusal->text;
        if (parent->state == MEMBERSHIP_JOINED)
            join(parent, effects, now_ns);
    } else if (refusal->status == STATUS_OUT_OF_RANGE && parent->state == MEMBERSHIP_JOINED) {
        lose(parent, effects);
        rest(parent, refusal, effects, now_ns);
    } else if (refusal->status != STATUS_NOT_JOINED && parent->state == MEMBERSHIP_JOINING) {
        rest(parent, refusal, effects, now_ns);
    }
}

static void on_message(struct membership *parent, int64_t now_ns, const struct message *message,
                       struct membership_effects *effects)
{
    parent->received_at_ns = now_ns;
    switch (message->type) {
    case MESSAGE_WELCOME: on_welcome(parent, &message->welcome, now_ns); break;
    case MESSAGE_REFUSAL: on_refusal(parent, &message->refusal, effects, now_ns); break;
    case MESSAGE_SUM_REQUEST:
    case MESSAGE_CANCEL: effects->deliver = is_member(parent); break;
    default: break; /* a heartbeat, or nothing that a parent says */
    }
}

/* ---- other news -------------------------------------------------------------------------- */

static void on_up(struct membership *parent, int64_t now_ns, const struct message *message,
                  struct membership_effects *effects)
{
    (void)message;
    if (parent->state == MEMBERSHIP_DIALLING)
        join(parent, effects, now_ns);
}

static void on_down(struct membership *parent, int64_t now_ns, const struct message *message,
                    struct membership_effects *effects)
{
    bool joined = is_member(parent);

    (void)message;
    lose(parent, effects);
    if (parent->state == MEMBERSHIP_LEAVING || parent->state == MEMBERSHIP_DISCONNECTED)
        return;
    parent->state = MEMBERSHIP_DISCONNECTED;
    parent->due_at_ns = now_ns + (joined ? MEMBERSHIP_REDIAL_NS : MEMBERSHIP_REDIAL_LATER_NS);
}

static void on_leave(struct membership *parent, int64_t now_ns, const struct message *message,
                     struct membership_effects *effects)
{
    (void)now_ns;
    (void)message;
    effects->send = parent->state == MEMBERSHIP_JOINED || parent->state == MEMBERSHIP_JOINING;
    effects->message.type = MESSAGE_LEAVE;
    parent->state = MEMBERSHIP_LEAVING;
    parent->due_at_ns = NEVER;
}

static int64_t silence_at_ns(const struct membership *parent)
{
    return parent->received_at_ns + HEARTBEATS_MISSED * parent->heartbeat_ns;
}

/* A heartbeat that is very late shows that this process itself did not run, and what the parent has
 * said meanwhile has still to be read. */
static void joined_time(struct membership *parent, int64_t now_ns,
                        struct membership_effects *effects)
{
    if (now_ns - parent->heartbeat_at_ns > parent->heartbeat_ns)
        parent->received_at_ns = now_ns;
    if (now_ns >= silence_at_ns(parent)) {
        effects->problem = "nothing was heard of it for too long";
        dial(parent, effects);
    } else if (now_ns >= parent->heartbeat_at_ns || own_changed(parent)) {
        send_heartbeat(parent, effects, now_ns);
    }
}

static void on_time(struct membership *parent, int64_t now_ns, const struct message *message,
                    struct membership_effects *effects)
{
    (void)message;
    if (is_member(parent))
        joined_time(parent, now_ns, effects);
    if (now_ns < parent->due_at_ns)
        return;
    if (parent->state == MEMBERSHIP_REFUSED) {
        join(parent, effects, now_ns);
        return;
    }
    if (parent->state == MEMBERSHIP_JOINING)
        effects->problem = "it does not answer; dialling again";
    dial(parent, effects);
}

void membership_step(struct membership *parent, int64_t now_ns, enum membership_event news,
                     const struct message *message, struct membership_effects *effects)
{
    static void (*const handlers[MEMBERSHIP_EVENTS])(
        struct membership *, int64_t, const struct message *, struct membership_effects *) = {
        [MEMBERSHIP_EVENT_CONNECTED] = on_up,    [MEMBERSHIP_EVENT_DISCONNECTED] = on_down,
        [MEMBERSHIP_EVENT_MESSAGE] = on_message, [MEMBERSHIP_EVENT_TIME] = on_time,
        [MEMBERSHIP_EVENT_LEAVE] = on_leave,
    };

    effects->client_lost = effects->dial = effects->deliver = effects->send = false;
    effects->problem = NULL;
    handlers[news](parent, now_ns, message, effects);
}

/* What the parent does not know of this server is due at once. */
int64_t membership_due_at(const struct membership *parent)
{
    int64_t due_at_ns = parent->due_at_ns;

    if (!is_member(parent))
        return due_at_ns;
    if (own_changed(parent))
        return 0;
    if (parent->heartbeat_at_ns < due_at_ns)
        due_at_ns = parent->heartbeat_at_ns;
    return silence_at_ns(parent) < due_at_ns ? silence_at_ns(parent) : due_at_ns;
}
