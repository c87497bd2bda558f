/* The membership of this server at one parent: see membership.h. */
#include "server/core/membership.h"

#include <assert.h>
#include <string.h>

#include "proto/instant.h"
#include "sums/fnv.h"

/* The shortest time before Join is sent again to a parent that is busy. */
#define RETRY_NS_MIN (1000 * NS_PER_MS)

static void set_offers(struct membership *m, const struct offers *offers)
{
    if (offers->count > 0)
        memcpy(m->offers, offers->list, offers->count * sizeof *m->offers);
    m->join.offers = (struct offers){.count = offers->count, .list = m->offers};
}

void membership_init(struct membership *m, const struct join *join)
{
    *m = (struct membership){
        .state = MEMBERSHIP_DIALLING,
        .join = *join,
        .due_at_ns = NEVER,
        .heartbeat_at_ns = NEVER,
    };
    set_offers(m, &join->offers);
}

void membership_set_own(struct membership *m, const struct heartbeat *own)
{
    m->join.capacity = own->capacity;
    m->join.height = own->height;
    if (!offers_equal(&m->join.offers, &own->offers))
        set_offers(m, &own->offers);
}

static bool is_member(const struct membership *m)
{
    return m->heartbeat_at_ns != NEVER;
}

/* Ends the membership. The parent no longer wants the answers to its requests. */
static void end_membership(struct membership *m, struct membership_effects *effects)
{
    effects->client_lost = is_member(m);
    m->heartbeat_at_ns = NEVER;
}

static void dial(struct membership *m, struct membership_effects *effects)
{
    end_membership(m, effects);
    m->due_at_ns = NEVER;
    if (m->state == MEMBERSHIP_LEAVING)
        return;
    m->state = MEMBERSHIP_DIALLING;
    effects->dial = true;
}

/* Notes what the parent gets now. */
static void note_sent(struct membership *m)
{
    uint32_t count = m->join.offers.count;

    memcpy(m->sent_offers, m->offers, count * sizeof *m->offers);
    m->sent = (struct heartbeat){
        .capacity = m->join.capacity,
        .height = m->join.height,
        .offers = {.count = count, .list = m->sent_offers},
    };
}

static bool own_changed(const struct membership *m)
{
    return m->sent.capacity != m->join.capacity || m->sent.height != m->join.height ||
           !offers_equal(&m->sent.offers, &m->join.offers);
}

static void join(struct membership *m, struct membership_effects *effects, int64_t now_ns)
{
    m->state = MEMBERSHIP_JOINING;
    m->due_at_ns = now_ns + MEMBERSHIP_JOIN_NS;
    note_sent(m);
    effects->send = true;
    effects->message.type = MESSAGE_JOIN;
    effects->message.join = m->join;
}

static void send_heartbeat(struct membership *m, struct membership_effects *effects, int64_t now_ns)
{
    m->heartbeat_at_ns = now_ns + m->heartbeat_ns;
    note_sent(m);
    effects->send = true;
    effects->message.type = MESSAGE_HEARTBEAT;
    effects->message.heartbeat = m->sent;
}

static int64_t name_spread_ns(const char *name)
{
    uint64_t hash = fnv_add_bytes(FNV_OFFSET, name, strlen(name));

    return (int64_t)(hash % MEMBERSHIP_CYCLE_NS);
}

static void wait_to_join(struct membership *m, const struct refusal *refusal,
                         struct membership_effects *effects, int64_t now_ns)
{
    int64_t rest_ns = refusal->retry_after_ms * NS_PER_MS;

    if (rest_ns < RETRY_NS_MIN)
        rest_ns = RETRY_NS_MIN;
    if (refusal->retry_after_ms == 0)
        rest_ns = MEMBERSHIP_REST_NS;
    if (refusal->code == REFUSAL_OUT_OF_RANGE)
        rest_ns += name_spread_ns(m->join.name);
    m->state = MEMBERSHIP_REFUSED;
    m->due_at_ns = now_ns + rest_ns;
    effects->problem = refusal->text;
}

/* ---- the parent's messages --------------------------------------------------------------- */

static void on_welcome(struct membership *m, const struct welcome *welcome, int64_t now_ns)
{
    if (m->state != MEMBERSHIP_JOINING && m->state != MEMBERSHIP_LEAVING)
        return;
    if (m->state == MEMBERSHIP_JOINING)
        m->state = MEMBERSHIP_JOINED;
    m->due_at_ns = NEVER;
    m->heartbeat_ns = welcome->heartbeat_ms * NS_PER_MS;
    m->heartbeat_at_ns = now_ns + m->heartbeat_ns;
}

/* If NOT_JOINED arrives while a Join is unanswered, it answers a message before that Join.
 * OUT_OF_RANGE means that the parent has found a cycle. As the answer to a heartbeat, OUT_OF_RANGE
 * ends the membership. */
static void on_refusal(struct membership *m, const struct refusal *refusal,
                       struct membership_effects *effects, int64_t now_ns)
{
    if (refusal->code == REFUSAL_NOT_JOINED && is_member(m)) {
        end_membership(m, effects);
        effects->problem = refusal->text;
        if (m->state == MEMBERSHIP_JOINED)
            join(m, effects, now_ns);
    } else if (refusal->code == REFUSAL_OUT_OF_RANGE && m->state == MEMBERSHIP_JOINED) {
        end_membership(m, effects);
        wait_to_join(m, refusal, effects, now_ns);
    } else if (refusal->code != REFUSAL_NOT_JOINED && m->state == MEMBERSHIP_JOINING) {
        wait_to_join(m, refusal, effects, now_ns);
    }
}

static void on_message(struct membership *m, int64_t now_ns, const struct message *message,
                       struct membership_effects *effects)
{
    m->received_at_ns = now_ns;
    switch (message->type) {
    case MESSAGE_WELCOME: on_welcome(m, &message->welcome, now_ns); break;
    case MESSAGE_REFUSAL: on_refusal(m, &message->refusal, effects, now_ns); break;
    case MESSAGE_SUM_REQUEST:
    case MESSAGE_CANCEL: effects->deliver = is_member(m); break;
    default: break; /* a heartbeat, or a message that parents do not send */
    }
}

/* ---- other events ------------------------------------------------------------------------ */

static void on_connected(struct membership *m, int64_t now_ns, const struct message *message,
                         struct membership_effects *effects)
{
    (void)message;
    if (m->state == MEMBERSHIP_DIALLING)
        join(m, effects, now_ns);
}

static void on_disconnected(struct membership *m, int64_t now_ns, const struct message *message,
                            struct membership_effects *effects)
{
    bool was_member = is_member(m);

    (void)message;
    end_membership(m, effects);
    if (m->state == MEMBERSHIP_LEAVING || m->state == MEMBERSHIP_DISCONNECTED)
        return;
    m->state = MEMBERSHIP_DISCONNECTED;
    m->due_at_ns = now_ns + (was_member ? MEMBERSHIP_REDIAL_NS : MEMBERSHIP_REDIAL_LATER_NS);
}

static void on_leave(struct membership *m, int64_t now_ns, const struct message *message,
                     struct membership_effects *effects)
{
    (void)now_ns;
    (void)message;
    effects->send = m->state == MEMBERSHIP_JOINED || m->state == MEMBERSHIP_JOINING;
    effects->message.type = MESSAGE_LEAVE;
    m->state = MEMBERSHIP_LEAVING;
    m->due_at_ns = NEVER;
}

static int64_t silence_at_ns(const struct membership *m)
{
    return m->received_at_ns + HEARTBEATS_MISSED * m->heartbeat_ns;
}

/* If this server's heartbeat is very late, this process did not run, and messages that the parent
 * sent meanwhile are still unread. */
static void on_member_time(struct membership *m, int64_t now_ns, struct membership_effects *effects)
{
    if (now_ns - m->heartbeat_at_ns > m->heartbeat_ns)
        m->received_at_ns = now_ns;
    if (now_ns >= silence_at_ns(m)) {
        effects->problem = "it sent no message for too long";
        dial(m, effects);
    } else if (now_ns >= m->heartbeat_at_ns || own_changed(m)) {
        send_heartbeat(m, effects, now_ns);
    }
}

static void on_time(struct membership *m, int64_t now_ns, const struct message *message,
                    struct membership_effects *effects)
{
    (void)message;
    if (is_member(m))
        on_member_time(m, now_ns, effects);
    if (now_ns < m->due_at_ns)
        return;
    if (m->state == MEMBERSHIP_REFUSED) {
        join(m, effects, now_ns);
        return;
    }
    if (m->state == MEMBERSHIP_JOINING)
        effects->problem = "it does not answer Join; dialling again";
    dial(m, effects);
}

void membership_step(struct membership *m, int64_t now_ns, enum membership_event event,
                     const struct message *message, struct membership_effects *effects)
{
    static void (*const handlers[MEMBERSHIP_EVENTS])(
        struct membership *, int64_t, const struct message *, struct membership_effects *) = {
        [MEMBERSHIP_EVENT_CONNECTED] = on_connected,
        [MEMBERSHIP_EVENT_DISCONNECTED] = on_disconnected,
        [MEMBERSHIP_EVENT_MESSAGE] = on_message,
        [MEMBERSHIP_EVENT_TIME] = on_time,
        [MEMBERSHIP_EVENT_LEAVE] = on_leave,
    };

    effects->client_lost = effects->dial = effects->deliver = effects->send = false;
    effects->problem = NULL;
    handlers[event](m, now_ns, message, effects);
}

int64_t membership_due_at(const struct membership *m)
{
    if (!is_member(m))
        return m->due_at_ns;
    if (own_changed(m))
        return 0; /* at once */
    return earlier(earlier(m->due_at_ns, m->heartbeat_at_ns), silence_at_ns(m));
}
